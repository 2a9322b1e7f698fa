"""WeCom members: a number, and the register's telephone or e-mail (M-028, M-029)."""

import pytest

from core.identity.linking import NextStep
from core.identity.records import (
    AlreadyBound,
    BindForm,
    ConfirmationWrong,
    Device,
    IdentityNotConfirmed,
    MethodNotOffered,
    SessionRecord,
)
from core.identity.subjects import challenge_of
from core.ports.channels import ClaimKind
from core.ports.messages import AddressKind
from core.school.policy import Auth, Policy
from core.school.policy_words import AuthMethod, Channel, FormField
from tests.factories.bound import OTHER, OWNER, PIN, enrol_people
from tests.factories.campus_attempts import VERIFIER, mini
from tests.factories.doors import RETURN_TO
from tests.factories.identity import NETWORK, SCHOOL, Identity

EMAIL = AddressKind.EMAIL
CHANGED = ("binding", "session", "pending_link")


@pytest.fixture(autouse=True)
async def offered(identity: Identity) -> None:
    """People, and a school of the fourth guide."""
    await enrol_people(identity)
    methods = (AuthMethod.WECOM_EMAIL, AuthMethod.WECOM_PHONE, AuthMethod.FORM)
    fields = (FormField.NAME, FormField.NUMBER_OR_CARD, FormField.QUERY_PIN)
    identity.policies[SCHOOL] = Policy(auth=Auth(methods=methods, form_fields=fields))


async def member(
    identity: Identity, userid: str = "userid-1", email: str | None = None
) -> SessionRecord:
    """A session of a member, who may have shown an e-mail address."""
    wecom, private = identity.doors.wecom, email is not None
    url = await identity.channel_sign_in.begin(
        SCHOOL, Channel.WECOM, challenge_of(VERIFIER), RETURN_TO, private=private
    )
    state = url.partition("state=")[2].partition("&")[0]
    if email is not None:
        wecom.tickets["ticket"] = (wecom.claim(ClaimKind.EMAIL, email),)
    tokens = await identity.channel_sign_in.sign_in(
        SCHOOL, Channel.WECOM, wecom.code(userid, ticket="ticket"), Device("phone"), state=state,
        verifier=VERIFIER,
    )  # fmt: skip
    return tokens.session


async def code_sent(identity: Identity, session: SessionRecord, number: str) -> str:
    """The code that the register's mailbox got."""
    await identity.member_proof.begin(session, number, EMAIL)
    await identity.deliver()
    assert OWNER.email is not None
    return identity.inbox.last_code(OWNER.email)


async def test_a_code_to_the_registers_mail_binds_a_member(identity: Identity) -> None:
    session = await member(identity)
    code = await code_sent(identity, session, OWNER.number)
    result = await identity.member_proof.prove(session, OWNER.number, EMAIL, code, NETWORK)
    assert result.step is NextStep.NONE
    assert result.tokens is not None
    assert result.tokens.session.cardholder_id == await identity.id_of(OWNER.number)
    facts = await identity.rows("SELECT facts::text AS f FROM audit_event")
    assert ['"method": "WECOM_EMAIL"' in row["f"] for row in facts] == [True]
    with pytest.raises(AlreadyBound):
        await identity.member_proof.begin(result.tokens.session, OWNER.number, EMAIL)


async def test_what_wecom_released_binds_without_a_code(identity: Identity) -> None:
    session = await member(identity, email=OWNER.email)
    result = await identity.member_proof.prove(session, OWNER.number, EMAIL, None, NETWORK)
    assert result.tokens is not None
    assert result.tokens.session.cardholder_id == await identity.id_of(OWNER.number)


async def test_released_address_of_somebody_else_binds_nothing(identity: Identity) -> None:
    session = await member(identity, email=OTHER.email)
    before = await identity.dump(*CHANGED)
    for number in (OWNER.number, "S999999"):
        with pytest.raises(IdentityNotConfirmed):
            await identity.member_proof.prove(session, number, EMAIL, None, NETWORK)
    assert await identity.dump(*CHANGED) == before


