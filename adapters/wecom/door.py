"""The WeCom channel of a school: by the page of its app, or by its linked mini-program."""

from dataclasses import dataclass

from adapters.http import HttpClient
from adapters.tokens import Tokens
from adapters.wecom.callbacks import WecomCallbacks
from adapters.wecom.client import WecomClient, issuer_of
from adapters.wecom.messages import WecomMessenger
from adapters.wecom.private import WecomPrivateFacts
from adapters.wecom.settings import WecomSettings
from adapters.wecom.sign_in import MiniSignIn, PageSignIn
from core.kit.clock import Clock
from core.ports.channels import Door

PRIVATE_INFO = "wecom.private_info"


@dataclass(frozen=True, slots=True)
class Wecom:
    """An open door; `callbacks` is None where the settings name no callback."""

    door: Door
    callbacks: WecomCallbacks | None
    http: HttpClient

    async def close(self) -> None:
        """Closes the connections."""
        await self.http.close()


def open_page(
    settings: WecomSettings, capabilities: frozenset[str], tokens: Tokens, clock: Clock
) -> Wecom:
    """The door of the app's page; `wecom.private_info` opens telephone and e-mail.

    Raises: ProviderMisconfigured.
    """
    http = HttpClient(settings.api_base)
    client = WecomClient(http, tokens, clock, settings)
    sign_in = PageSignIn(client, settings.page_base)
    door = Door(
        issuer=issuer_of(settings.corp_id),
        sign_in=sign_in,
        page=sign_in,
        private=WecomPrivateFacts(client) if PRIVATE_INFO in capabilities else None,
        messenger=WecomMessenger(client, settings),
        return_to=settings.return_to,
    )
    return Wecom(door, _callbacks(settings, clock), http)


def open_mini(settings: WecomSettings, tokens: Tokens, clock: Clock) -> Wecom:
    """The door of the linked mini-program.

    Raises: ProviderMisconfigured.
    """
    http = HttpClient(settings.api_base)
    client = WecomClient(http, tokens, clock, settings)
    door = Door(
        issuer=issuer_of(settings.corp_id),
        sign_in=MiniSignIn(client),
        messenger=WecomMessenger(client, settings),
        return_to=settings.return_to,
    )
    return Wecom(door, _callbacks(settings, clock), http)


def _callbacks(settings: WecomSettings, clock: Clock) -> WecomCallbacks | None:
    if settings.callback is None:
        return None
    return WecomCallbacks(settings.callback, settings.corp_id, clock)
