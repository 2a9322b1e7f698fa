"""Which purses pay, in which order, and how much each."""

from uuid import UUID

import pytest

from core.ledger.funding import draw
from core.ledger.records import Purse

ORDER = ("RESERVE", "SUBSIDY", "MAIN")
HELD = tuple(
    Purse(UUID(int=number), kind, balance, pending)
    for number, (kind, balance, pending) in enumerate(
        (("MAIN", 1_000, 100), ("SUBSIDY", 300, 0), ("RESERVE", 500, 0), ("CARD", 9_000, 0))
    )
)


@pytest.mark.parametrize(("amount", "reserve", "shares"), [
    (200, 500, [("RESERVE", 200)]),
    (200, 0, [("SUBSIDY", 200)]),
    (700, 150, [("RESERVE", 150), ("SUBSIDY", 300), ("MAIN", 250)]),
    (1_700, 900, [("RESERVE", 500), ("SUBSIDY", 300), ("MAIN", 900)]),
    (9_999, 0, [("SUBSIDY", 300), ("MAIN", 900)]),
])  # fmt: skip
def test_purses_pay_in_order_what_is_free_and_of_the_reserve_what_is_the_slots(
    amount: int, reserve: int, shares: list[tuple[str, int]]
) -> None:
    assert [(purse.kind, share) for purse, share in draw(HELD, ORDER, amount, reserve)] == shares
    assert draw((), ORDER, amount, reserve) == ()
