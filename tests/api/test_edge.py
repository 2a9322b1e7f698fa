"""Tills behind a site edge, with the line up, down and coming back (terminals.md 10)."""

from core.school.records import DocumentKind
from terminals.ccr import Outcome
from tests.api.edges import ALICE, Hall

CARD = "CARD:00000000000001"
MONEY = ("transfer", "leg", "account", "authorisation", "code_use", "offline_item")


async def test_edge_forwards_while_the_line_is_up(hall: Hall) -> None:
    stand = hall.stands[0]
    receipt = await stand.till.sell(CARD, 1_000)
    assert (receipt.outcome, receipt.is_offline, receipt.is_edges) == (
        Outcome.APPROVED, False, False,
    )  # fmt: skip
    assert (await stand.till.void(receipt.entry.key)).is_approved
    assert await hall.balance() == 5_000
    assert await hall.upload() == []


async def test_edge_shares_caps(hall: Hall) -> None:
    phone = await hall.phone()
    first, second = hall.stands
    hall.break_line()
    taken = []
    for place in range(4):
        hall.campus.clock.advance(seconds=1)
        stand = (first, second)[place % 2]
        taken.append(await stand.till.sell(phone.show(), 1_000))
    # Class 1: three purchases for 50 yuan together, wherever in the canteen.
    assert [each.is_approved for each in taken] == [True, True, True, False]
    assert taken[3].response is not None
    assert (taken[3].response.code, taken[3].is_edges) == ("C7", True)
    assert await hall.balance() == 5_000
    await hall.mend_line()
    judged = await hall.upload()
    assert [(each.verdict, each.minor_amount) for each in judged if each.minor_amount] == [
        ("ACCEPTED", 1_000)
    ] * 4  # fmt: skip
    assert await hall.balance() == 2_000
    for stand in hall.stands:
        assert await stand.batches.close(1) in (1_000, 2_000)
    ledger = await hall.campus.rows("SELECT 1 FROM settlement")
    assert len(ledger) == 2
    assert stand.line.store.version(DocumentKind.PARAMETERS) == 1
    assert ALICE.number
