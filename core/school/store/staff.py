"""Rows of staff."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from core.db.unit import Unit
from core.school.records import Role, StaffMember

_MEMBER = "id, login, display_name, roles, cardholder_number, active"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a member signs in with: the password's hash, the second factor, the step last used."""

    member: StaffMember
    password_hash: str = field(repr=False)
    totp_sealed: bytes = field(repr=False)
    totp_last_step: int


async def insert(unit: Unit, credentials: Credentials, now: datetime) -> bool:
    """Adds a member; False if the login is taken."""
    member = credentials.member
    return bool(
        await unit.execute(
            f"INSERT INTO staff (school_id, {_MEMBER}, password_hash, totp_sealed, totp_last_step,"  # noqa: S608 - constant columns
            " created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
            " ON CONFLICT (school_id, login) DO NOTHING",
            unit.school_id, member.id, member.login, member.display_name, sorted(member.roles),
            member.cardholder_number, member.active, credentials.password_hash,
            credentials.totp_sealed, credentials.totp_last_step, now,
        )
    )  # fmt: skip


async def find(unit: Unit, staff_id: UUID) -> StaffMember | None:
    """The member with this id."""
    row = await unit.row(
        f"SELECT {_MEMBER} FROM staff WHERE school_id = $1 AND id = $2",  # noqa: S608
        unit.school_id, staff_id,
    )  # fmt: skip
    return row and _member(row)


async def find_credentials(unit: Unit, login: str) -> Credentials | None:
    """What the member with this login signs in with."""
    row = await unit.row(
        f"SELECT {_MEMBER}, password_hash, totp_sealed, totp_last_step FROM staff"  # noqa: S608
        " WHERE school_id = $1 AND login = $2",
        unit.school_id, login,
    )  # fmt: skip
    return row and Credentials(
        _member(row), row["password_hash"], row["totp_sealed"], row["totp_last_step"]
    )


async def use_step(unit: Unit, staff_id: UUID, step: int) -> bool:
    """Spends a step of the second factor; False if it, or a later one, is spent."""
    return bool(
        await unit.execute(
            "UPDATE staff SET totp_last_step = $3"
            " WHERE school_id = $1 AND id = $2 AND totp_last_step < $3",
            unit.school_id, staff_id, step,
        )
    )  # fmt: skip


def _member(row: Any) -> StaffMember:  # noqa: ANN401 - asyncpg ships no types
    return StaffMember(
        row["id"],
        row["login"],
        row["display_name"],
        frozenset(Role(role) for role in row["roles"]),
        row["cardholder_number"],
        row["active"],
    )
