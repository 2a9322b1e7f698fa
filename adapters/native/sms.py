"""SMS through an HTTP gateway whose requests are signed with HMAC-SHA256.

The signature covers `timestamp LF key id LF POST LF path LF SHA-256(body) in hex`. The gateway
takes a message id once: a repeat with the same content is answered as before.
"""

import hashlib
import hmac
import json

from adapters.http import HttpAnswer, HttpClient
from adapters.native.texts import text_of
from core.kit.clock import Clock, unix_seconds
from core.ports.messages import Message
from core.ports.providers import ProviderMisconfigured, ProviderRefused, ProviderUnavailable

PATH = "/sms/send"


class SmsSender:
    """Sends to mainland mobile numbers. `secret` is shared with the gateway under `key_id`."""

    def __init__(self, client: HttpClient, key_id: str, secret: bytes, clock: Clock) -> None:
        self._client = client
        self._key_id = key_id
        self._secret = secret
        self._clock = clock

    async def send(self, message: Message) -> None:
        """Hands the message to the gateway.

        Raises: ProviderRefused, ProviderUnavailable, ProviderMisconfigured.
        """
        content = {"id": str(message.id), "to": f"+86{message.to}", "text": text_of(message)}
        body = json.dumps(content, ensure_ascii=False).encode()
        _judge(await self._client.post(PATH, body, self._headers(body)))

    def _headers(self, body: bytes) -> dict[str, str]:
        timestamp = str(unix_seconds(self._clock.now()))
        digest = hashlib.sha256(body).hexdigest()
        signed = "\n".join((timestamp, self._key_id, "POST", PATH, digest))
        return {
            "Content-Type": "application/json",
            "X-Key-Id": self._key_id,
            "X-Timestamp": timestamp,
            "X-Signature": hmac.new(self._secret, signed.encode(), hashlib.sha256).hexdigest(),
        }


def _judge(answer: HttpAnswer) -> None:
    if answer.status in {401, 403, 409}:
        raise ProviderMisconfigured(f"SMS gateway answered {answer.status}")
    try:
        outcome = json.loads(answer.body)["outcome"]
    except (ValueError, KeyError, TypeError):
        raise ProviderUnavailable(f"SMS gateway answered {answer.status}") from None
    if answer.status == 200 and outcome == "accepted":
        return
    if answer.status == 200 and outcome == "refused":
        raise ProviderRefused("number")
    raise ProviderUnavailable(f"SMS gateway answered {answer.status}")
