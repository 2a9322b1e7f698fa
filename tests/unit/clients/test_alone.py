"""A till without a network: what it accepts by its own documents, and what it sends afterwards."""

from dataclasses import replace
from typing import Any

import pytest

from clients.endpoint import NoAnswer
from clients.terminal.batches import Batches, BatchNotWhole
from clients.terminal.receipt import CodeTaken, Patience
from clients.terminal.wire_format import DocumentRefused
from clients.terminal.words import tell
from core.school.records import DeniedKind
from terminals import cc1, ccq, deny
from terminals.ccr import Outcome
from terminals.documents import DocumentKind
from terminals.keys import signer
from terminals.offline import first_link
from terminals.parameters import CardCap
from terminals.response import Action
from tests.unit.clients.conftest import Counter
from tests.unit.clients.outage import (
    code,
    cut,
    prepare,
    publish,
    publish_deny,
    publish_lines,
    restore,
)
from tests.unit.clients.pretend_keys import school_document
from tests.unit.clients.pretend_server import NOW
from tests.unit.terminals.test_funding import WALLETS


@pytest.fixture(autouse=True)
def short(counter: Counter) -> None:
    """A till that does not insist long."""
    counter.patience = Patience(budget_seconds=0.02, pause_seconds=0.002, status_tries=1)
    counter.reopen()


def batches(counter: Counter) -> Batches:
    return Batches(counter.journal, counter.till.line, counter.till.line.store)


async def assert_not_taken(counter: Counter, text: str, minor: int = 500, **given: Any) -> None:
    """The sale is not accepted offline: its void waits, and no record was written."""
    before = counter.till.line.store.waiting()
    receipt = await counter.till.sell(text, minor, **given)
    assert not receipt.is_approved
    assert counter.till.line.store.waiting() == before
    assert counter.journal.get(receipt.entry.key).outcome is not Outcome.APPROVED


@pytest.mark.parametrize("fault", ["LOSE_REQUEST", "LOSE_ANSWER", "FORGE"])
async def test_sale_without_a_verified_answer_is_taken_under_the_same_key(
    counter: Counter, fault: str
) -> None:
    await prepare(counter)
    cut(counter, fault)
    receipt = await counter.till.sell(code(), 1_250)
    assert (receipt.is_approved, receipt.is_offline, receipt.answer) == (True, True, None)
    (stored,) = counter.till.line.store.of_batch(1)
    record = stored.item.record
    assert (record.key, record.minor_amount, record.created_at) == (receipt.entry.key, 1_250, NOW)
    assert (record.parameters_version, record.deny_version, record.clock_state) == (7, 0, 1)
    assert stored.item.previous == first_link(7, 42, 1)
    assert counter.journal.list_open() == []
    restore(counter)
    (judged,) = await batches(counter).upload()
    assert (judged.key, judged.verdict) == (record.key, "ACCEPTED")
    assert counter.server.paid == {record.key: 1_250}
    assert await batches(counter).upload() == []


async def test_answered_sale_is_never_taken_offline(counter: Counter) -> None:
    await prepare(counter)
    restore(counter)
    assert (await counter.till.sell(code(), 500)).outcome is Outcome.APPROVED
    assert (await counter.till.sell(code(2), 200_000)).outcome is not Outcome.APPROVED
    counter.server._terminal = bytes(32)  # it says that it does not know this terminal
    await assert_not_taken(counter, code(3))
    assert counter.till.line.store.waiting() == (0, 0)


async def test_without_documents_nothing_is_taken(counter: Counter) -> None:
    cut(counter)
    await assert_not_taken(counter, code())


@pytest.mark.parametrize("changes", [
    {"offline_money": False}, {"sites": []}, {"offline_challenge_above_minor": 400},
    {"offline_instruments": []}, {"stored_records": 0}, {"stored_total_minor": 499},
])  # fmt: skip
async def test_what_the_parameters_forbid_is_not_taken(
    counter: Counter, changes: dict[str, Any]
) -> None:
    await prepare(counter, **changes)
    await assert_not_taken(counter, code())


