"""The one HTTP client of all adapters: deadlines, no redirects, capped answers, nothing in logs."""

import asyncio
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import urlsplit

import httpx2

from core.ports.providers import ProviderMisconfigured, ProviderUnavailable

CONNECT_SECONDS = 2.0
READ_SECONDS = 5.0
ANSWER_MAXIMUM = 1_048_576
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_NOTHING_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)

# They log full URLs, secrets included, at INFO.
for _name in ("httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class NothingSent(ProviderUnavailable):
    """No byte left: whatever it was, it did not happen."""


class AnswerMissing(ProviderUnavailable):
    """Bytes may have left and no whole answer came: it may have happened."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A provider's answer, unverified. Header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def usual_tls() -> ssl.SSLContext:
    """The context of a client that is given none, for a provider that wants more shown to it."""
    return httpx2.create_ssl_context(trust_env=False)


def no_cookies() -> CookieJar:
    """A jar that keeps none: what a server sets for one person is not sent for the next."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


class HttpClient:
    """Talks to one provider at `base_url`: https, or http on the loopback (the sandbox).

    `tls` is the context of a provider with its own certificates; None is the usual one.
    """

    def __init__(
        self,
        base_url: str,
        *,
        read_seconds: float = READ_SECONDS,
        connections: int = 20,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise ProviderMisconfigured(f"{parts.hostname}: only https leaves this machine")
        self._read_seconds = read_seconds
        self._client = httpx2.AsyncClient(
            base_url=base_url,
            verify=True if tls is None else tls,
            limits=httpx2.Limits(max_connections=connections),
            follow_redirects=False,
            trust_env=False,
            cookies=no_cookies(),
        )

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> HttpAnswer:
        """Reads; the answer comes back whatever its status.

        Raises: NothingSent, AnswerMissing.
        """
        return await self.request("GET", path, query=query)

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        """Sends; the answer comes back whatever its status.

        Raises: NothingSent, AnswerMissing.
        """
        return await self.request("POST", path, body=body, headers=headers)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        read_seconds: float | None = None,
        maximum: int = ANSWER_MAXIMUM,
    ) -> HttpAnswer:
        """One exchange at this provider, sent once more only if no connection came about.

        `path` begins with a slash and stays under the base URL; `query` is percent-encoded.
        Raises: NothingSent, AnswerMissing.
        """
        if not path.startswith("/") or path.startswith("//"):
            raise ProviderMisconfigured("a request leaves the provider's base URL")
        seconds = read_seconds or self._read_seconds
        request = self._client.build_request(
            method,
            path,
            params=dict(query) if query is not None else None,
            content=body,
            headers=dict(headers or {}),
            timeout=httpx2.Timeout(seconds, connect=CONNECT_SECONDS),
        )
        try:
            return await exchange(self._client, request, CONNECT_SECONDS + seconds, maximum)
        except NothingSent:
            return await exchange(self._client, request, CONNECT_SECONDS + seconds, maximum)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()


async def exchange(
    client: httpx2.AsyncClient, request: httpx2.Request, seconds: float, maximum: int
) -> HttpAnswer:
    """One exchange, sent once: `seconds` and `maximum` bytes in all.

    Raises: NothingSent, AnswerMissing.
    """
    try:
        # httpx2 counts the silence between two bytes; a slow drip has to end as well.
        async with asyncio.timeout(seconds):
            response = await client.send(request, stream=True)
            try:
                received = bytearray()
                async for piece in response.aiter_bytes():
                    received += piece
                    if len(received) > maximum:
                        raise AnswerMissing("answer too long")
            finally:
                await response.aclose()
        return HttpAnswer(response.status_code, dict(response.headers), bytes(received))
    except TimeoutError:
        raise AnswerMissing("deadline") from None
    except _NOTHING_SENT as error:
        raise NothingSent(_reason(error)) from None
    except httpx2.HTTPError as error:
        # Its text may hold the URL; its kind does not.
        raise AnswerMissing(type(error).__name__) from None


def _reason(error: BaseException) -> str:
    """Why no connection came about: what is wrong with a certificate is worth telling."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__
