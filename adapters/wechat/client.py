"""The calls of one WeChat app."""

from wechatpy.client.api import WeChatMessage, WeChatWxa

from adapters.http import HttpClient
from adapters.tencent.calls import Calls, token_in
from adapters.tokens import Token, Tokens
from adapters.wechat import wire
from core.kit.clock import Clock


class WechatCalls(Calls):
    """What a mini-program's and an official account's servers may be asked."""

    origin = wire.ORIGIN
    paths = wire.PATHS
    token_errors = wire.TOKEN_ERRORS

    @property
    def token_name(self) -> str:
        """`wechat:<app id>`."""
        return issuer_of(self.appid)

    async def fetch_token(self) -> Token:
        """The stable token: `/cgi-bin/token` would let other programs' tokens die.

        Raises: ProviderUnavailable, ProviderThrottled, ProviderMisconfigured.
        """
        asked = {
            "grant_type": "client_credential",
            "appid": self.appid,
            "secret": self.secret,
            "force_refresh": False,
        }
        return token_in(await self.post("stable_token", data=asked))

    def judge(self, path: str, errcode: int) -> Exception:
        """What an errcode means (channels.md 4)."""
        return wire.judge(path, errcode, self.clock.now())


class WechatClient:
    """One app: `calls`, and wechatpy's names for some of them."""

    def __init__(
        self, http: HttpClient, tokens: Tokens, clock: Clock, app_id: str, secret: str
    ) -> None:
        self.calls = WechatCalls(http, tokens, clock, app_id, secret)
        self.wxa = WeChatWxa(self.calls)
        self.message = WeChatMessage(self.calls)


def issuer_of(app_id: str) -> str:
    """Who vouches for an app's openids."""
    return f"wechat:{app_id}"
