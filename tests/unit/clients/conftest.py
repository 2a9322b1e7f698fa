"""An enrolled till, its pretended server and its journal."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from hashlib import shake_256
from itertools import count
from pathlib import Path

import httpx2
import pytest

from clients.endpoint import Endpoint
from clients.terminal.journal import Journal
from clients.terminal.protocol import Line, enrol
from clients.terminal.receipt import Patience
from clients.terminal.till import Till
from tests.unit.clients.pretend_server import ACTIVATION_CODE, ISSUER, NOW, PretendServer

QUICK = Patience(
    budget_seconds=0.3,
    attempt_seconds=0.3,
    pause_seconds=0.01,
    progress_seconds=0.05,
    progress_pause_seconds=0.005,
)


@dataclass
class Counter:
    """A till on its counter. `reopen` is what a power cut leaves: the file, and nothing else."""

    server: PretendServer
    http: httpx2.AsyncClient
    path: Path
    journal: Journal
    till: Till = field(init=False)
    clock_seconds: float = NOW
    patience: Patience = QUICK

    def __post_init__(self) -> None:
        self.till = Till(self.journal, self.line(), self.patience)

    def line(self) -> Line:
        """A line of this counter's clock and chance."""
        return Line(Endpoint(self.http), self.journal, lambda: self.clock_seconds, entropy)

    def reopen(self) -> None:
        """Starts the program again."""
        self.journal.close()
        self.journal = Journal(self.path)
        self.till = Till(self.journal, self.line(), self.patience)


_draws = count()


def entropy(size: int) -> bytes:
    """Bytes that never repeat."""
    return shake_256(str(next(_draws)).encode()).digest(size)


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    """A till that the pretended server knows."""
    server, path = PretendServer(), tmp_path / "till.db"
    async with httpx2.AsyncClient(transport=server, base_url="http://school.example") as http:
        with Journal(path) as journal:
            identity, _ = await enrol(
                Endpoint(http), ISSUER, ACTIVATION_CODE, "SAMPLE-1", "SN-1", entropy
            )
            journal.enrol(identity)
        opened = Counter(server, http, path, Journal(path))
        yield opened
        opened.journal.close()
