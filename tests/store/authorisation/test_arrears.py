"""What offline sales left owing: paid by the next top-up, and never kept twice."""

from typing import Any

from core.db.unit import Unit
from core.kit.clock import business_day
from core.ledger.records import Posting
from tests.factories.canteen import TILLS, ZONE, Holder
from tests.factories.offline import ACCEPTED, Lane, Stall, key_of, later


async def owing(stall: Stall, lane: Lane, minor: int = 1_250) -> Holder:
    """A cardholder with 3 yuan who bought for more offline."""
    holder = await stall.canteen.holder(main_minor=300)
    item = lane.write(stall.show(await stall.phone(holder)), minor)
    assert await stall.one(item) == (*ACCEPTED, {"ARREARS"})
    return holder


async def top_up(stall: Stall, holder: Holder, minor: int) -> int:
    """Money comes in, and pays what is owed; how much of it did."""
    canteen = stall.canteen

    async def work(unit: Unit) -> int:
        await canteen.pay_in(unit, holder, minor)
        day = business_day(canteen.clock.now(), ZONE)
        return await canteen.ledger.recover_arrears(unit, holder.id, day)

    return await canteen.database.unit(7, work)


async def lines(stall: Stall, holder: Holder) -> list[tuple[str, int]]:
    page = await stall.canteen.ledger.statement(7, holder.id, month=None, zone=ZONE)
    return [(line.kind, line.amount_minor) for line in page.items]


async def test_next_top_up_pays_what_is_owed_and_the_statement_shows_it(stall: Stall) -> None:
    holder = await owing(stall, stall.lane())
    stall.canteen.clock.advance(seconds=5)
    assert await top_up(stall, holder, 400) == 400
    assert await stall.canteen.ledger.arrears_minor(7, holder.id) == 550
    stall.canteen.clock.advance(seconds=5)
    assert await top_up(stall, holder, 1_000) == 550
    assert await stall.canteen.ledger.arrears_minor(7, holder.id) == 0
    assert (await stall.balance(holder), await stall.account("ARREARS")) == (450, 0)
    assert (await lines(stall, holder))[:4] == [
        ("ARREARS_RECOVERY", -550), ("OPENING_BALANCE", 1_000),
        ("ARREARS_RECOVERY", -400), ("OPENING_BALANCE", 400),
    ]  # fmt: skip
    assert await top_up(stall, holder, 100) == 0
    assert await stall.canteen.broken() == {}


async def test_money_that_waits_for_a_chip_pays_what_is_owed_first(stall: Stall) -> None:
    """Where chips hold money a top-up waits in CLAIM: none of it gets onto a chip before."""
    holder, canteen = await owing(stall, stall.lane()), stall.canteen
    ledger = canteen.ledger

    async def work(unit: Unit) -> int:
        await canteen.limits.lock(unit, holder.id)
        claim = await ledger.open_account(unit, holder.id, "CLAIM")
        cash = await ledger.school_account(unit, "CASH")
        day = business_day(canteen.clock.now(), ZONE)
        posting = Posting(canteen.ids.new(), "CASH_TOP_UP", cash, claim, 1_000)
        await ledger.post(unit, [posting], day)
        return await ledger.recover_arrears(unit, holder.id, day, "CLAIM")

    assert await canteen.database.unit(7, work) == 950
    purses = (await ledger.balances(7, holder.id)).purses
    assert {each.kind: each.available_minor for each in purses} == {
        "SUBSIDY": 0, "MAIN": 0, "CLAIM": 50,
    }  # fmt: skip
    assert await ledger.arrears_minor(7, holder.id) == 0
    assert set(await canteen.broken()) == {"I22 cash"}, "no cashier stands in this test"


async def test_what_comes_back_to_a_paid_debt_is_the_holders(stall: Stall) -> None:
    lane = stall.lane()
    holder = await owing(stall, lane)
    assert await top_up(stall, holder, 950) == 950
    stall.canteen.clock.advance(seconds=5)
    back = stall.canteen.follow("REFUND", key_of(lane), 1_000, key=later(1))
    assert (await stall.canteen.answer(back)).response_code == "00"
    assert (await stall.balance(holder), await stall.account("ARREARS")) == (1_000, 0)
    assert (await lines(stall, holder))[0] == ("ARREARS_RETURN", 950)
    assert await stall.canteen.broken() == {}


async def test_a_void_of_a_purchase_that_is_still_owed_ends_the_debt(stall: Stall) -> None:
    lane = stall.lane()
    holder = await owing(stall, lane)
    undo = stall.canteen.follow("VOID", key_of(lane), key=later(1))
    assert (await stall.canteen.answer(undo)).response_code == "00"
    assert (await stall.balance(holder), await stall.account("ARREARS")) == (300, 0)
    assert await top_up(stall, holder, 100) == 0
    assert await stall.canteen.broken() == {}


async def test_a_debt_takes_the_passes_off_the_terminals_but_not_off_the_holder(
    stall: Stall,
) -> None:
    lane, canteen = stall.lane(), stall.canteen
    holder = await canteen.holder(main_minor=300)
    phone = await stall.phone(holder)
    assert await stall.one(lane.write(stall.show(phone), 500)) == (*ACCEPTED, {"ARREARS"})
    version, denied = await stall.deny.changes(7, 0)
    assert [(line.id, line.version) for line in denied] == [(phone.serial, version)]
    canteen.clock.advance(seconds=60)
    other = stall.lane(TILLS[1])
    unheard = other.write(stall.show(phone), 400)
    assert await stall.one(unheard) == (*ACCEPTED, {"ARREARS"}), "still the holder's, not a loss"
    canteen.clock.advance(seconds=60)
    knew = other.write(stall.show(phone), 400, deny_version=version)
    before = await stall.money()
    assert await stall.one(knew) == ("REJECTED", "REVOKED_KNOWN", set())
    assert await stall.money() == before
    row: Any = await canteen.rows("SELECT revoked_at, withdrawn_at FROM code_pass")
    assert row[0][0] is None
    assert row[0][1] is not None
    assert await canteen.broken() == {}
