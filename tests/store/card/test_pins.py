"""Proving a PIN: counted before it is compared (security.md 4)."""

import asyncio
import hashlib
import logging
import threading
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest

from core.card.pin import PinState
from core.card.pin_hash import PinHasher, PinSubject
from core.card.records import (
    CardState,
    PinIsDefault,
    PinLocked,
    PinNotSet,
    PinWrong,
)
from core.db.unit import Unit
from core.identity.records import StepUpRequired
from core.kit.errors import Overloaded, Refusal
from core.kit.slow_hash import Secret, SlowHash
from core.ports.codes import PassKind
from core.ports.pins import PinStanding
from core.school.policy import Loss
from core.school.policy_words import PinKind, Place
from tests.factories.chance import counted_entropy
from tests.store.card.campus import DEFAULT_PIN, OTHER_PIN, PIN, SCHOOL, Campus
from tests.store.card.pin_tries import WITH_DEFAULT, refused


async def test_pin_two_hundred_parallel_guesses_evaluate_five(campus: Campus) -> None:
    person = await campus.admit_with_pin("1001")
    guesses = [f"91{number:04d}" for number in range(200)]

    answers = await asyncio.gather(*(refused(campus, person, guess) for guess in guesses))

    assert len(campus.hasher.compared) == 5
    assert answers.count(PinWrong) == 4
    assert set(answers) == {PinWrong, PinLocked, Overloaded}
    assert await campus.pins.state(SCHOOL, person, "PAY") is PinState.LOCKED
    assert await refused(campus, person, PIN) is PinLocked
    assert len(campus.hasher.compared) == 5


async def test_overload_costs_nobody_a_try(campus: Campus) -> None:
    person = await campus.admit_with_pin("1001")
    with ExitStack() as seats:
        for _ in range(21):
            seats.enter_context(campus.hasher.seat())

        with campus.hasher.seat():
            assert await refused(campus, person, PIN) is Overloaded

        with pytest.raises(PinWrong) as wrong:
            await campus.pins.prove(SCHOOL, person, "PAY", OTHER_PIN)
    assert wrong.value.details == {"tries_left": 4}


async def test_rollback_gives_no_new_tries(campus: Campus) -> None:
    person = await campus.admit_with_pin("1001")

    class Crash(Exception):
        """The process dies after the count: nothing later may take the count back."""

    class CrashingHasher(PinHasher):
        async def matches(self, *_: object) -> bool:
            raise Crash

    dying = CrashingHasher({1: b"\x01" * 32}, campus.slow_hash)
    for _ in range(5):
        with pytest.raises(Crash):
            await campus.pins_with(dying).prove(SCHOOL, person, "PAY", OTHER_PIN)

    assert await refused(campus, person, PIN) is PinLocked


async def test_success_gives_all_tries_back(campus: Campus) -> None:
    person = await campus.admit_with_pin("1001")
    for _ in range(4):
        assert await refused(campus, person, OTHER_PIN) is PinWrong

    assert await refused(campus, person, PIN) is None

    with pytest.raises(PinWrong) as wrong:
        await campus.pins.prove(SCHOOL, person, "PAY", OTHER_PIN)
    assert wrong.value.details == {"tries_left": 4}


async def test_the_last_try_may_be_the_right_one(campus: Campus) -> None:
    person = await campus.admit_with_pin("1001")
    for _ in range(4):
        await refused(campus, person, OTHER_PIN)

    assert await refused(campus, person, PIN) is None

    assert await campus.pins.state(SCHOOL, person, "PAY") is PinState.SET


async def test_time_unlocks_nothing_and_a_second_proof_does(campus: Campus) -> None:
    person = await campus.admit_with_pin("1001")
    for _ in range(5):
        await refused(campus, person, OTHER_PIN)
    campus.clock.advance(days=400)
    stale = campus.clock.now() - timedelta(minutes=5, seconds=1)
    before = await campus.everything()

    with pytest.raises(StepUpRequired):
        await campus.pins.unlock(SCHOOL, person, "PAY", step_up_at=stale)
    assert await refused(campus, person, PIN) is PinLocked
    assert await campus.everything() == before

    await campus.pins.unlock(SCHOOL, person, "PAY", step_up_at=campus.clock.now())
    assert await refused(campus, person, PIN) is None


async def test_staff_unlock_and_withdraw_within_their_own_unit(campus: Campus) -> None:
    person = await campus.admit_with_pin("1001")
    for _ in range(5):
        await refused(campus, person, OTHER_PIN)

    await campus.database.unit(
        SCHOOL, lambda unit: campus.pins.unlock_at_desk(unit, person, PinKind.PAY)
    )
    assert await refused(campus, person, PIN) is None

    await campus.database.unit(
        SCHOOL, lambda unit: campus.pins.withdraw_at_desk(unit, person, PinKind.PAY)
    )
    assert await refused(campus, person, PIN) is PinNotSet
    with pytest.raises(PinNotSet):
        await campus.pins.unlock(
            SCHOOL, await campus.admit("1002"), "PAY", step_up_at=campus.clock.now()
        )


async def test_default_pin_never_pays_raises_releases(campus: Campus) -> None:
    campus.rules(pin=WITH_DEFAULT, loss=replace(Loss(), release_via=frozenset({Place.APP})))
    person = await campus.admit("1001", uid="A1B2C3D4")
    await campus.cards.report_loss(SCHOOL, person, pin=DEFAULT_PIN, step_up_at=None)
    before = await campus.everything()

    for act in (
        campus.pins.prove_to_pay(SCHOOL, person, DEFAULT_PIN),
        campus.cards.release(SCHOOL, person, pin=DEFAULT_PIN),
        campus.cards.open_virtual(SCHOOL, person, pin=DEFAULT_PIN),
    ):
        with pytest.raises(PinIsDefault):
            await act

    assert await campus.everything() == before
    assert await campus.pins.state(SCHOOL, person, "PAY") is PinState.DEFAULT


