"""TLS in front of the product, as an operator's reverse proxy puts it there."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

PIECE = 65_536


@contextlib.asynccontextmanager
async def tls_front(port: int, behind: int, certificate: Path, key: Path) -> AsyncIterator[None]:
    """Takes TLS at `port` of this machine and hands the bytes to the port `behind`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", behind)
        except OSError:
            writer.close()
            return
        ways = [
            asyncio.create_task(_carry(reader, back)),
            asyncio.create_task(_carry(there, writer)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for each in (writer, back):
            each.close()
        await asyncio.wait(ways)

    server = await asyncio.start_server(joined, "127.0.0.1", port, ssl=context)
    async with server:
        yield


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side has closed."""
    with contextlib.suppress(OSError):
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
