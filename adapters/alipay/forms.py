"""Signed request forms: the SDK's builder with our clock, our keys and no silent surprises."""

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from adapters.alipay.certificates import app_serial, root_serial
from adapters.alipay.keys import load_private_key
from adapters.alipay.sdk import AliPay
from adapters.alipay.settings import AlipaySettings
from adapters.alipay.wire import shanghai_text
from core.kit.clock import Clock
from core.ports.providers import ProviderMisconfigured

_AGREEMENTS = frozenset({"alipay.user.agreement.page.sign", "alipay.user.agreement.unsign"})


class Forms(AliPay):  # type: ignore[misc]  # the SDK has no types
    """Builds and signs what we post; the SDK's own transport and verification are never used."""

    def __init__(self, settings: AlipaySettings, clock: Clock) -> None:
        """Loads the keys. Raises: ProviderMisconfigured."""
        self._clock = clock
        self._serials: dict[str, str] = {}
        if settings.app_certificate and settings.alipay_root_certificate:
            self._serials = {
                "app_cert_sn": app_serial(settings.app_certificate),
                "alipay_root_cert_sn": root_serial(settings.alipay_root_certificate),
            }
        super().__init__(
            settings.app_id,
            app_notify_url=settings.notify_url,
            app_private_key_string=settings.app_private_key.get_secret_value(),
        )

    def signed(
        self, method: str, content: Mapping[str, Any], top: Mapping[str, str] | None = None
    ) -> str:
        """The form of a call, percent-encoded. `content` goes into biz_content, `top` beside it.

        Raises: ProviderMisconfigured.
        """
        text: str = self.client_api(method, dict(content), **(top or {}))
        return text

    def build_body(
        self, method: str, biz_content: Mapping[str, Any] | None = None, **top: str
    ) -> dict[str, Any]:
        """Extends the SDK's: its timestamp is local to the machine, and it knows less to notify."""
        body: dict[str, Any] = super().build_body(method, biz_content, **top)
        body["timestamp"] = shanghai_text(self._clock.now())
        if method in _AGREEMENTS:
            body["notify_url"] = self._app_notify_url
        return body | self._serials

    def _load_key(self) -> None:
        self._app_private_key = load_private_key(self._app_private_key_string)

    def _ordered_data(self, data: Mapping[str, Any]) -> list[tuple[str, str]]:
        return sorted((name, _text(value)) for name, value in data.items() if value)

    def _sign(self, unsigned_string: str) -> str:
        signature = self._app_private_key.sign(unsigned_string.encode(), PKCS1v15(), SHA256())
        return b64encode(signature).decode()


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        # ASCII, so that no reading of `charset` can break the signature.
        return json.dumps(value, separators=(",", ":"))
    raise ProviderMisconfigured(f"alipay: a {type(value).__name__} is no form value")
