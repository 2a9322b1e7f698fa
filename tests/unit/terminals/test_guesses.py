"""Guessing at a terminal: what counts, what it closes, and for how long."""

import logging
from dataclasses import replace

import pytest

from core.school.records import Guess
from terminals import token
from terminals.guesses import Guesses
from terminals.message import RequestKey, seal_pin
from terminals.payments import PinVerdict, PurchaseMessage
from tests.factories.chance import HandClock
from tests.unit.terminals import samples
from tests.unit.terminals.samples import SHOWN
from tests.unit.terminals.test_authoriser import KEY, SERIAL, TAP
from tests.unit.terminals.tills import (
    CARD_OWNER,
    MEAL,
    OWNER,
    PIN_KEY,
    TILL,
    ScriptedCore,
    make_authoriser,
)

TOKEN = "91000000000000000001"
UNKNOWN = replace(MEAL, presented="91000000000000000002")
PIN = replace(TAP, pin_block=seal_pin("000000", KEY, SHOWN, bytes(PIN_KEY.public_key)))
WRONG_PIN = PinVerdict(ok=False, response_code="55", tries_left=4, reason="PIN_WRONG")


def make_core() -> ScriptedCore:
    return ScriptedCore(owners={SERIAL: OWNER, "0A1B2C3D": CARD_OWNER, token.digest(TOKEN): OWNER})


def guesses(core: ScriptedCore, kind: Guess = Guess.CODE) -> int:
    return core.guesses.count((kind, 42))


def pins_compared(core: ScriptedCore) -> int:
    return len([each for each in core.asked if isinstance(each, tuple) and each[0] == "pin"])


async def codes_of(core: ScriptedCore, *messages: PurchaseMessage) -> list[str]:
    authoriser = make_authoriser(core)
    return [(await authoriser.authorise(TILL, each)).answer.response_code for each in messages]


async def test_thirty_wrong_codes_close_digits_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    core = make_core()
    good = replace(MEAL, presented=TOKEN)
    with caplog.at_level(logging.WARNING, "terminals.alarm"):
        found = await codes_of(core, *[UNKNOWN] * 29, good, UNKNOWN, good, MEAL, TAP)
    assert found == ["C0"] * 29 + ["00", "C0", "C0", "00", "00"]
    assert guesses(core) == 30
    assert caplog.messages == [
        "school=0 terminal=42 kind=TERMINAL_CODE wrong=30 closed_seconds=600"
    ]


@pytest.mark.parametrize(
    ("presented", "counts"),
    [
        ("no code at all", 1),
        ("CC1:" + "0" * 60, 1),
        (samples.VECTOR_1[:-3] + "000", 1),
        ("90000123456700000000", 1),
        ("91000000000000000002", 1),
        (TOKEN, 0),
        (samples.VECTOR_1, 0),
        ("CARD:FFFFFFFF", 0),
        ("90001123456700000000", 0),
        ("134567890123456789", 0),
    ],
)
async def test_only_what_nobody_has_counts(presented: str, counts: int) -> None:
    core = make_core()
    await codes_of(core, replace(MEAL, presented=presented))
    assert guesses(core) == counts


async def test_a_code_that_came_too_late_is_no_guess() -> None:
    core = make_core()
    answered = await make_authoriser(core, SHOWN + 600).authorise(TILL, MEAL)
    assert (answered.answer.response_code, guesses(core)) == ("C0", 0)


async def test_thirty_wrong_pins_close_pins_and_nothing_else() -> None:
    core = make_core()
    core.pin = WRONG_PIN
    authoriser = make_authoriser(core)
    for _ in range(30):
        assert (await authoriser.authorise(TILL, PIN)).answer.response_code == "55"
    core.pin = PinVerdict(ok=True)
    compared = pins_compared(core)
    closed = (await authoriser.authorise(TILL, PIN)).answer
    assert (closed.response_code, closed.reason) == ("05", "PIN_CLOSED")
    assert pins_compared(core) == compared == 30
    assert guesses(core, Guess.PIN) == 30
    assert (await authoriser.authorise(TILL, TAP)).answer.response_code == "00"
    other = replace(TILL, terminal_no=43)
    block = seal_pin("246810", RequestKey(43, 12, 345), SHOWN, bytes(PIN_KEY.public_key))
    there = await authoriser.authorise(other, replace(TAP, pin_block=block))
    assert there.answer.response_code == "00"


async def test_a_pin_that_cannot_be_used_is_no_guess() -> None:
    core = make_core()
    core.pin = PinVerdict(ok=False, response_code="05", reason="PIN_NOT_SET")
    await codes_of(core, PIN)
    assert guesses(core, Guess.PIN) == 0


async def test_another_process_learns_with_its_first_wrong_try_and_it_lasts_ten_minutes() -> None:
    wrong = 0

    async def count(school_id: int, number: int, kind: Guess) -> int:
        nonlocal wrong
        wrong += 1
        return wrong

    clock = HandClock()
    one, other = Guesses(count, clock), Guesses(count, clock)
    for _ in range(30):
        await one.note(0, 42, Guess.CODE)
    assert one.are_closed(0, 42, Guess.CODE)
    assert not other.are_closed(0, 42, Guess.CODE)
    await other.note(0, 42, Guess.CODE)
    assert other.are_closed(0, 42, Guess.CODE)
    assert not other.are_closed(0, 43, Guess.CODE)
    assert not other.are_closed(1, 42, Guess.CODE)
    clock.advance(seconds=599)
    assert one.are_closed(0, 42, Guess.CODE)
    clock.advance(seconds=1)
    assert not one.are_closed(0, 42, Guess.CODE)
