"""What a campus sign-on comes to: linked, waiting for a card, confirmed anew, or refused."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from core.identity.addresses import registered_address
from core.identity.consents import ConsentGiven
from core.identity.linking import NextStep
from core.identity.records import (
    AlreadyBound,
    BindForm,
    ConfirmationWrong,
    ConsentMissing,
    IdentityNotConfirmed,
    NothingToConfirm,
    PersonalFacts,
    SessionRecord,
    SignOnRefused,
    SignOnUnknown,
    StepUpTargetMissing,
)
from core.identity.subjects import challenge_of
from core.ports.campus_sign_on import LinkMode, SignOnFlow
from core.ports.messages import AddressKind, MessageTemplate
from core.ports.pins import PinStanding
from core.school.policy_file import ConsentFacts
from tests.factories.bound import FORM, OTHER, OWNER, PIN, enrol_people, give_pin
from tests.factories.campus_attempts import VERIFIER, mini, offer_sign_on, person
from tests.factories.doors import RETURN_TO
from tests.factories.identity import NETWORK, SCHOOL, Identity

LIVE = "SELECT issuer, channel FROM binding WHERE ended_at IS NULL ORDER BY issuer"


@pytest.fixture(autouse=True)
async def offered(identity: Identity) -> None:
    """People, and a school that offers its sign-on."""
    await enrol_people(identity)
    offer_sign_on(identity)


def link_by(identity: Identity, mode: LinkMode) -> None:
    identity.sign_ons.providers[0].link = mode


async def live(identity: Identity) -> list[tuple[str, str]]:
    return [tuple(row) for row in await identity.rows(LIVE)]


BOTH = [("alipay:app-1", "ALIPAY_MINI"), ("sso:https://sso.example", "SSO")]


@pytest.mark.parametrize("name", [None, OWNER.name])
async def test_the_schools_number_binds_channel_and_sign_on(
    identity: Identity, name: str | None
) -> None:
    session = await mini(identity)
    result = await person(identity, person_no=OWNER.number, name=name).sign_on(session)
    assert (result.step, result.matched, result.staff_code) == (NextStep.NONE, None, None)
    assert result.tokens is not None
    assert result.tokens.session.cardholder_id == await identity.id_of(OWNER.number)
    assert result.tokens.session.step_up_at == identity.clock.now()
    assert await live(identity) == BOTH


@pytest.mark.parametrize(
    ("person_no", "name"),
    [("S999999", None), (None, None), (None, OWNER.name), (OWNER.number, "别人")],
)
async def test_what_names_no_card_leaves_it_to_be_proven(
    identity: Identity, person_no: str | None, name: str | None
) -> None:
    result = await person(identity, person_no=person_no, name=name).sign_on(await mini(identity))
    assert (result.step, result.tokens) == (NextStep.PROVE_CARD, None)
    assert result.staff_code is not None
    assert len(result.staff_code) == 8
    assert await live(identity) == []


async def test_email_phone_name_never_link(identity: Identity) -> None:
    alice = person(identity)
    alice.said = replace(alice.said, name=OWNER.name, phone=OWNER.phone, email=OWNER.email)
    for mode in LinkMode:
        link_by(identity, mode)
        result = await alice.sign_on(await mini(identity))
        assert result.step is NextStep.PROVE_CARD
    assert await live(identity) == []


async def test_in_the_mode_prove_card_a_number_alone_links_nothing(identity: Identity) -> None:
    link_by(identity, LinkMode.PROVE_CARD)
    session = await mini(identity)
    result = await person(identity, person_no=OWNER.number).sign_on(session)
    assert (result.step, await live(identity)) == (NextStep.PROVE_CARD, [])
    bound = await identity.bindings.bind_by_form(session, FORM, NETWORK)
    assert bound.session.cardholder_id == await identity.id_of(OWNER.number)
    assert await live(identity) == BOTH


async def test_once_linked_a_vanished_or_changed_number_relinks_nothing(
    identity: Identity,
) -> None:
    await person(identity, person_no=OWNER.number).sign_on(await mini(identity))
    for number in (None, OTHER.number):
        other = await mini(identity, f"open-{number}")
        result = await person(identity, person_no=number).sign_on(other)
        assert result.step is NextStep.STEP_UP, "the same card, on the same app anew"
        assert result.matched is not None
        assert result.matched.masked_name == OWNER.name[0] + "*"
    assert await live(identity) == BOTH


@pytest.mark.parametrize(
    ("standing", "said", "binds"),
    [
        (PinStanding.SET, {}, True),
        (PinStanding.DEFAULT, {"person_no": OWNER.number}, True),
        (PinStanding.DEFAULT, {"name": OWNER.name}, True),
        (PinStanding.DEFAULT, {}, False),
        (PinStanding.DEFAULT, {"person_no": OTHER.number}, False),
        (PinStanding.SET, {"name": OTHER.name}, False),
    ],
)
async def test_a_default_pin_links_beside_a_sign_on_that_names_the_person(
    identity: Identity, standing: PinStanding, said: dict[str, str], binds: bool
) -> None:
    link_by(identity, LinkMode.PROVE_CARD)
    await give_pin(identity, standing)
    session = await mini(identity)
    await person(identity, **said).sign_on(session)
    if binds:
        await identity.bindings.bind_by_form(session, FORM, NETWORK)
    else:
        with pytest.raises(IdentityNotConfirmed):
            await identity.bindings.bind_by_form(session, FORM, NETWORK)
    assert await live(identity) == (BOTH if binds else [])


async def test_parallel_pins_evaluate_five(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    link_by(identity, LinkMode.PROVE_CARD)
    sessions = []
    for place in range(4):
        session = await mini(identity, f"open-{place}")
        await person(identity, f"u-{place}").sign_on(session)
        sessions.append(session)
    compare, evaluated = identity.pins.compare, []

    async def counted(school_id: int, cardholder_id: Any, kind: str, pin: str) -> PinStanding:
        evaluated.append(cardholder_id)
        return await compare(school_id, cardholder_id, kind, pin)

    monkeypatch.setattr(identity.pins, "compare", counted)
    seats = asyncio.Semaphore(64)

    async def guess(place: int) -> object:
        form = BindForm(OWNER.name, OWNER.number, f"{place:06d}")
        async with seats:  # as many as the server lets in at once
            return await identity.bindings.bind_by_form(sessions[place % 4], form, NETWORK)

    refusals = await asyncio.gather(*map(guess, range(200)), return_exceptions=True)
    assert {type(each) for each in refusals} == {IdentityNotConfirmed}
    assert len([each for each in evaluated if each is not None]) == 5
    assert len(evaluated) == 200, "those out of tries cost a hash as well"


async def test_binding_tries_do_not_lock_the_purchase_pin(identity: Identity) -> None:
    link_by(identity, LinkMode.PROVE_CARD)
    for place in range(4):
        session = await mini(identity, f"open-{place}")
        await person(identity, f"u-{place}").sign_on(session)
        for guess in range(2):
            form = BindForm(OWNER.name, OWNER.number, f"00000{guess}")
            with pytest.raises(IdentityNotConfirmed):
                await identity.bindings.bind_by_form(session, form, NETWORK)
    assert await identity.rows("SELECT 1 FROM pin WHERE tries > 0") == []
    counted = await identity.rows("SELECT tries FROM attempt_counter WHERE kind = 'NUMBER_EVER'")
    assert [row["tries"] for row in counted] == [8]


async def test_uniform_answers_after_a_sign_on(identity: Identity) -> None:
    link_by(identity, LinkMode.PROVE_CARD)
    session = await mini(identity)
    await person(identity).sign_on(session)
    for form in (
        replace(FORM, name=OTHER.name), replace(FORM, number="S999999"), replace(FORM, pin="1")
    ):  # fmt: skip
        with pytest.raises(IdentityNotConfirmed) as refusal:
            await identity.bindings.bind_by_form(session, form, NETWORK)
        assert (refusal.value.path, refusal.value.details) == ((), {})


async def replaceable(identity: Identity) -> tuple[SessionRecord, SessionRecord]:
    """The owner is bound from one phone and proves the card from another."""
    first = await mini(identity, "old phone")
    bound = await person(identity, person_no=OWNER.number).sign_on(first)
    assert bound.tokens is not None
    second = await mini(identity, "new phone")
    result = await person(identity, person_no=OWNER.number).sign_on(second)
    assert result.step is NextStep.STEP_UP
    return bound.tokens.session, second


async def test_relink_steps_up_and_notifies(identity: Identity) -> None:
    old, new = await replaceable(identity)
    before = await identity.dump("binding", "session")
    with pytest.raises(ConfirmationWrong):
        await identity.confirmations.confirm(new)
    assert await identity.dump("binding", "session") == before
    identity.inbox.messages.clear()
    tokens = await identity.confirmations.confirm(new, pin=PIN)
    assert tokens.session.cardholder_id == old.cardholder_id
    assert await identity.sessions.find_by_id(SCHOOL, old.id) is None
    assert await live(identity) == BOTH
    await identity.deliver()
    told = [each.template for each in identity.inbox.messages]
    assert MessageTemplate.BINDING_REPLACED in told


async def test_relink_by_code_to_the_registered_address(identity: Identity) -> None:
    _, new = await replaceable(identity)
    target = registered_address(PersonalFacts(None, None, OWNER.phone, OWNER.email))
    assert target is not None
    other = AddressKind.PHONE if target.kind is AddressKind.EMAIL else AddressKind.EMAIL
    with pytest.raises(StepUpTargetMissing):
        await identity.confirmations.begin(new, other)
    begun = await identity.confirmations.begin(new)
    assert begun.target == target.masked()
    await identity.deliver()
    code = identity.inbox.last_code(target.text)
    tokens = await identity.confirmations.confirm(new, code=code)
    assert tokens.session.cardholder_id == await identity.id_of(OWNER.number)
    with pytest.raises(NothingToConfirm):
        await identity.confirmations.begin(await mini(identity, "third"))


async def test_no_limit_is_raised_for_a_day_after_a_relink(identity: Identity) -> None:
    _, new = await replaceable(identity)
    await identity.confirmations.confirm(new, pin=PIN)
    (row,) = await identity.rows("SELECT cardholder_id, until FROM limit_pause")
    assert row["cardholder_id"] == await identity.id_of(OWNER.number)
    assert (row["until"] - identity.clock.now()).total_seconds() == 86_400


async def test_a_proof_to_be_confirmed_dies_after_ten_minutes(identity: Identity) -> None:
    _, new = await replaceable(identity)
    identity.clock.advance(minutes=10)
    with pytest.raises(NothingToConfirm):
        await identity.confirmations.confirm(new, pin=PIN)


async def test_link_is_audited(identity: Identity) -> None:
    await person(identity, person_no=OWNER.number).sign_on(await mini(identity))
    rows = await identity.rows("SELECT act, actor_kind, facts::text FROM audit_event ORDER BY id")
    assert [(row["act"], row["actor_kind"]) for row in rows] == [("binding.add", "CARDHOLDER")]
    assert '"method": "SSO"' in rows[0]["facts"]
    assert OWNER.number not in str(rows)


async def test_a_bound_session_is_strengthened_by_its_own_person_only(
    identity: Identity,
) -> None:
    bound = await identity.bindings.bind_by_form(await mini(identity), FORM, NETWORK)
    identity.clock.advance(minutes=10)
    session = replace(bound.session, step_up_at=None)
    result = await person(identity, person_no=OWNER.number).sign_on(session)
    assert (result.step, result.tokens) == (NextStep.NONE, None)
    fresh = await identity.sessions.find_by_id(SCHOOL, session.id)
    assert fresh is not None
    assert fresh.step_up_at == identity.clock.now()
    before = await identity.dump("binding", "session", "campus_session")
    with pytest.raises(IdentityNotConfirmed):
        await person(identity, "u-2", person_no=OTHER.number).sign_on(session)
    assert await identity.dump("binding", "session", "campus_session") == before


async def test_a_sign_on_of_somebody_else_is_not_taken_along(identity: Identity) -> None:
    link_by(identity, LinkMode.PROVE_CARD)
    first = await mini(identity, "first")
    await person(identity).sign_on(first)
    second = await mini(identity, "second")
    await person(identity).sign_on(second)
    await identity.bindings.bind_by_form(first, FORM, NETWORK)
    identity.pins.known[await identity.id_of(OTHER.number)] = (PIN, PinStanding.SET)
    before = await identity.dump("binding")
    with pytest.raises(AlreadyBound):
        await identity.bindings.bind_by_form(
            second, BindForm(OTHER.name, OTHER.number, PIN), NETWORK
        )
    assert await identity.dump("binding") == before


async def test_a_new_login_name_of_the_same_person_replaces_the_old(identity: Identity) -> None:
    await person(identity, "u-old", person_no=OWNER.number).sign_on(await mini(identity))
    bound = await mini(identity)
    await person(identity, "u-new", person_no=OWNER.number).sign_on(bound)
    assert await live(identity) == BOTH
    ended = await identity.rows("SELECT 1 FROM binding WHERE ended_at IS NOT NULL")
    assert len(ended) == 1


async def test_two_sign_ons_at_once_leave_one_binding(identity: Identity) -> None:
    sessions = [await mini(identity, f"phone-{place}") for place in range(3)]
    results = await asyncio.gather(
        *(person(identity, person_no=OWNER.number).sign_on(each) for each in sessions),
        return_exceptions=True,
    )
    assert len(await live(identity)) == 2
    assert sum(getattr(each, "tokens", None) is not None for each in results) == 1


async def test_a_school_that_links_at_the_counter_only_takes_no_other_proof(
    identity: Identity,
) -> None:
    link_by(identity, LinkMode.MANUAL)
    session = await mini(identity)
    result = await person(identity, person_no=OWNER.number, name=OWNER.name).sign_on(session)
    assert (result.step, len(result.staff_code or "")) == (NextStep.PROVE_CARD, 8)
    await identity.bindings.bind_by_form(session, FORM, NETWORK)
    assert await live(identity) == [("alipay:app-1", "ALIPAY_MINI")]


async def test_a_code_of_the_channel_needs_no_browser(identity: Identity) -> None:
    provider, alice = identity.sign_ons.providers[0], person(identity, person_no=OWNER.number)
    session = await mini(identity)
    provider.people["corp-code"] = alice.said
    with pytest.raises(SignOnUnknown):
        await identity.campus_links.by_code(session, "cas", "corp-code")
    provider.flow = SignOnFlow.CODE
    with pytest.raises(SignOnRefused):
        await identity.campus_links.by_code(session, "cas", "wrong")
    with pytest.raises(SignOnUnknown):
        await identity.campus.begin(session, "cas", challenge_of(VERIFIER), RETURN_TO)
    result = await identity.campus_links.by_code(session, "cas", "corp-code")
    assert result.tokens is not None


TERMS = ConsentFacts("card-terms", 2, "协议", "Terms", "https://school.example/t", "ab" * 32)


async def test_documents_are_agreed_to_before_the_browser_opens(identity: Identity) -> None:
    identity.documents[SCHOOL] = (TERMS,)
    session, challenge = await mini(identity), challenge_of(VERIFIER)
    begin = identity.campus_links.begin
    for given in ((), (ConsentGiven("card-terms", 1),), (ConsentGiven("other", 2),)):
        with pytest.raises(ConsentMissing) as refusal:
            await begin(session, "cas", challenge, RETURN_TO, given)
        assert refusal.value.details == {"documents": "card-terms"}
    assert await identity.dump("consent") == {"consent": []}
    await begin(session, "cas", challenge, RETURN_TO, [ConsentGiven("card-terms", 2)])
    rows = await identity.rows("SELECT document, version, text_hash, channel FROM consent")
    assert [tuple(row) for row in rows] == [
        ("card-terms", 2, bytes.fromhex(TERMS.sha256), "ALIPAY_MINI")
    ]
    result = await person(identity, person_no=OWNER.number).sign_on(session)
    assert result.tokens is not None
    assert result.tokens.session.cardholder_id is not None
    listed = await identity.consents.list_of_cardholder(SCHOOL, result.tokens.session.cardholder_id)
    assert [(each.document, each.version, each.channel) for each in listed] == [
        ("card-terms", 2, "ALIPAY_MINI")
    ]


async def test_old_proofs_and_sessions_of_the_school_are_forgotten(identity: Identity) -> None:
    link_by(identity, LinkMode.PROVE_CARD)
    await person(identity, session_ref="ST-1").sign_on(await mini(identity))
    for days, left in ((1, (1, 2)), (2, (0, 2)), (31, (0, 0))):
        identity.clock.advance(days=days)
        await identity.campus_links.expire(SCHOOL)
        counted = [
            len(await identity.rows(f"SELECT 1 FROM {table}"))
            for table in ("pending_link", "campus_session")
        ]
        assert tuple(counted) == left


async def test_the_registered_address_proves_a_card_after_a_sign_on(identity: Identity) -> None:
    link_by(identity, LinkMode.PROVE_CARD)
    session = await mini(identity)
    await person(identity).sign_on(session)
    await identity.member_proof.begin(session, OWNER.number, AddressKind.EMAIL)
    await identity.deliver()
    assert OWNER.email is not None
    result = await identity.member_proof.prove(
        session, OWNER.number, AddressKind.EMAIL, identity.inbox.last_code(OWNER.email), NETWORK
    )
    assert (result.step, await live(identity)) == (NextStep.NONE, BOTH)