async def test_default_pin_that_is_guessed_at_is_withdrawn(campus: Campus) -> None:
    campus.rules(pin=WITH_DEFAULT)
    person = await campus.admit("1001", uid="A1B2C3D4")
    for _ in range(4):
        with pytest.raises(PinWrong):
            await campus.cards.report_loss(SCHOOL, person, pin=OTHER_PIN, step_up_at=None)
    with pytest.raises(PinLocked):
        await campus.cards.report_loss(SCHOOL, person, pin=OTHER_PIN, step_up_at=None)

    with pytest.raises(PinNotSet):
        await campus.cards.report_loss(SCHOOL, person, pin=DEFAULT_PIN, step_up_at=None)

    assert await campus.pins.compare(SCHOOL, person, "PAY", DEFAULT_PIN) is PinStanding.ABSENT


async def test_binding_compares_without_counting_on_the_holder(campus: Campus) -> None:
    campus.rules(pin=WITH_DEFAULT)
    owner, untouched = await campus.admit_with_pin("1001"), await campus.admit("1002")
    before = await campus.everything()

    for _ in range(8):
        answer = await campus.pins.compare(SCHOOL, owner, "PAY", OTHER_PIN)
        assert answer is PinStanding.WRONG

    assert await campus.pins.compare(SCHOOL, owner, "PAY", PIN) is PinStanding.SET
    assert await campus.pins.compare(SCHOOL, untouched, "PAY", DEFAULT_PIN) is PinStanding.DEFAULT
    assert await campus.pins.compare(SCHOOL, untouched, "PAY", OTHER_PIN) is PinStanding.WRONG
    assert await campus.pins.compare(SCHOOL, None, "PAY", PIN) is PinStanding.WRONG
    assert await campus.everything() == before


async def test_a_locked_pin_binds_nobody(campus: Campus) -> None:
    person = await campus.admit_with_pin("1001")
    for _ in range(5):
        await refused(campus, person, OTHER_PIN)

    assert await campus.pins.compare(SCHOOL, person, "PAY", PIN) is PinStanding.WRONG


async def test_pin_hash_moved_to_another_person_does_not_match(campus: Campus) -> None:
    person, thief = await campus.admit_with_pin("1001"), await campus.admit_with_pin("1002")

    async def move(unit: Unit) -> None:
        await unit.execute(
            "UPDATE pin SET hash = (SELECT hash FROM pin WHERE school_id = $1 AND"
            " cardholder_id = $2) WHERE school_id = $1 AND cardholder_id = $3",
            SCHOOL, thief, person,
        )  # fmt: skip

    await campus.database.unit(SCHOOL, move)

    assert await refused(campus, person, PIN) is PinWrong


async def test_pin_never_in_logs(campus: Campus, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    canary, wrong = "739164", "739165"
    person = await campus.admit("1001")
    now = campus.clock.now()
    await campus.pins.choose_first(SCHOOL, person, "PAY", pin=canary, step_up_at=now)
    await campus.pins.prove(SCHOOL, person, "PAY", canary)
    told = [repr(campus.pins), repr(PinSubject(SCHOOL, person, PinKind.PAY))]
    for act in (
        campus.pins.prove(SCHOOL, person, "PAY", wrong),
        campus.pins.change(SCHOOL, person, "PAY", old_pin=wrong, new_pin=canary),
        campus.pins.change(SCHOOL, person, "PAY", old_pin=canary, new_pin="739164739164"),
    ):
        with pytest.raises(Refusal) as refusal:
            await act
        told.append(f"{refusal.value!r} {refusal.value.path} {refusal.value.details}")

    text = caplog.text + "".join(told) + repr(await campus.everything())

    assert "PIN_WRONG" not in caplog.text
    for secret in (canary, wrong, hashlib.sha256(canary.encode()).hexdigest()):
        assert secret not in text


async def test_pin_flood_leaves_purchases_alone(campus: Campus) -> None:
    victim = await campus.admit_with_open_card("1001", uid="A1B2C3D4")
    device = await campus.enrol(victim, 1)
    gate = threading.Event()

    class SlowerHash(SlowHash):
        def _verify(self, stored: str, secret: Secret) -> bool:
            gate.wait(5)
            return super()._verify(stored, secret)

    slow = SlowerHash(counted_entropy())
    flooded = campus.pins_with(PinHasher({1: b"\x01" * 32}, slow))
    flood = [
        asyncio.create_task(flooded.prove(SCHOOL, victim, "PAY", OTHER_PIN)) for _ in range(200)
    ]
    for _, turned_away in zip(range(178), asyncio.as_completed(flood), strict=False):
        with pytest.raises(Overloaded):
            await turned_away

    # Two are being compared, the others wait: the loop, the pool and the codes are free meanwhile.
    issue = await campus.codes.issue_passes(SCHOOL, victim, device.id, [PassKind.VIRTUAL_CARD])
    assert await campus.codes.find_pass(SCHOOL, issue.passes[0].serial) is not None
    card = await campus.cards.find_by_uid(SCHOOL, "A1B2C3D4")
    gate.set()
    answers = await asyncio.gather(*flood, return_exceptions=True)
    slow.close()

    assert sum(isinstance(answer, Overloaded) for answer in answers) == 178
    assert card is not None
    assert card.state is CardState.ACTIVE
