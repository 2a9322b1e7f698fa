"""A gateway of a test's own on the loopback, for answers that the sandbox would never give."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from adapters.alipay.client import AlipayClient
from tests.contract.alipay.keyring import Keyring
from tests.contract.alipay.stand import QUICK_SECONDS, Stand


@dataclass
class OddGateway:
    """Answers each API with what the test says: facts are signed, bytes go out as they are."""

    answers: Mapping[str, Mapping[str, Any] | bytes]
    keyring: Keyring = field(default_factory=Keyring)
    heads: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request of one connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line.split(":")[1])
            for line in head.split("\r\n")
            if "content-length" in line.lower()
        )
        form = dict(parse_qsl((await reader.readexactly(length)).decode()))
        self.heads.append(head)
        self.forms.append(form)
        body = self._body(form["method"])
        writer.write(
            f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
        )
        writer.write(body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    def _body(self, method: str) -> bytes:
        answer = self.answers[method]
        if isinstance(answer, bytes):
            return answer
        return self.keyring.answer(method, json.dumps(answer))


@asynccontextmanager
async def answering(
    stand: Stand, answers: Mapping[str, Mapping[str, Any] | bytes]
) -> AsyncIterator[tuple[AlipayClient, OddGateway]]:
    """A client of such a gateway."""
    odd = OddGateway(answers)
    server = await asyncio.start_server(odd.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        changes: dict[str, Any] = {
            "gateway": f"http://127.0.0.1:{port}/gateway.do", **odd.keyring.settings(stand),
        }  # fmt: skip
        yield stand.client(seconds=5 * QUICK_SECONDS, **changes), odd
    finally:
        server.close()
        await server.wait_closed()
