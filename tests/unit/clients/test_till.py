"""What a till makes of answers, of silence and of lies."""

from collections.abc import Callable

from clients.terminal.journal import Operation
from terminals import ccq
from terminals.ccr import Outcome
from terminals.message import RequestKey
from tests.unit.clients.conftest import Counter

CODE = "91123456789012345678"


def on(faulty: str, fault: str, times: int = 10**6) -> Callable[[str], str | None]:
    """A network that does `fault` to the first `times` requests of one operation."""
    left = [times]

    def decide(operation: str) -> str | None:
        if operation != faulty or left[0] == 0:
            return None
        left[0] -= 1
        return fault

    return decide


def every(fault: str) -> Callable[[str], str | None]:
    """A network that does `fault` to everything."""
    return lambda operation: fault


async def test_approved_sale_is_paid_once_and_in_the_journal(counter: Counter) -> None:
    receipt = await counter.till.sell(f"{CODE}\r\n", 1250)
    assert receipt.is_approved
    assert receipt.answer is not None
    assert receipt.answer.minor_amount == 1250
    assert receipt.entry.given["presented"] == CODE
    assert counter.server.paid == {RequestKey(42, 1, 1): 1250}
    assert counter.journal.get(receipt.entry.key).outcome is Outcome.APPROVED
    assert counter.journal.list_open() == []


async def test_decline_is_an_answer_and_no_void_follows(counter: Counter) -> None:
    await counter.till.sell(CODE, 5_000, is_held=True)
    for _ in range(19):
        await counter.till.sell(CODE, 5_000)
    receipt = await counter.till.sell(CODE, 1)
    assert receipt.outcome is Outcome.DECLINED
    assert receipt.response is not None
    assert receipt.response.en == "Balance too low, please top up"
    assert "PurchaseVoid" not in counter.server.asked


async def test_lost_answer_is_asked_again_under_the_same_key(counter: Counter) -> None:
    counter.server.fault = on("PurchaseAuthorise", "LOSE_ANSWER", times=2)
    receipt = await counter.till.sell(CODE, 1250)
    assert receipt.is_approved
    assert receipt.shown["replayed"] is True
    assert counter.server.paid == {RequestKey(42, 1, 1): 1250}
    assert counter.server.asked.count("PurchaseAuthorise") == 3
    assert len(set(counter.server.bodies[-3:])) == 1


async def test_overloaded_server_is_asked_again(counter: Counter) -> None:
    counter.server.fault = on("PurchaseAuthorise", "OVERLOADED", times=1)
    assert (await counter.till.sell(CODE, 1250)).is_approved


async def test_status_tells_what_the_lost_answer_was(counter: Counter) -> None:
    counter.server.fault = on("PurchaseAuthorise", "LOSE_ANSWER")
    receipt = await counter.till.sell(CODE, 1250)
    assert receipt.is_approved
    assert counter.server.asked[-1] == "PurchaseStatus"
    assert counter.server.paid == {RequestKey(42, 1, 1): 1250}
    assert counter.journal.list_open() == []


async def test_purchase_that_never_arrived_is_voided(counter: Counter) -> None:
    counter.server.fault = on("PurchaseAuthorise", "LOSE_REQUEST")
    receipt = await counter.till.sell(CODE, 1250)
    assert receipt.outcome is Outcome.VOIDED
    assert not receipt.is_approved
    assert counter.server.voided == {receipt.entry.key}
    assert counter.server.paid == {}
    assert counter.journal.list_open() == []


async def test_unreachable_server_leaves_a_void_on_the_disk_until_acknowledged(
    counter: Counter,
) -> None:
    counter.server.fault = every("LOSE_ANSWER")
    receipt = await counter.till.sell(CODE, 1250)
    assert receipt.outcome is None
    assert not receipt.is_approved
    assert counter.server.asked.count("PurchaseStatus") == 3
    assert [entry.operation for entry in counter.journal.list_open()] == [
        Operation.AUTHORISE,
        Operation.VOID,
    ]
    assert await counter.till.settle_open() == []
    counter.server.fault = lambda operation: None
    counter.reopen()
    (voided,) = await counter.till.settle_open()
    assert voided.is_approved
    assert voided.entry.original == receipt.entry.key
    assert counter.server.paid == {}
    assert counter.journal.list_open() == []
    assert counter.journal.get(receipt.entry.key).outcome is Outcome.VOIDED


async def test_forged_answer_is_unknown_outcome(counter: Counter) -> None:
    counter.server.fault = every("FORGE")
    receipt = await counter.till.sell(CODE, 1250)
    assert receipt.outcome is None
    assert not receipt.is_approved
    assert counter.server.asked.count("PurchaseStatus") == 3
    counter.server.fault = lambda operation: None
    await counter.till.settle_open()
    assert counter.server.paid == {}
    assert counter.journal.get(receipt.entry.key).outcome is Outcome.VOIDED


async def test_purchase_answer_does_not_acknowledge_its_void(counter: Counter) -> None:
    receipt = await counter.till.sell(CODE, 1250)
    answers, sold = counter.server.answers, receipt.entry.key
    counter.server._money = lambda operation, key, given: answers[sold][1]  # type: ignore[method-assign]  # planted
    voided = await counter.till.void(sold)
    assert voided.outcome is None
    assert [entry.operation for entry in counter.journal.list_open()] == [Operation.VOID]
    assert counter.journal.get(sold).outcome is Outcome.APPROVED


