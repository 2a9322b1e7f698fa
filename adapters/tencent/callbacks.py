"""Messages that Tencent posts to us: a SHA-1 signature over the ciphertext, AES inside.

The ciphertext holds the receiver's id; a message for another app does not open. The format chosen
in the console is XML, in the encrypted mode.
"""

import hmac
import re
import struct
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import BaseModel, ConfigDict, SecretStr, field_validator
from wechatpy.crypto import PrpCrypto
from wechatpy.exceptions import WeChatException
from wechatpy.utils import WeChatSigner

from adapters.tencent.flat_xml import XmlOdd, read_xml
from core.kit.clock import Clock, from_unix, unix_seconds
from core.ports.providers import ProviderRefused

TOLERANCE_SECONDS = 300
_SECONDS = re.compile(r"[0-9]{1,11}")


class CallbackSettings(BaseModel):
    """What the console shows beside the callback's address."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    token: SecretStr
    encoding_aes_key: SecretStr

    @field_validator("encoding_aes_key")
    @classmethod
    def _is_a_key(cls, given: SecretStr) -> SecretStr:
        if not re.fullmatch(r"[A-Za-z0-9+/]{43}", given.get_secret_value()):
            raise ValueError("43 letters and digits, as the console shows them")
        return given


class Callbacks:
    """Opens what is posted for one receiver: an app id or a corp id."""

    def __init__(self, settings: CallbackSettings, receiver: str, clock: Clock) -> None:
        self._token = settings.token.get_secret_value()
        self._key = b64decode(settings.encoding_aes_key.get_secret_value() + "=")
        self._aes = PrpCrypto(self._key)
        self._receiver = receiver
        self._clock = clock

    def open(self, query: Mapping[str, str], body: bytes) -> str:
        """The XML of a message, which is ours, fresh and untouched.

        Raises: ProviderRefused.
        """
        try:
            encrypted = read_xml(body)["Encrypt"]
        except (XmlOdd, KeyError):
            raise ProviderRefused("callback: shape") from None
        return self.decrypted(query, encrypted)

    def decrypted(self, query: Mapping[str, str], encrypted: str) -> str:
        """What a ciphertext says whose `msg_signature` is in the query.

        Raises: ProviderRefused.
        """
        self.check(query, "msg_signature", encrypted)
        try:
            return str(self._aes.decrypt(encrypted, self._receiver))
        except (WeChatException, ValueError, IndexError, struct.error):
            raise ProviderRefused("callback: not for us") from None

    def check(self, query: Mapping[str, str], name: str, *signed: str) -> None:
        """Whether the query's signature covers its time, its nonce and `signed`.

        Raises: ProviderRefused.
        """
        stamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
        signer = WeChatSigner()
        signer.add_data(self._token, stamp, nonce, *signed)
        given = query.get(name, "")
        if not hmac.compare_digest(signer.signature.encode(), given.encode()):
            raise ProviderRefused("callback: signature")
        now = unix_seconds(self._clock.now())
        if not stamp.isdecimal() or abs(now - int(stamp[:12])) > TOLERANCE_SECONDS:
            raise ProviderRefused("callback: time")

    def event(self, query: Mapping[str, str], body: bytes) -> "Event":
        """A message's fields, as far as they are text.

        Raises: ProviderRefused.
        """
        message = self.open(query, body)
        try:
            fields = read_xml(message.encode(), deep=True)
        except XmlOdd:
            raise ProviderRefused("callback: no message") from None
        digest = hmac.new(self._key, message.encode(), "sha256").hexdigest()
        return Event(digest, fields)


@dataclass(frozen=True, slots=True)
class Event:
    """A message. `id` is a keyed digest: a repeat is encrypted anew, but says the same."""

    id: str
    fields: Mapping[str, str] = field(repr=False)

    @property
    def name(self) -> str:
        """Which event it is, or which kind of message."""
        kind = self.fields.get("MsgType", "")
        return self.fields.get("Event", "") if kind.lower() == "event" else f"message.{kind}"

    @property
    def happened_at(self) -> datetime | None:
        """When, by the sender's clock."""
        seconds = self.fields.get("CreateTime", "")
        return from_unix(int(seconds)) if _SECONDS.fullmatch(seconds) else None
