"""Sign-in by the code of `wx.login` and by the code of an official account's page."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from adapters.tencent.calls import text_in
from adapters.wechat.client import WechatClient, issuer_of
from core.ports.channels import ChannelSubject, ClaimKind, IdentityClaim
from core.ports.providers import ProviderRefused, RefusalReason


class MiniSignIn:
    """Implements `core.ports.channels.CodeSignIn`; the session_key stays here, unused."""

    def __init__(self, client: WechatClient) -> None:
        self._client = client

    async def sign_in(self, code: str) -> ChannelSubject:
        """Who called `wx.login`.

        Raises: ProviderRefused (CODE_EXPIRED, RISK), ProviderUnavailable, ProviderThrottled,
        ProviderMisconfigured.
        """
        return _subject(self._client.calls.appid, await self._client.wxa.code_to_session(code))


class OfficialSignIn:
    """Implements `core.ports.channels.CodeSignIn` and `AuthorisePage`."""

    def __init__(self, client: WechatClient, page_base: str) -> None:
        self._client = client
        self._page_base = page_base

    def authorise_url(self, state: str, return_to: str, *, private: bool) -> str:
        """The silent page: an official account has no telephone to give, so `private` is nothing.

        WeChat wants the arguments in this order.
        """
        del private
        return (
            f"{self._page_base}/connect/oauth2/authorize?appid={self._client.calls.appid}"
            f"&redirect_uri={quote(return_to, safe='')}&response_type=code&scope=snsapi_base"
            f"&state={state}#wechat_redirect"
        )

    async def sign_in(self, code: str) -> ChannelSubject:
        """Whom the page sent back.

        Raises: ProviderRefused (CODE_EXPIRED, NOT_AUTHORISED), ProviderUnavailable,
        ProviderThrottled, ProviderMisconfigured.
        """
        calls = self._client.calls
        asked = {
            "appid": calls.appid,
            "secret": calls.secret,
            "code": code,
            "grant_type": "authorization_code",
        }
        origin = f"{calls.origin}/"
        facts = await calls.get("sns/oauth2/access_token", params=asked, api_base_url=origin)
        if facts.get("is_snapshotuser"):
            # The page was only previewed: WeChat made up an openid for it.
            raise ProviderRefused("a snapshot's user", RefusalReason.NOT_AUTHORISED)
        return _subject(calls.appid, facts)


def _subject(app_id: str, facts: Mapping[str, Any]) -> ChannelSubject:
    """A unionid is a claim only: it appears once the app joins a platform account."""
    issuer, unionid = issuer_of(app_id), facts.get("unionid")
    claims = (IdentityClaim(ClaimKind.UNION_ID, unionid, issuer),) if unionid else ()
    return ChannelSubject(issuer, text_in(facts, "openid"), claims)