async def test_released_address_replaces_a_binding_after_a_step_up_only(
    identity: Identity,
) -> None:
    first = await member(identity, "userid-old", OWNER.email)
    await identity.member_proof.prove(first, OWNER.number, EMAIL, None, NETWORK)
    second = await member(identity, "userid-new", OWNER.email)
    result = await identity.member_proof.prove(second, OWNER.number, EMAIL, None, NETWORK)
    assert (result.step, result.tokens) == (NextStep.STEP_UP, None)
    with pytest.raises(ConfirmationWrong):
        await identity.confirmations.confirm(second)
    tokens = await identity.confirmations.confirm(second, pin=PIN)
    assert tokens.session.cardholder_id == await identity.id_of(OWNER.number)
    live = await identity.rows("SELECT 1 FROM binding WHERE ended_at IS NULL")
    assert len(live) == 1


async def test_every_number_gets_the_same_answer(identity: Identity) -> None:
    session = await member(identity)
    answers = set()
    for number in (OWNER.number, "S999999", "' OR 1", ""):
        identity.clock.advance(seconds=61)
        answers.add(str(await identity.member_proof.begin(session, number, EMAIL)))
    assert len(answers) == 1
    assert len(await identity.rows("SELECT 1 FROM one_time_code")) == 4
    await identity.deliver()
    assert [each.to for each in identity.inbox.messages] == [OWNER.email]


@pytest.mark.parametrize("number", [OWNER.number, "S999999"])
async def test_wrong_codes_and_unknown_numbers_are_one_refusal(
    identity: Identity, number: str
) -> None:
    session = await member(identity)
    right = await code_sent(identity, session, OWNER.number)
    wrong = "000000" if right != "000000" else "000001"
    before = await identity.dump(*CHANGED)
    code = wrong if number == OWNER.number else right
    with pytest.raises(IdentityNotConfirmed) as refusal:
        await identity.member_proof.prove(session, number, EMAIL, code, NETWORK)
    assert (refusal.value.path, refusal.value.details) == ((), {})
    assert await identity.dump(*CHANGED) == before


async def test_a_code_is_good_in_the_session_that_asked(identity: Identity) -> None:
    session, thief = await member(identity), await member(identity, "thief")
    code = await code_sent(identity, session, OWNER.number)
    with pytest.raises(IdentityNotConfirmed):
        await identity.member_proof.prove(thief, OWNER.number, EMAIL, code, NETWORK)
    assert await identity.rows("SELECT 1 FROM binding") == []


async def test_number_tries_are_counted(identity: Identity) -> None:
    session = await member(identity, email=OWNER.email)
    for number in ("S1", "S2", "S3"):
        with pytest.raises(IdentityNotConfirmed):
            await identity.member_proof.prove(session, number, EMAIL, None, NETWORK)
    with pytest.raises(IdentityNotConfirmed):
        await identity.member_proof.prove(session, OWNER.number, EMAIL, None, NETWORK)
    assert await identity.rows("SELECT 1 FROM binding") == []


async def test_other_channels_and_schools_have_no_members(identity: Identity) -> None:
    with pytest.raises(MethodNotOffered):
        await identity.member_proof.begin(await mini(identity), OWNER.number, EMAIL)
    session = await member(identity)
    identity.policies[SCHOOL] = Policy(auth=Auth(methods=(AuthMethod.WECOM_PHONE,)))
    with pytest.raises(MethodNotOffered):
        await identity.member_proof.begin(session, OWNER.number, EMAIL)
    identity.policies[SCHOOL] = Policy(auth=Auth(methods=(AuthMethod.SSO,)))
    with pytest.raises(MethodNotOffered):
        await identity.member_proof.begin(session, OWNER.number, EMAIL)
    assert await identity.rows("SELECT 1 FROM one_time_code") == []


async def test_the_form_takes_number_or_card_and_query_pin(identity: Identity) -> None:
    session = await member(identity)
    assert OWNER.card_uid is not None
    form = BindForm(OWNER.name, OWNER.card_uid, PIN)
    bound = await identity.bindings.bind_by_form(session, form, NETWORK)
    assert bound.session.cardholder_id == await identity.id_of(OWNER.number)
