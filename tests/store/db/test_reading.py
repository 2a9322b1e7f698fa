"""Reads outside a unit: one school each, many in one statement, none the worse for another."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from core.db.connection import DatabaseUnavailable
from core.db.lanes import Lane
from core.db.reading import BATCH_MAXIMUM, Reader, together
from core.db.unit import Database, Unit
from tests.factories.chance import NOON
from tests.servers.fixtures import DatabaseDsn

PURSES = Reader("purses", "account", ("uuid",))
SPENDING = Reader("cardholder_spending", "cardholder_limit", ("uuid",))
HOLDER = UUID(int=1)


@pytest.fixture
async def database(database_dsn: DatabaseDsn) -> AsyncIterator[Database]:
    """Two schools with an account each, of the same owner's id."""
    database = Database(database_dsn.app, ["core.limit.store"])
    await database.open()
    for school in (1, 2):

        async def add(unit: Unit, code: str = f"school-{school}") -> None:
            await unit.execute(
                "INSERT INTO school (school_id, code, name_zh, name_en, default_language,"
                " created_at) VALUES ($1, $2, '示例', 'sample', 'zh', $3)",
                unit.school_id, code, NOON,
            )  # fmt: skip
            await unit.execute(
                "INSERT INTO account (school_id, id, kind, owner_id, currency, balance_minor,"
                " pending_minor, created_at) VALUES ($1, $2, 'MAIN', $3, 'CNY', $4, 0, $5)",
                unit.school_id, UUID(int=unit.school_id), HOLDER, unit.school_id * 100, NOON,
            )  # fmt: skip

        await database.unit(school, add)
    yield database
    await database.close()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement that lanes send."""
    heard: list[str] = []
    fetch = Lane.fetch

    async def listening(self: Lane, sql: str, *values: object) -> Any:
        heard.append(sql)
        return await fetch(self, sql, *values)

    monkeypatch.setattr(Lane, "fetch", listening)
    return heard


async def balances(database: Database, school_id: int) -> list[int]:
    rows = await database.reading(school_id).call(PURSES, HOLDER)
    return [row["balance_minor"] for row in rows]


async def test_a_reading_sees_its_own_school_only(database: Database) -> None:
    assert await balances(database, 1) == [100]
    assert await balances(database, 2) == [200]
    assert await balances(database, 3) == []


async def test_calls_of_one_moment_travel_in_one_statement(
    database: Database, sent: list[str]
) -> None:
    found: list[Any] = await asyncio.gather(
        balances(database, 2),
        database.reading(1).call(SPENDING, HOLDER),
        balances(database, 1),
        balances(database, 3),
    )
    assert found == [[200], [], [100], []]
    assert sent == [together([SPENDING, PURSES])]


async def test_a_call_alone_is_sent_as_it_is(database: Database, sent: list[str]) -> None:
    await balances(database, 1)
    assert sent == ["SELECT * FROM purses($1, $2)"]


async def test_more_calls_than_a_batch_are_all_answered(database: Database) -> None:
    schools = [1 + n % 2 for n in range(2 * BATCH_MAXIMUM + 1)]
    found = await asyncio.gather(*(balances(database, school) for school in schools))
    assert found == [[school * 100] for school in schools]


async def test_a_call_that_fails_harms_only_itself(database: Database) -> None:
    answers: list[Any] = await asyncio.gather(
        balances(database, 1),
        database.reading(1).call(PURSES, "no id"),
        balances(database, 2),
        return_exceptions=True,
    )
    assert (answers[0], answers[2]) == ([100], [200])
    assert isinstance(answers[1], asyncpg.DataError)


async def test_a_caller_that_leaves_stops_nobody(database: Database) -> None:
    leaving = asyncio.create_task(balances(database, 1))
    staying = asyncio.create_task(balances(database, 2))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == [200]
    assert await balances(database, 1) == [100]


async def test_a_unit_reads_what_it_wrote_by_the_same_function(database: Database) -> None:
    async def work(unit: Unit) -> list[int]:
        await unit.execute("UPDATE account SET balance_minor = 7 WHERE school_id = $1", 1)
        found = [row["balance_minor"] for row in await unit.call(PURSES, HOLDER)]
        assert await balances(database, 1) == [100]
        return found

    assert await database.unit(1, work) == [7]
    assert await balances(database, 1) == [7]


async def test_a_lane_forgets_the_school_of_its_calls(database: Database) -> None:
    await asyncio.gather(balances(database, 1), balances(database, 1))
    async with database._reading._lanes.take() as lane:
        assert (await lane.fetch("SELECT count(*) FROM account"))[0][0] == 0


async def test_a_database_that_is_gone_answers_every_call(unused_tcp_port: int) -> None:
    database = Database(f"postgresql://campus_app:x@127.0.0.1:{unused_tcp_port}/none", [])
    answers = await asyncio.gather(
        balances(database, 1), balances(database, 2), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [DatabaseUnavailable, DatabaseUnavailable]
