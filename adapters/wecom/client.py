"""The calls of one app of a corporation."""

from wechatpy.work.client.api import WeChatMessage

from adapters.http import HttpClient
from adapters.tencent.calls import Calls, token_in
from adapters.tokens import Token, Tokens
from adapters.wecom import wire
from adapters.wecom.settings import WecomSettings
from core.kit.clock import Clock


class WecomCalls(Calls):
    """What WeCom's servers may be asked; every app has a token of its own."""

    origin = wire.ORIGIN
    paths = wire.PATHS
    token_errors = wire.TOKEN_ERRORS

    def __init__(
        self, http: HttpClient, tokens: Tokens, clock: Clock, settings: WecomSettings
    ) -> None:
        super().__init__(http, tokens, clock, settings.corp_id, settings.secret.get_secret_value())
        self._agent_id = settings.agent_id

    @property
    def token_name(self) -> str:
        """`wecom:<corp id>:<agent id>`."""
        return f"{issuer_of(self.appid)}:{self._agent_id}"

    async def fetch_token(self) -> Token:
        """The app's token, the same until its end.

        Raises: ProviderUnavailable, ProviderThrottled, ProviderMisconfigured.
        """
        asked = {"corpid": self.appid, "corpsecret": self.secret}
        return token_in(await self.get("gettoken", params=asked))

    def judge(self, path: str, errcode: int) -> Exception:
        """What an errcode means (channels.md 5)."""
        return wire.judge(path, errcode)


class WecomClient:
    """One app: `calls`, and wechatpy's names for some of them."""

    def __init__(
        self, http: HttpClient, tokens: Tokens, clock: Clock, settings: WecomSettings
    ) -> None:
        self.calls = WecomCalls(http, tokens, clock, settings)
        self.message = WeChatMessage(self.calls)
        self.agent_id = settings.agent_id


def issuer_of(corp_id: str) -> str:
    """Who vouches for a corporation's userids."""
    return f"wecom:{corp_id}"
