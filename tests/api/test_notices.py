"""What a genuine notice ends, once; what it leaves; and what the address answers."""

import asyncio
from datetime import timedelta
from pathlib import Path
from random import Random  # noqa: TID251 - seeded by the test
from typing import Any

import pytest

from core.db.connection import DatabaseUnavailable
from core.db.inbox import KEPT
from core.identity.records import MergeImpossible, SessionEnded
from core.school.policy_words import Channel
from tests.api.devices import OTHER_SCHOOL, SCHOOL
from tests.api.notified import Notified
from tests.api.posters import (
    GONE,
    POSTERS,
    AlipayPoster,
    WechatPoster,
    WecomPoster,
    bound,
    connect,
    signed_in,
)
from tests.api.sample import BOB

EVENTS = {
    "alipay": "alipay.open.auth.userauth.cancelled",
    "wechat": "user_authorization_revoke",
    "wecom": "unsubscribe",
}


@pytest.mark.parametrize("provider", POSTERS)
async def test_a_revocation_ends_the_binding_and_its_sessions(
    notified: Notified, provider: str
) -> None:
    poster = notified.posters[provider]
    token = await notified.bound(provider)
    assert await notified.viewer(token) == "CARDHOLDER"
    assert await notified.post(provider, poster.revoked("open-1")) == (200, "success")
    assert await notified.viewer(token) == "UNAUTHENTICATED"
    assert await notified.ends() == [
        ("SYSTEM", f"notice.{provider}", "binding.end", "PROVIDER_REVOKED")
    ]
    assert [(each[0], each[2]) for each in await notified.kept()] == [(provider, EVENTS[provider])]
    assert await notified.live() == ["native:email"]
    assert await notified.viewer(notified.native) == "CARDHOLDER"
    reasons = await notified.campus.rows(
        "SELECT DISTINCT revoke_reason FROM session WHERE issuer = $1 AND binding_id IS NOT NULL",
        poster.issuer,
    )
    assert [row["revoke_reason"] for row in reasons] == ["PROVIDER_REVOKED"]
    report = await notified.campus.wired.audit.verify(SCHOOL)
    assert report.first_broken_id is None


@pytest.mark.parametrize("provider", POSTERS)
async def test_ten_times_and_shuffled_it_acts_once(notified: Notified, provider: str) -> None:
    poster = notified.posters[provider]
    await notified.bound(provider)
    sent = [poster.revoked("open-1"), poster.revoked("open-2", 2), poster.other(3)] * 10
    if isinstance(poster, WechatPoster | WecomPoster):
        # A repeat is encrypted anew.
        texts = [poster.text("open-1"), poster.text("open-2", 2), poster.xml("enter_agent", 3)]
        sent = [poster.sealed(text) for text in texts * 10]
    Random(7).shuffle(sent)
    answers = await asyncio.gather(*(notified.post(provider, each) for each in sent))
    assert set(answers) == {(200, "success")}
    assert await notified.live() == ["native:email"]
    token = await (await notified.as_bob()).bound(provider)
    assert {await notified.post(provider, each) for each in sent} == {(200, "success")}
    assert await notified.viewer(token) == "CARDHOLDER"
    assert (len(await notified.kept()), len(await notified.ends())) == (3, 1)


@pytest.mark.parametrize("provider", POSTERS)
async def test_an_unknown_subject_is_kept_and_changes_nothing(
    notified: Notified, provider: str
) -> None:
    await notified.bound(provider)
    before = await notified.dump()
    answer = await notified.post(provider, notified.posters[provider].revoked("open-9"))
    after = await notified.dump()
    assert (answer, len(after.pop("provider_notice"))) == ((200, "success"), 1)
    before.pop("provider_notice")
    assert after == before


@pytest.mark.parametrize("provider", POSTERS)
async def test_a_notice_about_nobody_is_kept_and_changes_nothing(
    notified: Notified, provider: str
) -> None:
    token = await notified.bound(provider)
    before = await notified.dump()
    assert await notified.post(provider, notified.posters[provider].other()) == (200, "success")
    after = await notified.dump()
    assert len(after.pop("provider_notice")) == 1
    before.pop("provider_notice")
    assert (after, await notified.viewer(token)) == (before, "CARDHOLDER")


@pytest.mark.parametrize("provider", POSTERS)
async def test_who_signed_in_and_has_no_card_is_signed_out(
    notified: Notified, provider: str
) -> None:
    poster = notified.posters[provider]
    gone, other = (
        await signed_in(notified.campus, poster),
        await signed_in(notified.campus, poster, "o"),
    )
    assert (await notified.viewer(gone), await notified.viewer(other)) == ("UNBOUND", "UNBOUND")
    assert await notified.post(provider, poster.revoked("open-1")) == (200, "success")
    assert (await notified.viewer(gone), await notified.viewer(other)) == (
        "UNAUTHENTICATED",
        "UNBOUND",
    )


