"""Binding by the form: what proves a card, what does not, and what is counted."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

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
from tests.factories.bound import (
    ASIDE,
    FORM,
    OTHER,
    OWNER,
    PEOPLE,
    PIN,
    bind_from,
    bind_owner,
    enrol_people,
    give_pin,
)
from tests.factories.identity import NETWORK, OTHER_SCHOOL, SCHOOL, Identity

TABLES = ("binding", "session", "cardholder")


@pytest.fixture(autouse=True)
async def enrolled(identity: Identity) -> None:
    """The four people of the factory."""
    await enrol_people(identity)


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
    bound = await bind_owner(identity)
    assert OWNER.email is not None
    again = await identity.signed_in(OWNER.email, "second phone")
    assert again.session.cardholder_id == bound.session.cardholder_id
    assert again.session.step_up_at == identity.clock.now()
    devices = await identity.sessions.list_devices(again.session)
    assert {device.device_label for device in devices} == {"sample phone", "second phone"}


async def test_one_person_is_bound_at_two_schools_apart(identity: Identity) -> None:
    identity.cards.holders.clear()
    await identity.enrol(OWNER, school=OTHER_SCHOOL)
    here = await bind_owner(identity)
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
    assert (await bind_from(identity, ASIDE, form)).session.cardholder_id is not None


@pytest.mark.parametrize("standing", [PinStanding.DEFAULT, PinStanding.ABSENT])
async def test_first_pin_needs_second_proof(identity: Identity, standing: PinStanding) -> None:
    if standing is PinStanding.ABSENT:
        identity.pins.known.clear()
    else:
        await give_pin(identity, standing)
    stranger = await identity.signed_in(ASIDE)
    before = await identity.dump("binding", "cardholder")
    with pytest.raises(IdentityNotConfirmed):
        await identity.bindings.bind_by_form(stranger.session, FORM, NETWORK)
    assert await identity.dump("binding", "cardholder") == before
    bound = await bind_owner(identity)
    assert bound.session.cardholder_id == await identity.id_of(OWNER.number)


async def test_another_persons_registered_address_is_no_second_proof(
    identity: Identity,
) -> None:
    await give_pin(identity, PinStanding.DEFAULT)
    assert OTHER.email is not None
    with pytest.raises(IdentityNotConfirmed):
        await bind_from(identity, OTHER.email)
    assert await identity.dump("binding") == {"binding": []}


async def test_a_second_owner_is_refused_like_anybody(identity: Identity) -> None:
    await bind_owner(identity)
    before = await identity.dump("binding")
    with pytest.raises(IdentityNotConfirmed):
        await bind_from(identity, ASIDE)
    assert await identity.dump("binding") == before


async def test_the_owners_new_binding_replaces_the_old_with_notice(identity: Identity) -> None:
    first = await bind_from(identity, ASIDE)
    owner = await bind_owner(identity)
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
    bound = await bind_owner(identity)
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
        await bind_owner(identity)
    else:
        with pytest.raises(IdentityNotConfirmed):
            await bind_owner(identity)
    assert len(await identity.rows("SELECT 1 FROM binding")) == int(binds)


async def test_a_school_without_the_form_says_so(identity: Identity) -> None:
    identity.policies[SCHOOL] = Policy(auth=Auth(methods=(AuthMethod.SSO,)))
    with pytest.raises(MethodNotOffered):
        await bind_owner(identity)
    assert await identity.rows("SELECT 1 FROM attempt_counter WHERE kind = 'NUMBER_DAY'") == []


async def test_a_form_may_take_the_card_in_place_of_the_number_and_no_name(
    identity: Identity,
) -> None:
    fields = (FormField.NUMBER_OR_CARD, FormField.QUERY_PIN)
    identity.policies[SCHOOL] = Policy(auth=Auth(methods=(AuthMethod.FORM,), form_fields=fields))
    assert OWNER.card_uid is not None
    bound = await bind_from(identity, ASIDE, BindForm("", OWNER.card_uid.lower(), PIN))
    assert bound.session.cardholder_id == await identity.id_of(OWNER.number)


async def test_a_form_without_pin_is_proven_by_the_registered_address_only(
    identity: Identity,
) -> None:
    fields = (FormField.NAME, FormField.NUMBER)
    identity.policies[SCHOOL] = Policy(auth=Auth(methods=(AuthMethod.FORM,), form_fields=fields))
    with pytest.raises(IdentityNotConfirmed):
        await bind_from(identity, ASIDE)
    assert await identity.dump("binding") == {"binding": []}
    assert (await bind_owner(identity)).session.cardholder_id is not None


async def test_an_address_bound_meanwhile_binds_nobody_else(identity: Identity) -> None:
    identity.pins.known[await identity.id_of(OTHER.number)] = (PIN, PinStanding.SET)
    stale = await identity.signed_in(ASIDE)
    await bind_from(identity, ASIDE)
    before = await identity.dump("binding", "attempt_counter")
    with pytest.raises(AlreadyBound):
        await identity.bindings.bind_by_form(
            stale.session, BindForm(OTHER.name, OTHER.number, PIN), NETWORK
        )
    assert (await identity.dump("binding"))["binding"] == before["binding"]


async def test_unbinding_twice_at_once_ends_the_binding_once(identity: Identity) -> None:
    bound = await bind_owner(identity)
    await asyncio.gather(*(identity.bindings.unbind(bound.session) for _ in range(3)))
    assert len(identity.cards.revoked) == 1


async def test_unbinding_ends_every_session_and_device_of_the_binding(
    identity: Identity,
) -> None:
    bound = await bind_owner(identity)
    assert OWNER.email is not None
    second = await identity.signed_in(OWNER.email, "second phone")
    await identity.bindings.unbind(second.session)
    for tokens in (bound, second):
        assert await identity.sessions.find_session(tokens.access_token) is None
    assert identity.cards.revoked == [(bound.session.cardholder_id, bound.session.binding_id)]
    fresh = await identity.signed_in(OWNER.email)
    assert fresh.session.cardholder_id is None


async def test_unbinding_needs_a_fresh_proof_and_a_binding(identity: Identity) -> None:
    bound = await bind_owner(identity)
    before = await identity.dump(*TABLES)
    identity.clock.advance(seconds=301)
    with pytest.raises(StepUpRequired):
        await identity.bindings.unbind(bound.session)
    assert await identity.dump(*TABLES) == before
    unbound = await identity.signed_in(ASIDE)
    with pytest.raises(NotBound):
        await identity.bindings.unbind(unbound.session)
