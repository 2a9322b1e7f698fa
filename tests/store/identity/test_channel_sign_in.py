"""Sign-in of the channels: who the platform names, what it vouches for, and nothing more."""

from datetime import timedelta

import pytest

from core.identity.records import (
    ChallengeInvalid,
    ChannelNotOffered,
    ChannelUnavailable,
    Device,
    NotAuthorised,
    NotMember,
    ReturnNotListed,
    SessionTokens,
    SignInNotConfirmed,
    StartAgain,
)
from core.identity.subjects import challenge_of
from core.kit.errors import Overloaded
from core.ports.channels import ClaimKind
from core.ports.providers import (
    ProviderMisconfigured,
    ProviderRefused,
    ProviderThrottled,
    ProviderUnavailable,
    RefusalReason,
)
from core.school.policy_words import Channel
from tests.factories.bound import FORM, OWNER, enrol_people
from tests.factories.doors import RETURN_TO
from tests.factories.identity import NETWORK, OTHER_SCHOOL, SCHOOL, Identity

DEVICE = Device("sample phone")
VERIFIER = "v" * 43


async def sign_in(
    identity: Identity, subject: str = "open-1", channel: Channel = Channel.ALIPAY_MINI
) -> SessionTokens:
    door = {Channel.ALIPAY_MINI: identity.doors.alipay, Channel.WECHAT_MINI: identity.doors.wechat}
    code = door[channel].code(subject)
    return await identity.channel_sign_in.sign_in(SCHOOL, channel, code, DEVICE)


async def test_a_mini_program_signs_in_for_two_hours_without_a_refresh_token(
    identity: Identity,
) -> None:
    tokens = await sign_in(identity)
    session = tokens.session
    assert (session.issuer, session.channel, session.cardholder_id) == (
        "alipay:app-1", "ALIPAY_MINI", None,
    )  # fmt: skip
    assert session.expires_at == identity.clock.now() + timedelta(hours=2)
    assert (tokens.refresh_token, tokens.refresh_expires_at, session.step_up_at) == (
        None, None, None,
    )  # fmt: skip
    assert await identity.sessions.find_session(tokens.access_token) == session


async def test_a_bound_subject_signs_in_as_its_cardholder_and_proves_no_more(
    identity: Identity,
) -> None:
    await enrol_people(identity)
    tokens = await sign_in(identity)
    bound = await identity.bindings.bind_by_form(tokens.session, FORM, NETWORK)
    again = await sign_in(identity)
    assert again.session.cardholder_id == bound.session.cardholder_id
    assert again.session.step_up_at is None
    devices = await identity.sessions.list_devices(again.session)
    assert {each.id for each in devices} == {again.session.id, bound.session.id}


async def test_subjects_that_differ_by_case_or_issuer_are_others(identity: Identity) -> None:
    await enrol_people(identity)
    tokens = await sign_in(identity, "oAbC")
    await identity.bindings.bind_by_form(tokens.session, FORM, NETWORK)
    for subject, channel in (("oabc", Channel.ALIPAY_MINI), ("oAbC", Channel.WECHAT_MINI)):
        other = await sign_in(identity, subject, channel)
        assert other.session.cardholder_id is None


async def test_unionid_appearing_later_keeps_subject(identity: Identity) -> None:
    await enrol_people(identity)
    wechat = identity.doors.wechat
    bound = await sign_in(identity, "open-1", Channel.WECHAT_MINI)
    await identity.bindings.bind_by_form(bound.session, FORM, NETWORK)
    code = wechat.code("open-1", wechat.claim(ClaimKind.UNION_ID, "union-1"))
    again = await identity.channel_sign_in.sign_in(SCHOOL, Channel.WECHAT_MINI, code, DEVICE)
    assert again.session.cardholder_id == await identity.id_of(OWNER.number)
    code = wechat.code("open-2", wechat.claim(ClaimKind.UNION_ID, "union-1"))
    other = await identity.channel_sign_in.sign_in(SCHOOL, Channel.WECHAT_MINI, code, DEVICE)
    assert other.session.cardholder_id is None


async def test_a_subject_is_kept_sealed_once_and_a_claim_as_its_index(identity: Identity) -> None:
    channel = identity.doors.alipay
    for _ in range(2):
        code = channel.code("open-1", channel.claim(ClaimKind.PHONE, "13800000001"))
        await identity.channel_sign_in.sign_in(SCHOOL, Channel.ALIPAY_MINI, code, DEVICE)
    assert len(await identity.rows("SELECT 1 FROM channel_subject")) == 1
    kept = await identity.dump("channel_subject", "identity_claim", "session")
    assert len(kept["identity_claim"]) == 2
    assert "open-1" not in str(kept)
    assert "13800000001" not in str(kept)
    tokens = await sign_in(identity)
    assert await identity.channel_sign_in.subject_text(tokens.session) == "open-1"


