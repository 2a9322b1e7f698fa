"""What the database's own catalogue says of keys, rights, row security and functions."""

import re

import asyncpg
import pytest

from tests.factories.canteen import Canteen, canteen_on
from tests.servers.fixtures import DatabaseDsn
from tests.store.conftest import unnamed_school

_PUBLIC_KEYS = {("school", "code")}
"""The short name of a school is unique over all of them: it is chosen before a school is known."""
_CHANGED_LATER = {
    "account", "activation_code", "attempt_counter", "authorisation", "binding", "campus",
    "cap_slot", "card", "card_load", "cardholder", "cardholder_limit", "chip", "code_alias",
    "code_device", "code_pass",
    "code_use", "deny_list", "door", "entry_answer", "entry_right", "entry_tag_day", "entry_zone",
    "four_eyes_request", "guardian_grant", "identity_claim", "limit_pause", "merchant",
    "meter", "meter_group", "one_time_code", "operator", "operator_shift", "outbox",
    "pending_link", "pin", "printed_code", "rights_entry", "rights_list", "school", "session",
    "settlement_check", "site", "staff", "terminal", "terminal_answer", "terminal_key",
    "vend_job", "water_reservation", "zone_presence",
}  # fmt: skip
_DELETED = {"attempt_counter", "campus_session", "deny_entry", "document_acknowledgement",
            "entry_answer", "entry_event", "identity_claim", "meter_try",
            "passage", "pending_link", "pin_spray", "provider_notice", "zone_presence"}  # fmt: skip


async def ask(dsn: str, sql: str, *values: object) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(dsn)
    try:
        return [tuple(row) for row in await connection.fetch(sql, *values)]
    finally:
        await connection.close()


async def test_every_table_has_a_school(
    database_dsn: DatabaseDsn, tenant_tables: frozenset[str]
) -> None:
    tables = await ask(
        database_dsn.owner, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    )
    assert {name for (name,) in tables} - tenant_tables == {"tortoise_migrations"}


async def test_every_key_leads_with_school_id(database_dsn: DatabaseDsn) -> None:
    keys = await ask(
        database_dsn.owner,
        "SELECT c.relname, a.attname FROM pg_index i"
        " JOIN pg_class c ON c.oid = i.indrelid"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relname <> 'tortoise_migrations'",
    )
    assert len(keys) > 40
    assert {key for key in keys if key[1] != "school_id"} == _PUBLIC_KEYS


async def test_every_foreign_key_has_the_school_on_both_sides(database_dsn: DatabaseDsn) -> None:
    keys = await ask(
        database_dsn.owner,
        "SELECT k.conrelid::regclass::text, k.conname, a.attname, f.attname FROM pg_constraint k"
        " JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]"
        " JOIN pg_attribute f ON f.attrelid = k.confrelid AND f.attnum = k.confkey[1]"
        " WHERE k.contype = 'f'",
    )
    assert len(keys) > 30
    assert [key for key in keys if key[2:] != ("school_id", "school_id")] == []


async def test_every_table_is_forced(database_dsn: DatabaseDsn) -> None:
    tables = await ask(
        database_dsn.owner,
        "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity,"
        " (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) > 0"
        " FROM pg_class c WHERE c.relkind IN ('r', 'p')"
        " AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'tortoise_migrations'",
    )
    assert len(tables) > 25
    assert [table for table in tables if table[1:] != (True, True, True)] == []


async def test_app_role_owns_nothing(database_dsn: DatabaseDsn) -> None:
    owned = await ask(
        database_dsn.owner,
        "SELECT 'table', relname::text FROM pg_class WHERE relowner = 'campus_app'::regrole"
        " UNION ALL SELECT 'function', proname::text FROM pg_proc"
        "  WHERE proowner = 'campus_app'::regrole",
    )
    assert owned == []


@pytest.mark.parametrize(
    ("privilege", "tables"), [("UPDATE", _CHANGED_LATER), ("DELETE", _DELETED)]
)
async def test_app_role_changes_only_what_may_change(
    database_dsn: DatabaseDsn, privilege: str, tables: set[str]
) -> None:
    granted = await ask(
        database_dsn.owner,
        "SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'p')"
        " AND c.relnamespace = 'public'::regnamespace AND CASE $1"
        " WHEN 'UPDATE' THEN has_any_column_privilege('campus_app', c.oid, $1)"
        " ELSE has_table_privilege('campus_app', c.oid, $1) END",
        privilege,
    )
    assert {name for (name,) in granted} == tables


async def test_no_function_runs_with_its_owners_rights(database_dsn: DatabaseDsn) -> None:
    definers = await ask(
        database_dsn.owner,
        "SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace",
    )
    assert definers == []


async def test_a_function_that_reads_sets_its_school_and_plans_by_index(
    database_dsn: DatabaseDsn,
) -> None:
    readers = await ask(
        database_dsn.owner,
        "SELECT proname::text, prosrc, array_to_string(proconfig, ' ') FROM pg_proc"
        " WHERE pronamespace = 'public'::regnamespace"
        " AND (provolatile = 's' OR proname = 'session_seen')",
    )
    first = "PERFORM set_config('app.school', p_school::text, true);"
    assert len(readers) >= 6
    late = [name for name, body, _ in readers if first not in str(body).partition("FROM ")[0]]
    assert late == []
    slow = [
        name
        for name, _, settings in readers
        for wanted in ("enable_seqscan=off", "plan_cache_mode=force_generic_plan")
        if wanted not in str(settings)
    ]
    assert slow == []


