"""Captures, voids, refunds and status, as a terminal asks for them."""

from dataclasses import replace

import pytest

from core.authorisation.records import Key
from core.settlement.records import VoidTooLate
from terminals import ccr
from terminals.follow_ups import FollowUpMessage
from terminals.message import RequestKey
from terminals.scenes import Holder, HolderView, Scene, mask_name, mask_number, view
from tests.unit.terminals.tills import TILL, ScriptedCore, make_follow_ups

CAPTURE = FollowUpMessage("CAPTURE", 12, 346, 12, 345, minor_amount=600)


def named(text: str | None) -> RequestKey:
    read = ccr.read(text or "")
    assert isinstance(read, ccr.SignedAnswer)
    return read.answer.key


@pytest.mark.parametrize("operation", ["CAPTURE", "REFUND"])
async def test_a_capture_or_refund_is_answered_under_its_own_key(operation: str) -> None:
    core = ScriptedCore()
    answer = await make_follow_ups(core).answer(TILL, replace(CAPTURE, operation=operation))
    assert named(answer.signed_answer) == RequestKey(42, 12, 346)
    asked, follow = core.asked[0]
    assert (asked, follow.original) == (operation.lower(), Key(42, 12, 345))


async def test_a_void_is_answered_under_the_key_it_undoes() -> None:
    core = ScriptedCore()
    message = FollowUpMessage("VOID", 12, 347, 12, 345, reason="TIMEOUT")
    answer = await make_follow_ups(core).answer(TILL, message)
    assert named(answer.signed_answer) == RequestKey(42, 12, 345)
    assert core.asked[0][1].reason == "TIMEOUT"


@pytest.mark.parametrize("amount", [0, -1, 1_000_000_001, 2**40])
async def test_an_amount_that_cannot_move_is_refused_under_its_key(amount: int) -> None:
    core = ScriptedCore()
    answer = await make_follow_ups(core).answer(TILL, replace(CAPTURE, minor_amount=amount))
    assert (answer.outcome, answer.response_code) == ("DECLINED", "13")
    assert [entry[0] for entry in core.asked] == ["CAPTURE"]


async def test_another_original_is_other_content() -> None:
    core = ScriptedCore()
    follow_ups = make_follow_ups(core)
    for message in (CAPTURE, CAPTURE, replace(CAPTURE, original_seq_no=344)):
        await follow_ups.answer(TILL, message)
    first, second, third = (follow.content_hash for _, follow in core.asked)
    assert first == second != third


async def test_a_refund_may_name_another_terminal_of_the_merchant() -> None:
    core = ScriptedCore()
    message = replace(CAPTURE, operation="REFUND", original_terminal_no=7)
    await make_follow_ups(core).answer(TILL, message)
    assert core.asked[0][1].original == Key(7, 12, 345)


async def test_status_is_asked_under_the_terminals_own_key() -> None:
    core = ScriptedCore()
    await make_follow_ups(core).status(TILL, 12, 345)
    assert core.asked == [Key(42, 12, 345)]


HOLDER = Holder("示例甲", "S0012345", 1)


@pytest.mark.parametrize(
    ("scene", "seen"),
    [
        (Scene.MEAL, HolderView("示*", None, None, None, shows_balance=True)),
        (Scene.SHOP, HolderView("示*", None, None, None, shows_balance=True)),
        (Scene.SELF_CHECK, HolderView(None, "示例甲", "S0012345", None, shows_balance=False)),
        (Scene.LIBRARY, HolderView(None, "示例甲", "S0012345", None, shows_balance=False)),
        (Scene.KIOSK, HolderView(None, "示例甲", "****2345", None, shows_balance=True)),
        (Scene.GATE, HolderView(None, None, None, 1, shows_balance=False)),
        (Scene.DORMITORY, HolderView(None, None, None, 1, shows_balance=False)),
        (Scene.BUS, HolderView(None, None, None, None, shows_balance=True)),
        (Scene.METER, HolderView(None, None, None, None, shows_balance=False)),
    ],
)
def test_a_scene_learns_its_fields_and_no_more(scene: Scene, seen: HolderView) -> None:
    assert view(scene, HOLDER) == seen


def test_short_names_and_numbers_are_masked_too() -> None:
    assert (mask_name(""), mask_name("A"), mask_number("12")) == ("", "A*", "12")


async def test_a_void_after_the_close_comes_too_late_and_asks_nothing() -> None:
    core = ScriptedCore()
    message = FollowUpMessage("VOID", 12, 347, 12, 345, reason="CASHIER")
    with pytest.raises(VoidTooLate):
        await make_follow_ups(core, closed_batch=12).answer(TILL, message)
    assert core.asked == []


async def test_a_void_that_was_answered_before_the_close_is_repeated_after_it() -> None:
    core = ScriptedCore()
    message = FollowUpMessage("VOID", 12, 347, 12, 345, reason="CASHIER")
    first = await make_follow_ups(core).answer(TILL, message)
    core.stored = first
    assert await make_follow_ups(core, closed_batch=12).answer(TILL, message) == first
    assert [asked for asked, _ in core.asked] == ["void"]


async def test_a_void_under_a_key_of_a_closed_batch_is_answered_90() -> None:
    core = ScriptedCore()
    message = FollowUpMessage("VOID", 13, 1, 12, 345, reason="TIMEOUT")
    answer = await make_follow_ups(core, closed_batch=13).answer(TILL, message)
    assert (answer.outcome, answer.response_code) == ("DECLINED", "90")
    assert named(answer.signed_answer) == RequestKey(42, 12, 345)
    assert [asked for asked, _ in core.asked] == ["VOID"], "stored, and nothing undone"


async def test_refunds_and_captures_go_on_after_the_close() -> None:
    core = ScriptedCore()
    for operation in ("REFUND", "CAPTURE"):
        message = replace(CAPTURE, operation=operation)
        await make_follow_ups(core, closed_batch=12).answer(TILL, message)
    assert [asked for asked, _ in core.asked] == ["refund", "capture"]
