"""Choosing, changing and resetting a PIN: strong before it pays (security.md 4)."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from core.card.pin_hash import HashedPin, PinHasher, PinSubject
from core.card.records import (
    CardState,
    PinAlreadySet,
    PinElsewhere,
    PinIsDefault,
    PinKindUnknown,
    PinNotSet,
    PinRequired,
    PinTooWeak,
    PinWrong,
)
from core.identity.records import StepUpRequired
from core.school.policy import Policy
from core.school.policy_words import Place
from tests.store.card.campus import DEFAULT_PIN, OTHER_PIN, PIN, SCHOOL, Campus
from tests.store.card.pin_tries import WITH_DEFAULT, refused


async def test_first_pin_needs_second_proof(campus: Campus) -> None:
    campus.rules(pin=WITH_DEFAULT)
    person = await campus.admit("1001")
    now = campus.clock.now()

    for stale in (None, now - timedelta(minutes=5, seconds=1), now + timedelta(seconds=1)):
        with pytest.raises(StepUpRequired):
            await campus.pins.choose_first(SCHOOL, person, "PAY", pin=PIN, step_up_at=stale)
    assert await campus.rows("pin") == []

    at_the_edge = now - timedelta(minutes=5)
    await campus.pins.choose_first(SCHOOL, person, "PAY", pin=PIN, step_up_at=at_the_edge)
    assert await refused(campus, person, PIN) is None


async def test_default_pin_is_not_an_old_pin(campus: Campus) -> None:
    campus.rules(pin=WITH_DEFAULT)
    person = await campus.admit("1001")

    with pytest.raises(PinIsDefault):
        await campus.pins.change(SCHOOL, person, "PAY", old_pin=DEFAULT_PIN, new_pin=PIN)

    assert await campus.rows("pin") == []


async def test_a_pin_is_changed_by_the_old_one(campus: Campus) -> None:
    person = await campus.admit_with_pin("1001")
    with pytest.raises(PinWrong):
        await campus.pins.change(SCHOOL, person, "PAY", old_pin=OTHER_PIN, new_pin="602841")

    await campus.pins.change(SCHOOL, person, "PAY", old_pin=PIN, new_pin=OTHER_PIN)

    assert await refused(campus, person, PIN) is PinWrong
    assert await refused(campus, person, OTHER_PIN) is None


async def test_first_pin_is_chosen_once_and_a_forgotten_one_is_reset(campus: Campus) -> None:
    person = await campus.admit_with_pin("1001")
    before = await campus.everything()
    now = campus.clock.now()

    with pytest.raises(PinAlreadySet):
        await campus.pins.choose_first(SCHOOL, person, "PAY", pin=OTHER_PIN, step_up_at=now)
    with pytest.raises(StepUpRequired):
        await campus.pins.reset(SCHOOL, person, "PAY", pin=OTHER_PIN, step_up_at=None)
    assert await campus.everything() == before

    await campus.pins.reset(SCHOOL, person, "PAY", pin=OTHER_PIN, step_up_at=now)
    assert await refused(campus, person, OTHER_PIN) is None


async def test_of_two_first_pins_chosen_at_once_one_stands(campus: Campus) -> None:
    person = await campus.admit("1001")

    async def choose(pin: str) -> str | None:
        now = campus.clock.now()
        try:
            await campus.pins.choose_first(SCHOOL, person, "PAY", pin=pin, step_up_at=now)
        except PinAlreadySet:
            return None
        return pin

    kept = [pin for pin in await asyncio.gather(choose(PIN), choose(OTHER_PIN)) if pin]

    assert len(kept) == 1
    assert await refused(campus, person, kept[0]) is None


@pytest.mark.parametrize("weak", ["12345", DEFAULT_PIN, "444444", "345678", "990307", "007788"])
async def test_weak_pins_refused(campus: Campus, weak: str) -> None:
    campus.rules(pin=WITH_DEFAULT)
    person = await campus.admit_with_pin("1001")
    before = await campus.everything()
    now = campus.clock.now()

    with pytest.raises(PinTooWeak):
        await campus.pins.change(SCHOOL, person, "PAY", old_pin=PIN, new_pin=weak)
    with pytest.raises(PinTooWeak):
        await campus.pins.reset(SCHOOL, person, "PAY", pin=weak, step_up_at=now)

    assert await campus.everything() == before


async def test_a_school_that_changes_pins_at_the_window_does_not_in_the_app(
    campus: Campus,
) -> None:
    person = await campus.admit_with_pin("1001")
    window = frozenset({Place.WINDOW})
    campus.rules(pin=replace(Policy().pin, change_via=window, reset_via=window, unlock_via=window))
    before = await campus.everything()
    now = campus.clock.now()

    for act in (
        campus.pins.choose_first(SCHOOL, person, "PAY", pin=OTHER_PIN, step_up_at=now),
        campus.pins.change(SCHOOL, person, "PAY", old_pin=PIN, new_pin=OTHER_PIN),
        campus.pins.reset(SCHOOL, person, "PAY", pin=OTHER_PIN, step_up_at=now),
        campus.pins.unlock(SCHOOL, person, "PAY", step_up_at=now),
    ):
        with pytest.raises(PinElsewhere):
            await act
    with pytest.raises(PinKindUnknown):
        await campus.pins.prove(SCHOOL, person, "QUERY", PIN)

    assert await campus.everything() == before


async def test_an_old_pin_proven_too_late_does_not_undo_one_chosen_meanwhile(
    campus: Campus,
) -> None:
    person = await campus.admit_with_pin("1001")

    class SlowHasher(PinHasher):
        async def matches(self, subject: PinSubject, stored: HashedPin, pin: str) -> bool:
            now = campus.clock.now()
            await campus.pins.reset(SCHOOL, person, "PAY", pin=OTHER_PIN, step_up_at=now)
            return await super().matches(subject, stored, pin)

    slow = SlowHasher({1: b"\x01" * 32}, campus.slow_hash)
    with pytest.raises(PinAlreadySet):
        await campus.pins_with(slow).change(SCHOOL, person, "PAY", old_pin=PIN, new_pin="602841")

    assert await refused(campus, person, OTHER_PIN) is None
    assert await refused(campus, person, PIN) is PinWrong


async def test_pepper_rotation(campus: Campus) -> None:
    person, idle = await campus.admit_with_pin("1001"), await campus.admit_with_pin("1002")
    both = PinHasher({1: b"\x01" * 32, 2: b"\x02" * 32}, campus.slow_hash)
    newest = PinHasher({2: b"\x02" * 32}, campus.slow_hash)

    await campus.pins_with(both).prove(SCHOOL, person, "PAY", PIN)

    later = campus.pins_with(newest)
    await later.prove(SCHOOL, person, "PAY", PIN)
    with pytest.raises(PinNotSet):
        await later.prove(SCHOOL, idle, "PAY", PIN)
    await later.choose_first(SCHOOL, idle, "PAY", pin=PIN, step_up_at=campus.clock.now())
    await later.prove(SCHOOL, idle, "PAY", PIN)


async def test_missing_pin_is_asked_for(campus: Campus) -> None:
    person = await campus.admit_with_pin("1001")

    with pytest.raises(PinRequired):
        await campus.cards.open_virtual(SCHOOL, person, pin=None)

    assert (await campus.cards.face(SCHOOL, person)).virtual.state is CardState.NOT_OPENED