@pytest.mark.parametrize("provider", POSTERS)
async def test_who_has_bound_the_card_anew_keeps_it_when_an_old_notice_comes(
    notified: Notified, provider: str
) -> None:
    poster = notified.posters[provider]
    late = poster.revoked("open-1")
    text = poster.text("open-1") if not isinstance(poster, AlipayPoster) else ""
    notified.campus.clock.advance(minutes=6)
    notified = Notified(
        notified.campus, notified.posters, notified.foreign, await notified.campus.bind(BOB)
    )
    token = await notified.bound(provider)
    if not isinstance(poster, AlipayPoster):
        late = poster.sealed(text)
    assert await notified.post(provider, late) == (200, "success")
    assert (await notified.viewer(token), await notified.ends()) == ("CARDHOLDER", [])
    assert await notified.post(provider, poster.revoked("open-1", 2)) == (200, "success")
    assert (await notified.viewer(token), len(await notified.ends())) == ("UNAUTHENTICATED", 1)


@pytest.mark.parametrize("provider", POSTERS)
async def test_the_same_person_in_another_app_is_left_alone(
    notified: Notified, provider: str
) -> None:
    tokens = {each: await notified.bound(each) for each in POSTERS}
    await notified.post(provider, notified.posters[provider].revoked("open-1"))
    seen = {each: await notified.viewer(token) for each, token in tokens.items()}
    assert seen == dict.fromkeys(POSTERS, "CARDHOLDER") | {provider: "UNAUTHENTICATED"}


@pytest.mark.parametrize("provider", POSTERS)
async def test_a_genuine_notice_of_another_school_is_refused_here(
    notified: Notified, provider: str
) -> None:
    await notified.bound(provider)
    before, theirs = await notified.dump(), notified.foreign[provider]
    there = await notified.post(provider, theirs.revoked("open-1"), OTHER_SCHOOL)
    assert (there, await notified.dump()) == ((200, "success"), before)
    for number in (1, 2):
        assert await notified.post(provider, theirs.revoked("open-1", number)) == (403, "")
    assert await notified.dump() == before
    kept = await notified.campus.rows("SELECT event FROM provider_notice", school=OTHER_SCHOOL)
    assert [row["event"] for row in kept] == [EVENTS[provider]]


@pytest.mark.parametrize(
    ("fields", "ends"),
    [
        ({}, True),
        ({"RevokeInfo": "8"}, True),
        ({"RevokeInfo": "301"}, True),
        ({"RevokeInfo": "7"}, False),
        ({"RevokeInfo": "13"}, False),
        ({"RevokeInfo": "4,7"}, False),
        ({"RevokeInfo": "4,8"}, True),
        ({"RevokeInfo": ""}, True),
        ({"event": GONE}, True),
        ({"event": GONE, "RevokeInfo": "7"}, True),
        ({"event": "user_info_modified"}, False),
    ],
)
async def test_wechat_ends_a_binding_for_what_is_about_the_person(
    notified: Notified, fields: dict[str, Any], ends: bool
) -> None:
    poster = notified.posters["wechat"]
    assert isinstance(poster, WechatPoster)
    token = await notified.bound("wechat")
    assert await notified.post("wechat", poster.revoked("open-1", **fields)) == (200, "success")
    assert await notified.viewer(token) == ("UNAUTHENTICATED" if ends else "CARDHOLDER")


async def test_the_text_a_person_writes_to_an_account_is_not_kept(notified: Notified) -> None:
    poster = notified.posters["wechat"]
    assert isinstance(poster, WechatPoster)
    text = (
        "<xml><FromUserName>open-1</FromUserName><CreateTime>1</CreateTime><MsgType>text</MsgType>"
        "<Content>示例甲 13800000001</Content><Event>user_authorization_revoke</Event>"
        "<OpenID>open-1</OpenID><Scan><Type>a</Type><Type>b</Type></Scan></xml>"
    )
    token = await notified.bound("wechat")
    assert await notified.post("wechat", poster.sealed(text)) == (200, "success")
    ((provider, notice_id, event),) = await notified.kept()
    assert (provider, len(notice_id), event) == ("wechat", 64, "message.text")
    assert await notified.viewer(token) == "CARDHOLDER"
    dumped = str((await notified.dump())["provider_notice"])
    assert not any(word in dumped for word in ("open-1", "示例甲", "13800000001"))


