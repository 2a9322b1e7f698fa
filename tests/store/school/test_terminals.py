"""Terminals: registry, activation, enrolment, states and keys, over a real database."""

import asyncio
from typing import Any

import pytest
from nacl.signing import SigningKey

from core.db.connection import DatabaseUnavailable
from core.school.records import (
    ActivationInvalid,
    DeviceClass,
    EnrolledTerminal,
    FingerprintMismatch,
    Guess,
    KeyRotationInvalid,
    MerchantUnknown,
    SchoolUnknown,
    SiteUnknown,
    TerminalState,
    TerminalStateInvalid,
    TerminalUnknown,
)
from tests.factories.registry import OPERATOR, SCHOOL, Registry

KEY, NEXT, THIRD = (SigningKey(bytes([n]) * 32) for n in (0x44, 0x45, 0x46))
CODE = "ABCDEFGH0123"


async def opened(registry: Registry, code: str = CODE) -> int:
    number = (await registry.add_terminal()).number
    await registry.terminals.activation_open(SCHOOL, number, code, OPERATOR)
    return number


async def stored(registry: Registry, number: int) -> EnrolledTerminal:
    registry.clock.advance(seconds=30)
    found = await registry.terminals.find_enrolled(SCHOOL, number)
    assert found is not None
    return found


async def test_terminals_take_the_next_free_number(registry: Registry) -> None:
    merchant = await registry.add_merchant()
    numbers = await asyncio.gather(*(
        registry.terminals.register(
            SCHOOL, merchant.number, 0, DeviceClass.TILL, ["MEAL"], OPERATOR
        )
        for _ in range(5)
    ))  # fmt: skip
    assert sorted(terminal.number for terminal in numbers) == [1, 2, 3, 4, 5]
    assert {terminal.state for terminal in numbers} == {TerminalState.NEW}


@pytest.mark.parametrize(("merchant", "site", "refusal"), [
    (9, 0, MerchantUnknown), (1, 9, SiteUnknown),
])  # fmt: skip
async def test_terminal_needs_its_merchant_and_site(
    registry: Registry, merchant: int, site: int, refusal: type[Exception]
) -> None:
    await registry.add_merchant()
    with pytest.raises(refusal):
        await registry.terminals.register(
            SCHOOL, merchant, site, DeviceClass.TILL, ["MEAL"], OPERATOR
        )
    assert await registry.count("terminal") == 0


async def test_enrolled_terminal_waits_for_its_fingerprint(registry: Registry) -> None:
    number = await opened(registry)
    enrolled = await registry.enrol(CODE, KEY)
    assert (enrolled.terminal.number, enrolled.terminal.state) == (number, TerminalState.PENDING)
    assert (enrolled.terminal.model, enrolled.terminal.serial_number) == ("Sample 1", "SN-1")
    assert [(k.number, k.fingerprint) for k in enrolled.keys] == [(1, "b1470588")]
    with pytest.raises(FingerprintMismatch):
        await registry.terminals.confirm(SCHOOL, number, "00000000", OPERATOR)
    assert (await stored(registry, number)).terminal.state is TerminalState.PENDING
    confirmed = await registry.terminals.confirm(SCHOOL, number, "B1470588", OPERATOR)
    assert confirmed.terminal.state is TerminalState.ACTIVE


async def test_activation_code_is_good_once(registry: Registry) -> None:
    number = await opened(registry)
    await registry.enrol(CODE, KEY)
    with pytest.raises(ActivationInvalid):
        await registry.enrol(CODE, NEXT)
    assert [k.number for k in (await stored(registry, number)).keys] == [1]


async def test_activation_code_used_twice_at_once_enrols_one_key(registry: Registry) -> None:
    number = await opened(registry)
    # Connections are made beforehand, or making the second would keep the two apart.
    await asyncio.gather(*(registry.schools.list_all() for _ in range(4)))
    answers = await asyncio.gather(
        registry.enrol(CODE, KEY), registry.enrol(CODE, NEXT), return_exceptions=True
    )
    assert sorted(type(a).__name__ for a in answers) == ["ActivationInvalid", "EnrolledTerminal"]
    assert len((await stored(registry, number)).keys) == 1


async def test_activation_code_dies_after_15_minutes(registry: Registry) -> None:
    number = await opened(registry)
    registry.clock.advance(minutes=15)
    with pytest.raises(ActivationInvalid):
        await registry.enrol(CODE, KEY)
    assert (await stored(registry, number)).terminal.state is TerminalState.NEW
    await registry.terminals.activation_open(SCHOOL, number, CODE[::-1], OPERATOR)
    registry.clock.advance(seconds=899)
    assert (await registry.enrol(CODE[::-1], KEY)).terminal.state is TerminalState.PENDING


