"""Offline records against real rows: whose money moves, and how often."""

from dataclasses import replace

from terminals import cc1
from terminals.codes import Use
from terminals.message import RequestKey
from terminals.offline import RecordKind
from tests.factories.canteen import TILLS, canteen_on
from tests.factories.offline import ACCEPTED, SAME, Stall, key_of, later, refused, rich, verdicts
from tests.servers.fixtures import DatabaseDsn

OTHER = TILLS[1]


async def test_offline_purchase_really_debits(stall: Stall) -> None:
    holder = await stall.canteen.holder(main_minor=3_000, subsidy_minor=800)
    phone, lane = await stall.phone(holder), stall.lane()
    assert await stall.one(lane.write(stall.show(phone), 1_250)) == (*ACCEPTED, set())
    assert await stall.balance(holder) == 2_550
    assert await stall.account("MERCHANT") == 1_250
    status = await stall.canteen.authorisations.status(7, key_of(lane))
    assert status.state == "CAPTURED"
    assert status.answer is not None
    assert (status.answer.outcome, status.answer.amount_minor) == ("APPROVED", 1_250)
    assert status.answer.available_minor == 2_550
    spent = "SELECT spent_minor FROM cardholder_limit WHERE school_id = 7"
    assert await stall.canteen.rows(spent) == [(1_250,)]
    assert await stall.canteen.broken() == {}


async def test_what_the_purses_lack_is_owed(stall: Stall) -> None:
    holder = await stall.canteen.holder(main_minor=300, subsidy_minor=200)
    phone, lane = await stall.phone(holder), stall.lane()
    assert await stall.one(lane.write(stall.show(phone), 1_250)) == (*ACCEPTED, {"ARREARS"})
    assert await stall.balance(holder) == 0
    assert await stall.account("ARREARS") == -750
    assert await stall.account("MERCHANT") == 1_250
    assert await stall.canteen.ledger.arrears_minor(7, holder.id) == 750
    assert await stall.canteen.broken() == {}


async def test_an_offline_debt_goes_back_by_refund_and_void(stall: Stall) -> None:
    holder, lane = await stall.canteen.holder(main_minor=300), stall.lane()
    for minor in (1_250, 1_000):
        stall.canteen.clock.advance(seconds=60)
        phone = await stall.phone(holder)
        assert (await stall.one(lane.write(stall.show(phone), minor)))[0] == "ACCEPTED"
    owed = stall.canteen.ledger.arrears_minor
    assert await owed(7, holder.id) == 1_950
    back = stall.canteen.follow("REFUND", key_of(lane, 1), 1_000, key=later(1))
    assert (await stall.canteen.answer(back)).response_code == "00"
    assert (await owed(7, holder.id), await stall.balance(holder)) == (1_000, 50)
    undo = stall.canteen.follow("VOID", key_of(lane, 2), key=later(2))
    assert (await stall.canteen.answer(undo)).response_code == "00"
    assert (await owed(7, holder.id), await stall.balance(holder)) == (0, 50)
    assert await stall.canteen.broken() == {}


async def test_unknown_outcome_offline_same_key_pays_once(stall: Stall) -> None:
    holder = await rich(stall)
    phone, lane = await stall.phone(holder), stall.lane()
    text, key = stall.show(phone), lane.key()
    code = cc1.read(text)
    assert isinstance(code, cc1.Presentation)
    online = stall.canteen.purchase(
        holder, 700, batch_no=1, seq_no=key.seq_no, replay_key=code.replay_key(Use.PAY),
        serial=phone.serial,
    )  # fmt: skip
    assert (await stall.canteen.authorise(online)).outcome == "APPROVED"
    item = lane.write(text, 700, key=key)
    before = await stall.money()
    assert await stall.one(item) == (*ACCEPTED, {"ALREADY_POSTED"})
    assert await stall.money() == before
    assert await stall.balance(holder) == 19_300
    assert await stall.canteen.broken() == {}


