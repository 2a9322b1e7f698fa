"""A campus whose keys change: the operator at the key file, and the process started anew."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest

from bff.app import build_app
from bff.ground import Ground
from bff.key_documents import check, draft
from bff.key_rotation import next_keys, rewrite, withdraw
from bff.keys import USES, load_keys
from bff.settings import Environment
from bff.trusted import FOLDER, read_documents
from clients.phone.phone import Phone
from clients.terminal.alone import Alone
from clients.terminal.batches import Batches
from clients.terminal.journal import Operation
from clients.terminal.receipt import Patience, Receipt
from clients.terminal.till import Till
from core.school.records import DocumentKind
from terminals import cc1, ccr
from terminals.codes import CodeRefusal
from terminals.documents import write_keys
from terminals.keys import KeyUse, PublicKey
from tests.api.alone import open_offline
from tests.api.counter import Counter
from tests.api.devices import SCHOOL
from tests.api.sample import ALICE, OPERATOR
from tests.servers.fixtures import DatabaseDsn

PATIENT = Patience(budget_seconds=20, attempt_seconds=20, pause_seconds=0.005)
HASTY = Patience(budget_seconds=0.05, attempt_seconds=1, pause_seconds=0.01, status_tries=1)


@dataclass
class Quarter:
    """A till and a phone at the campus, and whoever keeps its keys."""

    counter: Counter
    folder: Path
    dsn: DatabaseDsn
    redis_url: str
    processes: AsyncExitStack
    phone: Phone
    batches: Batches

    @property
    def file(self) -> Path:
        """The key file."""
        return self.folder / "keys.json"

    def pass_days(self, days: float) -> None:
        """Time goes by."""
        self.counter.campus.clock.advance(days=days)

    async def add_next(self) -> None:
        """What the operator does each quarter: the next keys, their document, a start."""
        campus = self.counter.campus
        now = campus.clock.now()
        made = next_keys(campus.keys, USES, now + timedelta(days=7), now, campus.entropy)
        rewrite(self.file, made)
        await self.publish()
        await self.restart()

    async def withdraw(self, use: KeyUse) -> None:
        """What the operator does when the key that signs now has leaked."""
        campus = self.counter.campus
        now = campus.clock.now()
        leaked = campus.keys.signing_seed(use, now)
        rewrite(self.file, withdraw(campus.keys, leaked.kid, now, campus.entropy))
        await self.publish()
        await self.restart()

    async def publish(self) -> None:
        """Drafts, signs with the root and publishes what the file says."""
        campus = self.counter.campus
        documents, now = campus.wired.services.documents, campus.clock.now()
        campus.keys = load_keys(self.file, Environment.DEVELOPMENT, now)
        newest = await documents.find_newest(SCHOOL, DocumentKind.KEYS)
        drafted = draft(campus.keys, SCHOOL, newest)
        assert drafted is not None
        signed = campus.root.sign(drafted)
        check(campus.keys, signed)
        await documents.publish(signed, OPERATOR)

    async def publish_lines(self, lines: Sequence[PublicKey]) -> None:
        """Signs and publishes a key document of these lines."""
        campus = self.counter.campus
        documents = campus.wired.services.documents
        newest = await documents.find_newest(SCHOOL, DocumentKind.KEYS)
        assert newest is not None
        changed = replace(newest, version=newest.version + 1, content=write_keys(lines))
        await documents.publish(campus.root.sign(changed), OPERATOR)

    async def restart(self) -> None:
        """The process starts again with what the key file says now, over the same database."""
        campus = self.counter.campus
        hours, texts = count(0, 3_600), tuple(read_documents(FOLDER))
        ground = Ground(
            self.dsn.app, self.redis_url, campus.keys, campus.clock, campus.entropy,
            public_url="https://card.example",
        )  # fmt: skip
        campus.app = build_app(
            ground,
            texts,
            development=True,
            outside=campus.outside,
            monotonic=lambda: float(next(hours)),
        )
        await self.processes.enter_async_context(campus.app.router.lifespan_context(campus.app))
        way = httpx2.ASGITransport(app=campus.app, client=("192.0.2.1", 1))
        campus.http = await self.processes.enter_async_context(
            httpx2.AsyncClient(transport=way, base_url="http://campus.example")
        )
        campus.send_to_inbox()

    async def beat(self) -> list[str]:
        """The till's heartbeat, and the worker's publishing before it; what it is to fetch."""
        await self.counter.campus.wired.services.publisher.refresh(SCHOOL)
        self.counter.campus.clock.advance(seconds=31)
        directives: list[str] = (await self.counter.line.set_clock())["directives"]
        return [each for each in directives if each == "SYNC"]

    async def fetch(self) -> str:
        """The phone signs in anew and fetches its passes; what it shows then."""
        campus = self.counter.campus
        campus.clock.advance(seconds=61)
        assert ALICE.email is not None
        await self.phone.sign_in_begin(ALICE.email)
        await self.phone.sign_in_complete(await campus.last_code(ALICE.email))
        await self.phone.fetch_passes()
        return self.phone.show()

    def cut(self, *, off: bool = True) -> None:
        """Whether the till's purchases reach the server."""
        self.counter.network.cut = lambda name: off and name.startswith("Purchase")

    async def alone(self, presented: str | None = None) -> Receipt:
        """A sale without a network."""
        self.cut()
        self.counter.campus.clock.advance(seconds=31)
        hasty = Till(self.counter.journal, self.counter.line, HASTY)
        sold = await hasty.sell(presented or self.phone.show(), 100)
        self.cut(off=False)
        return sold

    async def refusal(self, presented: str) -> CodeRefusal | None:
        """Why the till would not sell for this code without a network."""
        self.counter.campus.clock.advance(seconds=31)
        given = {"presented": presented, "minorAmount": 100, "capture": "IMMEDIATE",
                 "scene": "MEAL"}  # fmt: skip
        entry = self.counter.journal.write(Operation.AUTHORISE, given, 100)
        refused = Alone(self.counter.journal, self.counter.line).accept(entry)
        await self.counter.till.settle_open()
        return refused

    async def online(self, presented: str | None = None) -> Receipt:
        """A sale with one."""
        self.counter.campus.clock.advance(seconds=31)
        return await self.counter.till.sell(presented or self.phone.show(), 100)

    async def judged(self) -> list[tuple[str, str | None]]:
        """Verdicts and reasons of what the till had stored."""
        return [(each.verdict, each.reason) for each in await self.batches.upload()]

    def kid(self, use: KeyUse) -> int:
        """Of the key that signs now."""
        campus = self.counter.campus
        return campus.keys.signing_seed(use, campus.clock.now()).kid

    async def money(self) -> dict[str, list[str]]:
        """Every row that money or a used code stands in."""
        return await self.counter.campus.dump("transfer", "leg", "code_use")