async def test_newer_activation_code_ends_the_older(registry: Registry) -> None:
    number = await opened(registry)
    await registry.terminals.activation_open(SCHOOL, number, CODE[::-1], OPERATOR)
    with pytest.raises(ActivationInvalid):
        await registry.enrol(CODE, KEY)
    assert (await registry.enrol(CODE[::-1], KEY)).terminal.number == number


async def test_fifth_bad_proof_is_the_last_try_of_a_code(registry: Registry) -> None:
    number, public = await opened(registry), bytes(KEY.verify_key)
    for _ in range(5):
        with pytest.raises(ActivationInvalid):
            await registry.terminals.enrol(SCHOOL, CODE, public, "Sample 1", "SN-1", bytes(64))
    with pytest.raises(ActivationInvalid):
        await registry.enrol(CODE, KEY)
    assert (await stored(registry, number)).terminal.state is TerminalState.NEW
    assert await registry.count("terminal_key") == 0


async def test_fourth_bad_proof_leaves_one_try(registry: Registry) -> None:
    await opened(registry)
    for _ in range(4):
        with pytest.raises(ActivationInvalid):
            await registry.terminals.enrol(
                SCHOOL, CODE, bytes(KEY.verify_key), "Sample 1", "SN-1", bytes(64)
            )
    assert (await registry.enrol(CODE, KEY)).terminal.state is TerminalState.PENDING


async def test_new_device_ends_the_keys_of_the_old_one(registry: Registry) -> None:
    number = (await registry.add_active_terminal(KEY)).terminal.number
    await registry.terminals.activation_open(SCHOOL, number, CODE, OPERATOR)
    enrolled = await registry.enrol(CODE, NEXT, serial="SN-2")
    now = registry.clock.now()
    assert enrolled.terminal.state is TerminalState.PENDING
    assert (enrolled.find_key(1, now), enrolled.find_key(2, now)) == (None, enrolled.keys[1])


async def test_rotated_key_overlaps_24_hours(registry: Registry) -> None:
    number = (await registry.add_active_terminal(KEY)).terminal.number
    proof = registry.rotation_proof(number, 2, NEXT)
    rotated = await registry.terminals.rotate_key(SCHOOL, number, bytes(NEXT.verify_key), proof)
    again = await registry.terminals.rotate_key(SCHOOL, number, bytes(NEXT.verify_key), proof)
    assert rotated == again
    registry.clock.advance(hours=23, minutes=59)
    assert rotated.find_key(1, registry.clock.now()) is not None
    registry.clock.advance(minutes=1)
    assert rotated.find_key(1, registry.clock.now()) is None
    assert rotated.find_key(2, registry.clock.now()) is not None


async def test_rotation_without_proof_or_to_an_old_key_is_refused(registry: Registry) -> None:
    number = (await registry.add_active_terminal(KEY)).terminal.number
    proof = registry.rotation_proof(number, 2, NEXT)
    await registry.terminals.rotate_key(SCHOOL, number, bytes(NEXT.verify_key), proof)
    for key, key_no in ((THIRD, 4), (KEY, 3)):
        with pytest.raises(KeyRotationInvalid):
            await registry.terminals.rotate_key(
                SCHOOL, number, bytes(key.verify_key), registry.rotation_proof(number, key_no, key)
            )
    assert [k.number for k in (await stored(registry, number)).keys] == [1, 2]


async def test_only_an_active_terminal_rotates(registry: Registry) -> None:
    number = await opened(registry)
    await registry.enrol(CODE, KEY)
    with pytest.raises(TerminalStateInvalid):
        await registry.terminals.rotate_key(
            SCHOOL, number, bytes(NEXT.verify_key), registry.rotation_proof(number, 2, NEXT)
        )
    assert await registry.count("terminal_key") == 1


async def test_lock_is_seen_at_once_here_and_noted_once(registry: Registry) -> None:
    number = (await registry.add_active_terminal(KEY)).terminal.number
    await registry.terminals.find_enrolled(SCHOOL, number)
    await registry.terminals.change_state(SCHOOL, number, "LOCK", "stolen", OPERATOR)
    await registry.terminals.change_state(SCHOOL, number, "LOCK", "stolen", OPERATOR)
    found = await registry.terminals.find_enrolled(SCHOOL, number)
    assert found is not None
    assert found.terminal.state is TerminalState.LOCKED
    notes = await registry.rows("SELECT reason FROM audit_event WHERE act = 'terminal.lock'")
    assert [row["reason"] for row in notes] == ["stolen"]


async def test_lock_of_another_process_is_seen_within_30_seconds(registry: Registry) -> None:
    number = (await registry.add_active_terminal(KEY)).terminal.number
    await registry.terminals.find_enrolled(SCHOOL, number)
    await registry.rows("UPDATE terminal SET state = 'LOCKED'")
    registry.clock.advance(seconds=29)
    cached = await registry.terminals.find_enrolled(SCHOOL, number)
    assert cached is not None
    assert cached.terminal.state is TerminalState.ACTIVE
    assert (await stored(registry, number)).terminal.state is TerminalState.LOCKED