async def test_original_that_comes_after_the_record_pays_nothing(stall: Stall) -> None:
    holder = await rich(stall)
    phone, lane = await stall.phone(holder), stall.lane()
    text = stall.show(phone)
    item = lane.write(text, 700)
    await stall.upload(item)
    code = cc1.read(text)
    assert isinstance(code, cc1.Presentation)
    late = stall.canteen.purchase(
        holder, 700, batch_no=1, seq_no=1, replay_key=code.replay_key(Use.PAY)
    )
    claimed = (await stall.canteen.rows(
        "SELECT content_hash FROM terminal_answer WHERE school_id = 7 AND seq_no = 1"
    ))[0][0]  # fmt: skip
    before = await stall.money()
    answer = await stall.canteen.authorise(replace(late, content_hash=claimed))
    assert (answer.verdict, answer.outcome, answer.amount_minor) == ("REPEATED", "APPROVED", 700)
    assert await stall.money() == before


async def test_lost_decline_then_offline_record(stall: Stall) -> None:
    holder = await stall.canteen.holder(main_minor=400)
    phone, lane = await stall.phone(holder), stall.lane()
    key = lane.key()
    declined = await stall.canteen.authorise(
        stall.canteen.purchase(holder, 700, batch_no=1, seq_no=key.seq_no)
    )
    assert declined.response_code == "51"
    item = lane.write(stall.show(phone), 700, key=key)
    assert await stall.one(item) == (*ACCEPTED, {"OVERRODE_DECLINE", "ARREARS"})
    status = await stall.canteen.authorisations.status(7, key_of(lane))
    assert status.answer is not None
    assert (status.state, status.answer.outcome) == ("CAPTURED", "DECLINED")
    assert (await stall.balance(holder), await stall.account("ARREARS")) == (0, -300)
    assert await stall.canteen.broken() == {}


async def test_a_record_takes_over_the_code_that_waits_for_its_pin(stall: Stall) -> None:
    holder = await rich(stall)
    phone, lane = await stall.phone(holder), stall.lane()
    text, key = stall.show(phone), lane.key()
    code = cc1.read(text)
    assert isinstance(code, cc1.Presentation)
    asked = stall.canteen.purchase(
        holder, 700, batch_no=1, seq_no=key.seq_no, replay_key=code.replay_key(Use.PAY),
        single_minor=100,
    )  # fmt: skip
    waiting = await stall.canteen.authorise(asked)
    assert waiting.outcome == "PIN_REQUIRED"
    assert await stall.one(lane.write(text, 700, key=key)) == (*ACCEPTED, {"OVERRODE_DECLINE"})
    redeemed = await stall.canteen.authorise(
        replace(
            stall.canteen.retry(asked), seq_no=500, pin_proven=True,
            continuation_id=waiting.continuation_id,
        )
    )  # fmt: skip
    assert redeemed.response_code == "C1"
    assert await stall.balance(holder) == 19_300
    assert await stall.canteen.broken() == {}


async def test_one_code_two_offline_terminals_is_suspect(stall: Stall) -> None:
    holder = await rich(stall)
    phone = await stall.phone(holder)
    text, first, second = stall.show(phone), stall.lane(), stall.lane(OTHER)
    mine, theirs = first.write(text, 900), second.write(text, 800)
    assert await stall.one(theirs) == (*ACCEPTED, set())
    assert await stall.one(mine) == ("SUSPECT", "CODE_USED_ELSEWHERE", set())
    assert await stall.balance(holder) == 19_200
    assert (await stall.account("MERCHANT"), await stall.account("LOSS")) == (1_700, -900)
    undo = stall.canteen.follow("VOID", key_of(first), key=later(1))
    assert (await stall.canteen.answer(undo)).response_code == "00"
    assert await stall.account("LOSS") == 0
    assert await stall.canteen.broken() == {}


async def test_a_code_used_online_elsewhere_is_suspect_offline(stall: Stall) -> None:
    holder = await rich(stall)
    phone, lane = await stall.phone(holder), stall.lane(OTHER)
    text = stall.show(phone)
    code = cc1.read(text)
    assert isinstance(code, cc1.Presentation)
    online = stall.canteen.purchase(holder, 700, replay_key=code.replay_key(Use.PAY))
    await stall.canteen.authorise(online)
    assert await stall.one(lane.write(text, 900)) == ("SUSPECT", "CODE_USED_ELSEWHERE", set())
    assert await stall.balance(holder) == 19_300
    assert await stall.canteen.broken() == {}


