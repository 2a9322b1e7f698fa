"""The pretend SMS gateway: checks signatures by its own reading of the rule, takes each id once."""

import json

from cryptography.hazmat.primitives import constant_time, hashes
from cryptography.hazmat.primitives.hmac import HMAC
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from adapters.sandbox.base import Base, Provider

NAME = "sms"
TOLERANCE_SECONDS = 120


class SmsGateway:
    """Knows one customer: a key id and its secret."""

    def __init__(self, base: Base, key_id: str, secret: bytes) -> None:
        self._base = base
        self._key_id = key_id
        self._secret = secret

    def provider(self) -> Provider:
        """Its routes."""
        return Provider(NAME, [Route("/sms/send", self.send, methods=["POST"])])

    async def send(self, request: Request) -> JSONResponse:
        """POST /sms/send."""
        body = await request.body()
        if not self._is_signed(request, body):
            return JSONResponse({"outcome": "unsigned"}, 401)
        try:
            content = json.loads(body)
            letter_id, to, text = content["id"], content["to"], content["text"]
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"outcome": "malformed"}, 400)
        kept = self._base.mailbox.find(letter_id)
        if kept is not None:
            same = (kept.to, kept.text) == (to, text)
            return JSONResponse(
                {"outcome": "accepted" if same else "conflict"}, 200 if same else 409
            )
        taken = await self._base.faults.around(
            NAME, "send", lambda: self._base.mailbox.put(letter_id, "PHONE", to, "", text)
        )
        return JSONResponse({"outcome": "accepted" if taken else "refused"})

    def _is_signed(self, request: Request, body: bytes) -> bool:
        stamp = request.headers.get("x-timestamp", "")
        key_id = request.headers.get("x-key-id", "")
        if key_id != self._key_id or not (stamp.isascii() and stamp.isdigit()):
            return False
        if abs(self._base.clock().timestamp() - int(stamp[:12])) > TOLERANCE_SECONDS:
            return False
        digest = hashes.Hash(hashes.SHA256())
        digest.update(body)
        lines = [stamp, key_id, request.method, request.url.path, digest.finalize().hex()]
        mac = HMAC(self._secret, hashes.SHA256())
        mac.update("\n".join(lines).encode())
        given = request.headers.get("x-signature", "")
        return constant_time.bytes_eq(mac.finalize().hex().encode(), given.encode())
