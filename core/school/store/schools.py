"""Rows of schools, campuses, policy versions, sites and merchants."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.db.unit import Unit
from core.school.policy_file import CampusFacts, SchoolFacts
from core.school.records import Campus, Merchant, School, Site

_SCHOOL = "school_id, code, name_zh, name_en, default_language"
_MERCHANT = "id, number, name_zh, name_en, active, account_id"


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One version of a school's file: its number, its effective content's digest, its text."""

    version: int
    digest: bytes
    source: str


async def insert_school(unit: Unit, facts: SchoolFacts, now: datetime) -> bool:
    """Adds a school; False if its number or code is taken."""
    return bool(
        await unit.execute(
            f"INSERT INTO school ({_SCHOOL}, created_at) VALUES ($1, $2, $3, $4, $5, $6)"  # noqa: S608 - constant columns
            " ON CONFLICT DO NOTHING",
            unit.school_id, facts.code, facts.name_zh, facts.name_en,
            facts.default_language.lower(), now,
        )
    )  # fmt: skip


async def update_school(unit: Unit, facts: SchoolFacts) -> None:
    """Takes over the names and the language of the school's file."""
    await unit.execute(
        "UPDATE school SET name_zh = $2, name_en = $3, default_language = $4 WHERE school_id = $1",
        unit.school_id, facts.name_zh, facts.name_en, facts.default_language.lower(),
    )  # fmt: skip


async def put_campus(unit: Unit, campus: CampusFacts) -> None:
    """Adds a campus or takes over its names."""
    await unit.execute(
        "INSERT INTO campus (school_id, code, name_zh, name_en) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (school_id, code) DO UPDATE"
        " SET name_zh = excluded.name_zh, name_en = excluded.name_en",
        unit.school_id, campus.code, campus.name_zh, campus.name_en,
    )  # fmt: skip


async def list_schools(unit: Unit) -> list[School]:
    """All schools of this deployment, by number; the list is public."""
    return [_school(row) for row in await unit.rows(f"SELECT {_SCHOOL} FROM school ORDER BY 1")]  # noqa: S608 - as above


async def find_school(unit: Unit) -> School | None:
    """The unit's own school."""
    row = await unit.row(f"SELECT {_SCHOOL} FROM school WHERE school_id = $1", unit.school_id)  # noqa: S608 - as above
    return row and _school(row)


async def list_campuses(unit: Unit) -> list[Campus]:
    """The school's campuses, by code."""
    rows = await unit.rows(
        "SELECT code, name_zh, name_en FROM campus WHERE school_id = $1 ORDER BY code",
        unit.school_id,
    )
    return [Campus(row["code"], row["name_zh"], row["name_en"]) for row in rows]


async def lock_school(unit: Unit) -> bool:
    """Makes the unit the only one that gives out numbers in this school; False if there is none."""
    found = await unit.value(
        "SELECT 1 FROM school WHERE school_id = $1 FOR NO KEY UPDATE", unit.school_id
    )
    return found is not None


async def find_policy(unit: Unit) -> PolicyVersion | None:
    """The newest version."""
    row = await unit.row(
        "SELECT version, digest, source FROM policy_version WHERE school_id = $1"
        " ORDER BY version DESC LIMIT 1",
        unit.school_id,
    )
    return row and PolicyVersion(row["version"], row["digest"], row["source"])


async def find_policy_version(unit: Unit, version: int) -> PolicyVersion | None:
    """One version."""
    row = await unit.row(
        "SELECT version, digest, source FROM policy_version WHERE school_id = $1 AND version = $2",
        unit.school_id, version,
    )  # fmt: skip
    return row and PolicyVersion(row["version"], row["digest"], row["source"])


async def insert_policy(unit: Unit, policy: PolicyVersion, by: str, now: datetime) -> None:
    """Adds a version."""
    await unit.execute(
        "INSERT INTO policy_version (school_id, version, digest, source, created_by, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        unit.school_id, policy.version, policy.digest, policy.source, by, now,
    )  # fmt: skip


async def put_site(unit: Unit, site: Site) -> None:
    """Adds a site or takes over its names."""
    await unit.execute(
        "INSERT INTO site (school_id, number, name_zh, name_en) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (school_id, number) DO UPDATE"
        " SET name_zh = excluded.name_zh, name_en = excluded.name_en",
        unit.school_id, site.number, site.name_zh, site.name_en,
    )  # fmt: skip


async def list_sites(unit: Unit) -> list[Site]:
    """The school's sites, by number."""
    rows = await unit.rows(
        "SELECT number, name_zh, name_en FROM site WHERE school_id = $1 ORDER BY number",
        unit.school_id,
    )
    return [Site(row["number"], row["name_zh"], row["name_en"]) for row in rows]


async def next_merchant_number(unit: Unit) -> int:
    """One above the highest; the school is locked."""
    number: int | None = await unit.value(
        "SELECT coalesce(max(number), 0) + 1 FROM merchant WHERE school_id = $1", unit.school_id
    )
    return number or 1


async def insert_merchant(unit: Unit, merchant: Merchant, now: datetime) -> None:
    """Adds a merchant whose account exists."""
    await unit.execute(
        f"INSERT INTO merchant (school_id, {_MERCHANT}, created_at)"  # noqa: S608 - as above
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        unit.school_id, merchant.id, merchant.number, merchant.name_zh, merchant.name_en,
        merchant.active, merchant.account_id, now,
    )  # fmt: skip


async def find_merchant(unit: Unit, number: int) -> Merchant | None:
    """The merchant with this number."""
    row = await unit.row(
        f"SELECT {_MERCHANT} FROM merchant WHERE school_id = $1 AND number = $2",  # noqa: S608 - as above
        unit.school_id, number,
    )  # fmt: skip
    return row and as_merchant(row)


async def list_merchants(unit: Unit) -> list[Merchant]:
    """The school's merchants, by number."""
    rows = await unit.rows(
        f"SELECT {_MERCHANT} FROM merchant WHERE school_id = $1 ORDER BY number",  # noqa: S608 - as above
        unit.school_id,
    )
    return [as_merchant(row) for row in rows]


def as_merchant(row: Any, id_column: str = "id") -> Merchant:  # noqa: ANN401 - asyncpg ships no types
    """The merchant of a row that names its columns as the table does, but perhaps its id."""
    number, account_id = row["number"], row["account_id"]
    names = row["name_zh"], row["name_en"]
    return Merchant(row[id_column], number, *names, row["active"], account_id)


def _school(row: Any) -> School:  # noqa: ANN401 - as above
    return School(
        row["school_id"], row["code"], row["name_zh"], row["name_en"], row["default_language"]
    )
