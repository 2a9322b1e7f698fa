"""How often a form may be tried, by number, caller, network and school."""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest

from bff.sample_people import sample_people
from core.identity.records import (
    BindForm,
    IdentityNotConfirmed,
)
from core.ports.pins import PinStanding
from tests.factories.bound import (
    ASIDE,
    FORM,
    OTHER,
    OWNER,
    PEOPLE,
    PIN,
    bind_owner,
    enrol_people,
)
from tests.factories.identity import NETWORK, OTHER_SCHOOL, SCHOOL, Identity


@pytest.fixture(autouse=True)
async def enrolled(identity: Identity) -> None:
    """The four people of the factory."""
    await enrol_people(identity)


async def test_stranger_cannot_lock_owner(identity: Identity) -> None:
    for place in range(24):
        identity.clock.advance(seconds=86_400 if place % 4 == 0 else 0)
        stranger = await identity.signed_in(f"stranger{place}@people.example")
        with pytest.raises(IdentityNotConfirmed):
            await identity.bindings.bind_by_form(
                stranger.session, replace(FORM, pin=f"{place:06d}"), f"203.0.{place}.1"
            )
    late = await identity.signed_in(ASIDE)
    with pytest.raises(IdentityNotConfirmed):
        await identity.bindings.bind_by_form(late.session, FORM, "192.0.2.1")
    assert identity.pins.compared[-1] is None, "a closed number is not compared"
    bound = await bind_owner(identity)
    assert bound.session.cardholder_id == await identity.id_of(OWNER.number)


async def test_a_number_is_compared_five_times_a_day(identity: Identity) -> None:
    for place in range(7):
        stranger = await identity.signed_in(f"stranger{place}@people.example")
        with pytest.raises(IdentityNotConfirmed):
            await identity.bindings.bind_by_form(
                stranger.session, replace(FORM, pin="000000"), f"203.0.{place}.1"
            )
    assert [person is not None for person in identity.pins.compared] == [True] * 5 + [False] * 2


async def test_a_caller_tries_five_times_an_hour_and_three_numbers_a_day(
    identity: Identity,
) -> None:
    tokens = await identity.signed_in(ASIDE)
    for person in PEOPLE:
        with pytest.raises(IdentityNotConfirmed):
            await identity.bindings.bind_by_form(
                tokens.session, BindForm(person.name, person.number, "000000"), NETWORK
            )
    assert [person is not None for person in identity.pins.compared] == [True] * 3 + [False]
    identity.clock.advance(seconds=3_600)
    with pytest.raises(IdentityNotConfirmed):
        await identity.bindings.bind_by_form(
            tokens.session, BindForm(OTHER.name, OTHER.number, "000000"), NETWORK
        )
    assert identity.pins.compared[-1] is None, "the fourth number stays counted all day"


async def test_a_network_closes_for_pins_after_sixty_wrong_ones_but_not_for_owners(
    identity: Identity,
) -> None:
    for place in range(61):
        await identity.attempts.count_bind(
            SCHOOL, place.to_bytes(32), f"N{place}", "198.51.100.9", f"9{place:05d}"
        )
    assert not await identity.attempts.count_bind(SCHOOL, bytes(32), "N99", NETWORK, PIN)
    assert await identity.attempts.count_bind(SCHOOL, bytes(32), "N99", "192.0.2.9", PIN)
    assert (await bind_owner(identity)).session.cardholder_id is not None


async def test_a_bind_that_succeeds_is_not_counted_as_wrong(identity: Identity) -> None:
    await bind_owner(identity)
    left = await identity.rows(
        "SELECT kind, tries FROM attempt_counter WHERE kind IN ('NUMBER_DAY', 'NUMBER_EVER',"
        " 'CALLER_HOUR', 'NETWORK_HOUR') AND tries > 0"
    )
    assert left == []


async def test_rollback_gives_no_new_tries(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    class _Broken(Exception):
        pass

    async def broken(*_arguments: object) -> PinStanding:
        raise _Broken

    tokens = await identity.signed_in(ASIDE)
    with monkeypatch.context() as patched:
        patched.setattr(identity.pins, "compare", broken)
        for _ in range(5):
            with pytest.raises(_Broken):
                await identity.bindings.bind_by_form(tokens.session, FORM, NETWORK)
    with pytest.raises(IdentityNotConfirmed):
        await identity.bindings.bind_by_form(tokens.session, FORM, NETWORK)
    assert identity.pins.compared == [None]


async def test_parallel_guesses_of_one_caller_compare_five(identity: Identity) -> None:
    tokens = await identity.signed_in(ASIDE)
    guesses = [replace(FORM, pin=f"{place:06d}") for place in range(40)]
    results = await asyncio.gather(
        *(identity.bindings.bind_by_form(tokens.session, guess, NETWORK) for guess in guesses),
        return_exceptions=True,
    )
    assert all(isinstance(result, IdentityNotConfirmed) for result in results)
    assert sum(person is not None for person in identity.pins.compared) == 5


async def test_one_pin_on_twenty_numbers_closes_binding_by_pin_at_the_school(
    identity: Identity,
) -> None:
    for place in range(20):
        is_open = await identity.attempts.count_bind(
            SCHOOL, place.to_bytes(32), f"N{place}", f"203.0.{place}.1", "123456"
        )
        assert is_open == (place < 19)
    assert not await identity.attempts.count_bind(SCHOOL, b"\x77" * 32, "N", "192.0.2.1", PIN)
    assert await identity.attempts.count_bind(OTHER_SCHOOL, bytes(32), "N", "192.0.2.1", PIN)
    assert (await bind_owner(identity)).session.cardholder_id is not None
    identity.clock.advance(seconds=3_600)
    assert await identity.attempts.count_bind(SCHOOL, b"\x78" * 32, "N", "192.0.2.1", PIN)


async def test_tried_pins_are_kept_keyed_and_for_a_day_only(identity: Identity) -> None:
    await identity.attempts.count_bind(SCHOOL, bytes(32), "N1", NETWORK, PIN)
    assert PIN not in str(await identity.dump("pin_spray", "attempt_counter"))
    identity.clock.advance(seconds=86_400 + 700)
    await identity.attempts.expire(SCHOOL)
    assert await identity.dump("pin_spray") == {"pin_spray": []}
    left = await identity.rows("SELECT DISTINCT kind FROM attempt_counter ORDER BY kind")
    assert "NUMBER_EVER" in {row["kind"] for row in left}


async def test_spray_on_20000_authorises_nothing(identity: Identity) -> None:
    """Reduced to 156 people, whose default PINs are all guessed right at the first try.

    The four classes of knowledge (security.md 4) differ in how many guesses a PIN takes: an
    attacker who needs one for each is stronger than all of them.
    """
    people = list(sample_people(160))[4:]
    await identity.enrol(*PEOPLE, *people)
    ids: dict[str, UUID] = {person.number: await identity.id_of(person.number) for person in people}
    for person in people:
        assert person.id_number is not None
        identity.pins.known[ids[person.number]] = (person.id_number[-6:], PinStanding.DEFAULT)
    session = (await identity.signed_in(ASIDE)).session
    for place, person in enumerate(people):
        caller = replace(session, subject_index=place.to_bytes(32))
        assert person.id_number is not None
        form = BindForm(person.name, person.number, person.id_number[-6:])
        with pytest.raises(IdentityNotConfirmed):
            await identity.bindings.bind_by_form(caller, form, f"203.{place}.0.1")
    assert identity.pins.compared == list(ids.values()), "every guess was compared"
    assert await identity.dump("binding") == {"binding": []}
