"""A merchant of WeChat Pay, opened from its settings."""

from collections.abc import Callable
from dataclasses import dataclass

from adapters.http import HttpClient
from adapters.wechat.pay.client import V3
from adapters.wechat.pay.settings import MerchantSettings
from adapters.wechat.pay.v2 import V2, client_tls
from core.kit.clock import Clock


@dataclass(frozen=True, slots=True)
class Merchant:
    """The merchant's two ways; `v2` is None where the settings have none."""

    v3: V3
    v2: V2 | None
    https: tuple[HttpClient, ...]

    async def close(self) -> None:
        """Closes the connections."""
        for http in self.https:
            await http.close()


def open_merchant(
    settings: MerchantSettings, clock: Clock, entropy: Callable[[int], bytes]
) -> Merchant:
    """The merchant; only V2 shows the client certificate.

    Raises: ProviderMisconfigured.
    """
    http = HttpClient(settings.api_base)
    v3 = V3(http, settings, clock, entropy)
    if settings.v2 is None:
        return Merchant(v3, None, (http,))
    tls = client_tls(settings.v2.certificate, settings.private_key.get_secret_value())
    shown = HttpClient(settings.api_base, tls=tls)
    key, client_ip = settings.v2.key.get_secret_value(), settings.v2.client_ip
    v2 = V2(shown, settings.mchid, key, client_ip, clock, entropy)
    return Merchant(v3, v2, (http, shown))
