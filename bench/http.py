"""The smallest HTTP/1.1 client that can load a server: one request at a time per connection."""

import asyncio

_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


class ConnectionEnded(Exception):
    """The server closed a connection that waited for an answer."""


class Connection(asyncio.Protocol):
    """A kept connection to a server that says the length of its answers."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._heard = b""
        self._answer: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]  # uvloop's is no asyncio.Transport

    def data_received(self, data: bytes) -> None:
        """Hands over an answer once it is whole."""
        heard = self._heard = self._heard + data if self._heard else data
        end = heard.find(_END)
        if end < 0:
            return
        head = heard[:end].lower()
        at = head.find(_LENGTH)
        if at < 0:
            self.connection_lost(None)
            return
        length = int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0])
        if len(heard) < end + len(_END) + length:
            return
        self._heard = b""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(heard)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fails the request that waits."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionEnded())

    async def send(self, request: bytes) -> bytes:
        """The whole answer, head and body. Raises: ConnectionEnded."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer


async def connect(port: int) -> Connection:
    """A connection to a server on this machine."""
    loop = asyncio.get_running_loop()
    _, protocol = await loop.create_connection(Connection, "127.0.0.1", port)
    return protocol
