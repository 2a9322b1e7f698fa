"""The WeCom channel of a school: by the page of its app, or by its linked mini-program."""

from dataclasses import dataclass

from adapters.http import HttpClient
from adapters.tokens import Tokens
from adapters.wecom.callbacks import WecomCallbacks
from adapters.wecom.client import WecomClient, issuer_of
from adapters.wecom.messages import WecomMessenger
from adapters.wecom.notices import WecomNotices
from adapters.wecom.private import WecomPrivateFacts
from adapters.wecom.settings import WecomSettings
from adapters.wecom.sign_in import MiniSignIn, PageSignIn
from core.kit.clock import Clock
from core.ports.channels import Door

PRIVATE_INFO = "wecom.private_info"


@dataclass(frozen=True, slots=True)
class Wecom:
    """An open door; `callbacks` and `reader` are None where the settings name no callback."""

    door: Door
    callbacks: WecomCallbacks | None
    reader: WecomNotices | None
    http: HttpClient

    async def close(self) -> None:
        """Closes the connections."""
        await self.http.close()


def open_wecom(
    settings: WecomSettings, capabilities: frozenset[str], tokens: Tokens, clock: Clock
) -> Wecom:
    """The door; `wecom.private_info` opens telephone and e-mail on the app's page.

    Raises: ProviderMisconfigured.
    """
    http = HttpClient(settings.api_base)
    client = WecomClient(http, tokens, clock, settings)
    page = PageSignIn(client, settings.page_base)
    door = Door(
        issuer=issuer_of(settings.corp_id),
        sign_in=MiniSignIn(client),
        page=page,
        page_sign_in=page,
        private=WecomPrivateFacts(client) if PRIVATE_INFO in capabilities else None,
        messenger=WecomMessenger(client, settings) if settings.messages else None,
    )
    if settings.callback is None:
        return Wecom(door, None, None, http)
    callbacks = WecomCallbacks(settings.callback, settings.corp_id, clock)
    return Wecom(door, callbacks, WecomNotices(callbacks, settings.agent_id, door.issuer), http)
