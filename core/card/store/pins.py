"""The rows of PINs: a missing row is a PIN that nobody chose or tried yet."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.card.pin import PinState
from core.card.pin_hash import HashedPin, PinSubject
from core.db.unit import Unit
from core.school.policy_words import PinKind


@dataclass(frozen=True, slots=True)
class PinRow:
    """One stored PIN; `hashed` is None until the cardholder chose one."""

    state: PinState
    hashed: HashedPin | None
    tries: int


def _row(row: Any) -> PinRow | None:  # noqa: ANN401 - asyncpg ships no types
    if row is None:
        return None
    hashed = None if row["hash"] is None else HashedPin(row["hash"], row["pepper_kid"])
    return PinRow(PinState(row["state"]), hashed, row["tries"])


async def find(unit: Unit, cardholder_id: UUID, kind: PinKind) -> PinRow | None:
    """The row of a kind, if any."""
    row = await unit.row(
        "SELECT state, hash, pepper_kid, tries FROM pin"
        " WHERE school_id = $1 AND cardholder_id = $2 AND kind = $3",
        unit.school_id, cardholder_id, kind,
    )  # fmt: skip
    return _row(row)


async def give_default(unit: Unit, subject: PinSubject, now: datetime) -> None:
    """Makes the row of a default PIN, where there is none."""
    await unit.execute(
        "INSERT INTO pin (school_id, cardholder_id, kind, state, changed_at)"
        " VALUES ($1, $2, $3, 'DEFAULT', $4) ON CONFLICT DO NOTHING",
        unit.school_id, subject.cardholder_id, subject.kind, now,
    )  # fmt: skip


async def count_try(
    unit: Unit, subject: PinSubject, states: Collection[PinState], tries: int
) -> PinRow | None:
    """Counts a try, if the PIN is in one of `states` and has one left; the row after it.

    The last try locks an own PIN and withdraws a default one; success takes that back.
    """
    row = await unit.row(
        "UPDATE pin SET tries = tries + 1, state = CASE WHEN tries + 1 < $5 THEN state"
        " WHEN state = 'SET' THEN 'LOCKED' ELSE 'NONE' END"
        " WHERE school_id = $1 AND cardholder_id = $2 AND kind = $3"
        " AND state = ANY ($4) AND tries < $5 RETURNING state, hash, pepper_kid, tries",
        unit.school_id, subject.cardholder_id, subject.kind, list(states), tries,
    )  # fmt: skip
    return _row(row)


async def restore(
    unit: Unit, subject: PinSubject, seen: HashedPin | None, kept: HashedPin | None
) -> None:
    """After a right PIN: all tries are back; `kept` may be the same PIN under a newer pepper.

    Changes nothing if the PIN was chosen anew, unlocked or withdrawn meanwhile.
    """
    await unit.execute(
        "UPDATE pin SET tries = 0, hash = $5, pepper_kid = $6,"
        " state = CASE WHEN $5::text IS NULL THEN 'DEFAULT' ELSE 'SET' END"
        " WHERE school_id = $1 AND cardholder_id = $2 AND kind = $3"
        " AND hash IS NOT DISTINCT FROM $4 AND tries > 0",
        unit.school_id, subject.cardholder_id, subject.kind, seen and seen.hash,
        kept and kept.hash, kept and kept.pepper_kid,
    )  # fmt: skip


async def choose(
    unit: Unit, subject: PinSubject, chosen: HashedPin, seen: HashedPin | None, now: datetime
) -> bool:
    """Stores a chosen PIN with all its tries; False when the one before is not the `seen` one."""
    touched = await unit.execute(
        "INSERT INTO pin (school_id, cardholder_id, kind, state, hash, pepper_kid, changed_at)"
        " VALUES ($1, $2, $3, 'SET', $4, $5, $6)"
        " ON CONFLICT (school_id, cardholder_id, kind) DO UPDATE SET state = 'SET', hash = $4,"
        " pepper_kid = $5, tries = 0, changed_at = $6 WHERE pin.hash IS NOT DISTINCT FROM $7",
        unit.school_id, subject.cardholder_id, subject.kind, chosen.hash, chosen.pepper_kid, now,
        seen and seen.hash,
    )  # fmt: skip
    return touched == 1


async def unlock(unit: Unit, cardholder_id: UUID, kind: PinKind, now: datetime) -> bool:
    """Gives a chosen PIN all its tries; False when there is none."""
    touched = await unit.execute(
        "UPDATE pin SET state = 'SET', tries = 0, changed_at = $4"
        " WHERE school_id = $1 AND cardholder_id = $2 AND kind = $3 AND hash IS NOT NULL",
        unit.school_id, cardholder_id, kind, now,
    )  # fmt: skip
    return touched == 1


async def withdraw(unit: Unit, cardholder_id: UUID, kind: PinKind, now: datetime) -> None:
    """Leaves the cardholder without a PIN: a default one does not come back either."""
    await unit.execute(
        "INSERT INTO pin (school_id, cardholder_id, kind, state, changed_at)"
        " VALUES ($1, $2, $3, 'NONE', $4)"
        " ON CONFLICT (school_id, cardholder_id, kind) DO UPDATE"
        " SET state = 'NONE', hash = NULL, pepper_kid = NULL, tries = 0, changed_at = $4",
        unit.school_id, cardholder_id, kind, now,
    )  # fmt: skip
