"""A wallet's real name: matched, compared, confirmed; and the form that stands on it."""

from dataclasses import replace
from typing import Any

import pytest

from core.identity.consents import ConsentGiven
from core.identity.linking import LinkResult, NextStep
from core.identity.records import (
    AlreadyBound,
    ChannelNotOffered,
    ConsentMissing,
    IdentityNotConfirmed,
    MethodNotOffered,
    NothingToConfirm,
    RealNameNotFound,
    RealNameNotOwn,
    SessionRecord,
    SignInNotConfirmed,
    StartAgain,
)
from core.ports.channels import ClaimKind, RealName
from core.ports.pins import PinStanding
from core.ports.providers import ProviderRefused, RefusalReason
from core.school.policy import Auth, Policy
from core.school.policy_file import ConsentFacts
from core.school.policy_words import AuthMethod, Channel
from tests.factories.bound import FORM, OTHER, OWNER, PEOPLE, enrol_people, give_pin
from tests.factories.campus_attempts import mini
from tests.factories.identity import NETWORK, SCHOOL, Identity, person_like

LIVE = "SELECT issuer FROM binding WHERE ended_at IS NULL"


@pytest.fixture(autouse=True)
async def offered(identity: Identity) -> None:
    """People, and a school of the first guide: real name first, then the form."""
    await enrol_people(identity)
    offer(identity)


def offer(identity: Identity, **auth: Any) -> None:
    methods = (AuthMethod.REAL_NAME, AuthMethod.FORM)
    identity.policies[SCHOOL] = Policy(auth=replace(Auth(methods=methods), **auth))


def wallet(
    identity: Identity, subject: str = "open-1", name: str = OWNER.name,
    id_number: str | None = OWNER.id_number,
) -> str:  # fmt: skip
    """An authorisation code of a wallet with this real name."""
    channel = identity.doors.alipay
    claims = [channel.claim(ClaimKind.NAME, name)]
    claims += [channel.claim(ClaimKind.ID_NUMBER, id_number)] if id_number else []
    channel.released_facts[f"auth-{subject}"] = (subject, tuple(claims))
    return f"auth-{subject}"


async def match(identity: Identity, session: SessionRecord, code: str, **given: Any) -> LinkResult:
    return await identity.real_names.match(session, code, **given)


async def test_a_matched_person_sees_masks_and_confirms(identity: Identity) -> None:
    session = await mini(identity)
    result = await match(identity, session, wallet(identity))
    assert OWNER.id_number is not None
    assert (result.step, result.tokens) == (NextStep.CONFIRM, None)
    assert result.matched is not None
    assert result.matched.masked_name == OWNER.name[0] + "*"
    assert result.matched.masked_id_number == "*" * 17 + OWNER.id_number[-1]
    assert result.matched.masked_number.endswith(OWNER.number[-3:])
    assert OWNER.number not in str(result)
    assert await identity.rows(LIVE) == []
    tokens = await identity.confirmations.confirm(session)
    assert tokens.session.cardholder_id == await identity.id_of(OWNER.number)
    with pytest.raises(AlreadyBound):
        await identity.confirmations.confirm(tokens.session)


async def test_consent_is_kept_with_version_and_time(identity: Identity) -> None:
    terms = ConsentFacts(
        "query-terms", 3, "查询授权", "Query", "https://school.example/q", "cd" * 32,
        (AuthMethod.REAL_NAME,),
    )  # fmt: skip
    identity.documents[SCHOOL] = (terms,)
    session, code = await mini(identity), wallet(identity)
    before = await identity.dump("identity_claim", "pending_link", "consent")
    with pytest.raises(ConsentMissing):
        await match(identity, session, code)
    assert await identity.dump("identity_claim", "pending_link", "consent") == before
    await match(identity, session, code, consents=[ConsentGiven("query-terms", 3)])
    rows = await identity.rows("SELECT document, version, given_at, cardholder_id FROM consent")
    assert [tuple(row) for row in rows] == [("query-terms", 3, identity.clock.now(), None)]
    await identity.confirmations.confirm(session)
    assert len(await identity.rows("SELECT 1 FROM consent")) == 1


