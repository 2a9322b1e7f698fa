"""Binding by the form: what proves a card, what does not, and what is counted."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from bff.sample_people import sample_people
from core.identity.records import (
    AlreadyBound,
    BindForm,
    IdentityNotConfirmed,
    MethodNotOffered,
    NotBound,
    SessionEnded,
    SessionTokens,
    StepUpRequired,
)
from core.ports.messages import MessageTemplate
from core.ports.pins import PinStanding
from core.school.policy import Auth, Policy
from core.school.policy_words import AuthMethod, FormField
from tests.factories.identity import NETWORK, OTHER_SCHOOL, SCHOOL, Identity

OWNER, OTHER, *_ = PEOPLE = list(sample_people(4))
ASIDE = "aside@people.example"
PIN = "480613"
TABLES = ("binding", "session", "cardholder")
FORM = BindForm(OWNER.name, OWNER.number, PIN)


@pytest.fixture(autouse=True)
async def enrolled(identity: Identity) -> None:
    """Four people; the first one has chosen a PIN."""
    for school in (SCHOOL, OTHER_SCHOOL):
        policy = Policy(auth=Auth(methods=(AuthMethod.FORM,)))
        identity.policies[school] = policy
    await identity.enrol(*PEOPLE)
    await _give_pin(identity, PinStanding.SET)


async def _give_pin(identity: Identity, standing: PinStanding) -> None:
    identity.pins.known[await identity.id_of(OWNER.number)] = (PIN, standing)


async def _owner_bound(identity: Identity) -> SessionTokens:
    assert OWNER.email is not None
    tokens = await identity.signed_in(OWNER.email)
    return await identity.bindings.bind_by_form(tokens.session, FORM, NETWORK)


async def _bind_from(identity: Identity, email: str, form: BindForm = FORM) -> SessionTokens:
    tokens = await identity.signed_in(email)
    return await identity.bindings.bind_by_form(tokens.session, form, NETWORK)


async def test_name_number_and_own_pin_bind_from_any_address(identity: Identity) -> None:
    tokens = await identity.signed_in(ASIDE)
    bound = await identity.bindings.bind_by_form(tokens.session, FORM, NETWORK)
    assert bound.session.cardholder_id == await identity.id_of(OWNER.number)
    assert bound.session.step_up_at == identity.clock.now()
    assert await identity.sessions.find_session(tokens.access_token) is None
    assert await identity.sessions.find_session(bound.access_token) == bound.session


async def test_a_bound_address_signs_in_as_its_cardholder_from_then_on(
    identity: Identity,
) -> None:
    bound = await _owner_bound(identity)
    assert OWNER.email is not None
    again = await identity.signed_in(OWNER.email, "second phone")
    assert again.session.cardholder_id == bound.session.cardholder_id
    assert again.session.step_up_at == identity.clock.now()
    devices = await identity.sessions.list_devices(again.session)
    assert {device.device_label for device in devices} == {"sample phone", "second phone"}


async def test_one_person_is_bound_at_two_schools_apart(identity: Identity) -> None:
    identity.cards.holders.clear()
    await identity.enrol(OWNER, school=OTHER_SCHOOL)
    here = await _owner_bound(identity)
    there = await identity.id_of(OWNER.number, OTHER_SCHOOL)
    identity.pins.known[there] = (PIN, PinStanding.SET)
    assert OWNER.email is not None
    tokens = await identity.signed_in(OWNER.email, school=OTHER_SCHOOL)
    assert tokens.session.cardholder_id is None
    bound = await identity.bindings.bind_by_form(tokens.session, FORM, NETWORK)
    assert (bound.session.school_id, bound.session.cardholder_id) == (OTHER_SCHOOL, there)
    assert here.session.cardholder_id != there


@pytest.mark.parametrize(
    "form",
    [
        replace(FORM, name=OTHER.name),
        replace(FORM, number="S999999"),
        replace(FORM, pin="480614"),
        replace(FORM, number=" ' OR 1=1 --"),
        replace(FORM, number="S" * 5000),
        replace(FORM, name="", pin=""),
    ],
)
async def test_uniform_answers_to_a_form_that_proves_nobody(
    identity: Identity, form: BindForm
) -> None:
    tokens = await identity.signed_in(ASIDE)
    before = await identity.dump(*TABLES)
    with pytest.raises(IdentityNotConfirmed) as refusal:
        await identity.bindings.bind_by_form(tokens.session, form, NETWORK)
    assert (refusal.value.path, refusal.value.details) == ((), {})
    assert len(identity.pins.compared) == 1, "each form costs one hash, real or dummy"
    assert await identity.dump(*TABLES) == before


async def test_names_agree_whatever_their_width_dots_and_case(identity: Identity) -> None:
    foreign = replace(PEOPLE[2], name="Ann·Example")
    await identity.enrol(foreign)
    identity.pins.known[await identity.id_of(foreign.number)] = (PIN, PinStanding.SET)
    form = BindForm(" ＡＮＮ • example ", foreign.number, PIN)
    assert (await _bind_from(identity, ASIDE, form)).session.cardholder_id is not None


@pytest.mark.parametrize("standing", [PinStanding.DEFAULT, PinStanding.ABSENT])
async def test_first_pin_needs_second_proof(identity: Identity, standing: PinStanding) -> None:
    if standing is PinStanding.ABSENT:
        identity.pins.known.clear()
    else:
        await _give_pin(identity, standing)
    stranger = await identity.signed_in(ASIDE)
    before = await identity.dump("binding", "cardholder")
    with pytest.raises(IdentityNotConfirmed):
        await identity.bindings.bind_by_form(stranger.session, FORM, NETWORK)
    assert await identity.dump("binding", "cardholder") == before
    bound = await _owner_bound(identity)
    assert bound.session.cardholder_id == await identity.id_of(OWNER.number)


async def test_another_persons_registered_address_is_no_second_proof(
    identity: Identity,
) -> None:
    await _give_pin(identity, PinStanding.DEFAULT)
    assert OTHER.email is not None
    with pytest.raises(IdentityNotConfirmed):
        await _bind_from(identity, OTHER.email)
    assert await identity.dump("binding") == {"binding": []}


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
    bound = await _owner_bound(identity)
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
    assert (await _owner_bound(identity)).session.cardholder_id is not None


async def test_a_bind_that_succeeds_is_not_counted_as_wrong(identity: Identity) -> None:
    await _owner_bound(identity)
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
    assert (await _owner_bound(identity)).session.cardholder_id is not None
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


async def test_a_second_owner_is_refused_like_anybody(identity: Identity) -> None:
    await _owner_bound(identity)
    before = await identity.dump("binding")
    with pytest.raises(IdentityNotConfirmed):
        await _bind_from(identity, ASIDE)
    assert await identity.dump("binding") == before


async def test_the_owners_new_binding_replaces_the_old_with_notice(identity: Identity) -> None:
    first = await _bind_from(identity, ASIDE)
    owner = await _owner_bound(identity)
    assert await identity.sessions.find_session(first.access_token) is None
    assert identity.cards.revoked == [(owner.session.cardholder_id, first.session.binding_id)]
    await identity.deliver()
    notice = identity.inbox.messages[-1]
    assert (notice.template, notice.to) == (MessageTemplate.BINDING_REPLACED, OWNER.email)
    live = await identity.rows("SELECT 1 FROM binding WHERE ended_at IS NULL")
    assert len(live) == 1


async def test_binds_at_once_leave_one_binding(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = [await identity.signed_in(f"aside{place}@people.example") for place in range(3)]
    compare, all_proven = identity.pins.compare, asyncio.Barrier(3)

    async def compare_together(*subject: Any) -> PinStanding:
        await all_proven.wait()
        return await compare(*subject)

    monkeypatch.setattr(identity.pins, "compare", compare_together)
    results = await asyncio.gather(
        *(identity.bindings.bind_by_form(each.session, FORM, NETWORK) for each in tokens),
        return_exceptions=True,
    )
    assert sum(isinstance(result, SessionTokens) for result in results) == 1
    assert sum(isinstance(result, IdentityNotConfirmed) for result in results) == 2
    assert len(await identity.rows("SELECT 1 FROM binding WHERE ended_at IS NULL")) == 1


async def test_a_bound_session_binds_nobody_else(identity: Identity) -> None:
    bound = await _owner_bound(identity)
    before = await identity.dump(*TABLES)
    with pytest.raises(AlreadyBound):
        await identity.bindings.bind_by_form(
            bound.session, BindForm(OTHER.name, OTHER.number, PIN), NETWORK
        )
    assert await identity.dump(*TABLES) == before


async def test_a_session_revoked_meanwhile_binds_nobody(identity: Identity) -> None:
    tokens = await identity.signed_in(ASIDE)
    await identity.sessions.sign_out(tokens.session)
    with pytest.raises(SessionEnded):
        await identity.bindings.bind_by_form(tokens.session, FORM, NETWORK)
    assert await identity.dump("binding") == {"binding": []}


@pytest.mark.parametrize(
    ("methods", "binds"),
    [((AuthMethod.EXTERNAL_FORM,), False), ((AuthMethod.FORM,), True)],
)
async def test_the_form_for_outsiders_binds_no_student(
    identity: Identity, methods: tuple[AuthMethod, ...], binds: bool
) -> None:
    identity.policies[SCHOOL] = Policy(auth=Auth(methods=methods))
    if binds:
        await _owner_bound(identity)
    else:
        with pytest.raises(IdentityNotConfirmed):
            await _owner_bound(identity)
    assert len(await identity.rows("SELECT 1 FROM binding")) == int(binds)


async def test_a_school_without_the_form_says_so(identity: Identity) -> None:
    identity.policies[SCHOOL] = Policy(auth=Auth(methods=(AuthMethod.SSO,)))
    with pytest.raises(MethodNotOffered):
        await _owner_bound(identity)
    assert await identity.rows("SELECT 1 FROM attempt_counter WHERE kind = 'NUMBER_DAY'") == []


async def test_a_form_may_take_the_card_in_place_of_the_number_and_no_name(
    identity: Identity,
) -> None:
    fields = (FormField.NUMBER_OR_CARD, FormField.QUERY_PIN)
    identity.policies[SCHOOL] = Policy(auth=Auth(methods=(AuthMethod.FORM,), form_fields=fields))
    assert OWNER.card_uid is not None
    bound = await _bind_from(identity, ASIDE, BindForm("", OWNER.card_uid.lower(), PIN))
    assert bound.session.cardholder_id == await identity.id_of(OWNER.number)


async def test_a_form_without_pin_is_proven_by_the_registered_address_only(
    identity: Identity,
) -> None:
    fields = (FormField.NAME, FormField.NUMBER)
    identity.policies[SCHOOL] = Policy(auth=Auth(methods=(AuthMethod.FORM,), form_fields=fields))
    with pytest.raises(IdentityNotConfirmed):
        await _bind_from(identity, ASIDE)
    assert await identity.dump("binding") == {"binding": []}
    assert (await _owner_bound(identity)).session.cardholder_id is not None


async def test_an_address_bound_meanwhile_binds_nobody_else(identity: Identity) -> None:
    identity.pins.known[await identity.id_of(OTHER.number)] = (PIN, PinStanding.SET)
    stale = await identity.signed_in(ASIDE)
    await _bind_from(identity, ASIDE)
    before = await identity.dump("binding", "attempt_counter")
    with pytest.raises(AlreadyBound):
        await identity.bindings.bind_by_form(
            stale.session, BindForm(OTHER.name, OTHER.number, PIN), NETWORK
        )
    assert (await identity.dump("binding"))["binding"] == before["binding"]


async def test_unbinding_twice_at_once_ends_the_binding_once(identity: Identity) -> None:
    bound = await _owner_bound(identity)
    await asyncio.gather(*(identity.bindings.unbind(bound.session) for _ in range(3)))
    assert len(identity.cards.revoked) == 1


async def test_unbinding_ends_every_session_and_device_of_the_binding(
    identity: Identity,
) -> None:
    bound = await _owner_bound(identity)
    assert OWNER.email is not None
    second = await identity.signed_in(OWNER.email, "second phone")
    await identity.bindings.unbind(second.session)
    for tokens in (bound, second):
        assert await identity.sessions.find_session(tokens.access_token) is None
    assert identity.cards.revoked == [(bound.session.cardholder_id, bound.session.binding_id)]
    fresh = await identity.signed_in(OWNER.email)
    assert fresh.session.cardholder_id is None


async def test_unbinding_needs_a_fresh_proof_and_a_binding(identity: Identity) -> None:
    bound = await _owner_bound(identity)
    before = await identity.dump(*TABLES)
    identity.clock.advance(seconds=301)
    with pytest.raises(StepUpRequired):
        await identity.bindings.unbind(bound.session)
    assert await identity.dump(*TABLES) == before
    unbound = await identity.signed_in(ASIDE)
    with pytest.raises(NotBound):
        await identity.bindings.unbind(unbound.session)


async def test_spray_on_20000_authorises_nothing(identity: Identity) -> None:
    """Reduced to 40 people in each class of knowledge; every default PIN is guessed right.

    The classes of security.md 4 differ in how many guesses a PIN takes; the attacker is given the
    right one at once, which is stronger than all four.
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
    assert await identity.dump("binding") == {"binding": []}
