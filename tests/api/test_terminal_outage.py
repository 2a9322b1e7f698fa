"""The reference till through an outage of the real application, and the close of its day."""

import pytest
from nacl.signing import SigningKey

from clients.endpoint import NoAnswer
from clients.terminal.batches import Batches
from clients.terminal.receipt import Patience
from clients.terminal.till import Till as ReferenceTill
from core.school.records import DocumentKind
from terminals.offline import RecordKind
from tests.api.alone import Alone, open_offline
from tests.api.counter import ALICES_CARD, Counter
from tests.api.devices import SCHOOL, Till

HASTY = Patience(budget_seconds=2, attempt_seconds=2, pause_seconds=0.1, status_tries=1)
MONEY = ("transfer", "leg", "account", "authorisation", "code_use", "offline_item")


async def ready(counter: Counter) -> Batches:
    """A till that holds the school's documents."""
    await open_offline(counter.campus)
    await counter.line.set_clock()
    await counter.line.set_clock()
    return Batches(counter.journal, counter.line, counter.line.store)


def lose_patience(counter: Counter) -> None:
    """Answers that do not come are not waited for long."""
    counter.till = ReferenceTill(counter.journal, counter.line, HASTY)


async def test_day_with_an_outage_is_paid_once_and_settled(counter: Counter) -> None:
    batches, phone = await ready(counter), await counter.phone()
    assert counter.line.store.version(DocumentKind.PARAMETERS) == 1
    assert (await counter.till.sell(ALICES_CARD, 1_000)).is_approved
    lose_patience(counter)
    counter.network.lost = lambda operation: operation.startswith("Purchase")
    counter.campus.clock.advance(seconds=30)
    alone = await counter.till.sell(phone.show(), 700)
    assert alone.is_offline
    # The request had arrived: the money moved once, under the very key of the record.
    assert await counter.balance("S001") == 3_300
    counter.network.lost = lambda _operation: False
    (judged,) = await batches.upload()
    assert (judged.verdict, judged.flags) == ("ACCEPTED", ("ALREADY_POSTED",))
    assert await counter.balance("S001") == 3_300
    assert await batches.close(1) == 1_700
    before = await counter.campus.dump(*MONEY)
    assert await batches.close(1) == 1_700
    assert await counter.campus.dump(*MONEY) == before


async def test_card_is_tapped_in_an_outage_and_refused_once_it_is_lost(counter: Counter) -> None:
    batches, campus = await ready(counter), counter.campus
    counter.network.cut = lambda operation: operation.startswith("Purchase")
    assert (await counter.till.sell(ALICES_CARD, 700)).is_offline
    cards, alice = campus.wired.services.cards, await campus.id_of("S001")
    campus.clock.advance(seconds=30)
    await cards.report_loss_by_guardian(SCHOOL, alice)
    campus.clock.advance(seconds=30)
    assert (await counter.till.sell(ALICES_CARD, 300)).is_offline, "it has not heard of the loss"
    campus.clock.advance(seconds=30)
    for _ in range(2):
        await counter.line.set_clock()
    assert counter.line.store.deny_list(counter.line.now()).has_card(bytes.fromhex("0" * 13 + "1"))
    assert not (await counter.till.sell(ALICES_CARD, 100)).is_approved
    counter.network.cut = lambda _operation: False
    judged = await batches.upload()
    assert [(j.verdict, j.flags) for j in judged] == [
        ("ACCEPTED", ()), ("ACCEPTED", ("AFTER_REPORT",)),
    ]  # fmt: skip
    assert await counter.balance("S001") == 4_300
    await counter.till.settle_open()
    assert await batches.close(1) == 1_000


async def test_sale_undone_in_an_outage_is_paid_by_nobody(counter: Counter) -> None:
    batches, phone = await ready(counter), await counter.phone()
    lose_patience(counter)
    counter.network.lost = lambda operation: operation.startswith("Purchase")
    posted = await counter.till.sell(phone.show(), 700)
    counter.network.lost, counter.network.cut = lambda _: False, lambda _: True
    counter.campus.clock.advance(seconds=30)
    alone = await counter.till.sell(ALICES_CARD, 300)
    for sold in (posted, alone):
        assert sold.is_offline
        assert (await counter.till.void(sold.entry.key)).is_approved
    assert await counter.balance("S001") == 4_300, "the first had arrived"
    counter.network.cut = lambda _: False
    await counter.till.settle_open()
    judged = await batches.upload()
    assert [(j.verdict, j.flags) for j in judged] == [
        ("ACCEPTED", ("ALREADY_POSTED",)), ("ACCEPTED", ()), ("ACCEPTED", ()), ("ACCEPTED", ()),
    ]  # fmt: skip
    assert await counter.balance("S001") == 5_000
    assert await batches.close(1) == 0


