"""A canteen of the real application behind its edge: tills, phones, and a line that breaks."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from bff.edge.app import Edge, build_edge_app
from bff.edge.authority import EdgeAuthority
from bff.edge.uplink import Uplink
from bff.journal import SqliteEdgeJournal
from bff.reporting import report
from bff.trusted import FOLDER, read_documents
from clients.endpoint import Endpoint
from clients.phone.phone import Phone
from clients.phone.wallet import Wallet
from clients.terminal.batches import Batches, Judged
from clients.terminal.journal import Journal
from clients.terminal.protocol import Line, enrol
from clients.terminal.receipt import Patience
from clients.terminal.till import Till
from core.identity.records import RosterRow
from core.kit.clock import unix_seconds
from core.school.records import DeviceClass, Site
from terminals.message import draw_activation_code
from tests.api.alone import open_offline
from tests.api.campus import Campus, campus_on
from tests.api.counter import Network
from tests.api.devices import SCHOOL
from tests.api.sample import ALICE, CODE, OPERATOR, PIN
from tests.servers.fixtures import DatabaseDsn

HASTY = Patience(budget_seconds=1.0, attempt_seconds=1.0, pause_seconds=0.01, status_tries=1)
SITE = 0


@dataclass
class Stand:
    """A till of the site, on the edge's network or on the school's."""

    journal: Journal
    line: Line
    till: Till
    batches: Batches

    @property
    def number(self) -> int:
        return self.journal.identity.terminal_no


@dataclass
class Hall:
    """The school's server, one edge, and what stands before it."""

    campus: Campus
    folder: Path
    network: Network
    stack: AsyncExitStack
    upstream: httpx2.AsyncClient
    merchant: int
    journal: Journal = field(init=False)
    line: Line = field(init=False)
    edge: Edge = field(init=False)
    kept: SqliteEdgeJournal = field(init=False)
    http: httpx2.AsyncClient = field(init=False)
    stands: list[Stand] = field(default_factory=list)

    def now(self) -> float:
        return unix_seconds(self.campus.clock.now())

    async def open_edge(self) -> None:
        """Starts the edge's program on its file; what ran before is gone."""
        if "journal" in self.__dict__:
            self.journal.close()
        self.journal = Journal(self.folder / "edge.db")
        endpoint = Endpoint(self.upstream)
        self.line = Line(endpoint, self.journal, self.now, self.campus.entropy, is_edge=True)
        self.kept = SqliteEdgeJournal(self.journal)
        authority = EdgeAuthority(self.journal, self.line, self.kept)
        self.edge = Edge(self.line, Uplink(self.upstream), authority, report)
        transport = httpx2.ASGITransport(app=build_edge_app(self.edge))
        self.http = await self.stack.enter_async_context(
            httpx2.AsyncClient(transport=transport, base_url="http://edge.example")
        )
        self._reach(self.http)

    def _reach(self, http: httpx2.AsyncClient) -> None:
        """Lets the tills talk to the edge, or to the server."""
        for stand in self.stands:
            stand.line = Line(Endpoint(http), stand.journal, self.now, self.campus.entropy)
            stand.till = Till(stand.journal, stand.line, HASTY)
            stand.batches = Batches(stand.journal, stand.line, stand.line.store)

    async def enrol(self, name: str, device: DeviceClass, *scenes: str) -> Journal:
        """An enrolled and confirmed device of this site."""
        terminals = self.campus.wired.services.terminals
        made = await terminals.register(SCHOOL, self.merchant, SITE, device, list(scenes), OPERATOR)
        code = draw_activation_code(self.campus.wired.ids)
        await terminals.activation_open(SCHOOL, made.number, code, OPERATOR)
        identity, answer = await enrol(
            Endpoint(self.upstream), SCHOOL, code, "reference", name, self.campus.entropy
        )
        journal = Journal(self.folder / f"{name}.db")
        self.stack.callback(journal.close)
        journal.enrol(identity)
        await terminals.confirm(SCHOOL, made.number, answer["fingerprint"], OPERATOR)
        return journal

    async def stand(self, name: str) -> Stand:
        """One more till behind the edge."""
        journal = await self.enrol(name, DeviceClass.TILL, "MEAL", "GATE")
        line = Line(Endpoint(self.upstream), journal, self.now, self.campus.entropy)
        till = Till(journal, line, HASTY)
        stand = Stand(journal, line, till, Batches(journal, line, line.store))
        self.stands.append(stand)
        return stand

    async def publish(self, version: int = 1) -> None:
        """The school publishes what it registered, and everybody hears of it."""
        self.campus.clock.advance(seconds=61)
        await self.campus.wired.services.publisher.refresh(SCHOOL)
        await self.campus.publish_keys(version)
        await self.edge.beat()
        await self.edge.beat()
        for stand in self.stands:
            await stand.line.set_clock()
            await stand.line.set_clock()

    def break_line(self) -> None:
        """Nothing reaches the server any more."""
        self.network.cut = lambda _operation: True
        self.campus.clock.advance(seconds=30)

    async def mend_line(self) -> None:
        """The line is back, and the edge has noticed."""
        self.network.cut = lambda _operation: False
        for _ in range(3):
            await self.edge.beat()
        assert self.edge.is_up

    def edge_dies(self) -> None:
        """Nothing answers the tills any more."""
        self._reach(self.upstream)

    async def retire_edge(self) -> None:
        """The school takes its edge out of the key document; the tills talk to the server."""
        terminals, number = self.campus.wired.services.terminals, self.journal.identity.terminal_no
        await terminals.change_state(SCHOOL, number, "RETIRE", "sold", OPERATOR)
        self._reach(self.upstream)
        await self.publish(2)

    async def phone(self, person: RosterRow = ALICE) -> Phone:
        """A phone on its own network, ready to show codes."""
        clock, entropy = self.campus.clock, self.campus.entropy
        own = await self.stack.enter_async_context(
            httpx2.AsyncClient(transport=Network(self.campus), base_url="http://campus.example")
        )
        phone = Phone(Endpoint(own), Wallet(CODE), lambda: unix_seconds(clock.now()), entropy)
        assert person.email is not None
        await phone.sign_in_begin(person.email)
        await phone.sign_in_complete(await self.campus.last_code(person.email))
        await phone.bind(person.name, person.number)
        await phone.set_pin(PIN)
        await phone.open_virtual_card(PIN)
        await phone.enrol_device(PIN)
        await phone.fetch_passes()
        return phone

    async def balance(self, person: RosterRow = ALICE) -> int:
        """What the ledger says a cardholder has."""
        ledger, holder = (
            self.campus.wired.services.ledger, await self.campus.id_of(person.number),
        )  # fmt: skip
        return (await ledger.balances(SCHOOL, holder)).balance_minor

    async def upload(self) -> list[Judged]:
        """The verdicts on everything that the tills hold."""
        return [judged for stand in self.stands for judged in await stand.batches.upload()]


@pytest.fixture
async def hall(database_dsn: DatabaseDsn, redis_url: str, tmp_path: Path) -> AsyncIterator[Hall]:
    """Two tills behind an edge; the school takes offline money."""
    texts = tuple(read_documents(FOLDER))
    async with campus_on(database_dsn, redis_url, tmp_path, texts) as campus, AsyncExitStack() as s:
        network = Network(campus)
        upstream = await s.enter_async_context(
            httpx2.AsyncClient(transport=network, base_url="http://campus.example")
        )
        schools = campus.wired.services.schools
        await schools.site_put(SCHOOL, Site(SITE, "示例食堂", "Sample Canteen"), OPERATOR)
        merchant = await schools.merchant_add(SCHOOL, "示例食堂", "Sample Canteen", OPERATOR)
        made = Hall(campus, tmp_path, network, s, upstream, merchant.number)
        (await made.enrol("edge", DeviceClass.EDGE)).close()
        for name in ("till-1", "till-2"):
            await made.stand(name)
        await made.open_edge()
        await open_offline(campus)
        await made.publish()
        yield made
        made.journal.close()
