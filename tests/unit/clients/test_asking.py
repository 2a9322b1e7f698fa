"""A till that shows a code for phones to pay: online, offline, and when nobody comes."""

from typing import Any

import pytest

from clients.terminal.receipt import ClockUntrusted, ReceiptRefused
from clients.terminal.till import CHALLENGE_SECONDS
from terminals import base45, ccr
from terminals.ccr import Answer, Outcome
from terminals.keys import signer
from terminals.message import RequestKey
from terminals.offline import RecordKind
from tests.unit.clients.conftest import Counter
from tests.unit.clients.pretend_server import ISSUER, NOW
from tests.unit.clients.test_till import every

HOURS = 3_600


def receipt_of(counter: Counter, key: RequestKey, **changes: Any) -> str:
    """A receipt for a key as the school would sign it, with changes."""
    approved = Answer(Outcome.APPROVED, ISSUER, 2, key, 1_250, NOW, "00")
    return ccr.make(approved._replace(**changes), counter.server.sign)


async def test_key_is_stored_before_the_code_is_shown_and_paid_by_a_phone(
    counter: Counter,
) -> None:
    shown = await counter.till.show_challenge(1_250)
    assert counter.journal.get(shown.key) == shown
    assert await counter.till.look(shown) is None
    counter.server.scan(counter.till.challenge_text(shown))
    receipt = await counter.till.await_payment(shown)
    assert receipt.is_approved
    assert counter.journal.get(shown.key).outcome is Outcome.APPROVED
    assert counter.journal.list_open() == []
    assert counter.server.paid == {shown.key: 1_250}


async def test_code_that_nobody_pays_is_voided_and_a_late_payer_pays_nothing(
    counter: Counter,
) -> None:
    shown = await counter.till.show_challenge(1_250)
    text = counter.till.challenge_text(shown)
    counter.clock_seconds += CHALLENGE_SECONDS + 15
    assert not counter.till.is_over(shown)
    counter.clock_seconds += 1
    ended = await counter.till.await_payment(shown)
    assert (ended.outcome, ended.is_approved) == (Outcome.VOIDED, False)
    assert counter.journal.get(shown.key).outcome is Outcome.VOIDED
    late = counter.server.scan(text)
    assert counter.server.paid == {}
    with pytest.raises(ReceiptRefused, match="NOT_OUTSTANDING"):
        counter.till.take_receipt(late)


async def test_receipt_is_verified_without_a_network(counter: Counter) -> None:
    shown = await counter.till.show_challenge(1_250)
    text = counter.server.scan(counter.till.challenge_text(shown))
    counter.server.fault = every("LOSE_REQUEST")
    receipt = counter.till.take_receipt(text + "\r\n")
    assert receipt.is_approved
    kept = counter.journal.get(shown.key)
    assert (kept.outcome, kept.signed_answer) == (Outcome.APPROVED, text)
    counter.reopen()
    (stored,) = counter.till.line.store.of_batch(1)
    record = stored.item.record
    assert (record.kind, record.key, record.minor_amount) == (RecordKind.RECEIPT, shown.key, 1_250)
    assert (record.presented, record.challenge) == (text, counter.till.challenge_text(shown))
    assert counter.till.line.store.waiting() == (1, 0), "no money that only this till knows of"
    assert await counter.till.settle_open() == []
    with pytest.raises(ReceiptRefused, match="NOT_OUTSTANDING"):
        counter.till.take_receipt(text)  # once is enough for one meal
    assert counter.server.paid == {shown.key: 1_250}


async def test_receipt_of_a_code_that_was_ended_says_so(counter: Counter) -> None:
    shown = await counter.till.show_challenge(1_250)
    counter.server.voided.add(shown.key)
    receipt = counter.till.take_receipt(counter.server.scan(counter.till.challenge_text(shown)))
    assert (receipt.outcome, receipt.is_approved) == (Outcome.VOIDED, False)
    assert counter.journal.get(shown.key).outcome is Outcome.VOIDED