async def test_statements_inside_functions_name_their_school(
    database_dsn: DatabaseDsn, tenant_tables: frozenset[str]
) -> None:
    bodies = await ask(
        database_dsn.owner,
        "SELECT proname::text, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        " AND probin IS NULL",
    )
    offences = [
        (name, statement.strip())
        for name, body in bodies
        for statement in re.sub(r"--[^\n]*", "", str(body)).split(";")
        if unnamed_school(statement, tenant_tables)
    ]
    assert len(bodies) >= 6
    assert offences == []


def test_a_statement_without_its_school_is_noticed() -> None:
    tables = frozenset({"card", "leg", "school"})
    assert unnamed_school("SELECT 1 FROM card WHERE id = $1", tables)
    assert unnamed_school("SELECT 1 FROM card c JOIN leg l ON l.school_id = $1", tables)
    assert unnamed_school("UPDATE leg SET kind = $1", tables)
    assert unnamed_school('DELETE FROM "card"', tables)
    assert unnamed_school("INSERT INTO card (id) VALUES ($1)", tables)
    assert not unnamed_school('SELECT 1 FROM "card" WHERE "card"."school_id"=$1', tables)
    assert not unnamed_school("SELECT 1 FROM card WHERE school_id = $1 FOR NO KEY UPDATE", tables)
    assert not unnamed_school("SELECT * FROM school", tables)


async def test_no_school_no_rows(
    canteen: Canteen, database_dsn: DatabaseDsn, tenant_tables: frozenset[str]
) -> None:
    await canteen.authorise(canteen.purchase(await canteen.holder(500), 100))
    connection = await asyncpg.connect(database_dsn.app)
    try:
        for table in sorted(tenant_tables - {"school"}):
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await connection.execute("INSERT INTO site VALUES (7, 2, '楼', 'Hall')")
    finally:
        await connection.close()


async def test_a_row_cannot_point_into_another_school(database_dsn: DatabaseDsn) -> None:
    async with canteen_on(database_dsn.app, school_ids=(7, 8)) as (ours, theirs):
        holder = await ours.holder(500)
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await theirs.rows(
                "INSERT INTO cardholder_limit (school_id, cardholder_id) VALUES (8, $1)", holder.id
            )


async def flush_statistics(canteen: Canteen) -> None:
    for lane in canteen.lanes[0]._lanes:
        await lane.fetch("SELECT pg_stat_force_next_flush()")


async def analyse(database_dsn: DatabaseDsn) -> None:
    """Gathers what misleads a planner most: statistics of tables that are nearly empty."""
    owner = await asyncpg.connect(database_dsn.owner)
    await owner.execute("ANALYZE")
    await owner.close()


async def test_a_cold_database_keeps_index_plans(
    canteen: Canteen, database_dsn: DatabaseDsn
) -> None:
    hot = ["account", "authorisation", "card", "cardholder", "cardholder_limit", "code_device",
           "code_pass", "code_use", "terminal_answer"]  # fmt: skip
    scans = "SELECT sum(seq_scan)::int FROM pg_stat_user_tables WHERE relname = ANY($1)"
    holders = [await canteen.holder(500) for _ in range(3)]
    await analyse(database_dsn)
    await canteen.authorise(canteen.purchase(holders[0], 1))
    await flush_statistics(canteen)
    before = await ask(database_dsn.owner, scans, hot)
    for _ in range(10):  # past the fifth call the plan is cached
        for holder in holders:
            await canteen.authorise(canteen.purchase(holder, 1))
    await flush_statistics(canteen)
    assert await ask(database_dsn.owner, scans, hot) == before


async def test_a_purchase_reads_no_more_rows_after_many(
    canteen: Canteen, database_dsn: DatabaseDsn
) -> None:
    holders = [await canteen.holder(500) for _ in range(5)]
    await analyse(database_dsn)

    async def rows_read() -> int:
        await flush_statistics(canteen)
        sql = "SELECT sum(idx_tup_read)::int FROM pg_stat_user_indexes"
        ((count,),) = await ask(database_dsn.owner, sql)
        assert isinstance(count, int)
        return count

    async def reads_of_a_round() -> int:
        before = await rows_read()
        for holder in holders:
            await canteen.authorise(canteen.purchase(holder, 1))
        return await rows_read() - before

    rounds = [await reads_of_a_round() for _ in range(12)]
    # The first rounds plan; afterwards a purchase among 60 reads what one among 20 did.
    assert rounds[-1] <= rounds[3] + len(holders)


async def test_statements_of_the_product_are_heard(
    canteen: Canteen, statements_name_their_school: set[str]
) -> None:
    await canteen.ledger.trial_balance(canteen.school_id)
    assert any("FROM leg" in sql for sql in statements_name_their_school)
