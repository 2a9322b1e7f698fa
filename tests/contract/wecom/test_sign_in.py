"""Members sign in by the app's page and by `wx.qy.login`; nobody else does."""

import pytest

from adapters.tokens import Tokens
from adapters.wecom.door import Wecom, open_wecom
from adapters.wecom.settings import WecomSettings
from core.ports.channels import ChannelSubject, ClaimKind, IdentityClaim
from core.ports.providers import ProviderMisconfigured, ProviderRefused, RefusalReason
from tests.contract.doors import by_app, by_page
from tests.contract.sandbox import Sandbox
from tests.contract.tencent import BACK, CORP, Watch, act, brought, sent_back

MEMBER = ChannelSubject(f"wecom:{CORP}", "JiaShiLi")


async def _code(page: Wecom, sandbox: Sandbox, person: str, **ticks: str) -> str:
    assert page.door.page is not None
    url = page.door.page.authorise_url("aZ09", BACK, private=bool(ticks))
    return brought(await sent_back(sandbox, url, person, **ticks))["code"]


async def _mini_code(watch: Watch, person: str) -> str:
    return str((await act(watch.sandbox, "wecom/login_code", person=person))["code"])


async def test_a_member_is_their_userid_on_the_page_and_in_the_mini_program(
    page: Wecom, mini: Wecom, watch: Watch
) -> None:
    assert await by_page(page.door).sign_in(await _code(page, watch.sandbox, "jia")) == MEMBER
    assert await by_app(mini.door).sign_in(await _mini_code(watch, "jia")) == MEMBER
    assert page.door.issuer == mini.door.issuer == MEMBER.issuer
    assert await watch.asked("wecom") == [
        "gettoken", "auth/getuserinfo", "miniprogram/jscode2session"
    ]  # fmt: skip


async def test_the_address_of_the_page_says_how_much_is_asked_for(
    page: Wecom, sandbox: Sandbox
) -> None:
    assert page.door.page is not None
    for private, scope in ((False, "snsapi_base"), (True, "snsapi_privateinfo")):
        assert page.door.page.authorise_url("aZ09", BACK, private=private) == (
            f"{sandbox.url}/connect/oauth2/authorize?appid={CORP}"
            "&redirect_uri=https%3A%2F%2Fcard.school.example%2Fback%3Fchannel%3D1"
            f"&response_type=code&scope={scope}&state=aZ09&agentid=1000002#wechat_redirect"
        )


async def test_outsider_is_denied(page: Wecom, watch: Watch) -> None:
    for person in ("bing", "ding"):
        with pytest.raises(ProviderRefused) as refusal:
            await by_page(page.door).sign_in(await _code(page, watch.sandbox, person))
        assert refusal.value.reason is RefusalReason.NOT_A_MEMBER
        assert str(refusal.value) == "not a member"


async def test_foreign_corpid_and_linked_userid_are_denied(
    page: Wecom, mini: Wecom, watch: Watch
) -> None:
    linked = await _code(page, watch.sandbox, "yi")
    for sign_in, code in (
        (by_page(page.door), linked),
        (by_app(mini.door), await _mini_code(watch, "yi")),
        (by_app(mini.door), await _mini_code(watch, "bing")),
    ):
        with pytest.raises(ProviderRefused) as refusal:
            await sign_in.sign_in(code)
        assert refusal.value.reason is RefusalReason.NOT_A_MEMBER


async def test_a_code_is_good_once_for_five_minutes_and_of_its_own_kind(
    page: Wecom, mini: Wecom, watch: Watch
) -> None:
    used, other = await _code(page, watch.sandbox, "jia"), await _code(page, watch.sandbox, "jia")
    old = await _code(page, watch.sandbox, "jia")
    await by_page(page.door).sign_in(used)
    with pytest.raises(ProviderRefused) as kind:
        await by_app(mini.door).sign_in(other)
    assert kind.value.reason is RefusalReason.CODE_EXPIRED
    await watch.sandbox.move_clock(301)
    for code in (used, old):
        with pytest.raises(ProviderRefused) as refusal:
            await by_page(page.door).sign_in(code)
        assert refusal.value.reason is RefusalReason.CODE_EXPIRED


async def test_a_member_who_agrees_shows_telephone_and_mail(page: Wecom, watch: Watch) -> None:
    assert page.door.private is not None
    code = await _code(page, watch.sandbox, "jia", mobile="1", email="1")
    subject = await by_page(page.door).sign_in(code)
    assert subject.subject == "JiaShiLi"
    assert subject.ticket is not None
    assert await page.door.private.claims(subject.ticket) == (
        IdentityClaim(ClaimKind.PHONE, "13800000001", MEMBER.issuer),
        IdentityClaim(ClaimKind.EMAIL, "jia@people.example", MEMBER.issuer),
    )
    assert subject.ticket not in repr(subject)


async def test_refused_private_info_falls_back(page: Wecom, watch: Watch) -> None:
    assert page.door.page is not None
    assert page.door.private is not None
    url = page.door.page.authorise_url("aZ09", BACK, private=True)
    nothing = brought(await sent_back(watch.sandbox, url, "jia"))["code"]
    assert await by_page(page.door).sign_in(nothing) == MEMBER
    some = await _code(page, watch.sandbox, "jia", email="1")
    ticket = (await by_page(page.door).sign_in(some)).ticket
    assert ticket is not None
    (claim,) = await page.door.private.claims(ticket)
    assert claim.kind is ClaimKind.EMAIL


async def test_a_ticket_is_good_for_half_an_hour(page: Wecom, watch: Watch) -> None:
    assert page.door.private is not None
    code = await _code(page, watch.sandbox, "jia", mobile="1")
    ticket = (await by_page(page.door).sign_in(code)).ticket
    assert ticket is not None
    await watch.sandbox.move_clock(1_801)
    for given in (ticket, "nonsense"):
        with pytest.raises(ProviderRefused) as refusal:
            await page.door.private.claims(given)
        assert refusal.value.reason is RefusalReason.CODE_EXPIRED


async def test_private_facts_need_the_capability(
    settings: WecomSettings, tokens: Tokens, watch: Watch
) -> None:
    opened = open_wecom(settings, frozenset(), tokens, watch.clock)
    assert opened.door.private is None
    await opened.close()


async def test_a_page_on_another_domain_is_ours_to_mend(page: Wecom, watch: Watch) -> None:
    code = await _code(page, watch.sandbox, "jia")
    await watch.sandbox.fail("wecom", "refuse", api="auth/getuserinfo")
    with pytest.raises(ProviderMisconfigured, match="50001"):
        await by_page(page.door).sign_in(code)