async def test_one_subject_at_two_schools_is_two(identity: Identity) -> None:
    await enrol_people(identity)
    here = await sign_in(identity)
    await identity.bindings.bind_by_form(here.session, FORM, NETWORK)
    code = identity.doors.alipay.code("open-1")
    there = await identity.channel_sign_in.sign_in(OTHER_SCHOOL, Channel.ALIPAY_MINI, code, DEVICE)
    assert there.session.cardholder_id is None
    assert there.session.subject_index != here.session.subject_index


@pytest.mark.parametrize(
    ("fault", "refusal"),
    [
        (ProviderRefused("code", RefusalReason.CODE_EXPIRED), SignInNotConfirmed),
        (ProviderRefused("risk", RefusalReason.RISK), SignInNotConfirmed),
        (ProviderRefused("outsider", RefusalReason.NOT_A_MEMBER), NotMember),
        (ProviderRefused("consent", RefusalReason.NOT_AUTHORISED), NotAuthorised),
        (ProviderUnavailable("timeout"), ChannelUnavailable),
        (ProviderThrottled("quota", 60), ChannelUnavailable),
        (ProviderMisconfigured("secret"), ChannelUnavailable),
    ],
)
async def test_whatever_fails_at_the_channel_opens_nothing(
    identity: Identity, fault: Exception, refusal: type[Exception]
) -> None:
    identity.doors.alipay.fault = fault
    with pytest.raises(refusal):
        await sign_in(identity)
    assert await identity.dump("session", "channel_subject") == {
        "session": [], "channel_subject": []
    }  # fmt: skip


async def test_a_channel_that_the_school_has_not_is_told(identity: Identity) -> None:
    for channel in (Channel.NATIVE, Channel.WECHAT_OFFICIAL):
        with pytest.raises(ChannelNotOffered):
            await identity.channel_sign_in.sign_in(SCHOOL, channel, "code", DEVICE)


async def test_an_installed_app_has_a_session_that_proves_nothing(identity: Identity) -> None:
    first = await identity.channel_sign_in.install(SCHOOL, DEVICE)
    second = await identity.channel_sign_in.install(SCHOOL, DEVICE)
    assert (first.session.issuer, first.session.channel) == ("native", "NATIVE")
    assert first.refresh_token is not None
    assert first.session.subject_index != second.session.subject_index


async def state_of(identity: Identity, private: bool = False) -> str:
    url = await identity.channel_sign_in.begin(
        SCHOOL, Channel.WECOM, challenge_of(VERIFIER), RETURN_TO, private=private
    )
    assert url.endswith(f"&back={RETURN_TO}&p={private:d}")
    state = url.partition("state=")[2].partition("&")[0]
    assert (len(state), state.isalnum(), state.isascii()) == (24, True, True)
    return state


async def by_page(
    identity: Identity, code: str, state: str | None, verifier: str | None
) -> SessionTokens:
    return await identity.channel_sign_in.sign_in(
        SCHOOL, Channel.WECOM, code, DEVICE, state=state, verifier=verifier
    )


async def test_a_code_of_the_channels_page_is_good_in_the_browser_that_began(
    identity: Identity,
) -> None:
    state = await state_of(identity)
    tokens = await by_page(identity, identity.doors.wecom.code("userid-1"), state, VERIFIER)
    assert tokens.session.issuer == "wecom:corp-4"
    with pytest.raises(StartAgain):
        await by_page(identity, identity.doors.wecom.code("userid-1"), state, VERIFIER)


@pytest.mark.parametrize("verifier", [None, "", "w" * 43])
async def test_a_code_slipped_into_another_browser_opens_nothing(
    identity: Identity, verifier: str | None
) -> None:
    state, code = await state_of(identity), identity.doors.wecom.code("attacker")
    with pytest.raises(StartAgain):
        await by_page(identity, code, state, verifier)
    with pytest.raises(StartAgain):
        await by_page(identity, code, state, VERIFIER)
    assert await identity.rows("SELECT 1 FROM session") == []
    assert code in identity.doors.wecom.subjects, "the channel was not even asked"