async def test_a_member_deleted_from_the_corporation_loses_the_binding(notified: Notified) -> None:
    poster = notified.posters["wecom"]
    assert isinstance(poster, WecomPoster)
    kept, deleted = await notified.bound("wecom"), poster.xml("change_contact", 1, UserID="open-1")
    changed = deleted.replace("</xml>", "<ChangeType>{}</ChangeType></xml>")
    await notified.post("wecom", poster.sealed(changed.format("update_user")))
    assert await notified.viewer(kept) == "CARDHOLDER"
    gone = poster.sealed(changed.format("delete_user"))
    assert await notified.post("wecom", gone) == (200, "success")
    assert await notified.viewer(kept) == "UNAUTHENTICATED"
    assert [event for _, _, event in await notified.kept()] == [
        "change_contact.delete_user", "change_contact.update_user",
    ]  # fmt: skip


async def test_alipay_that_tells_no_open_id_names_nobody_we_know(notified: Notified) -> None:
    poster = notified.posters["alipay"]
    assert isinstance(poster, AlipayPoster)
    token = await notified.bound("alipay")
    content = {"open_id": None, "user_id": "2088000000000001"}
    assert await notified.post("alipay", poster.revoked("", content=content)) == (200, "success")
    assert (await notified.viewer(token), len(await notified.kept())) == ("CARDHOLDER", 1)


async def test_alipays_own_number_is_the_notices(notified: Notified) -> None:
    poster = notified.posters["alipay"]
    await notified.post("alipay", poster.revoked("open-1", 42))
    assert await notified.kept() == [
        ("alipay", "2026090100262000000000000000000042", EVENTS["alipay"])
    ]  # fmt: skip


async def test_without_a_time_a_revocation_ends_whatever_there_is(notified: Notified) -> None:
    poster = notified.posters["alipay"]
    assert isinstance(poster, AlipayPoster)
    token = await notified.bound("alipay")
    told = poster.revoked("open-1", utc_timestamp=None, content={"cancel_time": "then"})
    assert await notified.post("alipay", told) == (200, "success")
    assert await notified.viewer(token) == "UNAUTHENTICATED"


async def test_two_apps_of_a_school_post_to_one_address(notified: Notified, tmp_path: Path) -> None:
    official = WechatPoster(notified.campus.clock, "wx-official", channel=Channel.WECHAT_OFFICIAL)
    mini = notified.posters["wechat"]
    await connect(notified.campus, tmp_path, mini, official)
    tokens = [await bound(notified.campus, each, notified.native) for each in (mini, official)]
    assert await notified.post("wechat", official.revoked("open-1")) == (200, "success")
    assert [await notified.viewer(each) for each in tokens] == ["CARDHOLDER", "UNAUTHENTICATED"]


async def test_a_card_bound_in_the_moment_of_a_revocation_does_not_stay_bound(
    notified: Notified,
) -> None:
    poster, services = notified.posters["alipay"], notified.campus.wired.services
    session = await services.sessions.find_session(notified.native)
    assert session is not None

    async def merge(token: str) -> bool:
        try:
            await services.bindings.merge(session, token)
        except (SessionEnded, MergeImpossible):
            return False
        return True

    merged = []
    for number in range(12):
        subject = f"open-{number}"
        token = await signed_in(notified.campus, poster, subject)
        turns = [merge(token), notified.post("alipay", poster.revoked(subject, number))]
        done, answer = await asyncio.gather(*turns)
        assert (answer, await notified.live()) == ((200, "success"), ["native:email"])
        merged.append(done)
    assert len(await notified.ends()) == merged.count(True)


async def test_what_fails_half_way_is_not_kept_and_works_when_sent_again(
    notified: Notified, monkeypatch: pytest.MonkeyPatch
) -> None:
    poster = notified.posters["alipay"]
    token = await notified.bound("alipay")
    before = await notified.dump()

    async def broken(*_given: object) -> None:
        raise DatabaseUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(notified.campus.wired.audit, "append", broken)
        assert await notified.post("alipay", poster.revoked("open-1")) == (503, "")
    assert await notified.dump() == before
    assert await notified.post("alipay", poster.revoked("open-1")) == (200, "success")
    assert await notified.viewer(token) == "UNAUTHENTICATED"


async def test_old_notices_are_forgotten_and_a_replay_ends_nothing_new(notified: Notified) -> None:
    poster, notices = notified.posters["alipay"], notified.campus.wired.notices
    first = poster.revoked("open-1")
    await notified.post("alipay", first)
    notified.campus.clock.advance(seconds=KEPT.total_seconds())
    await notices.expire(SCHOOL)
    assert len(await notified.kept()) == 1
    notified.campus.clock.advance(seconds=1)
    await notices.expire(SCHOOL)
    assert await notified.kept() == []
    notified = Notified(
        notified.campus, notified.posters, notified.foreign, await notified.campus.bind(BOB)
    )
    token = await notified.bound("alipay")
    assert await notified.post("alipay", first) == (200, "success")
    assert await notified.viewer(token) == "CARDHOLDER"
    assert timedelta(hours=25) < KEPT
