"""One person, many sign-ins: merged, told of each other, ended one by one; own addresses."""

from dataclasses import replace
from typing import Any

import pytest

from core.identity.records import (
    AddressInvalid,
    Device,
    MergeImpossible,
    NotBound,
    SessionEnded,
    SessionTokens,
    SignInNotConfirmed,
    StepUpRequired,
)
from core.ports.messages import AddressKind, MessageTemplate
from core.school.policy_words import Channel
from tests.factories.bound import (
    ASIDE,
    FORM,
    OTHER,
    OWNER,
    bind_owner,
    enrol_people,
)
from tests.factories.campus_attempts import mini
from tests.factories.identity import NETWORK, OTHER_SCHOOL, SCHOOL, Identity, person_like

REVOKED = "SELECT id, revoked_at FROM session ORDER BY id"
LIVE = "SELECT issuer FROM binding WHERE ended_at IS NULL ORDER BY issuer"


@pytest.fixture(autouse=True)
async def enrolled(identity: Identity) -> None:
    """The four people of the factory."""
    await enrol_people(identity)


async def live(identity: Identity) -> list[str]:
    return [row["issuer"] for row in await identity.rows(LIVE)]


async def mini_tokens(identity: Identity, subject: str = "open-1") -> SessionTokens:
    code = identity.doors.alipay.code(subject)
    return await identity.channel_sign_in.sign_in(
        SCHOOL, Channel.ALIPAY_MINI, code, Device("phone")
    )


async def test_a_second_sign_in_is_merged_into_the_account(identity: Identity) -> None:
    bound, other = await bind_owner(identity), await mini_tokens(identity)
    merged = await identity.bindings.merge(bound.session, other.access_token)
    assert merged.session.cardholder_id == bound.session.cardholder_id
    assert (merged.session.issuer, merged.session.channel) == ("alipay:app-1", "ALIPAY_MINI")
    assert await identity.sessions.find_session(other.access_token) is None
    assert await identity.sessions.find_session(bound.access_token) is not None
    assert await live(identity) == ["alipay:app-1", "native:email"]
    again = await mini_tokens(identity)
    assert again.session.cardholder_id == bound.session.cardholder_id


async def test_telephone_and_mail_of_one_person_live_side_by_side(identity: Identity) -> None:
    bound = await bind_owner(identity)
    phone = "13800000777"
    await identity.sign_in.sign_in_begin(SCHOOL, AddressKind.PHONE, phone, NETWORK)
    await identity.deliver()
    other = await identity.sign_in.sign_in_complete(
        SCHOOL, AddressKind.PHONE, phone, identity.inbox.last_code(phone), "phone"
    )
    await identity.bindings.merge(
        replace(bound.session, step_up_at=identity.clock.now()), other.access_token
    )
    assert await live(identity) == ["native:email", "native:phone"]


async def test_what_cannot_be_merged_changes_nothing(identity: Identity) -> None:
    bound = await bind_owner(identity)
    mail = await identity.signed_in(ASIDE)
    session = replace(bound.session, step_up_at=identity.clock.now())
    code = identity.doors.alipay.code("open-1")
    elsewhere = await identity.channel_sign_in.sign_in(
        OTHER_SCHOOL, Channel.ALIPAY_MINI, code, Device("phone")
    )
    before = await identity.dump("binding"), await identity.rows(REVOKED)
    for token in (
        "no token", bound.access_token, elsewhere.access_token, mail.access_token
    ):  # fmt: skip
        with pytest.raises(MergeImpossible):
            await identity.bindings.merge(session, token)
    assert (await identity.dump("binding"), await identity.rows(REVOKED)) == before


async def test_merging_needs_two_fresh_proofs(identity: Identity) -> None:
    bound, other = await bind_owner(identity), await mini_tokens(identity)
    identity.clock.advance(seconds=301)
    with pytest.raises(StepUpRequired):
        await identity.bindings.merge(bound.session, other.access_token)
    stepped = replace(bound.session, step_up_at=identity.clock.now())
    with pytest.raises(MergeImpossible):
        await identity.bindings.merge(stepped, other.access_token)
    with pytest.raises(NotBound):
        await identity.bindings.merge(other.session, bound.access_token)
    assert await live(identity) == ["native:email"]


async def test_notices_reach_the_other_bindings_in_their_channels(identity: Identity) -> None:
    session = await mini(identity)
    await identity.bindings.bind_by_form(session, FORM, NETWORK)
    await identity.deliver()
    assert identity.doors.alipay.sent == []
    other = await identity.signed_in(OWNER.email or "")
    await identity.bindings.bind_by_form(other.session, FORM, NETWORK)
    await identity.deliver()
    (told,) = identity.doors.alipay.sent
    assert (told.subject, told.template) == ("open-1", MessageTemplate.BINDING_ADDED)
    kept = str(await identity.dump("outbox"))
    assert "open-1" not in kept


