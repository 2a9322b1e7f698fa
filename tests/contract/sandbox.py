"""The sandbox as a process of its own, which every adapter's contract is tested against."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

SMS_SECRET = b"a secret of at least thirty-two bytes"
SMS_KEY_ID = "sample-key"
START_SECONDS = 20


@dataclass
class Sandbox:
    """A running sandbox, strict: what it would not take from us fails the run."""

    url: str
    smtp_port: int

    async def ask(self, method: str, path: str, **given: Any) -> httpx2.Response:
        """One exchange that is no provider's: controls, the mailbox, what a phone's app does."""
        # Reading all certificate authorities takes longer than the exchange; there is no TLS here.
        async with httpx2.AsyncClient(base_url=self.url, trust_env=False, verify=False) as client:
            return await client.request(method, path, **given)

    async def mailbox(self, to: str) -> list[dict[str, Any]]:
        """What came for an address."""
        letters: list[dict[str, Any]] = (
            await self.ask("GET", "/mailbox", params={"to": to})
        ).json()
        return letters

    async def fail(self, provider: str, kind: str, *, api: str = "*", count: int = -1) -> int:
        """Turns a fault on; the status."""
        switch = {"provider": provider, "api": api, "kind": kind, "count": count}
        return (await self.ask("PUT", "/_faults", json=switch)).status_code

    async def mend(self) -> None:
        """Everything in working order and in real time."""
        await self.ask("DELETE", "/_faults")
        await self.move_clock(0)

    async def move_clock(self, offset_seconds: float) -> None:
        """The sandbox's clock goes on so many seconds from real time."""
        await self.ask("PUT", "/_clock", json={"offset": offset_seconds})

    async def put_people(self, *people: dict[str, Any]) -> None:
        """People with the fields of adapters.sandbox.people.Person."""
        assert (await self.ask("PUT", "/_people", json=list(people))).status_code == 200

    async def credentials(self, provider: str) -> dict[str, str]:
        """What a customer of a provider puts into the settings."""
        found: dict[str, str] = (await self.ask("GET", "/_credentials")).json()[provider]
        return found

    async def failures(self) -> list[str]:
        """What it would not take so far."""
        found: list[str] = (await self.ask("GET", "/_failures")).json()
        return found


def free_port() -> int:
    """A port of the loopback that nobody listens at."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port


@asynccontextmanager
async def running_sandbox() -> AsyncIterator[Sandbox]:
    """The sandbox as a process of its own, ended afterwards."""
    port, smtp_port = free_port(), free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "adapters.sandbox", "--port", str(port), "--smtp-port",
        str(smtp_port), "--sms-key-id", SMS_KEY_ID, "--sms-secret", SMS_SECRET.decode(),
        "--mode", "strict",
    )  # fmt: skip
    running = Sandbox(f"http://127.0.0.1:{port}", smtp_port)
    try:
        async with asyncio.timeout(START_SECONDS):
            while not await _answers(running):  # noqa: ASYNC110 - another process sets no event
                await asyncio.sleep(0.05)
        yield running
    finally:
        process.terminate()
        await process.wait()


@pytest.fixture(scope="session")
async def sandbox_process() -> AsyncIterator[Sandbox]:
    """One sandbox for all tests."""
    async with running_sandbox() as running:
        yield running


@pytest.fixture
async def sandbox(sandbox_process: Sandbox) -> Sandbox:
    """The sandbox in working order."""
    await sandbox_process.mend()
    return sandbox_process


async def _answers(running: Sandbox) -> bool:
    try:
        return await running.mailbox("nobody") == []
    except httpx2.TransportError:
        return False
