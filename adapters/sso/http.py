"""The way out for providers: pinned addresses, verified TLS, short deadlines, small answers."""

import asyncio
import ssl
import warnings
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

import httpx2

from adapters.http import AnswerMissing, NothingSent, exchange, no_cookies
from adapters.sso.address import resolve
from adapters.sso.api import Answer, Misconfigured, Reach, Upstream

CONNECT_SECONDS = 3.0
TOTAL_SECONDS = 8.0
BODY_BYTES = 262_144
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
TLS_VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}


def tls_context(reach: Reach) -> ssl.SSLContext:
    """Verified TLS; with a `ca_file` no other authority is trusted.

    Raises: Misconfigured (the file).
    """
    try:
        context = ssl.create_default_context(cafile=reach.ca_file)
    except (OSError, ssl.SSLError):
        raise Misconfigured("ca_file is not a readable PEM file of certificates") from None
    # Python 3.13 began to refuse old forms of certificates, which campus authorities still issue.
    context.verify_flags &= ~ssl.VerifyFlags.VERIFY_X509_STRICT
    with warnings.catch_warnings():
        # Python deprecates what some campus servers have nothing newer than.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = TLS_VERSIONS[reach.tls_min]
    if reach.tls_min < "1.2":
        context.set_ciphers("DEFAULT:@SECLEVEL=0")  # OpenSSL 3 has no older TLS without this
    return context


class SchoolHttp:
    """Talks to one provider's hosts as adapters.sso.api.Http promises."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        # A kept connection would be found again by its address, under another host's name.
        self._client = httpx2.AsyncClient(
            verify=tls_context(reach),
            limits=httpx2.Limits(max_connections=50, max_keepalive_connections=0),
            timeout=httpx2.Timeout(TOTAL_SECONDS, connect=CONNECT_SECONDS),
            headers={"Accept-Encoding": "identity"},
            follow_redirects=False,
            trust_env=False,
            cookies=no_cookies(),
            event_hooks={"response": [_refuse_compressed]},
        )

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Reads.

        Raises: Upstream, Misconfigured.
        """
        return await self._request("GET", url, None, headers or {})

    async def post(self, url: str, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Sends.

        Raises: Upstream, Misconfigured.
        """
        return await self._request("POST", url, body, headers or {})

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    async def _request(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        host, port = _target(url, self._reach)
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                first, *others = await resolve(host, port, self._reach)
                try:
                    return await self._send(method, url, first, body, headers)
                except NothingSent:
                    again = others[0] if others else first
                    return await self._send(method, url, again, body, headers)
        except TimeoutError:
            raise Upstream(f"{host} did not answer in {TOTAL_SECONDS:.0f} s") from None
        except (NothingSent, AnswerMissing) as error:
            raise Upstream(f"{host} gave no answer ({error})") from None

    async def _send(
        self, method: str, url: str, address: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        parts = urlsplit(url)
        literal = f"[{address}]" if ":" in address else address
        netloc = literal if parts.port is None else f"{literal}:{parts.port}"
        request = self._client.build_request(
            method,
            urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, "")),
            content=body,
            headers={**headers, "Host": parts.netloc},
            extensions={"sni_hostname": parts.hostname},
        )
        answer = await exchange(self._client, request, TOTAL_SECONDS, BODY_BYTES)
        return Answer(answer.status, answer.headers, answer.body)


def _target(url: str, reach: Reach) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Misconfigured("an address is not a URL") from None
    if not host or parts.username is not None:
        raise Misconfigured("an address is not a URL of a host")
    if parts.scheme == "https":
        return host, port or 443
    if parts.scheme == "http" and host in LOOPBACK and reach.plain_loopback:
        return host, port or 80
    raise Misconfigured(f"{host}: only https leaves this machine")


async def _refuse_compressed(response: httpx2.Response) -> None:
    """A few compressed bytes may be gigabytes: the cap counts what was sent only without them."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise httpx2.DecodingError("compressed", request=response.request)
