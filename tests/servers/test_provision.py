"""The roles and databases that tests and the demo stand on."""

import asyncpg
import pytest
from redis import Redis

from bff.embedded import role_dsn
from core.db.provision import drop_database, provision
from tests.servers.fixtures import DatabaseDsn, database_on


async def test_app_role_can_connect_and_nothing_more(database_dsn: DatabaseDsn) -> None:
    connection = await asyncpg.connect(database_dsn.app)
    try:
        assert await connection.fetchval("SELECT current_user") == "campus_app"
        for forbidden in (
            "CREATE TABLE t (n int)",
            "CREATE TEMP TABLE t (n int)",
            "CREATE SCHEMA s",
            "CREATE ROLE r",
            "CREATE DATABASE d",
            "SET ROLE campus_owner",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(forbidden)
    finally:
        await connection.close()


async def test_both_roles_are_without_powers(
    postgres_server: str, database_dsn: DatabaseDsn
) -> None:
    connection = await asyncpg.connect(postgres_server)
    try:
        powers = await connection.fetch(
            "SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb"
            " OR rolreplication AS any_power, rolcanlogin FROM pg_roles"
            " WHERE rolname LIKE 'campus%' ORDER BY rolname"
        )
        owner = await connection.fetchval(
            "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = $1", database_dsn.name
        )
    finally:
        await connection.close()
    assert [tuple(row) for row in powers] == [
        ("campus_app", False, True),
        ("campus_owner", False, True),
    ]
    assert owner == "campus_owner"


async def test_owner_makes_tables_and_the_app_sees_them_by_grant_only(
    database_dsn: DatabaseDsn,
) -> None:
    owner = await asyncpg.connect(database_dsn.owner)
    app = await asyncpg.connect(database_dsn.app)
    try:
        await owner.execute("CREATE TABLE fares (amount_minor int); INSERT INTO fares VALUES (150)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.fetchval("SELECT amount_minor FROM fares")
        await owner.execute("GRANT SELECT ON fares TO campus_app")
        assert await app.fetchval("SELECT amount_minor FROM fares") == 150
    finally:
        await app.close()
        await owner.close()


async def test_provisioning_again_keeps_the_data_and_takes_powers_back(
    postgres_server: str, database_dsn: DatabaseDsn
) -> None:
    owner = await asyncpg.connect(database_dsn.owner)
    superuser = await asyncpg.connect(postgres_server)
    try:
        await owner.execute("CREATE TABLE kept (n int)")
        await superuser.execute("ALTER ROLE campus_app BYPASSRLS")
        await provision(postgres_server, database_dsn.owner, database_dsn.app)
        assert await owner.fetchval("SELECT count(*) FROM kept") == 0
        assert (
            await superuser.fetchval(
                "SELECT rolbypassrls FROM pg_roles WHERE rolname = 'campus_app'"
            )
            is False
        )
    finally:
        await superuser.close()
        await owner.close()


async def test_template_stays_clean_when_a_copy_is_written(
    postgres_server: str, template_database: str, database_dsn: DatabaseDsn
) -> None:
    owner = await asyncpg.connect(database_dsn.owner)
    await owner.execute("CREATE TABLE mine (n int)")
    await owner.close()
    other = database_on(postgres_server, f"{database_dsn.name}_other")
    await provision(postgres_server, other.owner, other.app, template=template_database)
    connection = await asyncpg.connect(other.owner)
    try:
        assert await connection.fetchval("SELECT to_regclass('mine')") is None
    finally:
        await connection.close()
        await drop_database(postgres_server, other.name)


@pytest.mark.parametrize(
    ("owner_dsn", "app_dsn"),
    [
        ("postgresql://postgres@h/campus", "postgresql://campus_app@h/campus"),
        ("postgresql://campus_owner@h/campus", "postgresql://campus_owner@h/campus"),
        ("postgresql://campus_owner@h/campus", "postgresql://campus_app@h/other"),
    ],
)
async def test_other_roles_and_two_databases_are_refused(
    postgres_server: str, owner_dsn: str, app_dsn: str
) -> None:
    with pytest.raises(ValueError, match="must name campus_owner, campus_app and one database"):
        await provision(postgres_server, owner_dsn, app_dsn)


def test_role_passwords_follow_from_the_superusers() -> None:
    superuser = "postgresql://postgres:first@db.example.edu:5433/postgres?sslmode=require"
    app = role_dsn(superuser, "campus_app", "campus")
    assert app.startswith("postgresql://campus_app:")
    assert app.endswith("@db.example.edu:5433/campus?sslmode=require")
    assert "first" not in app
    assert app != role_dsn(superuser.replace("first", "second"), "campus_app", "campus")
    assert role_dsn(superuser, "postgres", "campus") == superuser.replace("/postgres?", "/campus?")
    assert (
        role_dsn("postgresql://me@127.0.0.1/postgres", "campus_app", "campus")
        == "postgresql://campus_app@127.0.0.1/campus"
    )


def test_cache_is_empty_at_the_start_of_a_test(redis_url: str) -> None:
    with Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", "over")


def test_cache_forgets_what_a_test_left(valkey_server: str, request: pytest.FixtureRequest) -> None:
    with Redis.from_url(valkey_server) as client:
        client.set("left", "over")
        request.getfixturevalue("redis_url")
        assert client.dbsize() == 0
