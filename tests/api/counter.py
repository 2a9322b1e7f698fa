"""A till of the reference terminal at a campus, on a network that loses what it is told to."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from bff.trusted import FOLDER, read_documents
from clients.endpoint import Endpoint
from clients.phone.phone import Phone
from clients.phone.wallet import Wallet
from clients.terminal.journal import Journal
from clients.terminal.protocol import Line, enrol
from clients.terminal.receipt import Patience
from clients.terminal.till import Till
from core.kit.clock import unix_seconds
from tests.api.campus import Campus, campus_on
from tests.api.devices import SCHOOL
from tests.api.sample import ALICE, CODE, OPERATOR, PIN
from tests.servers.fixtures import DatabaseDsn

ALICES_CARD, BOBS_CARD = "CARD:00000000000001", "CARD:00000000000002"
BRISK = Patience(budget_seconds=2, attempt_seconds=2, pause_seconds=0.005)


class Network(httpx2.AsyncBaseTransport):
    """Hands everything to the application, but `cut` requests; `lost` answers never come back."""

    def __init__(self, campus: Campus) -> None:
        self._campus = campus
        self.lost: Callable[[str], bool] = lambda operation: False
        self.cut: Callable[[str], bool] = lambda operation: False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The application's answer, unless the network loses it."""
        if self.cut(request.headers["x-operation"]):
            raise httpx2.ConnectError("no route", request=request)
        # The process that serves now: a test may have started it anew.
        way = httpx2.ASGITransport(app=self._campus.app, client=("192.0.2.2", 1))
        answer = await way.handle_async_request(request)
        if self.lost(request.headers["x-operation"]):
            raise httpx2.ReadTimeout("nothing came", request=request)
        return answer


@dataclass
class Counter:
    """An enrolled till at the campus."""

    campus: Campus
    network: Network
    http: httpx2.AsyncClient
    journal: Journal
    till: Till
    line: Line
    late_seconds: float = 0.0

    async def phone(self) -> Phone:
        """Alice's phone, ready to show codes; its clock and network are the till's."""
        clock, entropy = self.campus.clock, self.campus.entropy
        wallet = Wallet(CODE)
        phone = Phone(Endpoint(self.http), wallet, lambda: unix_seconds(clock.now()), entropy)
        assert ALICE.email is not None
        await phone.sign_in_begin(ALICE.email)
        await phone.sign_in_complete(await self.campus.last_code(ALICE.email))
        await phone.bind(ALICE.name, ALICE.number)
        await phone.set_pin(PIN)
        await phone.open_virtual_card(PIN)
        await phone.enrol_device(PIN)
        await phone.fetch_passes()
        return phone

    async def balance(self, number: str) -> int:
        """What the ledger says a cardholder has."""
        ledger, holder = self.campus.wired.services.ledger, await self.campus.id_of(number)
        return (await ledger.balances(SCHOOL, holder)).balance_minor


@asynccontextmanager
async def counter_at(
    dsn: DatabaseDsn, redis_url: str, folder: Path, *scenes: str
) -> AsyncIterator[Counter]:
    """A terminal for these scenes that the school has let in."""
    texts = tuple(read_documents(FOLDER))
    async with campus_on(dsn, redis_url, folder, texts) as campus:
        network = Network(campus)
        async with httpx2.AsyncClient(transport=network, base_url="http://campus.example") as http:
            _, code = await campus.activation(*scenes)
            endpoint = Endpoint(http)
            identity, answer = await enrol(
                endpoint, SCHOOL, code, "reference", "SN-1", campus.entropy
            )
            with Journal(folder / "till.db") as journal:
                journal.enrol(identity)
                clock = campus.clock

                def now() -> float:
                    return unix_seconds(clock.now()) - opened.late_seconds

                line = Line(endpoint, journal, now, campus.entropy)
                opened = Counter(campus, network, http, journal, Till(journal, line, BRISK), line)
                await campus.wired.services.terminals.confirm(
                    SCHOOL, identity.terminal_no, answer["fingerprint"], OPERATOR
                )
                yield opened


@pytest.fixture
async def counter(
    database_dsn: DatabaseDsn, redis_url: str, tmp_path: Path
) -> AsyncIterator[Counter]:
    """A till of the reference terminal."""
    scenes = "MEAL", "GATE", "LIBRARY", "METER"
    async with counter_at(database_dsn, redis_url, tmp_path, *scenes) as made:
        yield made


@pytest.fixture
async def machine(
    database_dsn: DatabaseDsn, redis_url: str, tmp_path: Path
) -> AsyncIterator[Counter]:
    """A kiosk of the reference terminal."""
    async with counter_at(database_dsn, redis_url, tmp_path, "KIOSK") as made:
        yield made