@pytest.mark.parametrize(
    "told",
    [
        {"name": OTHER.name},
        {"id_number": OTHER.id_number},
        {"id_number": None},
        {"name": "家长", "id_number": "110101190001010006"},
    ],
)
async def test_a_wallet_of_nobody_here_matches_nobody(
    identity: Identity, told: dict[str, Any]
) -> None:
    session = await mini(identity)
    with pytest.raises(RealNameNotFound):
        await match(identity, session, wallet(identity, **told))
    with pytest.raises(NothingToConfirm):
        await identity.confirmations.confirm(session)
    assert await identity.rows(LIVE) == []


async def test_a_code_of_another_wallet_proves_nothing(identity: Identity) -> None:
    session = await mini(identity, "thief")
    with pytest.raises(IdentityNotConfirmed):
        await match(identity, session, wallet(identity, "open-1"))
    assert await identity.dump("identity_claim", "pending_link") == {
        "identity_claim": [], "pending_link": []
    }  # fmt: skip


async def test_a_person_with_several_cards_chooses_one(identity: Identity) -> None:
    second = person_like(PEOPLE[3], number="T000009", name=OWNER.name, id_number=OWNER.id_number,
                         card_uid=None, old_balance_minor=None)  # fmt: skip
    await identity.enrol(second)
    session, code = await mini(identity), wallet(identity)
    result = await match(identity, session, code)
    assert (result.step, result.choices) == (
        NextStep.CHOOSE, tuple(sorted([OWNER.number, "T000009"])),
    )  # fmt: skip
    with pytest.raises(RealNameNotFound):
        await match(identity, session, code, number="S999999")
    assert (await match(identity, session, code, number="T000009")).step is NextStep.CONFIRM
    tokens = await identity.confirmations.confirm(session)
    assert tokens.session.cardholder_id == await identity.id_of("T000009")


async def test_own_wallet_is_shown_before_the_form(identity: Identity) -> None:
    session = await mini(identity)
    with pytest.raises(RealNameNotOwn):
        await identity.bindings.bind_by_form(session, FORM, NETWORK)
    assert identity.pins.compared == []
    await match(identity, session, wallet(identity))
    bound = await identity.bindings.bind_by_form(session, FORM, NETWORK)
    assert bound.session.cardholder_id == await identity.id_of(OWNER.number)


async def test_a_parents_wallet_binds_no_child(identity: Identity) -> None:
    session = await mini(identity)
    with pytest.raises(RealNameNotFound):
        await match(identity, session, wallet(identity, name="家长", id_number=None))
    with pytest.raises(IdentityNotConfirmed):
        await identity.bindings.bind_by_form(session, FORM, NETWORK)
    offer(identity, own_real_name_only=False)
    await identity.bindings.bind_by_form(session, FORM, NETWORK)


async def test_the_form_follows_a_match_that_failed(identity: Identity) -> None:
    await give_pin(identity, PinStanding.DEFAULT)
    unknown = person_like(OWNER, id_number=None, id_type=None)
    await identity.enrol(unknown)
    session = await mini(identity)
    with pytest.raises(RealNameNotFound):
        await match(identity, session, wallet(identity))
    bound = await identity.bindings.bind_by_form(session, FORM, NETWORK)
    assert bound.session.cardholder_id == await identity.id_of(OWNER.number)


async def test_a_namesake_with_a_guessed_default_pin_binds_nothing(identity: Identity) -> None:
    await give_pin(identity, PinStanding.DEFAULT)
    session = await mini(identity)
    with pytest.raises(RealNameNotFound):
        await match(identity, session, wallet(identity, id_number=None))
    with pytest.raises(IdentityNotConfirmed):
        await identity.bindings.bind_by_form(session, FORM, NETWORK)
    assert await identity.rows(LIVE) == []