def pass_kid(presented: str) -> int:
    """The key that signed the pass of a code."""
    code = cc1.read(presented)
    assert isinstance(code, cc1.Presentation)
    return code.kid


def slot_of(presented: str) -> int:
    """When the pass of a code began."""
    code = cc1.read(presented)
    assert isinstance(code, cc1.Presentation)
    return code.not_before


def answer_kid(sold: Receipt) -> int:
    """The key that signed an answer."""
    assert sold.answer is not None
    return sold.answer.kid


def response_code(sold: Receipt) -> str:
    """What the server said."""
    assert sold.answer is not None
    return sold.answer.response_code


def signed_by(text: Any) -> int:
    """The key that signed a CCR text."""
    read = ccr.read(text)
    assert isinstance(read, ccr.SignedAnswer)
    return read.answer.kid


@pytest.fixture
async def quarter(
    counter: Counter, database_dsn: DatabaseDsn, redis_url: str, tmp_path: Path
) -> AsyncIterator[Quarter]:
    """The first day: keys and parameters are published, till and phone have what they need."""
    await counter.campus.publish_keys(1)
    await open_offline(counter.campus)
    phone = await counter.phone()
    counter.till = Till(counter.journal, counter.line, PATIENT)
    batches = Batches(counter.journal, counter.line, counter.line.store)
    async with AsyncExitStack() as processes:
        made = Quarter(counter, tmp_path, database_dsn, redis_url, processes, phone, batches)
        await made.beat()
        await made.beat()
        yield made
