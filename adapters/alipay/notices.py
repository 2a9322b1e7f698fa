"""What Alipay posts to us, verified; nothing in it is evidence of money (channels.md 7)."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from adapters.alipay.keys import Ring
from core.ports.providers import ProviderRefused

FIELDS_MAXIMUM = 200


class Notices:
    """The notices to one app."""

    def __init__(self, ring: Ring, app_id: str) -> None:
        self._ring = ring
        self._app_id = app_id

    def trade(self, form: bytes) -> Mapping[str, str]:
        """The fields of a trade's notice: `sign_type` is not signed (V1). Raises:
        ProviderRefused."""
        return self._verified(form, unsigned={"sign", "sign_type"})

    def app(self, form: bytes) -> Mapping[str, str]:
        """The fields of a message to the app's gateway: `sign_type` is signed (V2). Raises:
        ProviderRefused."""
        return self._verified(form, unsigned={"sign"})

    def _verified(self, form: bytes, unsigned: set[str]) -> Mapping[str, str]:
        fields = _fields(form)
        if fields.get("sign_type") != "RSA2":
            raise ProviderRefused("sign_type")
        content = "&".join(
            f"{name}={value}"
            for name, value in sorted(fields.items())
            if value and name not in unsigned
        )
        if not self._ring.verifies(
            content.encode(), fields.get("sign", ""), fields.get("alipay_cert_sn")
        ):
            raise ProviderRefused("signature")
        if fields.get("app_id") != self._app_id:
            raise ProviderRefused("app_id")
        return fields


def _fields(form: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            form.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=FIELDS_MAXIMUM,
        )
    except ValueError:
        raise ProviderRefused("no form") from None
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ProviderRefused("a field twice")
    return fields
