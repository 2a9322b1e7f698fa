"""The one HTTP client of all adapters: deadlines, no redirects, capped answers, nothing in logs."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2

from core.ports.providers import ProviderMisconfigured, ProviderUnavailable

CONNECT_SECONDS = 2.0
READ_SECONDS = 5.0
ANSWER_MAXIMUM = 1_048_576
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

# They log full URLs, secrets included, at INFO.
for _name in ("httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A provider's answer, unverified."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient:
    """Talks to one provider at `base_url`: https, or http on the loopback (the sandbox)."""

    def __init__(
        self, base_url: str, *, read_seconds: float = READ_SECONDS, connections: int = 20
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise ProviderMisconfigured(f"{parts.hostname}: only https leaves this machine")
        self._client = httpx2.AsyncClient(
            base_url=base_url,
            timeout=httpx2.Timeout(read_seconds, connect=CONNECT_SECONDS),
            limits=httpx2.Limits(max_connections=connections),
            follow_redirects=False,
            trust_env=False,
        )

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        """Sends once; whatever the status, the answer comes back.

        Raises: ProviderUnavailable (bytes may have left, no whole answer came).
        """
        try:
            async with self._client.stream(
                "POST", path, content=body, headers=dict(headers)
            ) as response:
                received = b""
                async for piece in response.aiter_bytes():
                    received += piece
                    if len(received) > ANSWER_MAXIMUM:
                        raise ProviderUnavailable("answer too long")
                return HttpAnswer(response.status_code, dict(response.headers), received)
        except httpx2.HTTPError as error:
            # Its text may hold the URL; its kind does not.
            raise ProviderUnavailable(type(error).__name__) from None

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()
