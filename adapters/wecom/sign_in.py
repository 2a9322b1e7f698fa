"""Sign-in by the code of WeCom's page and by the code of `wx.qy.login`: members only.

Both are the plain exchange of a code for a userid, which the sign-on kind `wecom` is handed.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from adapters.tencent.calls import text_in
from adapters.wecom.client import WecomClient, issuer_of
from core.ports.channels import ChannelSubject
from core.ports.providers import ProviderRefused, RefusalReason


class PageSignIn:
    """Implements `core.ports.channels.CodeSignIn` and `AuthorisePage`."""

    def __init__(self, client: WecomClient, page_base: str) -> None:
        self._client = client
        self._page_base = page_base

    def authorise_url(self, state: str, return_to: str, *, private: bool) -> str:
        """The page; `private` asks the member for telephone and e-mail."""
        scope = "snsapi_privateinfo" if private else "snsapi_base"
        return (
            f"{self._page_base}/connect/oauth2/authorize?appid={self._client.calls.appid}"
            f"&redirect_uri={quote(return_to, safe='')}&response_type=code&scope={scope}"
            f"&state={state}&agentid={self._client.agent_id}#wechat_redirect"
        )

    async def sign_in(self, code: str) -> ChannelSubject:
        """Which member the page sent back; a ticket only where the member agreed to it.

        Raises: ProviderRefused (CODE_EXPIRED, NOT_A_MEMBER), ProviderUnavailable,
        ProviderThrottled, ProviderMisconfigured.
        """
        # wechatpy names the older path, which gives no ticket.
        facts = await self._client.calls.get("auth/getuserinfo", params={"code": code})
        return ChannelSubject(
            issuer_of(self._client.calls.appid),
            _userid(facts),
            ticket=facts.get("user_ticket") or None,
        )


class MiniSignIn:
    """Implements `core.ports.channels.CodeSignIn` for the linked mini-program."""

    def __init__(self, client: WecomClient) -> None:
        self._client = client

    async def sign_in(self, code: str) -> ChannelSubject:
        """Which member called `wx.qy.login`; the session_key stays here, unused.

        Raises: ProviderRefused (CODE_EXPIRED, NOT_A_MEMBER), ProviderUnavailable,
        ProviderThrottled, ProviderMisconfigured.
        """
        calls = self._client.calls
        asked = {"js_code": code, "grant_type": "authorization_code"}
        facts = await calls.get("miniprogram/jscode2session", params=asked)
        if text_in(facts, "corpid") != calls.appid:
            raise ProviderRefused("another corporation", RefusalReason.NOT_A_MEMBER)
        return ChannelSubject(issuer_of(calls.appid), _userid(facts))


def _userid(facts: Mapping[str, Any]) -> str:
    """The userid of a member of ours.

    Outsiders have an openid instead; a linked corporation's member is `<corp id>/<userid>`.
    """
    userid = facts.get("userid")
    if not isinstance(userid, str) or not userid or "/" in userid:
        raise ProviderRefused("not a member", RefusalReason.NOT_A_MEMBER)
    return userid
