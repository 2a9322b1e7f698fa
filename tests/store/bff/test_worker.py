"""The worker: each intent is carried out, postponed or given up, and nothing stops it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bff import worker as worker_module
from bff.worker import Worker
from core.db import outbox
from core.db.connection import DatabaseUnavailable
from core.db.outbox import Intent
from core.db.unit import Unit
from core.ports.providers import ProviderRefused, ProviderUnavailable
from tests.factories.identity import OTHER_SCHOOL, SCHOOL, Identity, identity_on
from tests.servers.fixtures import DatabaseDsn


@pytest.fixture
async def identity(database_dsn: DatabaseDsn) -> AsyncIterator[Identity]:
    """Two schools and a database."""
    async with identity_on(database_dsn.app) as services:
        yield services


async def _schools() -> list[int]:
    return [SCHOOL, OTHER_SCHOOL]


async def _intend(identity: Identity, kind: str, school: int = SCHOOL) -> None:
    async def work(unit: Unit) -> None:
        await outbox.add(unit, identity.ids.new(), kind, {"fact": kind}, identity.clock.now())

    await identity.database.unit(school, work)


async def _states(identity: Identity) -> list[tuple[bool, int, str | None]]:
    rows = await identity.rows("SELECT done_at, tries, last_error FROM outbox ORDER BY id")
    return [(row["done_at"] is not None, row["tries"], row["last_error"]) for row in rows]


async def test_each_school_s_intents_are_carried_out_once(identity: Identity) -> None:
    seen: list[tuple[int, str]] = []

    async def handle(school_id: int, intent: Intent) -> None:
        seen.append((school_id, intent.payload["fact"]))

    await _intend(identity, "A")
    await _intend(identity, "A", OTHER_SCHOOL)
    worker = Worker(identity.database, identity.clock, _schools, {"A": handle})
    assert await worker.run_once() == 2
    assert await worker.run_once() == 0
    assert seen == [(SCHOOL, "A"), (OTHER_SCHOOL, "A")]
    assert await _states(identity) == [(True, 1, None)]


async def test_two_workers_share_the_work(identity: Identity) -> None:
    seen: list[str] = []

    async def handle(_school_id: int, intent: Intent) -> None:
        await asyncio.sleep(0.01)
        seen.append(str(intent.id))

    for _ in range(30):
        await _intend(identity, "A")
    workers = [Worker(identity.database, identity.clock, _schools, {"A": handle}) for _ in range(3)]
    await asyncio.gather(*(each.run_once() for each in workers))
    assert len(seen) == len(set(seen)) == 30


@pytest.mark.parametrize(
    ("error", "done", "told"),
    [
        (ProviderRefused("number"), True, None),
        (ProviderUnavailable("secret text"), False, "ProviderUnavailable"),
        (ValueError("secret text"), False, "ValueError"),
    ],
)
async def test_a_refusal_is_final_and_a_fault_is_tried_again(
    identity: Identity, error: Exception, done: bool, told: str | None
) -> None:
    async def handle(_school_id: int, _intent: Intent) -> None:
        raise error

    await _intend(identity, "A")
    worker = Worker(identity.database, identity.clock, _schools, {"A": handle})
    await worker.run_once()
    assert await _states(identity) == [(done, 1, told)]
    assert await worker.run_once() == 0
    identity.clock.advance(seconds=2)
    assert await worker.run_once() == int(not done)


async def test_an_intent_is_given_up_after_eight_tries(identity: Identity) -> None:
    await _intend(identity, "UNKNOWN")
    worker = Worker(identity.database, identity.clock, _schools, {})
    for _ in range(10):
        await worker.run_once()
        identity.clock.advance(seconds=3_600)
    assert await _states(identity) == [(True, 8, "no handler for UNKNOWN")]


async def test_a_handler_that_hangs_is_cut_off(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def handle(_school_id: int, _intent: Intent) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(worker_module, "HANDLER_SECONDS", 0.05)
    await _intend(identity, "A")
    await Worker(identity.database, identity.clock, _schools, {"A": handle}).run_once()
    assert await _states(identity) == [(False, 1, "TimeoutError")]


async def test_what_a_dead_worker_held_comes_back(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = asyncio.Event()

    async def hang(_school_id: int, _intent: Intent) -> None:
        held.set()
        await asyncio.sleep(60)

    async def handle(_school_id: int, _intent: Intent) -> None:
        return

    await _intend(identity, "A")
    dead = asyncio.create_task(
        Worker(identity.database, identity.clock, _schools, {"A": hang}).run_once()
    )
    await held.wait()
    dead.cancel()
    await asyncio.gather(dead, return_exceptions=True)
    worker = Worker(identity.database, identity.clock, _schools, {"A": handle})
    assert await worker.run_once() == 0
    identity.clock.advance(seconds=31)
    assert await worker.run_once() == 1
    assert await _states(identity) == [(True, 2, None)]


async def test_hooks_run_now_and_then_and_one_that_fails_stops_nothing(
    identity: Identity,
) -> None:
    called: list[int] = []

    async def broken(_school_id: int) -> None:
        raise ValueError

    async def hook(school_id: int) -> None:
        called.append(school_id)

    worker = Worker(identity.database, identity.clock, _schools, {}, [broken, hook])
    await worker.run_once()
    await worker.run_once()
    assert called == [SCHOOL, OTHER_SCHOOL]
    identity.clock.advance(seconds=30)
    await worker.run_once()
    assert called == [SCHOOL, OTHER_SCHOOL] * 2


async def test_a_database_that_is_away_stops_nothing(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, rounds = asyncio.Event(), 0

    async def away() -> list[int]:
        nonlocal rounds
        rounds += 1
        if rounds == 2:
            stop.set()
            return []
        raise DatabaseUnavailable

    monkeypatch.setattr(worker_module, "PAUSE_SECONDS", 0.01)
    async with asyncio.timeout(5):
        await Worker(identity.database, identity.clock, away, {}).run(stop)
    assert rounds == 2


async def test_the_loop_ends_when_it_is_told_to(identity: Identity) -> None:
    seen = asyncio.Event()

    async def handle(_school_id: int, _intent: Intent) -> None:
        seen.set()

    stop = asyncio.Event()
    worker = Worker(identity.database, identity.clock, _schools, {"A": handle})
    running = asyncio.create_task(worker.run(stop))
    await _intend(identity, "A")
    async with asyncio.timeout(5):
        await seen.wait()
        stop.set()
        await running
    assert await _states(identity) == [(True, 1, None)]