async def test_receipts_are_refused_in_the_order_of_the_format(counter: Counter) -> None:
    shown = await counter.till.show_challenge(1_250)
    good = receipt_of(counter, shown.key)
    raw = base45.decode(good[4:])
    other_key, last = shown.key._replace(seq_no=99), NOW + CHALLENGE_SECONDS + 15
    forger = signer(b"\x99" * 32)
    forged = ccr.make(Answer(Outcome.APPROVED, ISSUER, 2, shown.key, 1_250, NOW, "00"), forger)
    for text, refusal in (
        ("CCR:nonsense", "FORMAT"),
        ("CCR:" + base45.encode(bytes([0x21]) + raw[1:]), "VERSION"),
        ("CCR:" + base45.encode(bytes([0x16]) + raw[1:]), "MALFORMED"),
        (receipt_of(counter, shown.key, kid=9), "KEY_UNKNOWN"),
        (forged, "SIGNATURE"),
        (receipt_of(counter, shown.key._replace(terminal_no=43)), "NOT_MINE"),
        (receipt_of(counter, other_key, minor_amount=1), "NOT_OUTSTANDING"),
        (receipt_of(counter, shown.key, minor_amount=1, answered_at=last + 1), "AMOUNT_MISMATCH"),
        (receipt_of(counter, shown.key, answered_at=last + 1), "RECEIPT_EXPIRED"),
        (receipt_of(counter, shown.key, answered_at=NOW - 16), "RECEIPT_EXPIRED"),
    ):
        with pytest.raises(ReceiptRefused) as refused:
            counter.till.take_receipt(text)
        assert refused.value.refusal == refusal
        assert counter.journal.get(shown.key).outcome is None
        assert counter.till.line.store.waiting() == (0, 0)
    assert counter.till.take_receipt(receipt_of(counter, shown.key, answered_at=last)).is_approved


async def test_receipt_is_nothing_to_a_till_that_shows_nothing(counter: Counter) -> None:
    with pytest.raises(ReceiptRefused, match="NOT_OUTSTANDING"):
        counter.till.take_receipt(receipt_of(counter, RequestKey(42, 1, 1)))


async def test_receipt_does_not_revive_a_code_whose_void_waits(counter: Counter) -> None:
    shown = await counter.till.show_challenge(1_250)
    text = counter.server.scan(counter.till.challenge_text(shown))
    counter.server.fault = every("LOSE_REQUEST")
    assert (await counter.till.give_up(shown)).outcome is None
    with pytest.raises(ReceiptRefused, match="NOT_OUTSTANDING"):
        counter.till.take_receipt(text)  # its void is on its way: the money goes back
    counter.server.fault = lambda operation: None
    await counter.till.settle_open()
    assert counter.server.paid == {}
    assert counter.journal.list_open() == []


async def test_power_cut_while_a_code_is_shown_gives_the_money_back(counter: Counter) -> None:
    shown = await counter.till.show_challenge(1_250)
    counter.server.scan(counter.till.challenge_text(shown))
    counter.reopen()
    await counter.till.settle_open()
    assert counter.server.paid == {}
    assert counter.journal.get(shown.key).outcome is Outcome.VOIDED


async def test_forged_status_is_no_payment(counter: Counter) -> None:
    shown = await counter.till.show_challenge(1_250)
    counter.server.scan(counter.till.challenge_text(shown))
    counter.server.fault = every("FORGE")
    counter.clock_seconds += CHALLENGE_SECONDS + 14
    later = counter.clock_seconds

    def clock() -> float:
        nonlocal later
        later += 0.5
        return later

    counter.till._line._clock = clock
    assert (await counter.till.await_payment(shown)).outcome is None
    assert counter.journal.get(shown.key).outcome is None


@pytest.mark.parametrize(
    ("hours", "is_shown"), [(0, True), (72, True), (72.01, False), (-0.01, False)]
)
async def test_clock_that_nobody_vouches_for_shows_no_code(
    counter: Counter, hours: float, is_shown: bool
) -> None:
    await counter.line().set_clock()
    counter.server.fault = every("LOSE_REQUEST")
    counter.clock_seconds += hours * HOURS
    if is_shown:
        await counter.till.show_challenge(1_250)
        return
    with pytest.raises(ClockUntrusted):
        await counter.till.show_challenge(1_250)
    assert counter.journal.list_open() == []


async def test_clock_is_set_by_itself_where_there_is_a_network(counter: Counter) -> None:
    counter.clock_seconds = NOW + 30
    shown = await counter.till.show_challenge(1_250)
    assert "TerminalHeartbeat" in counter.server.asked
    assert shown.given["createdAt"] == NOW
