"""The reference clients against the real application: what they say happened is what happened."""

from dataclasses import replace

import pytest

from clients.endpoint import NotAllowed
from clients.terminal.receipt import Direction, Patience
from clients.terminal.till import Till
from core.entry.records import DoorScene
from terminals.ccr import Outcome
from terminals.scenes import Scene
from tests.api.counter import ALICES_CARD, BOBS_CARD, Counter
from tests.api.devices import SCHOOL
from tests.api.gates import NORTH
from tests.api.sample import OPERATOR, PIN


async def test_sale_and_void_move_the_purse_there_and_back(counter: Counter) -> None:
    sold = await counter.till.sell(ALICES_CARD, 1_250)
    assert sold.is_approved
    assert sold.shown["holder"]["maskedName"] == "示*"
    assert sold.shown["balance"]["minorAmount"] == 3_750
    assert await counter.balance("S001") == 3_750
    voided = await counter.till.void(sold.entry.key)
    assert voided.is_approved
    assert await counter.balance("S001") == 5_000
    status = await counter.till.status(sold.entry.key)
    assert status is not None
    assert status.shown["state"] == "VOIDED"


async def test_hold_capture_and_refund(counter: Counter) -> None:
    held = await counter.till.sell(ALICES_CARD, 2_000, is_held=True)
    assert held.is_approved
    assert await counter.balance("S001") == 5_000
    captured = await counter.till.capture(held.entry.key, 1_500)
    assert captured.is_approved
    assert await counter.balance("S001") == 3_500
    refunded = await counter.till.refund(held.entry.key, 500, "cold soup")
    assert refunded.is_approved
    assert await counter.balance("S001") == 4_000


async def test_decline_changes_nothing(counter: Counter) -> None:
    declined = await counter.till.sell(BOBS_CARD, 2_000)
    assert declined.outcome is Outcome.DECLINED
    assert declined.answer is not None
    assert declined.answer.response_code == "51"
    assert await counter.balance("S002") == 1_000


async def test_lost_answers_of_every_kind_pay_once(counter: Counter) -> None:
    losses = {"PurchaseAuthorise": 1, "PurchaseCapture": 1, "PurchaseRefund": 1, "PurchaseVoid": 1}

    def lost(operation: str) -> bool:
        losses[operation] = losses.get(operation, 0) - 1
        return losses[operation] >= 0

    counter.network.lost = lost
    held = await counter.till.sell(ALICES_CARD, 2_000, is_held=True)
    assert held.shown["replayed"] is True
    assert (await counter.till.capture(held.entry.key, 2_000)).shown["replayed"] is True
    assert (await counter.till.refund(held.entry.key, 500, "cold")).shown["replayed"] is True
    sold = await counter.till.sell(ALICES_CARD, 1_000)
    assert (await counter.till.void(sold.entry.key)).shown["replayed"] is True
    assert await counter.balance("S001") == 3_500
    assert counter.journal.list_open() == []


async def test_unknown_outcome_is_undone_when_the_network_is_back(counter: Counter) -> None:
    counter.till = Till(counter.journal, counter.line, Patience(0.2, 0.2, 0.01))
    counter.network.lost = lambda operation: True
    unknown = await counter.till.sell(ALICES_CARD, 1_250)
    assert unknown.outcome is None
    counter.network.lost = lambda operation: False
    await counter.till.settle_open()
    assert counter.journal.list_open() == []
    assert counter.journal.get(unknown.entry.key).outcome is Outcome.VOIDED
    assert await counter.balance("S001") == 5_000


async def test_gate_opens_once_for_a_code_and_the_phone_shows_it(counter: Counter) -> None:
    number = counter.journal.identity.terminal_no
    for door_no, scene in ((1, DoorScene.GATE), (2, DoorScene.LIBRARY)):
        door = replace(NORTH, terminal_no=number, number=door_no, scene=scene)
        await counter.campus.wired.services.doors.put(SCHOOL, door, OPERATOR, keep_passback=True)
    phone, losses = await counter.phone(), [1]
    counter.network.lost = lambda name: name == "EntryAuthorise" and bool(losses and losses.pop())
    code = phone.show()
    passed = await counter.till.enter(code, 1, Direction.IN)
    assert passed.is_approved
    assert passed.shown["replayed"] is True
    assert passed.shown["holder"] == {"name": None, "number": None, "holderClass": "STUDENT"}
    again = await counter.till.enter(code, 2, Direction.IN)
    assert again.answer is not None
    assert again.answer.response_code == "C1"
    known = await counter.till.enter(ALICES_CARD, 2, Direction.IN)
    assert known.shown["holder"]["number"] == "S001"
    assert len(await counter.campus.rows("SELECT 1 FROM passage")) == 2


