"""The table of codes.md 13, taken by thieves; and three defects that make it wrong."""

import pytest

from terminals import cc1, verification
from terminals.cc1 import Presentation
from terminals.codes import CodeRefusal, strip
from terminals.verification import OfflineAuthority, Spent, Verified
from tests.simulation.campus import ROWS, Authority, Row
from tests.simulation.outage import simulate

TABLE = (
    (10_000, 4_000, 20_000, 9_950), (2_500, 1_000, 5_000, 2_450), (400, 160, 800, 350),
    (100, 40, 200, 50), (50, 20, 100, 0),
)  # fmt: skip
"""Yuan per slot: class 1, class 2, class 3, class 1 with a reserve of B."""
RESERVE_MINOR = 5_000
FIGURES = [
    (row, cap_class, yuan[cap_class - 1], yuan[3] if cap_class == 1 else None)
    for row, yuan in zip(ROWS, TABLE, strict=True)
    for cap_class in (1, 2, 3)
]
EDGES, ALONE = ROWS[3], ROWS[1]


@pytest.mark.parametrize(("row", "cap_class", "yuan", "with_reserve"), FIGURES)
def test_thief_takes_what_the_table_says_and_no_fen_more(
    row: Row, cap_class: int, yuan: int, with_reserve: int | None
) -> None:
    outage = simulate(row, cap_class)
    assert outage.burgled == yuan * 100
    assert outage.relayed == outage.relay_bound
    assert outage.forged == 0
    assert outage.refused_guests == []
    if with_reserve is not None:
        assert max(0, outage.burgled - RESERVE_MINOR) == with_reserve * 100


class BySerial(Authority):
    """A defect: every refreshed pass begins with a cap of its own."""

    def sell(self, scanned: str, amount_minor: int, now: int) -> CodeRefusal | None:
        code = cc1.read(strip(scanned))
        if isinstance(code, Presentation):
            own = self.by_serial.get(code.serial, Spent())
            self.spent = {(code.issuer, code.cap_tag): own}
        return super().sell(scanned, amount_minor, now)

    def remember(self, sold: Verified, scanned: str, amount_minor: int) -> None:
        super().remember(sold, scanned, amount_minor)
        code = sold.presentation
        self.by_serial[code.serial] = self.spent[code.issuer, code.cap_tag]

    def __init__(self, site: int) -> None:
        super().__init__(site)
        self.by_serial: dict[bytes, Spent] = {}


class ByText(Authority):
    """A defect: a code is used when the scanner reads the very same characters again."""

    def __init__(self, site: int) -> None:
        super().__init__(site)
        self.texts: set[str] = set()

    def sell(self, scanned: str, amount_minor: int, now: int) -> CodeRefusal | None:
        self.seen.clear()
        if scanned in self.texts:
            return CodeRefusal.CODE_USED
        return super().sell(scanned, amount_minor, now)

    def remember(self, sold: Verified, scanned: str, amount_minor: int) -> None:
        super().remember(sold, scanned, amount_minor)
        self.texts.add(scanned)


def test_caps_that_count_by_serial_are_emptied_again_and_again() -> None:
    assert simulate(EDGES, 1, kind=BySerial).burgled > 100 * 100


def test_replay_by_text_sells_one_screen_more_than_once() -> None:
    outage = simulate(ALONE, 1, kind=ByText)
    assert outage.relayed > outage.relay_bound


def test_mask_that_nobody_reads_bounds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def everywhere(code: Presentation, context: verification.VerificationContext) -> object:
        offline = context.offline
        assert isinstance(offline, OfflineAuthority)
        return verification._cap(code, offline, context.amount_minor)

    monkeypatch.setattr(verification, "_payment", everywhere)
    assert simulate(EDGES, 1).burgled == 8 * 5_000 > 100 * 100


def test_same_seed_is_the_same_outage() -> None:
    first, second = (simulate(EDGES, 1, seed="7") for _ in range(2))
    assert [each.taken for each in first.authorities] == [each.taken for each in second.authorities]
