"""The way from an edge to the server: bytes go through unchanged, and every wait is bounded."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass

import httpx2

from bff.guards import Head
from terminals.edge import LineState

FORWARD_SECONDS = 1.2
"""For what the edge can decide itself: it answers well within a terminal's budget of 3 s."""
PATIENT_SECONDS = 10.0
"""For what only the server can answer, uploads among them."""
ANSWER_MAXIMUM = 1024 * 1024
_SENT = ("content-type", "accept-language", "x-operation", "content-digest", "idempotency-key",
         "signature-input", "signature")  # fmt: skip
_BROUGHT_BACK = ("content-type", "retry-after", "cache-control")


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_answer(self) -> bool:
        """Whether the server works: a refusal is an answer, one that cannot answer now is none."""
        return self.status < 500 and not _is_overloaded(self.body)


def _is_overloaded(body: bytes) -> bool:
    if b'"errors"' not in body:
        return False
    try:
        errors = json.loads(body)["errors"]
        return any(error["extensions"]["code"] == "OVERLOADED" for error in errors)
    except (ValueError, LookupError, TypeError):
        return True


class Uplink:
    """Forwards, and knows whether it is worth while. `http` has the server's base URL."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http
        self.state = LineState()

    def learn(self, *, answered: bool, is_probe: bool = False) -> None:
        """Takes a question's fate into account."""
        self.state = self.state.after(answered=answered, is_probe=is_probe)

    async def forward(self, head: Head, body: bytes, seconds: float) -> Reply | None:
        """The server's answer to these very bytes; None if none came in time."""
        headers = {
            name: head.text(name.encode()) for name in _SENT if name.encode() in head.headers
        }
        try:
            async with asyncio.timeout(seconds):
                answer = await self._http.post(head.path, content=body, headers=headers)
        except (httpx2.HTTPError, TimeoutError):
            self.learn(answered=False)
            return None
        is_ours = answer.headers.get("content-type", "").startswith("application/json")
        if not is_ours or len(answer.content) > ANSWER_MAXIMUM:
            self.learn(answered=False)
            return None
        brought = {name: answer.headers[name] for name in _BROUGHT_BACK if name in answer.headers}
        reply = Reply(answer.status_code, brought, answer.content)
        self.learn(answered=reply.is_answer)
        return reply