async def test_answer_for_another_amount_is_unknown_outcome(counter: Counter) -> None:
    real = counter.server._shown
    counter.server._shown = (  # type: ignore[method-assign]  # planted
        lambda outcome, named, code, amount: real(outcome, named, code, amount and 1)
    )
    receipt = await counter.till.sell(CODE, 1250)
    assert receipt.outcome is Outcome.VOIDED
    assert counter.server.paid == {}


async def test_held_purchase_is_captured_in_part(counter: Counter) -> None:
    held = await counter.till.sell(CODE, 2_000, is_held=True)
    captured = await counter.till.capture(held.entry.key, 1_500)
    assert captured.is_approved
    assert captured.answer is not None
    assert captured.answer.key == captured.entry.key
    assert counter.server.paid == {held.entry.key: 1_500}


async def test_capture_without_answer_is_repeated_not_voided(counter: Counter) -> None:
    held = await counter.till.sell(CODE, 2_000, is_held=True)
    counter.server.fault = on("PurchaseCapture", "LOSE_ANSWER")
    assert (await counter.till.capture(held.entry.key, 2_000)).outcome is None
    counter.server.fault = lambda operation: None
    (captured,) = await counter.till.settle_open()
    assert captured.is_approved
    assert captured.shown["replayed"] is True
    assert counter.server.paid == {held.entry.key: 2_000}


async def test_cashier_voids_and_refunds(counter: Counter) -> None:
    sold = await counter.till.sell(CODE, 1_000)
    refunded = await counter.till.refund(sold.entry.key, 400, "cold soup", "9")
    assert refunded.is_approved
    assert counter.server.paid == {sold.entry.key: 600}
    again = await counter.till.sell(CODE, 1_000)
    voided = await counter.till.void(again.entry.key)
    assert voided.is_approved
    assert counter.server.paid == {sold.entry.key: 600}
    assert counter.journal.get(again.entry.key).outcome is Outcome.VOIDED


async def test_pin_goes_with_the_continuation_under_a_new_key(counter: Counter) -> None:
    asked = await counter.till.sell(CODE, 6_000)
    assert asked.outcome is Outcome.PIN_REQUIRED
    wrong = await counter.till.sell_with_pin(asked, "111111")
    assert wrong.outcome is Outcome.DECLINED
    assert wrong.shown["triesLeft"] == 4
    paid = await counter.till.sell_with_pin(wrong, "314159")
    assert paid.is_approved
    assert "presented" not in paid.entry.given
    assert paid.entry.key.seq_no == 3
    assert counter.server.paid == {paid.entry.key: 6_000}


async def test_pin_typed_with_the_scan_may_be_typed_again(counter: Counter) -> None:
    wrong = await counter.till.sell(CODE, 6_000, pin="111111")
    assert wrong.outcome is Outcome.DECLINED
    paid = await counter.till.sell_with_pin(wrong, "314159")
    assert paid.is_approved
    assert paid.entry.given["presented"] == CODE


async def test_pin_is_never_in_the_journal(counter: Counter) -> None:
    await counter.till.sell(CODE, 6_000, pin="314159")
    counter.journal.close()
    files = [path.read_bytes() for path in counter.path.parent.iterdir()]
    assert b"pinBlock" not in b"".join(files)
    assert b"314159" not in b"".join(files)


async def test_clock_that_runs_wrong_is_set_by_signed_time(counter: Counter) -> None:
    counter.clock_seconds -= 500
    assert (await counter.till.sell(CODE, 1250)).is_approved
    assert counter.journal.clock_offset_seconds == 500
    assert counter.line().now() == counter.server.now


async def test_time_that_is_not_signed_is_not_believed(counter: Counter) -> None:
    counter.clock_seconds -= 500
    counter.server.sign = lambda message: b"\0" * 64
    assert (await counter.till.sell(CODE, 1250)).outcome is None
    assert counter.journal.clock_offset_seconds == 0
    assert counter.server.paid == {}


async def test_shown_challenge_becomes_the_purchase_of_the_same_key(counter: Counter) -> None:
    shown = await counter.till.show_challenge(3_000)
    signed = ccq.read(counter.till.challenge_text(shown))
    assert isinstance(signed, ccq.SignedChallenge)
    assert (signed.challenge.key, signed.challenge.minor_amount) == (shown.key, 3_000)
    sold = await counter.till.sell(CODE, 3_000, challenge=shown)
    assert sold.entry.key == shown.key
    assert sold.entry.given["challenge"] == signed.text
    assert counter.server.paid == {shown.key: 3_000}


async def test_challenge_that_another_replaces_is_voided(counter: Counter) -> None:
    first = await counter.till.show_challenge(3_000)
    await counter.till.show_challenge(4_000)
    assert counter.server.voided == {first.key}


async def test_closed_batch_opens_the_next_one(counter: Counter) -> None:
    real = counter.server._shown
    counter.server._shown = (  # type: ignore[method-assign]  # planted
        lambda outcome, named, code, amount: real(Outcome.DECLINED, named, "90", amount)
    )
    await counter.till.sell(CODE, 1)
    counter.server._shown = real  # type: ignore[method-assign]  # planted
    assert (await counter.till.sell(CODE, 1)).entry.key == RequestKey(42, 2, 1)