async def test_receipt_that_a_till_took_alone_is_matched_once_and_settled(
    counter: Counter,
) -> None:
    batches, phone = await ready(counter), await counter.phone()
    counter.network.cut = lambda operation: operation.startswith("Purchase")
    shown = await counter.till.show_challenge(1_250)
    payment = await phone.pay_code(counter.till.challenge_text(shown))
    assert counter.till.take_receipt(payment["receipt"]).is_approved
    assert counter.line.store.waiting() == (1, 0)
    assert await counter.balance("S001") == 3_750
    counter.network.cut = lambda _operation: False
    before = await counter.campus.dump(*MONEY[:-1])
    (judged,) = await batches.upload()
    assert (judged.verdict, judged.flags) == ("ACCEPTED", ("ALREADY_POSTED",))
    assert await counter.campus.dump(*MONEY[:-1]) == before
    assert await batches.close(1) == 1_250


async def test_receipt_shown_twice_or_at_another_till_is_refused_by_the_server_too(
    counter: Counter,
) -> None:
    await ready(counter)
    phone, campus = await counter.phone(), counter.campus
    shown = await counter.till.show_challenge(1_250)
    text = (await phone.pay_code(counter.till.challenge_text(shown)))["receipt"]
    other = Alone(await campus.till())
    own = Alone(
        Till(
            campus,
            counter.journal.identity.terminal_no,
            SigningKey(bytes.fromhex(counter.journal.identity.seed)),
        )
    )
    before = await campus.dump(*MONEY[:-1])
    for lane, reason in ((other, "NOT_MINE"), (own, "NOT_OUTSTANDING")):
        key = {"batchNo": 1, "seqNo": 900}
        lane.write(text, 1_250, key=key, record_kind=RecordKind.RECEIPT)
        (settled,) = await lane.upload()
        told = settled["judgement"]["verdict"], settled["judgement"]["reason"]
        assert told == ("REJECTED", reason)
    assert await campus.dump(*MONEY[:-1]) == before


async def test_heartbeat_tells_a_till_to_upload_and_to_close_its_old_batch(
    counter: Counter,
) -> None:
    batches, phone = await ready(counter), await counter.phone()
    counter.network.cut = lambda operation: operation.startswith("Purchase")
    counter.campus.clock.advance(seconds=30)
    assert (await counter.till.sell(phone.show(), 700)).is_offline
    counter.network.cut = lambda _operation: False
    beat = await counter.line.set_clock()
    assert beat["directives"] == ["UPLOAD"]
    await batches.obey(beat["directives"])
    assert await counter.balance("S001") == 4_300
    counter.campus.clock.advance(seconds=86_401)
    told = (await counter.line.set_clock())["directives"]
    assert told[-1] == "CLOSE"
    await batches.obey(told)
    assert [
        tuple(row)
        for row in await counter.campus.rows(
            "SELECT batch_no, closed_by, net_minor FROM settlement WHERE school_id = 7"
        )
    ] == [(1, "TERMINAL", 700)]
    assert "CLOSE" not in (await counter.line.set_clock())["directives"]


async def test_upload_whose_answer_is_lost_is_sent_again(counter: Counter) -> None:
    batches, phone = await ready(counter), await counter.phone()
    lose_patience(counter)
    counter.network.cut = lambda operation: operation.startswith("Purchase")
    counter.campus.clock.advance(seconds=30)
    assert (await counter.till.sell(phone.show(), 700)).is_offline
    assert await counter.balance("S001") == 5_000
    counter.network.cut = lambda _operation: False
    counter.network.lost = lambda operation: operation == "OfflineBatchUpload"
    with pytest.raises(NoAnswer):
        await batches.upload()
    assert await counter.balance("S001") == 4_300
    counter.network.lost = lambda _operation: False
    (judged,) = await batches.upload()
    assert (judged.verdict, judged.flags) == ("ACCEPTED", ())
    assert await counter.balance("S001") == 4_300
    assert await batches.close(1) == 700


async def test_revoked_phone_is_refused_once_the_till_has_the_list(counter: Counter) -> None:
    batches, phone = await ready(counter), await counter.phone()
    lose_patience(counter)
    counter.network.cut = lambda operation: operation.startswith("Purchase")
    devices = await counter.campus.rows("SELECT id, cardholder_id FROM code_device")
    services = counter.campus.wired.services
    counter.campus.clock.advance(seconds=30)
    await services.devices.revoke(SCHOOL, devices[0]["cardholder_id"], devices[0]["id"])
    assert (await counter.till.sell(phone.show(), 700)).is_offline
    counter.campus.clock.advance(seconds=30)
    await counter.line.set_clock()
    assert counter.line.store.version(DocumentKind.DENY) == 1
    await counter.line.set_clock()
    refused = await counter.till.sell(phone.show(), 700)
    assert not refused.is_approved
    counter.network.cut = lambda _operation: False
    (judged,) = await batches.upload()
    assert (judged.verdict, judged.flags) == ("ACCEPTED", ("AFTER_REPORT",))
    assert await counter.balance("S001") == 5_000
    known = await services.deny.protection(SCHOOL)
    assert known.count_protected([counter.journal.identity.terminal_no]) == 1