@pytest.mark.parametrize(("text", "minor"), [
    (code(), 2_001), (code(cap_class=0), 500), (code(mask=1), 500), (code(at=NOW - 61), 500),
    (code(at=NOW + 16), 500), (code(kid=3), 500), ("CARD:00000001", 500), ("9" * 20, 500),
    ("13" + "0" * 16, 500), ("28" + "0" * 16, 500),
])  # fmt: skip
async def test_what_does_not_verify_offline_is_not_taken(
    counter: Counter, text: str, minor: int
) -> None:
    await prepare(counter)
    await assert_not_taken(counter, text, minor)


@pytest.mark.parametrize("text", WALLETS)
async def test_wallet_code_refused_in_outage(counter: Counter, text: str) -> None:
    await prepare(counter)
    before = counter.till.line.store.waiting()
    receipt = await counter.till.sell(text, 500)
    assert receipt.response is not None
    assert (receipt.response.code, receipt.response.action) == ("C8", Action.NEXT)
    assert "C8  脱机不支持" in tell(receipt, "zh")
    assert "C8  Not possible offline" in tell(receipt, "en")
    # No record, nothing spent; what may have reached the server is voided there.
    assert counter.till.line.store.waiting() == before == (0, 0)
    assert counter.till.line.store.spent() == {}
    assert (receipt.is_approved, counter.server.paid) == (False, {})
    restore(counter)
    (voided,) = await counter.till.settle_open()
    assert voided.outcome is Outcome.VOIDED
    assert "C8" in tell(replace(voided, refusal=receipt.refusal), "zh")


CARDS = {"card_cap": CardCap(amount_minor=1_000, count=2, total_minor=1_500)}


async def test_card_is_taken_alone_where_the_parameters_allow_it(counter: Counter) -> None:
    await prepare(counter, deny_age_seconds=100_000, **CARDS)
    await assert_not_taken(counter, "CARD:04a1b2c3", 1_001)
    receipt = await counter.till.sell("CARD:04a1b2c3", 800)
    assert receipt.is_offline
    (stored,) = counter.till.line.store.of_batch(1)
    record = stored.item.record
    assert (record.presented, record.minor_amount) == ("CARD:04a1b2c3", 800)
    await assert_not_taken(counter, "CARD:04A1B2C3:5", 701)
    counter.reopen()
    assert (await counter.till.sell("CARD:04A1B2C3:5", 700)).is_offline
    await assert_not_taken(counter, "CARD:04A1B2C3", 1)
    assert (await counter.till.sell("CARD:04A1B2C4", 1_000)).is_offline, "another card"
    restore(counter)
    assert {judged.verdict for judged in await batches(counter).upload()} == {"ACCEPTED"}
    cut(counter)
    await assert_not_taken(counter, "CARD:04A1B2C3", 1)
    counter.clock_seconds += 86_400
    await assert_not_taken(counter, "CARD:04A1B2C3", 1)
    counter.clock_seconds += 1
    assert (await counter.till.sell("CARD:04A1B2C3", 1_000)).is_offline, "another day"


async def test_denied_card_is_not_taken_until_it_comes_off_the_list(counter: Counter) -> None:
    uid = bytes.fromhex("04a1b200")
    line = (DeniedKind.UID, uid, NOW + 90_000)
    publish_lines(counter, 3, deny.added([line]))
    await prepare(counter, **CARDS)
    await assert_not_taken(counter, "CARD:04A1B200")
    assert (await counter.till.sell("CARD:04A1B201", 500)).is_offline
    restore(counter)
    publish_lines(counter, 4, [deny.Entry(line[0], deny.Op.REMOVE, uid, 1)], base=3)
    await counter.till.line.set_clock()
    await counter.till.line.set_clock()
    cut(counter)
    assert (await counter.till.sell("CARD:04A1B200", 500)).is_offline


async def test_held_sales_and_pins_need_the_network(counter: Counter) -> None:
    await prepare(counter)
    await assert_not_taken(counter, code(), is_held=True)
    await assert_not_taken(counter, code(2), pin="314159")


async def test_code_taken_alone_is_not_sent_when_the_line_is_back(counter: Counter) -> None:
    await prepare(counter)
    assert (await counter.till.sell(code(), 500)).is_offline
    with pytest.raises(CodeTaken):
        await counter.till.sell(code(), 500)
    restore(counter)
    counter.reopen()
    asked, last = list(counter.server.asked), counter.journal.list_newest(1)
    with pytest.raises(CodeTaken):
        await counter.till.sell(code() + "\r\n", 500)
    assert (counter.server.asked, counter.journal.list_newest(1)) == (asked, last)
    assert [judged.verdict for judged in await batches(counter).upload()] == ["ACCEPTED"]
    with pytest.raises(CodeTaken):
        await counter.till.sell(code(), 500)
    assert sum(counter.server.paid.values()) == 500