async def test_the_page_comes_back_to_listed_addresses_only(identity: Identity) -> None:
    begin = identity.channel_sign_in.begin
    challenge = challenge_of(VERIFIER)
    for return_to in (RETURN_TO + "?x=//evil.example", "https://evil.example/", ""):
        with pytest.raises(ReturnNotListed):
            await begin(SCHOOL, Channel.WECOM, challenge, return_to, private=False)
    for bad in ("", "short", challenge + "=", "é" * 43):
        with pytest.raises(ChallengeInvalid):
            await begin(SCHOOL, Channel.WECOM, bad, RETURN_TO, private=False)
    with pytest.raises(ChannelNotOffered):
        await begin(SCHOOL, Channel.ALIPAY_MINI, challenge, RETURN_TO, private=False)
    assert identity.store.values == {}


async def test_a_lost_store_lets_nobody_in_by_the_page(identity: Identity) -> None:
    state = await state_of(identity)
    identity.store.values.clear()
    with pytest.raises(StartAgain):
        await by_page(identity, identity.doors.wecom.code("u"), state, VERIFIER)
    identity.store.down = True
    with pytest.raises(Overloaded):
        await state_of(identity)
    assert (await sign_in(identity)).session.channel == "ALIPAY_MINI"


async def claims(identity: Identity) -> set[str]:
    return {row["kind"] for row in await identity.rows("SELECT kind FROM identity_claim")}


async def test_a_member_who_agrees_shows_telephone_and_mail(identity: Identity) -> None:
    wecom = identity.doors.wecom
    wecom.tickets["t-1"] = (
        wecom.claim(ClaimKind.PHONE, "13800000001"),
        wecom.claim(ClaimKind.EMAIL, "someone@people.example"),
    )
    state = await state_of(identity, private=True)
    await by_page(identity, wecom.code("u", ticket="t-1"), state, VERIFIER)
    assert await claims(identity) == {"PHONE", "EMAIL"}


async def test_refused_private_info_falls_back(identity: Identity) -> None:
    state = await state_of(identity, private=True)
    code = identity.doors.wecom.code("u", ticket="refused")
    tokens = await by_page(identity, code, state, VERIFIER)
    assert (tokens.session.channel, await claims(identity)) == ("WECOM", set())
    state = await state_of(identity)
    await by_page(identity, identity.doors.wecom.code("u", ticket="refused"), state, VERIFIER)


async def test_a_channels_telephone_number_is_noted_for_the_sign_in(identity: Identity) -> None:
    identity.doors.wechat.phones["p-1"] = "13800000001"
    tokens = await sign_in(identity, channel=Channel.WECHAT_MINI)
    shown = await identity.channel_sign_in.claim_phone(tokens.session, {"code": "p-1"})
    assert (shown, await claims(identity)) == ("0001", {"PHONE"})
    with pytest.raises(NotAuthorised):
        await identity.channel_sign_in.claim_phone(tokens.session, {"code": "p-2"})


async def test_only_a_channel_has_verified_numbers(identity: Identity) -> None:
    native = await identity.signed_in("aside@people.example")
    with pytest.raises(ChannelNotOffered):
        await identity.channel_sign_in.claim_phone(native.session, {"code": "p-1"})
    with pytest.raises(SignInNotConfirmed):
        await identity.channel_sign_in.subject_text(native.session)


@pytest.mark.parametrize(
    ("tag", "counted"), [("poster-7", 2), (None, 0), ("", 0), ("x" * 33, 0), ("a b", 0)]
)
async def test_where_people_came_from_is_counted(
    identity: Identity, tag: str | None, counted: int
) -> None:
    for subject in ("open-1", "open-2"):
        code = identity.doors.alipay.code(subject)
        await identity.channel_sign_in.sign_in(
            SCHOOL, Channel.ALIPAY_MINI, code, Device("phone", tag)
        )
    rows = await identity.rows("SELECT channel, tag, sign_ins FROM entry_tag_day")
    assert [tuple(row) for row in rows] == ([("ALIPAY_MINI", tag, counted)] if counted else [])


async def test_claims_are_forgotten_after_a_day(identity: Identity) -> None:
    identity.doors.wechat.phones["p-1"] = "13800000001"
    tokens = await sign_in(identity, channel=Channel.WECHAT_MINI)
    await identity.channel_sign_in.claim_phone(tokens.session, {"code": "p-1"})
    await identity.channel_sign_in.expire(SCHOOL)
    assert await claims(identity) == {"PHONE"}
    identity.clock.advance(hours=25)
    await identity.channel_sign_in.expire(SCHOOL)
    assert await claims(identity) == set()
