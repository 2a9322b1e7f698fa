"""A server that answers badly on purpose, and a way to lead a provider's requests to it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from enum import StrEnum

from adapters.sso.api import Answer, Http

HOST = "127.0.0.1"
DRIP_SECONDS = 0.5
_PIECE = b"x" * 65_536
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nConnection: close\r\n\r\n"


class Ill(StrEnum):
    """How it answers."""

    SILENT = "silent"
    DRIP = "drip"
    HUGE = "huge"
    HTML = "html"
    RESET = "reset"


class Detour:
    """An Http whose every request goes to another address, through the same client."""

    def __init__(self, http: Http, url: str) -> None:
        self._http = http
        self._url = url

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Reads from the other address.

        Raises: Upstream, Misconfigured.
        """
        return await self._http.get(self._url, headers)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Sends to the other address.

        Raises: Upstream, Misconfigured.
        """
        return await self._http.post(self._url, body, headers)


@asynccontextmanager
async def hostile(ill: Ill) -> AsyncIterator[int]:
    """The port of a running server; it is gone afterwards."""
    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        # The other side may hang up at any moment: that is what is tested.
        with suppress(OSError, asyncio.CancelledError):
            await reader.read(4096)
            await _answer(ill, writer)
        writer.close()
        talks.discard(task)

    server = await asyncio.start_server(talk, HOST, 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


async def _answer(ill: Ill, writer: asyncio.StreamWriter) -> None:
    match ill:
        case Ill.SILENT:
            await asyncio.sleep(60)
        case Ill.RESET:
            writer.transport.abort()
        case Ill.HTML:
            writer.write(_HEAD % b"text/html" + b"<!doctype html><title>502</title><p>&nbsp;")
            await writer.drain()
        case Ill.DRIP:
            writer.write(_HEAD % b"application/json")
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(DRIP_SECONDS)
        case Ill.HUGE:
            writer.write(_HEAD % b"application/json")
            while True:
                writer.write(_PIECE)
                await writer.drain()