async def test_same_code_under_two_keys_of_one_terminal_pays_once(stall: Stall) -> None:
    holder = await rich(stall)
    phone, lane = await stall.phone(holder), stall.lane()
    text = stall.show(phone)
    assert await stall.one(lane.write(text, 900)) == (*ACCEPTED, set())
    await refused(stall, lane.write(text, 900), "SAME_CODE", "DUPLICATE")
    assert await stall.balance(holder) == 19_100
    suspect = stall.lane(OTHER)
    assert (await stall.one(suspect.write(text, 900)))[0] == "SUSPECT"
    await refused(stall, suspect.write(text, 900), "SAME_CODE", "DUPLICATE")


async def test_caps_span_refreshed_passes(stall: Stall) -> None:
    holder, lane = await rich(stall), stall.lane()
    first = await stall.phone(holder, cap_tag=5, pass_no=1)
    refreshed = await stall.phone(holder, cap_tag=5, pass_no=2)
    for phone, minor in ((first, 2_000), (refreshed, 2_000)):
        stall.canteen.clock.advance(seconds=1)
        assert await stall.one(lane.write(stall.show(phone), minor)) == (*ACCEPTED, set())
    stall.canteen.clock.advance(seconds=1)
    await refused(stall, lane.write(stall.show(refreshed), 1_001), "CAP_EXCEEDED")
    stall.canteen.clock.advance(seconds=1)
    assert await stall.one(lane.write(stall.show(first), 1_000)) == (*ACCEPTED, set())
    stall.canteen.clock.advance(seconds=1)
    await refused(stall, lane.write(stall.show(first), 1), "CAP_EXCEEDED")
    elsewhere = stall.lane(OTHER)
    stall.canteen.clock.advance(seconds=1)
    assert await stall.one(elsewhere.write(stall.show(first), 1)) == (*ACCEPTED, set())
    assert await stall.balance(holder) == 14_999


async def test_a_void_written_offline_undoes_and_leaves_a_tombstone(stall: Stall) -> None:
    lane, holder = stall.lane(), await rich(stall)
    phones = [await stall.phone(holder) for _ in range(2)]
    sold = lane.write(stall.show(phones[0]), 500)
    undone = lane.write("VOID:1", 500, kind=RecordKind.VOID)
    never = lane.write("VOID:9", 700, kind=RecordKind.VOID)
    assert verdicts(await stall.upload(sold, undone, never)) == [ACCEPTED] * 3
    assert await stall.balance(holder) == 20_000
    assert (await stall.canteen.authorisations.status(7, key_of(lane, 9))).state == "TOMBSTONE"
    ninth = lane.write(stall.show(phones[1]), 700, key=RequestKey(TILLS[0], 1, 9))
    await refused(stall, ninth, "KEY_CONFLICT")
    assert verdicts(await stall.upload(undone)) == [SAME]
    for text, minor, reason in (
        ("VOID:x", 500, "MALFORMED"),
        ("VOID:2", 500, "KEY_CONFLICT"),
    ):
        await refused(stall, lane.write(text, minor, kind=RecordKind.VOID), reason)
    assert await stall.canteen.broken() == {}


async def test_a_void_of_another_amount_or_of_a_refunded_sale_changes_nothing(stall: Stall) -> None:
    lane, holder = stall.lane(), await rich(stall)
    await stall.upload(lane.write(stall.show(await stall.phone(holder)), 500))
    await refused(stall, lane.write("VOID:1", 400, kind=RecordKind.VOID), "AMOUNT_INVALID")
    await stall.canteen.answer(stall.canteen.follow("REFUND", key_of(lane, 1), 100, key=later(1)))
    await refused(stall, lane.write("VOID:1", 500, kind=RecordKind.VOID), "VOID_TOO_LATE")
    assert await stall.balance(holder) == 20_000 - 500 + 100


async def test_schools_keep_apart(database_dsn: DatabaseDsn) -> None:
    async with canteen_on(database_dsn.app, school_ids=(7, 8)) as (ours, theirs):
        mine, other = Stall(ours), Stall(theirs)
        holder = await ours.holder(main_minor=5_000)
        phone = await mine.phone(holder)
        assert await mine.one(mine.lane().write(mine.show(phone), 500)) == (*ACCEPTED, set())
        before = await other.money()
        item = other.lane().write(mine.show(phone), 500)
        assert await other.one(item) == ("REJECTED", "ISSUER_NOT_ACCEPTED", set())
        assert await other.money() == before
        assert (await ours.broken(), await theirs.broken()) == ({}, {})