async def test_code_is_taken_once_also_if_it_was_sent_before(counter: Counter) -> None:
    await prepare(counter)
    restore(counter)
    assert (await counter.till.sell(code(2), 500)).outcome is Outcome.APPROVED
    cut(counter)
    await assert_not_taken(counter, code(2))


async def test_caps_are_remembered_over_a_restart_and_refused_records_give_back(
    counter: Counter,
) -> None:
    await prepare(counter)
    for second in range(3):
        counter.clock_seconds = NOW + second
        assert (await counter.till.sell(code(at=NOW + second), 1_000)).is_offline
        counter.reopen()
    await assert_not_taken(counter, code(at=NOW + 3))
    store = counter.till.line.store
    store.note(store.of_batch(1)[0].item.record.key, "REJECTED", "KEY_CONFLICT")
    counter.clock_seconds = NOW + 4
    assert (await counter.till.sell(code(at=NOW + 4), 1_000)).is_offline


async def test_bound_code_is_taken_with_its_challenge(counter: Counter) -> None:
    await prepare(counter, offline_challenge_above_minor=400)
    shown = await counter.till.show_challenge(500)
    text = counter.till.challenge_text(shown)
    read = ccq.read(text)
    assert isinstance(read, ccq.SignedChallenge)
    plain = cc1.read(code())
    assert isinstance(plain, cc1.Presentation)
    bound = cc1.show(plain.raw[:115], 3_600, cc1.Intent.PAY, signer(b"\x33" * 32), read.digest)
    receipt = await counter.till.sell(bound, 500, challenge=shown)
    assert receipt.is_offline
    (stored,) = counter.till.line.store.of_batch(1)
    assert (stored.item.record.challenge, stored.item.record.key) == (text, shown.key)


async def test_denied_serial_is_not_taken_and_an_old_list_stops_all(counter: Counter) -> None:
    publish_deny(counter, 3, 1)
    await prepare(counter)
    assert counter.till.line.store.version(DocumentKind.DENY) == 3
    await assert_not_taken(counter, code(1))
    assert (await counter.till.sell(code(2), 500)).is_offline
    assert counter.till.line.store.of_batch(1)[0].item.record.deny_version == 3
    counter.clock_seconds = NOW + 86_400
    fresh = code(3, at=NOW + 86_400, ttl=200)
    assert (await counter.till.sell(fresh, 500)).is_offline
    counter.clock_seconds = NOW + 86_401
    await assert_not_taken(counter, code(4, at=NOW + 86_401, ttl=200))


async def test_clock_that_no_signed_time_confirmed_for_three_days_takes_no_money(
    counter: Counter,
) -> None:
    await prepare(counter, deny_age_seconds=400_000)
    for later, taken in ((259_200, True), (259_201, False)):
        counter.clock_seconds = NOW + later
        text = code(later, at=NOW + later, not_before=NOW - 3_600, ttl=255)
        receipt = await counter.till.sell(text, 500)
        assert receipt.is_offline is (taken and later <= 255 * 900 - 3_600)


async def test_old_document_version_refused(counter: Counter) -> None:
    await prepare(counter)
    restore(counter)
    store = counter.till.line.store
    counter.server.documents = []
    publish(counter, 7, offline_money=False)
    await counter.till.line.sync()
    assert store.version(DocumentKind.PARAMETERS) == 7
    identity = counter.journal.identity
    old = school_document(DocumentKind.PARAMETERS, 6, b"{}")
    assert store.take(old, 7, identity.ring, NOW) == "VERSION_OLD"
    parameters = store.parameters()
    assert parameters is not None
    assert parameters.offline_money


