"""The two WeChat channels of a school, as far as its settings open them."""

from dataclasses import dataclass

from adapters.http import HttpClient
from adapters.tencent.callbacks import CallbackSettings
from adapters.tokens import Tokens
from adapters.wechat.callbacks import WechatCallbacks
from adapters.wechat.client import WechatClient, issuer_of
from adapters.wechat.messages import MiniMessenger, OfficialMessenger
from adapters.wechat.phone import WechatPhone
from adapters.wechat.settings import MiniSettings, OfficialSettings
from adapters.wechat.sign_in import MiniSignIn, OfficialSignIn
from core.kit.clock import Clock
from core.ports.channels import Door


@dataclass(frozen=True, slots=True)
class Wechat:
    """An open door; `callbacks` is None where the settings name no callback."""

    door: Door
    callbacks: WechatCallbacks | None
    http: HttpClient

    async def close(self) -> None:
        """Closes the connections."""
        await self.http.close()


def open_mini(settings: MiniSettings, tokens: Tokens, clock: Clock) -> Wechat:
    """The door of a mini-program.

    Raises: ProviderMisconfigured.
    """
    http = HttpClient(settings.api_base)
    secret = settings.app_secret.get_secret_value()
    client = WechatClient(http, tokens, clock, settings.app_id, secret)
    door = Door(
        issuer=issuer_of(settings.app_id),
        sign_in=MiniSignIn(client),
        phones=WechatPhone(client),
        messenger=MiniMessenger(client, settings),
    )
    return Wechat(door, _callbacks(settings.callback, settings.app_id, clock), http)


def open_official(settings: OfficialSettings, tokens: Tokens, clock: Clock) -> Wechat:
    """The door of an official account.

    Raises: ProviderMisconfigured.
    """
    http = HttpClient(settings.api_base)
    secret = settings.app_secret.get_secret_value()
    client = WechatClient(http, tokens, clock, settings.app_id, secret)
    sign_in = OfficialSignIn(client, settings.page_base)
    door = Door(
        issuer=issuer_of(settings.app_id),
        page=sign_in,
        page_sign_in=sign_in,
        messenger=OfficialMessenger(client, settings),
    )
    return Wechat(door, _callbacks(settings.callback, settings.app_id, clock), http)


def _callbacks(
    settings: CallbackSettings | None, app_id: str, clock: Clock
) -> WechatCallbacks | None:
    return None if settings is None else WechatCallbacks(settings, app_id, clock)
