"""The application as processes of its own, and its change to the next PASS key in mid-day."""

import asyncio
import os
import time
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import httpx2

from bff.clock import SystemClock
from bff.demo.place import Place
from bff.demo.process import Child, free_port
from bff.demo.servers import Stores
from bff.fleet.campus import OPERATOR, SCHOOL_ID
from bff.key_documents import check, draft, load_root
from bff.key_rotation import next_keys, rewrite
from bff.keys import load_keys
from bff.settings import Environment
from bff.wiring import Wired
from clients.endpoint import Endpoint, NoAnswer, no_headers
from core.school.records import DocumentKind
from terminals.keys import KeyUse

START_SECONDS = 60


class NotReady(Exception):
    """The application gave no answer in `START_SECONDS`."""


class Servers:
    """One application at a time, each on a port of its own."""

    def __init__(self, place: Place, data: Stores, workers: int) -> None:
        self._place = place
        self._data = data
        self._workers = workers
        self._number = 0
        self._running = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._running.close()

    async def start(self) -> int:
        """Starts an application with the key file as it is now; its port, once it answers.

        Raises: ChildEnded, NotReady.
        """
        port, self._number = free_port(), self._number + 1
        environment = {
            "BFF_ENVIRONMENT": "development",
            "BFF_DATABASE_URL": self._data.app_url,
            "BFF_REDIS_URL": self._data.redis_url,
            "BFF_KEYS_FILE": str(self._place.keys),
        }
        command = ("bff", "serve", "--port", str(port), "--workers", str(self._workers))
        log = self._place.log(f"application-{self._number}")
        child = self._running.enter_context(Child("application", command, environment, log))
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            give_up_at = time.monotonic() + START_SECONDS
            while True:
                child.check()
                try:
                    await Endpoint(http).ask("Schools", {}, no_headers)
                except NoAnswer:
                    if time.monotonic() > give_up_at:
                        raise NotReady from None
                    await asyncio.sleep(0.1)
                else:
                    return port

    async def follow(self) -> tuple[int, ExitStack]:
        """Starts the next application beside the one that runs; its port, and what ends the other.

        Raises: ChildEnded, NotReady.
        """
        before, self._running = self._running, ExitStack()
        try:
            return await self.start(), before
        except BaseException:
            before.close()
            raise


async def add_pass_key(place: Place, wired: Wired) -> None:
    """What `bff keys next`, draft, sign and publish do for a key that signs at once."""
    now = SystemClock().now()
    keys = load_keys(place.keys, Environment.DEVELOPMENT, now)
    made = next_keys(keys, [KeyUse.PASS], now, now, os.urandom)
    rewrite(place.keys, made)
    documents = wired.services.documents
    newest = await documents.find_newest(SCHOOL_ID, DocumentKind.KEYS)
    drafted = draft(made, SCHOOL_ID, newest)
    assert drafted is not None  # a key was added
    signed = load_root(place.root).sign(drafted)
    check(made, signed)
    await documents.publish(signed, OPERATOR)