async def test_the_other_bindings_hear_of_one_that_ended(identity: Identity) -> None:
    session = await mini(identity)
    await identity.bindings.bind_by_form(session, FORM, NETWORK)
    other = await identity.signed_in(OWNER.email or "")
    tokens = await identity.bindings.bind_by_form(other.session, FORM, NETWORK)
    await identity.deliver()
    await identity.bindings.unbind(tokens.session)
    await identity.deliver()
    told = [(each.subject, each.template) for each in identity.doors.alipay.sent]
    assert told == [
        ("open-1", MessageTemplate.BINDING_ADDED),
        ("open-1", MessageTemplate.BINDING_ENDED),
    ]


async def test_any_of_ones_own_bindings_is_ended_and_no_other(identity: Identity) -> None:
    bound, other = await bind_owner(identity), await mini_tokens(identity)
    merged = await identity.bindings.merge(bound.session, other.access_token)
    await identity.bindings.unbind(bound.session, merged.session.binding_id)
    assert await live(identity) == ["native:email"]
    assert await identity.sessions.find_session(merged.access_token) is None
    assert await identity.sessions.find_session(bound.access_token) is not None
    identity.pins.known[await identity.id_of(OTHER.number)] = identity.pins.known[
        await identity.id_of(OWNER.number)
    ]
    strange = await mini_tokens(identity, "stranger")
    theirs = await identity.bindings.bind_by_form(
        strange.session, replace(FORM, name=OTHER.name, number=OTHER.number), NETWORK
    )
    before = await identity.dump("binding", "session")
    with pytest.raises(NotBound):
        await identity.bindings.unbind(bound.session, theirs.session.binding_id)
    assert await identity.dump("binding", "session") == before


NEW = "new-mail@people.example"


async def code_for(identity: Identity, session: Any, address: str = NEW) -> str:
    await identity.contacts.change_begin(session, AddressKind.EMAIL, address)
    await identity.deliver()
    return identity.inbox.last_code(address)


async def test_a_proven_address_becomes_the_registers_and_the_old_one_is_told(
    identity: Identity,
) -> None:
    session = (await bind_owner(identity)).session
    code = await code_for(identity, session)
    identity.inbox.messages.clear()
    shown = await identity.contacts.change(session, AddressKind.EMAIL, NEW, code)
    assert shown == "n***@people.example"
    await identity.deliver()
    told = [(each.to, each.template) for each in identity.inbox.messages]
    assert told == [(OWNER.email, MessageTemplate.CONTACT_CHANGED)]
    assert session.cardholder_id is not None
    masked = await identity.contacts.masked(SCHOOL, session.cardholder_id)
    assert masked[AddressKind.EMAIL] == "n***@people.example"
    rows = await identity.rows("SELECT act, facts::text AS f FROM audit_event ORDER BY id")
    assert (rows[-1]["act"], rows[-1]["f"]) == ("contact.change", '{"columns": "email"}')
    assert NEW not in str(await identity.dump("cardholder", "audit_event", "outbox"))


async def test_the_next_roster_leaves_an_own_address_alone(identity: Identity) -> None:
    session = (await bind_owner(identity)).session
    await identity.contacts.change(
        session, AddressKind.EMAIL, NEW, await code_for(identity, session)
    )
    changed = person_like(
        OWNER, email="roster@people.example", phone="13800000555", department="新"
    )
    await identity.enrol(changed)
    assert session.cardholder_id is not None
    masked = await identity.contacts.masked(SCHOOL, session.cardholder_id)
    assert masked == {
        AddressKind.EMAIL: "n***@people.example", AddressKind.PHONE: "*******0555"
    }  # fmt: skip
    person = await identity.cardholders.get(SCHOOL, session.cardholder_id)
    assert person.department == "新"


async def test_an_address_is_changed_by_its_own_code_and_a_fresh_proof_only(
    identity: Identity,
) -> None:
    session = (await bind_owner(identity)).session
    code = await code_for(identity, session)
    before = await identity.dump("cardholder")
    change = identity.contacts.change
    with pytest.raises(SignInNotConfirmed):
        await change(session, AddressKind.EMAIL, "other@people.example", code)
    with pytest.raises(SignInNotConfirmed):
        await change(session, AddressKind.EMAIL, NEW, "000000" if code != "000000" else "1")
    with pytest.raises(AddressInvalid):
        await identity.contacts.change_begin(session, AddressKind.EMAIL, "no address")
    identity.clock.advance(seconds=301)
    with pytest.raises(StepUpRequired):
        await change(session, AddressKind.EMAIL, NEW, code)
    unbound = await mini(identity)
    with pytest.raises(NotBound):
        await identity.contacts.change_begin(unbound, AddressKind.EMAIL, NEW)
    assert await identity.dump("cardholder") == before


async def test_a_refresh_token_of_a_channel_does_not_exist(identity: Identity) -> None:
    tokens = await mini_tokens(identity)
    with pytest.raises(SessionEnded):
        await identity.sessions.refresh(tokens.access_token, "phone")