async def test_the_register_is_compared_and_nothing_is_learnt(identity: Identity) -> None:
    session = await mini(identity)
    reference = await identity.real_names.compare_begin(session, OWNER.number, NETWORK)
    (asked,) = identity.doors.alipay.compared
    assert (reference, asked.name, asked.id_number) == (
        "verify-1", OWNER.name, OWNER.id_number,
    )  # fmt: skip
    identity.doors.alipay.agrees["auth"] = ("open-1", True)
    result = await identity.real_names.compare(session, "auth")
    assert (result.step, await identity.rows("SELECT 1 FROM identity_claim")) == (
        NextStep.CONFIRM, [],
    )  # fmt: skip
    tokens = await identity.confirmations.confirm(session)
    assert tokens.session.cardholder_id == await identity.id_of(OWNER.number)
    with pytest.raises(AlreadyBound):
        await identity.real_names.compare(tokens.session, "auth")


@pytest.mark.parametrize(
    ("number", "agrees"),
    [
        (OWNER.number, ("open-1", False)),
        (OWNER.number, ("other", True)),
        ("S999999", ("open-1", True)),
        ("' OR 1", ("open-1", True)),
    ],
)
async def test_a_comparison_that_fails_is_one_refusal(
    identity: Identity, number: str, agrees: tuple[str, bool]
) -> None:
    session = await mini(identity)
    await identity.real_names.compare_begin(session, number, NETWORK)
    identity.doors.alipay.agrees["auth"] = agrees
    with pytest.raises(IdentityNotConfirmed) as refusal:
        await identity.real_names.compare(session, "auth")
    assert refusal.value.path == ()
    with pytest.raises(StartAgain):
        await identity.real_names.compare(session, "auth")
    with pytest.raises(NothingToConfirm):
        await identity.confirmations.confirm(session)


async def test_an_unknown_number_is_compared_with_nobody(identity: Identity) -> None:
    session = await mini(identity)
    await identity.real_names.compare_begin(session, "S999999", NETWORK)
    without_id = person_like(PEOPLE[2], id_number=None, id_type=None)
    await identity.enrol(without_id)
    await identity.real_names.compare_begin(session, without_id.number, NETWORK)
    asked: list[RealName] = identity.doors.alipay.compared
    assert [each.name for each in asked] == ["不存在", "不存在"]


async def test_comparisons_are_counted_like_forms(identity: Identity) -> None:
    session = await mini(identity)
    for number in ("S1", "S2", "S3"):
        await identity.real_names.compare_begin(session, number, NETWORK)
    with pytest.raises(IdentityNotConfirmed):
        await identity.real_names.compare_begin(session, "S4", NETWORK)
    assert len(identity.doors.alipay.compared) == 3


async def test_a_school_or_channel_without_real_names_says_so(identity: Identity) -> None:
    wechat = await mini(identity, channel=Channel.WECHAT_MINI)
    with pytest.raises(ChannelNotOffered):
        await match(identity, wechat, "auth")
    session = await mini(identity)
    identity.policies[SCHOOL] = Policy(auth=Auth(methods=(AuthMethod.FORM,)))
    with pytest.raises(MethodNotOffered):
        await match(identity, session, "auth")


async def test_a_wallet_that_refuses_notes_nothing(identity: Identity) -> None:
    session, code = await mini(identity), wallet(identity)
    identity.doors.alipay.fault = ProviderRefused("code", RefusalReason.CODE_EXPIRED)
    with pytest.raises(SignInNotConfirmed):
        await match(identity, session, code)
    assert await identity.rows("SELECT 1 FROM identity_claim") == []


async def test_a_cardholder_who_left_matches_nobody(identity: Identity) -> None:
    async def close(unit: Any) -> None:
        await unit.execute(
            "UPDATE cardholder SET status = 'CLOSED' WHERE school_id = $1 AND number = $2",
            unit.school_id, OWNER.number,
        )  # fmt: skip

    session = await mini(identity)
    await identity.real_names.compare_begin(session, OWNER.number, NETWORK)
    await identity.database.unit(SCHOOL, close)
    with pytest.raises(RealNameNotFound):
        await match(identity, session, wallet(identity))
    identity.doors.alipay.agrees["auth"] = ("open-1", True)
    with pytest.raises(IdentityNotConfirmed):
        await identity.real_names.compare(session, "auth")
    assert await identity.rows(LIVE) == []