async def test_changes_to_a_deny_list_follow_the_one_held(counter: Counter) -> None:
    publish_deny(counter, 3, 1)
    await prepare(counter)
    restore(counter)
    publish_deny(counter, 4, 2, base=3)
    await counter.till.line.set_clock()
    store = counter.till.line.store
    assert len(store.deny_list(NOW).serials()) == 2
    assert store.deny_list(NOW + 90_001).serials() == frozenset()
    publish_deny(counter, 9, 3, base=8)
    with pytest.raises(DocumentRefused, match="DENY is refused: MALFORMED"):
        await counter.till.line.set_clock()
    assert (store.version(DocumentKind.DENY), len(store.deny_list(NOW).serials())) == (4, 2)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff"])
async def test_content_that_cannot_be_read_leaves_the_slot_in_use(
    counter: Counter, content: bytes
) -> None:
    await prepare(counter)
    store, ring = counter.till.line.store, counter.journal.identity.ring
    bad = school_document(DocumentKind.PARAMETERS, 8, content)
    assert store.take(bad, 7, ring, NOW) == "MALFORMED"
    assert store.version(DocumentKind.PARAMETERS) == 7


async def test_close_uploads_first_and_settles_once(counter: Counter) -> None:
    await prepare(counter)
    assert (await counter.till.sell(code(), 500)).is_offline
    restore(counter)
    assert (await counter.till.sell(code(2), 700)).is_approved
    voided = await counter.till.sell(code(3), 300)
    await counter.till.void(voided.entry.key)
    held = await counter.till.sell(code(4), 900, is_held=True)
    await counter.till.capture(held.entry.key, 400)
    await counter.till.refund(held.entry.key, 150, "cold soup")
    refused = await counter.till.sell(code(5), 6_000)
    assert refused.outcome is Outcome.PIN_REQUIRED
    await counter.till.sell_with_pin(refused, "314159")
    assert await batches(counter).close(1) == 500 + 700 + 400 - 150 + 6_000
    assert counter.server.asked[-2:] == ["OfflineBatchUpload", "BatchClose"]
    assert counter.till.line.store.is_settled(1)
    assert counter.journal.batch_no() == 2
    assert await batches(counter).close(1) == 7_450, "asked again, the same"


async def test_record_that_a_restored_server_misses_is_sent_again_and_paid_once(
    counter: Counter,
) -> None:
    await prepare(counter)
    for number in range(2):
        assert (await counter.till.sell(code(number), 500)).is_offline
    restore(counter)
    first, _ = await batches(counter).upload()
    del counter.server.records[first.key], counter.server.paid[first.key]
    assert await batches(counter).close(1) == 1_000
    assert counter.server.paid[first.key] == 500
    assert counter.server.asked[-3:] == ["BatchClose", "OfflineBatchUpload", "BatchClose"]


async def test_batch_with_an_open_request_or_a_difference_is_not_settled(
    counter: Counter,
) -> None:
    await prepare(counter)
    await assert_not_taken(counter, "9" * 20)
    with pytest.raises(BatchNotWhole, match="requests are open"):
        await batches(counter).close(1)
    restore(counter)
    await counter.till.settle_open()
    counter.server.paid[(await counter.till.sell(code(2), 700)).entry.key] = 701
    key = counter.journal.list_newest(1)[0].key
    with pytest.raises(BatchNotWhole) as refusal:
        await batches(counter).close(key.batch_no)
    assert refusal.value.result is not None
    assert not counter.till.line.store.is_settled(key.batch_no)


async def test_upload_that_is_cut_is_sent_again_and_pays_once(counter: Counter) -> None:
    await prepare(counter)
    for number in range(3):
        assert (await counter.till.sell(code(number), 500)).is_offline
    cut(counter, "LOSE_ANSWER", "OfflineBatchUpload")
    with pytest.raises(NoAnswer):
        await batches(counter).upload()
    assert counter.till.line.store.waiting() == (3, 1_500)
    restore(counter)
    assert [judged.verdict for judged in await batches(counter).upload()] == ["ACCEPTED"] * 3
    assert sum(counter.server.paid.values()) == 1_500


async def test_judged_records_of_settled_batches_are_forgotten_after_two_days(
    counter: Counter,
) -> None:
    await prepare(counter)
    await counter.till.sell(code(), 500)
    restore(counter)
    await batches(counter).close(1)
    counter.clock_seconds = NOW + 172_800
    await batches(counter).upload()
    assert len(counter.till.line.store.of_batch(1)) == 1
    counter.clock_seconds += 1
    await batches(counter).upload()
    assert counter.till.line.store.of_batch(1) == []
