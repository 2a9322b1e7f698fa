"""Intents are leased once; a key has one effect and one answer."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import pytest

from core.db import idempotency, outbox
from core.db.idempotency import Answer
from core.db.outbox import Intent
from core.db.unit import Database, Unit
from core.kit.errors import IdempotencyConflict, Refusal
from tests.factories.chance import NOON
from tests.servers.fixtures import DatabaseDsn


class Full(Refusal):
    """For these tests."""


@pytest.fixture
async def database(database_dsn: DatabaseDsn) -> AsyncIterator[Database]:
    database = Database(database_dsn.app, ["core.limit.store"])
    await database.open()

    async def add(unit: Unit) -> None:
        await unit.execute(
            "INSERT INTO school (school_id, code, name_zh, name_en, default_language, created_at)"
            " VALUES ($1, 'sample', '示例', 'sample', 'zh', $2)",
            unit.school_id, NOON,
        )  # fmt: skip

    await database.unit(1, add)
    yield database
    await database.close()


async def add_intents(database: Database, count: int) -> None:
    async def work(unit: Unit) -> None:
        for number in range(count):
            await outbox.add(unit, UUID(int=number), "MESSAGE", {"to": str(number)}, NOON)

    await database.unit(1, work)


async def lease(database: Database, now: datetime, limit: int = 50) -> list[Intent]:
    return await database.unit(1, lambda unit: outbox.lease(unit, now, limit))


async def test_two_workers_never_lease_one_intent(database: Database) -> None:
    await add_intents(database, 40)
    taken = await asyncio.gather(*(lease(database, NOON, 10) for _ in range(6)))
    ids = [intent.id for intents in taken for intent in intents]
    assert sorted(ids) == [UUID(int=number) for number in range(40)]


async def test_an_intent_is_not_leased_before_it_is_due(database: Database) -> None:
    await add_intents(database, 1)
    assert await lease(database, NOON - timedelta(seconds=1)) == []


async def test_what_a_dead_worker_held_comes_back_after_its_lease(database: Database) -> None:
    await add_intents(database, 1)
    first = await lease(database, NOON)
    assert await lease(database, NOON + timedelta(seconds=29)) == []
    again = await lease(database, NOON + timedelta(seconds=31))
    assert [(i.id, i.payload, i.tries) for i in first + again] == [
        (UUID(int=0), {"to": "0"}, 1), (UUID(int=0), {"to": "0"}, 2),
    ]  # fmt: skip


async def test_a_finished_intent_forgets_its_payload_and_never_returns(database: Database) -> None:
    await add_intents(database, 1)
    await lease(database, NOON)
    await database.unit(1, lambda unit: outbox.finish(unit, UUID(int=0), NOON))
    assert await lease(database, NOON + timedelta(days=1)) == []
    payload = await database.unit(1, lambda unit: unit.value("SELECT payload FROM outbox"))
    assert payload == "{}"


async def postpone(unit: Unit, intent: Intent, now: datetime) -> bool:
    return await outbox.postpone(unit, intent, now, "no answer")


async def test_a_failed_intent_waits_twice_as_long_each_time_and_ends(database: Database) -> None:
    await add_intents(database, 1)
    now, waits = NOON, []
    while found := await lease(database, now):
        if not await database.unit(1, partial(postpone, intent=found[0], now=now)):
            break
        waits.append(2 ** found[0].tries)
        assert await lease(database, now + timedelta(seconds=waits[-1] - 1)) == []
        now += timedelta(seconds=waits[-1])
    assert waits == [2, 4, 8, 16, 32, 64, 128]
    assert await lease(database, now + timedelta(days=1)) == []


class Till:
    """Counts its effects."""

    def __init__(self) -> None:
        self.effects = 0

    async def open(self) -> Answer:
        self.effects += 1
        await asyncio.sleep(0.01)
        return {"receipt": self.effects}


async def once(database: Database, till: Till, key: str, content: Answer) -> Answer:
    return await database.unit(
        1, lambda unit: idempotency.once(unit, "cashTopUp|staff", key, content, NOON, till.open)
    )


async def test_twenty_equal_requests_have_one_effect_and_one_answer(database: Database) -> None:
    till = Till()
    answers = await asyncio.gather(
        *(once(database, till, "k", {"a": 1, "b": 2}) for _ in range(20))
    )
    assert (till.effects, answers) == (1, [{"receipt": 1}] * 20)
    assert await once(database, till, "k", {"b": 2, "a": 1}) == {"receipt": 1}


async def test_other_content_under_a_used_key_conflicts_and_has_no_effect(
    database: Database,
) -> None:
    till = Till()
    await once(database, till, "k", {"a": 1})
    with pytest.raises(IdempotencyConflict):
        await once(database, till, "k", {"a": 2})
    assert till.effects == 1
    assert await once(database, till, "other", {"a": 2}) == {"receipt": 2}


async def test_a_refused_effect_leaves_its_key_free(database: Database) -> None:
    async def refuse() -> Answer:
        raise Full

    with pytest.raises(Full):
        await database.unit(
            1, lambda unit: idempotency.once(unit, "cashTopUp|staff", "k", {"a": 1}, NOON, refuse)
        )
    assert await once(database, Till(), "k", {"a": 1}) == {"receipt": 1}