async def test_wrong_clock_is_set_and_the_sale_goes_through(counter: Counter) -> None:
    counter.late_seconds = 900
    assert (await counter.till.sell(ALICES_CARD, 1_000)).is_approved
    assert counter.journal.clock_offset_seconds == 900
    assert await counter.balance("S001") == 4_000


async def test_till_fetches_the_published_keys_when_it_is_told_to(counter: Counter) -> None:
    given = counter.journal.identity
    assert given.keys_version == 0
    await counter.campus.publish_keys(3)
    assert (await counter.line.set_clock())["directives"] == ["SYNC"]
    assert counter.journal.identity == replace(given, keys_version=3)
    assert (await counter.line.set_clock())["directives"] == []
    assert (await counter.till.sell(ALICES_CARD, 1_000)).is_approved


async def test_look_up_spends_nothing(counter: Counter) -> None:
    seen = await counter.line.look_up(ALICES_CARD, Scene.MEAL)
    assert seen["responseCode"] == "00"
    assert seen["holder"]["maskedName"] == "示*"
    assert seen["balance"]["minorAmount"] == 5_000
    assert await counter.balance("S001") == 5_000


async def test_code_token_and_digits_each_pay_once(counter: Counter) -> None:
    phone = await counter.phone()
    for shown in (phone.show(), phone.digits(), await phone.draw_token()):
        assert (await counter.till.sell(shown, 100)).is_approved, shown
        again = await counter.till.sell(shown, 100)
        assert again.answer is not None
        assert again.answer.response_code == "C1"
    assert await counter.balance("S001") == 4_700
    page = await phone.statement()
    amounts = [line["amount"]["minorAmount"] for line in page["statement"]["nodes"][:3]]
    assert amounts == [-100, -100, -100]
    assert page["monthTotals"]["spent"]["minorAmount"] == -300
    assert (await phone.last_payment())["lastPayment"]["outcome"] == "DECLINED"


async def test_large_amount_asks_for_the_pin_without_a_second_scan(counter: Counter) -> None:
    phone = await counter.phone()
    asked = await counter.till.sell(phone.show(), 4_000)
    assert asked.outcome is Outcome.PIN_REQUIRED
    wrong = await counter.till.sell_with_pin(asked, "111111")
    assert wrong.answer is not None
    assert wrong.answer.response_code == "55"
    assert await counter.balance("S001") == 5_000
    paid = await counter.till.sell_with_pin(wrong, PIN)
    assert paid.is_approved
    assert await counter.balance("S001") == 1_000


async def test_code_bound_to_this_sale_pays_no_other(counter: Counter) -> None:
    phone = await counter.phone()
    shown = await counter.till.show_challenge(1_000)
    bound = phone.show(counter.till.challenge_text(shown))
    elsewhere = await counter.till.sell(bound, 1_000)
    assert elsewhere.answer is not None
    assert elsewhere.answer.response_code == "C5"
    assert (await counter.till.sell(bound, 1_000, challenge=shown)).is_approved
    assert await counter.balance("S001") == 4_000


async def test_loss_report_keeps_virtual_card(counter: Counter) -> None:
    phone = await counter.phone()
    home = await phone.home()
    await phone.report_lost(home["physicalCard"]["id"], PIN)
    before = await counter.balance("S001")
    lost = await counter.till.sell(ALICES_CARD, 100)
    assert lost.answer is not None
    assert lost.answer.response_code == "41"
    assert await counter.balance("S001") == before
    for shown in (phone.show(), phone.digits(), await phone.draw_token()):
        assert (await counter.till.sell(shown, 100)).is_approved
    assert await counter.balance("S001") == before - 300
    home = await phone.home()
    assert (home["physicalCard"]["state"], home["virtualCard"]["state"]) == ("LOST", "ACTIVE")


async def test_limits_are_set_and_signing_out_ends_the_session(counter: Counter) -> None:
    phone = await counter.phone()
    await phone.set_limits(500, 1_000, PIN)
    home = await phone.home()
    assert home["limits"]["single"]["minorAmount"] == 500
    await phone.sign_out()
    with pytest.raises(NotAllowed):
        await phone.home()