async def test_unknown_terminal_is_not_found_and_not_changed(registry: Registry) -> None:
    assert await registry.terminals.find_enrolled(SCHOOL, 99) is None
    with pytest.raises(TerminalUnknown):
        await registry.terminals.activation_open(SCHOOL, 99, CODE, OPERATOR)
    assert await registry.count("activation_code") == 0


async def test_sign_of_life_is_written_once_a_minute(registry: Registry) -> None:
    number = (await registry.add_terminal()).number
    start = registry.clock.now()
    for _ in range(3):
        await registry.terminals.note_seen(SCHOOL, number)
        registry.clock.advance(seconds=30)
    seen = (await registry.terminals.list_all(SCHOOL))[0].last_seen_at
    assert seen is not None
    assert (seen - start).total_seconds() == 60


async def test_guesses_are_counted_by_the_hour_the_terminal_and_the_kind(
    registry: Registry,
) -> None:
    count = registry.terminals.count_guess
    counts = [await count(SCHOOL, 1, Guess.CODE) for _ in range(3)]
    registry.clock.advance(hours=1)
    assert [*counts, await count(SCHOOL, 1, Guess.CODE)] == [1, 2, 3, 1]
    assert await count(SCHOOL, 2, Guess.CODE) == 1
    assert await count(SCHOOL, 1, Guess.PIN) == 1


async def test_last_key_number_is_the_end_of_a_terminal(registry: Registry) -> None:
    number = (await registry.add_active_terminal(KEY)).terminal.number
    now = registry.clock.now()
    await registry.database.unit(
        SCHOOL,
        lambda unit: unit.execute(
            "INSERT INTO terminal_key (school_id, terminal_no, key_no, public_key, valid_from)"
            " VALUES ($1, $2, 255, $3, $4)", SCHOOL, number, bytes(THIRD.verify_key), now,
        ),
    )  # fmt: skip
    await registry.terminals.activation_open(SCHOOL, number, CODE, OPERATOR)
    with pytest.raises(KeyRotationInvalid):
        await registry.enrol(CODE, NEXT)
    assert [k.number for k in (await stored(registry, number)).keys] == [1, 255]


async def test_cache_forgets_the_terminal_asked_for_longest_ago(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.school.service.terminals._CACHE_ENTRIES", 1)
    first, second = await registry.add_terminal(), await registry.add_terminal()
    for terminal in (first, second):
        await registry.terminals.find_enrolled(SCHOOL, terminal.number)
    await registry.rows("UPDATE terminal SET state = 'RETIRED'")
    states = [
        found.terminal.state
        for number in (second.number, first.number)
        if (found := await registry.terminals.find_enrolled(SCHOOL, number))
    ]
    assert states == [TerminalState.NEW, TerminalState.RETIRED]


async def test_known_terminals_are_read_again_together_within_30_s(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [(await registry.add_terminal()).number for _ in range(3)]
    find, reads = registry.terminals.find_enrolled, 0
    unit = registry.database.unit

    async def counting(school_id: int, work: Any) -> Any:
        nonlocal reads
        reads += 1
        return await unit(school_id, work)

    monkeypatch.setattr(registry.database, "unit", counting)
    for number in numbers:
        await find(SCHOOL, number)
    assert numbers == [1, 2, 3]
    await registry.rows("UPDATE terminal SET state = 'LOCKED' WHERE terminal_no = 3")
    registry.clock.advance(seconds=29)
    before = reads
    known = [await find(SCHOOL, number) for number in numbers]
    assert ([each and each.terminal.state for each in known], reads) == (
        [TerminalState.NEW] * 3, before,
    )  # fmt: skip
    registry.clock.advance(seconds=1)
    first, meanwhile = await asyncio.gather(find(SCHOOL, numbers[0]), find(SCHOOL, numbers[2]))
    assert first is not None
    assert meanwhile == known[2]
    locked = await find(SCHOOL, numbers[2])
    assert locked is not None
    assert (locked.terminal.state, reads) == (TerminalState.LOCKED, before + 1)


async def test_nothing_is_known_any_more_when_it_cannot_be_read_again(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = (await registry.add_terminal()).number
    await registry.terminals.find_enrolled(SCHOOL, number)
    registry.clock.advance(seconds=30)

    async def away(school_id: int, work: Any) -> Any:
        raise DatabaseUnavailable

    with monkeypatch.context() as broken:
        broken.setattr(registry.database, "unit", away)
        with pytest.raises(DatabaseUnavailable):
            await registry.terminals.find_enrolled(SCHOOL, number)
    assert registry.terminals._cache == {}
    assert await registry.terminals.find_enrolled(SCHOOL, number) is not None


async def test_unknown_school_has_no_terminals(registry: Registry) -> None:
    with pytest.raises(SchoolUnknown):
        await registry.terminals.register(99, 1, 0, DeviceClass.TILL, ["MEAL"], OPERATOR)
