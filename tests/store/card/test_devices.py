"""Code devices: proven, few, and ended at once (codes.md 10 and 12)."""

import asyncio
from contextvars import copy_context
from dataclasses import replace

import pytest
from nacl.signing import SigningKey

from core.card.records import (
    CodeDevice,
    DeviceKeyInvalid,
    DeviceLimit,
    DeviceUnknown,
    PinRequired,
    PinWrong,
    VirtualCardNotOpened,
)
from core.db.unit import Unit
from core.kit.clock import unix_seconds
from core.school.policy import Code
from tests.store.card.campus import OTHER_PIN, PIN, SCHOOL, Campus
from tests.store.card.phones import denied, issue, phone, revoked


async def test_enrolling_needs_an_open_card_a_good_proof_and_the_pin(campus: Campus) -> None:
    person = await campus.admit_with_pin("1001")
    with pytest.raises(VirtualCardNotOpened):
        await campus.enrol(person, 1)
    await campus.cards.open_virtual(SCHOOL, person, pin=PIN)
    key = bytes(SigningKey(b"\x01" * 32).verify_key)
    created_at = unix_seconds(campus.clock.now())

    with pytest.raises(DeviceKeyInvalid):
        await campus.devices.enrol(
            SCHOOL, person, None, public_key=key, created_at=created_at, proof=b"\0" * 64, pin=PIN
        )
    with pytest.raises(PinRequired):
        await campus.enrol(person, 1, pin=None)
    with pytest.raises(PinWrong):
        await campus.enrol(person, 1, pin=OTHER_PIN)

    assert await campus.rows("code_device") == []


async def test_a_known_phone_answers_the_same_without_a_pin(campus: Campus) -> None:
    person = await campus.admit_with_open_card("1001")
    device = await campus.enrol(person, 1)
    campus.clock.advance(hours=1)

    assert await campus.enrol(person, 1, pin=None) == device


async def test_a_school_may_enrol_without_a_pin(campus: Campus) -> None:
    person = await campus.admit_with_open_card("1001")
    campus.rules(code=replace(Code(), pin_at_first_open=False))

    assert (await campus.enrol(person, 1, pin=None)).cardholder_id == person


async def test_a_key_belongs_to_one_cardholder_for_ever(campus: Campus) -> None:
    owner = await campus.admit_with_open_card("1001")
    other = await campus.admit_with_open_card("1002")
    device = await campus.enrol(owner, 1)
    await campus.devices.revoke(SCHOOL, owner, device.id)
    before = await campus.everything()

    for person in (owner, other):
        with pytest.raises(DeviceKeyInvalid):
            await campus.enrol(person, 1)

    assert await campus.everything() == before


async def test_the_third_phone_sends_the_oldest_away(campus: Campus) -> None:
    person = await campus.admit_with_open_card("1001")
    first = await campus.enrol(person, 1)
    kept_pass = (await issue(campus, first)).passes[0]
    campus.clock.advance(minutes=1)
    second = await campus.enrol(person, 2)
    campus.clock.advance(minutes=1)

    third = await campus.enrol(person, 3)

    assert await campus.devices.list_live(SCHOOL, person) == [second, third]
    assert await revoked(campus, kept_pass.serial) is True
    with pytest.raises(DeviceUnknown):
        await issue(campus, first)


async def test_three_phones_at_once_leave_two(campus: Campus) -> None:
    person = await campus.admit_with_open_card("1001")

    await asyncio.gather(*(campus.enrol(person, phone) for phone in (1, 2, 3)))

    assert len(await campus.devices.list_live(SCHOOL, person)) == 2
    assert len(await campus.rows("code_device")) == 3


async def test_one_phone_enrolling_twice_at_once_is_one_device(campus: Campus) -> None:
    person = await campus.admit_with_open_card("1001")

    first, second = await asyncio.gather(campus.enrol(person, 1), campus.enrol(person, 1))

    assert first == second
    assert len(await campus.rows("code_device")) == 1


async def test_the_sixth_enrolment_of_a_day_is_refused(campus: Campus) -> None:
    person = await campus.admit_with_open_card("1001")
    for number in range(1, 6):
        await campus.enrol(person, number)
    before = await campus.everything()

    with pytest.raises(DeviceLimit):
        await campus.enrol(person, 6)

    assert await campus.everything() == before
    campus.clock.advance(days=1)
    assert (await campus.enrol(person, 6)).cardholder_id == person


async def test_revoking_ends_the_passes_at_once_and_only_for_the_owner(campus: Campus) -> None:
    device, other = await phone(campus, "1001"), await phone(campus, "1002")
    serial = (await issue(campus, device)).passes[0].serial

    with pytest.raises(DeviceUnknown):
        await campus.devices.revoke(SCHOOL, other.cardholder_id, device.id)
    assert await revoked(campus, serial) is False

    await campus.devices.revoke(SCHOOL, device.cardholder_id, device.id)
    after = await campus.everything()
    campus.clock.advance(minutes=1)
    await campus.devices.revoke(SCHOOL, device.cardholder_id, device.id)

    assert await revoked(campus, serial) is True
    assert await denied(campus) == {serial}
    assert await campus.everything() == after


async def test_an_ended_binding_takes_its_devices_along(campus: Campus) -> None:
    person = await campus.admit_with_open_card("1001")
    kept = await campus.enrol(person, 1)
    binding = campus.ids.new()

    async def bind(unit: Unit) -> None:
        await unit.execute(
            "INSERT INTO binding (school_id, id, issuer, subject_index, channel, cardholder_id,"
            " bound_at) VALUES ($1, $2, 'native:phone', $3, 'NATIVE', $4, $5)",
            SCHOOL, binding, b"\0" * 32, person, campus.clock.now(),
        )  # fmt: skip

    await campus.database.unit(SCHOOL, bind)
    ended = await campus.enrol(person, 2, binding_id=binding)
    serial = (await issue(campus, ended)).passes[0].serial

    await campus.database.unit(
        SCHOOL, lambda unit: campus.devices.revoke_of_binding(unit, person, binding)
    )

    assert await campus.devices.list_live(SCHOOL, person) == [kept]
    assert await revoked(campus, serial) is True


async def test_of_two_people_with_one_key_at_once_one_enrols(campus: Campus) -> None:
    first, second = [await campus.admit_with_open_card(number) for number in ("1001", "1002")]
    key = bytes(SigningKey(b"\x01" * 32).verify_key)

    async def enrol_first(unit: Unit) -> asyncio.Task[CodeDevice]:
        await unit.execute(
            "INSERT INTO code_device (school_id, id, cardholder_id, public_key, enrolled_at)"
            " VALUES ($1, $2, $3, $4, $5)",
            SCHOOL, campus.ids.new(), first, key, campus.clock.now(),
        )  # fmt: skip
        late = asyncio.create_task(campus.enrol(second, 1), context=copy_of_outside)
        waiting = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        while await unit.value(waiting) == 0:
            assert not late.done()
            await unit.execute("SELECT pg_stat_clear_snapshot()")
        return late

    copy_of_outside = copy_context()
    late = await campus.database.unit(SCHOOL, enrol_first)

    with pytest.raises(DeviceKeyInvalid):
        await late
    assert [row[2] for row in await campus.rows("code_device")] == [first]
