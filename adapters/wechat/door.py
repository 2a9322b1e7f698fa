"""The two WeChat channels of a school, as far as its settings open them."""

from dataclasses import dataclass

from adapters.http import HttpClient
from adapters.tokens import Tokens
from adapters.wechat.callbacks import WechatCallbacks
from adapters.wechat.client import WechatClient, issuer_of
from adapters.wechat.messages import MiniMessenger, OfficialMessenger
from adapters.wechat.notices import WechatNotices
from adapters.wechat.phone import WechatPhone
from adapters.wechat.settings import MiniSettings, OfficialSettings
from adapters.wechat.sign_in import MiniSignIn, OfficialSignIn
from core.kit.clock import Clock
from core.ports.channels import Door


@dataclass(frozen=True, slots=True)
class Wechat:
    """An open door; `callbacks` and `reader` are None where the settings name no callback."""

    door: Door
    callbacks: WechatCallbacks | None
    reader: WechatNotices | None
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
        messenger=MiniMessenger(client, settings) if settings.messages else None,
    )
    return _opened(door, settings, clock, http)


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
        messenger=OfficialMessenger(client, settings) if settings.messages else None,
    )
    return _opened(door, settings, clock, http)


def _opened(
    door: Door, settings: MiniSettings | OfficialSettings, clock: Clock, http: HttpClient
) -> Wechat:
    if settings.callback is None:
        return Wechat(door, None, None, http)
    callbacks = WechatCallbacks(settings.callback, settings.app_id, clock)
    return Wechat(door, callbacks, WechatNotices(callbacks, settings.app_id, door.issuer), http)
