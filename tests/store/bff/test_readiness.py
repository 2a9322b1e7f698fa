"""What the worker says of each school's sign-ons: once a generation, and never in anyone's way."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from adapters.sso.api import Check, Level, Problem, Text
from adapters.sso.connection import Connection
from bff import readiness as readiness_module
from bff.connections import Generation
from bff.readiness import Readiness
from bff.worker import Worker
from core.db.connection import DatabaseUnavailable
from tests.factories.identity import OTHER_SCHOOL, SCHOOL, Identity, identity_on
from tests.servers.fixtures import DatabaseDsn

OK = Check(Level.OK, "service", Text("好", "good"))
BAD = Check(Level.FAIL, "cas_service", Text("坏", "The address\n is not registered"))
MEH = Check(Level.WARN, "clock", Text("慢", "The server's clock is 45 s from ours"))
LEFT = Check(Level.SKIP, "sample", Text("略", "left out"))


def generation(*providers: str, problems: Sequence[Problem] = ()) -> Generation:
    """A generation with these sign-ons, of which only the id is asked."""
    named = {each: cast("Connection", SimpleNamespace(id=each)) for each in providers}
    return Generation({}, {}, named, {}, problems, ())


@dataclass
class Files:
    """What each school's file opened, by number; `fault` is what reading it raises."""

    opened: dict[int, tuple[int, Generation]] = field(default_factory=dict)
    fault: Exception | None = None

    async def current(self, school_id: int) -> tuple[int, Generation]:
        """The newest."""
        if self.fault is not None:
            raise self.fault
        return self.opened[school_id]


@dataclass
class Probes:
    """Answers for each provider, and counts."""

    checks: dict[str, Any]
    asked: list[str] = field(default_factory=list)

    async def __call__(self, connection: Connection) -> Sequence[Check]:
        """What it is told to answer."""
        self.asked.append(connection.id)
        found = self.checks[connection.id]
        if isinstance(found, asyncio.Event):
            await found.wait()
            found = [BAD]
        if isinstance(found, Exception):
            raise found
        return list(found)


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines of a warning, in no order."""
    assert {each.levelno for each in caplog.records} <= {logging.WARNING}
    return sorted(each.getMessage() for each in caplog.records)


async def settled(made: Readiness) -> None:
    """Until nothing is under way."""
    async with asyncio.timeout(5):
        await asyncio.gather(*made._looking.values(), return_exceptions=True)


async def test_each_finding_of_each_school_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    wrong = [
        Problem("sso.1.clientt", Text("未知", "Unknown key")),
        Problem("channel.wecom.secret", Text("未知", "told elsewhere")),
    ]
    files = Files({7: (3, generation("cas", "oidc", problems=wrong)), 8: (1, generation("good"))})
    probes = Probes({"cas": [OK, BAD, LEFT], "oidc": [MEH], "good": [OK, LEFT]})
    made = Readiness(files, probes)
    for school in (7, 8):
        await made.look(school)
    await settled(made)
    assert told(caplog) == [
        "readiness of school 7: cas: cas_service: fail: The address is not registered",
        "readiness of school 7: oidc: clock: warn: The server's clock is 45 s from ours",
        "readiness of school 7: sso.1.clientt: Unknown key",
    ]
    assert sorted(probes.asked) == ["cas", "good", "oidc"]


async def test_a_generation_is_looked_at_once_and_its_successor_anew(
    caplog: pytest.LogCaptureFixture,
) -> None:
    files, probes = Files({7: (1, generation("cas"))}), Probes({"cas": [BAD], "oidc": [MEH]})
    made = Readiness(files, probes)
    for _ in range(3):
        await made.look(7)
        await settled(made)
    assert (probes.asked, len(told(caplog))) == (["cas"], 1)
    files.opened[7] = (2, generation("cas", "oidc"))
    await made.look(7)
    await settled(made)
    assert (sorted(probes.asked), len(told(caplog))) == (["cas", "cas", "oidc"], 3)


async def test_a_school_that_hangs_holds_nobody_up_and_is_given_up(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness_module, "SCHOOL_SECONDS", 0.2)
    files = Files({7: (1, generation("slow")), 8: (1, generation("cas"))})
    made = Readiness(files, Probes({"slow": asyncio.Event(), "cas": [BAD]}))
    async with asyncio.timeout(0.1):
        for school in (7, 8, 7, 7):
            await made.look(school)
    assert len(made._looking) == 2
    await settled(made)
    assert told(caplog) == [
        "readiness of school 7: not known within 0 s",
        "readiness of school 8: cas: cas_service: fail: The address is not registered",
    ]


async def test_a_fault_is_told_by_its_kind_alone_and_a_file_is_read_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    files = Files({7: (1, generation("cas"))}, DatabaseUnavailable("secret text"))
    probes = Probes({"cas": ValueError("secret text")})
    made = Readiness(files, probes)
    await made.look(7)
    await settled(made)
    files.fault = None
    for _ in range(2):
        await made.look(7)
        await settled(made)
    assert told(caplog) == [
        "readiness of school 7: not known (DatabaseUnavailable)",
        "readiness of school 7: not known (ValueError)",
    ]
    assert probes.asked == ["cas"]


async def test_what_is_under_way_ends_with_the_worker(caplog: pytest.LogCaptureFixture) -> None:
    made = Readiness(Files({7: (1, generation("slow"))}), Probes({"slow": asyncio.Event()}))
    await made.look(7)
    await asyncio.sleep(0)
    (task,) = made._looking.values()
    await made.close()
    assert (task.cancelled(), told(caplog)) == (True, [])
    await made.close()


@pytest.fixture
async def identity(database_dsn: DatabaseDsn) -> AsyncIterator[Identity]:
    """Two schools and a database."""
    async with identity_on(database_dsn.app) as services:
        yield services


async def test_the_worker_looks_at_its_start_and_goes_on(
    identity: Identity, caplog: pytest.LogCaptureFixture
) -> None:
    hung = asyncio.Event()
    files = Files({SCHOOL: (1, generation("slow")), OTHER_SCHOOL: (1, generation("cas"))})
    probes = Probes({"slow": hung, "cas": [BAD]})
    made = Readiness(files, probes)

    async def schools() -> list[int]:
        return [SCHOOL, OTHER_SCHOOL]

    worker = Worker(identity.database, identity.clock, schools, {}, [made.look])
    async with asyncio.timeout(5):
        await worker.run_once()
        await made._looking[OTHER_SCHOOL]
    line = f"readiness of school {OTHER_SCHOOL}: cas: cas_service: fail: "
    assert told(caplog) == [line + "The address is not registered"]
    identity.clock.advance(seconds=30)
    await worker.run_once()
    assert sorted(probes.asked) == ["cas", "slow"]
    hung.set()
    await settled(made)
    assert len(told(caplog)) == 2
