"""One school's Alipay app, as far as its settings and contracts open it."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from adapters.alipay.agreements import Agreements
from adapters.alipay.certificates import ring_of
from adapters.alipay.client import AlipayClient
from adapters.alipay.events import AlipayEvents
from adapters.alipay.keys import Ring, load_public_keys
from adapters.alipay.messages import AlipayMessenger
from adapters.alipay.notices import Notices
from adapters.alipay.payments import Payments
from adapters.alipay.phone import AlipayPhones, Once
from adapters.alipay.real_name import AlipayRealName
from adapters.alipay.settings import AlipaySettings
from adapters.alipay.sign_in import AlipaySignIn
from adapters.http import HttpClient
from core.kit.clock import Clock
from core.ports.channels import Door
from core.ports.providers import ProviderMisconfigured

REAL_NAME = "alipay.real_name"
WITHHOLD = "alipay.withhold"


@dataclass(frozen=True, slots=True)
class Alipay:
    """The channel, and the money of the same app."""

    door: Door
    payments: Payments
    agreements: Agreements | None
    notices: Notices
    reader: AlipayEvents
    http: HttpClient

    async def close(self) -> None:
        """Closes the connections."""
        await self.http.close()


def open_door(
    settings: AlipaySettings, capabilities: frozenset[str], clock: Clock, once: Once
) -> Alipay:
    """The app of some settings. `once` remembers the telephone numbers that were shown.

    Raises: ProviderMisconfigured.
    """
    ring = alipay_keys(settings)
    gateway = urlsplit(settings.gateway)
    http = HttpClient(f"{gateway.scheme}://{gateway.netloc}")
    client = AlipayClient(settings, ring, http, clock)
    issuer = f"alipay:{settings.app_id}"
    aes_key = settings.aes_key.get_secret_value() if settings.aes_key is not None else None
    door = Door(
        issuer,
        AlipaySignIn(client, issuer),
        phones=None if aes_key is None else AlipayPhones(ring, issuer, aes_key, once),
        real_name=AlipayRealName(client, issuer) if REAL_NAME in capabilities else None,
        messenger=AlipayMessenger(client, settings.messages) if settings.messages else None,
    )
    agreements = None
    if WITHHOLD in capabilities:
        if settings.sign_scene is None:
            raise ProviderMisconfigured("alipay: withholding needs the contract's sign_scene")
        agreements = Agreements(client, settings.sign_scene, settings.sub_merchant)
    notices = Notices(ring, settings.app_id)
    reader = AlipayEvents(notices, settings.app_id, issuer)
    return Alipay(door, Payments(client, settings.app_id), agreements, notices, reader, http)


def alipay_keys(settings: AlipaySettings) -> Ring:
    """The keys that Alipay signs with. Raises: ProviderMisconfigured."""
    if settings.alipay_certificate is not None:
        return ring_of(settings.alipay_certificate)
    return Ring([(None, key) for key in load_public_keys(settings.alipay_public_key or "")])
