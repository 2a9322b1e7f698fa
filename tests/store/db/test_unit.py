"""Units of work: one school, one transaction, tried again where that can help."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from bff.fleet.proxy import Mode, Proxy, run_loop
from core.db.connection import DatabaseUnavailable
from core.db.lanes import Lanes
from core.db.unit import Database, Raced, Unit
from core.kit.errors import Refusal
from tests.factories.chance import NOON
from tests.servers.fixtures import DatabaseDsn

ADD = (
    "INSERT INTO site (school_id, number, name_zh, name_en) VALUES ($1, $2, '示例', 'sample')"
    " ON CONFLICT DO NOTHING"
)


class Full(Refusal):
    """For these tests."""


@pytest.fixture
async def database(database_dsn: DatabaseDsn) -> AsyncIterator[Database]:
    database = Database(database_dsn.app, ["core.limit.store"])
    await database.open()
    for school in (1, 2):

        async def add(unit: Unit, code: str = f"school-{school}") -> None:
            await unit.execute(
                "INSERT INTO school (school_id, code, name_zh, name_en, default_language,"
                " created_at) VALUES ($1, $2, '示例', 'sample', 'zh', $3)",
                unit.school_id, code, NOON,
            )  # fmt: skip

        await database.unit(school, add)
    yield database
    await database.close()


async def count_sites(database: Database, school_id: int) -> int:
    async def work(unit: Unit) -> int:
        return int(await unit.value("SELECT count(*) FROM site") or 0)

    return await database.unit(school_id, work)


async def test_a_unit_sees_and_writes_its_own_school_only(database: Database) -> None:
    async def add(unit: Unit) -> int:
        return await unit.execute(ADD, unit.school_id, 0)

    assert await database.unit(1, add) == 1
    assert [await count_sites(database, school) for school in (1, 2)] == [1, 0]


async def test_insert_update_move_refused(database: Database) -> None:
    async def intrude(unit: Unit) -> None:
        await unit.execute(ADD, 2, 0)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.unit(1, intrude)
    assert await count_sites(database, 2) == 0


async def test_pooled_connection_forgets_school(
    database: Database, database_dsn: DatabaseDsn
) -> None:
    await count_sites(database, 1)
    lanes = Lanes(database_dsn.app, 1)
    rows = await lanes.fetch("SELECT nullif(current_setting('app.school', true), '') AS school")
    assert rows[0]["school"] is None
    assert (await lanes.fetch("SELECT count(*) FROM site"))[0][0] == 0
    await lanes.close()

    async def look(unit: Unit) -> str | None:
        return await unit.value("SELECT current_setting('app.school', true)")

    assert await asyncio.gather(*(database.unit(school, look) for school in (1, 2, 1, 2))) == [
        "1", "2", "1", "2",
    ]  # fmt: skip


async def test_a_refusal_undoes_everything(database: Database) -> None:
    async def refuse(unit: Unit) -> None:
        await unit.execute(ADD, unit.school_id, 0)
        raise Full

    with pytest.raises(Full):
        await database.unit(1, refuse)
    assert await count_sites(database, 1) == 0


async def test_a_unit_within_another_is_a_transaction_of_its_own(database: Database) -> None:
    async def outer(unit: Unit) -> int:
        await unit.execute(ADD, unit.school_id, 0)
        inner = await count_sites(database, 2) + await count_sites(database, 1)
        assert await unit.value("SELECT count(*) FROM site") == 1
        return inner

    assert await database.unit(1, outer) == 0
    assert await count_sites(database, 1) == 1


async def test_a_race_runs_the_work_again(database: Database) -> None:
    tries: list[int] = []

    async def work(unit: Unit) -> int:
        tries.append(1)
        await unit.execute(ADD, unit.school_id, len(tries))
        if len(tries) < 3:
            raise Raced
        return len(tries)

    assert await database.unit(1, work) == 3
    assert await count_sites(database, 1) == 1


async def test_a_race_that_never_ends_is_a_fault_after_five_tries(database: Database) -> None:
    tries: list[int] = []

    async def work(unit: Unit) -> None:
        tries.append(1)
        raise Raced

    with pytest.raises(Raced):
        await database.unit(1, work)
    assert len(tries) == 5


async def test_a_deadlock_is_tried_again_and_both_finish(database: Database) -> None:
    async def add(unit: Unit) -> None:
        for number in (0, 1):
            await unit.execute(ADD, unit.school_id, number)

    await database.unit(1, add)
    meet = asyncio.Barrier(2)
    tries: list[int] = []

    async def rename(unit: Unit, first: int) -> None:
        tries.append(first)
        for number in (first, 1 - first):
            await unit.execute(
                "UPDATE site SET name_en = 'x' WHERE school_id = 1 AND number = $1", number
            )
            if len(tries) <= 2 and number == first:
                await meet.wait()

    await asyncio.gather(
        database.unit(1, lambda unit: rename(unit, 0)),
        database.unit(1, lambda unit: rename(unit, 1)),
    )
    assert len(tries) == 3


async def test_a_database_that_is_gone_is_named_so(unused_tcp_port: int) -> None:
    dsn = f"postgresql://campus_app:x@127.0.0.1:{unused_tcp_port}/none"
    database = Database(dsn, ["core.limit.store"])
    await database.open()
    with pytest.raises(DatabaseUnavailable) as refused:
        await count_sites(database, 1)
    assert refused.value.retryable
    await database.close()
    lanes = Lanes(dsn, 1)
    with pytest.raises(DatabaseUnavailable):
        await lanes.fetch("SELECT 1")
    await lanes.close()


async def test_a_killed_connection_is_replaced(
    database: Database, database_dsn: DatabaseDsn
) -> None:
    lanes = Lanes(database_dsn.app, 1)
    await lanes.fetch("SELECT 1")
    owner = await asyncpg.connect(database_dsn.owner)
    await owner.execute("SELECT 1")
    with pytest.raises(DatabaseUnavailable):
        await lanes.fetch("SELECT pg_terminate_backend(pg_backend_pid())")
    assert (await lanes.fetch("SELECT 2"))[0][0] == 2
    await owner.close()
    await lanes.close()
    with pytest.raises(DatabaseUnavailable):
        await database.unit(
            1, lambda unit: unit.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        )
    assert await count_sites(database, 1) == 0


async def test_a_unit_in_a_black_hole_waits_for_one_statement_only(
    database_dsn: DatabaseDsn,
) -> None:
    loop, stop = run_loop()
    parts = urlsplit(database_dsn.app)
    assert parts.port is not None
    link = Proxy(loop, parts.port)
    netloc = f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{link.port}"
    dsn = urlunsplit(parts._replace(netloc=netloc))
    database = Database(dsn, ["core.limit.store"], pool_maximum=1, command_seconds=0.4)
    await database.open()
    assert await count_sites(database, 1) == 0

    async def fall_in(unit: Unit) -> None:
        link.set(Mode.HOLE)
        await unit.value("SELECT count(*) FROM site")

    began = monotonic()
    with pytest.raises(DatabaseUnavailable):
        await database.unit(1, fall_in)
    assert 0.4 <= monotonic() - began < 0.7
    link.set(Mode.PASS)
    assert await count_sites(database, 1) == 0
    link.set(Mode.HOLE)
    began = monotonic()
    with pytest.raises(DatabaseUnavailable):
        await count_sites(database, 1)
    assert 0.4 <= monotonic() - began < 0.7
    await database.close()
    link.close()
    stop()


async def test_a_unit_waits_for_a_connection_no_longer_than_for_a_statement(
    database_dsn: DatabaseDsn,
) -> None:
    database = Database(database_dsn.app, ["core.limit.store"], pool_maximum=1, command_seconds=0.2)
    await database.open()

    async def within(_unit: Unit) -> int:
        return await count_sites(database, 2)

    with pytest.raises(DatabaseUnavailable):
        await database.unit(1, within)
    assert await count_sites(database, 2) == 0
    await database.close()
