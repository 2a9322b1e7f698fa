"""Refusals of HTTP itself: a status and a fixed coded body, decided before GraphQL is reached."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

STATUSES = {
    "BODY_MALFORMED": 400,
    "METHOD_NOT_ALLOWED": 405,
    "BODY_TOO_SLOW": 408,
    "BODY_TOO_LARGE": 413,
    "MEDIA_TYPE_UNSUPPORTED": 415,
    "RATE_LIMITED": 429,
    "OVERLOADED": 503,
}
_BODIES = {
    code: b'{"errors":[{"message":"%b","extensions":{"code":"%b"}}]}'
    % (code.replace("_", " ").capitalize().encode(), code.encode())
    for code in STATUSES
}


class Refused(Exception):
    """The request is refused with the status and body of `code`; nothing was executed.

    `retry_after` is in whole seconds, for OVERLOADED and RATE_LIMITED.
    """

    def __init__(self, code: str, retry_after: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after = retry_after


async def send_json(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    """One whole JSON answer that no cache keeps."""
    start = {
        "type": "http.response.start",
        "status": status,
        "headers": [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            *headers,
        ],
    }
    await send(start)
    await send({"type": "http.response.body", "body": body})


async def send_refusal(send: Send, refused: Refused) -> None:
    """The refusal's fixed body, under 200 bytes, and its headers."""
    headers: list[tuple[bytes, bytes]] = []
    if refused.retry_after is not None:
        headers.append((b"retry-after", b"%d" % refused.retry_after))
    if refused.code == "METHOD_NOT_ALLOWED":
        headers.append((b"allow", b"POST"))
    if refused.code in ("BODY_TOO_LARGE", "BODY_TOO_SLOW"):
        headers.append((b"connection", b"close"))
    await send_json(send, STATUSES[refused.code], _BODIES[refused.code], *headers)
