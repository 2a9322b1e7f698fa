"""Rows of terminals, their keys and their activation codes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from core.db.unit import Unit
from core.school.edge_keys import EdgeKey
from core.school.records import (
    DeviceClass,
    EnrolledTerminal,
    Terminal,
    TerminalKey,
    TerminalState,
)
from core.school.store.schools import as_merchant

_TERMINAL = (
    "terminal_no, merchant_id, site_number, state, device_class, scenes, model, serial_number,"
    " last_seen_at"
)
_ENROLLED = (
    "SELECT t.terminal_no, t.merchant_id, t.site_number, t.state, t.device_class, t.scenes,"
    " t.model, t.serial_number, t.last_seen_at, m.number, m.name_zh, m.name_en, m.active,"
    " m.account_id FROM terminal t"
    " JOIN merchant m ON m.school_id = t.school_id AND m.id = t.merchant_id"
    " WHERE t.school_id = $1"
)


async def next_number(unit: Unit) -> int:
    """One above the highest; the school is locked."""
    number: int | None = await unit.value(
        "SELECT coalesce(max(terminal_no), 0) + 1 FROM terminal WHERE school_id = $1",
        unit.school_id,
    )
    return number or 1


async def insert(unit: Unit, terminal: Terminal, now: datetime) -> None:
    """Adds a terminal."""
    await unit.execute(
        f"INSERT INTO terminal (school_id, {_TERMINAL}, created_at)"  # noqa: S608 - constant columns
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        unit.school_id, terminal.number, terminal.merchant_id, terminal.site_number,
        terminal.state, terminal.device_class, list(terminal.scenes), terminal.model,
        terminal.serial_number, terminal.last_seen_at, now,
    )  # fmt: skip


async def lock(unit: Unit, number: int) -> Terminal | None:
    """The terminal, held until the unit ends."""
    row = await unit.row(
        f"SELECT {_TERMINAL} FROM terminal WHERE school_id = $1 AND terminal_no = $2"  # noqa: S608 - as above
        " FOR NO KEY UPDATE",
        unit.school_id, number,
    )  # fmt: skip
    return row and _terminal(row)


async def list_all(unit: Unit) -> list[Terminal]:
    """The school's terminals, by number."""
    rows = await unit.rows(
        f"SELECT {_TERMINAL} FROM terminal WHERE school_id = $1 ORDER BY terminal_no",  # noqa: S608 - as above
        unit.school_id,
    )
    return [_terminal(row) for row in rows]


async def list_working(unit: Unit) -> list[EnrolledTerminal]:
    """The active terminals with their merchants and keys, by number."""
    rows = await unit.rows(f"{_ENROLLED} AND t.state = 'ACTIVE' ORDER BY 1", unit.school_id)
    return await _with_keys(unit, rows)


async def find_enrolled(unit: Unit, number: int) -> EnrolledTerminal | None:
    """The terminal with its merchant and keys."""
    return (await by_numbers(unit, [number])).get(number)


async def by_numbers(unit: Unit, numbers: Sequence[int]) -> dict[int, EnrolledTerminal]:
    """Terminals with their merchants and keys, by number; those that are none are missing."""
    rows = await unit.rows(
        f"{_ENROLLED} AND t.terminal_no = ANY ($2)", unit.school_id, list(numbers)
    )
    return {each.terminal.number: each for each in await _with_keys(unit, rows)}


async def _with_keys(unit: Unit, rows: Sequence[Any]) -> list[EnrolledTerminal]:
    keys = await _keys_of(unit, [row["terminal_no"] for row in rows]) if rows else {}
    return [
        EnrolledTerminal(
            _terminal(row), as_merchant(row, "merchant_id"), tuple(keys.get(row["terminal_no"], ()))
        )
        for row in rows
    ]


async def update_state(unit: Unit, number: int, state: TerminalState) -> None:
    """Moves the terminal to a state."""
    await unit.execute(
        "UPDATE terminal SET state = $3 WHERE school_id = $1 AND terminal_no = $2",
        unit.school_id, number, state,
    )  # fmt: skip


async def update_device(unit: Unit, number: int, model: str, serial_number: str) -> None:
    """Notes which device enrolled."""
    await unit.execute(
        "UPDATE terminal SET model = $3, serial_number = $4"
        " WHERE school_id = $1 AND terminal_no = $2",
        unit.school_id, number, model, serial_number,
    )  # fmt: skip


async def update_seen(unit: Unit, number: int, now: datetime, before: datetime) -> None:
    """Notes a sign of life, unless one is noted since `before`."""
    await unit.execute(
        "UPDATE terminal SET last_seen_at = $3 WHERE school_id = $1 AND terminal_no = $2"
        " AND (last_seen_at IS NULL OR last_seen_at <= $4)",
        unit.school_id, number, now, before,
    )  # fmt: skip


async def list_keys(unit: Unit, number: int) -> list[TerminalKey]:
    """All keys a terminal ever had, by number: old records stay verifiable."""
    return (await _keys_of(unit, [number])).get(number, [])


async def _keys_of(unit: Unit, numbers: Sequence[int]) -> dict[int, list[TerminalKey]]:
    rows = await unit.rows(
        "SELECT terminal_no, key_no, public_key, valid_from, valid_until FROM terminal_key"
        " WHERE school_id = $1 AND terminal_no = ANY ($2) ORDER BY key_no",
        unit.school_id, list(numbers),
    )  # fmt: skip
    keys: dict[int, list[TerminalKey]] = {}
    for terminal_no, *facts in rows:
        keys.setdefault(terminal_no, []).append(TerminalKey(*facts))
    return keys


async def insert_key(unit: Unit, number: int, key: TerminalKey) -> None:
    """Adds a key."""
    await unit.execute(
        "INSERT INTO terminal_key (school_id, terminal_no, key_no, public_key, valid_from,"
        " valid_until) VALUES ($1, $2, $3, $4, $5, $6)",
        unit.school_id, number, key.number, key.public_key, key.valid_from, key.valid_until,
    )  # fmt: skip


async def find_free_kid(unit: Unit, kids: range) -> int | None:
    """The lowest of these ids that no key of an edge has."""
    kid: int | None = await unit.value(
        "SELECT n FROM generate_series($2::int, $3::int) n WHERE NOT EXISTS"
        " (SELECT 1 FROM edge_key WHERE school_id = $1 AND kid = n) ORDER BY n LIMIT 1",
        unit.school_id, kids.start, kids.stop - 1,
    )  # fmt: skip
    return kid


async def insert_edge_key(unit: Unit, kid: int, number: int, key_no: int) -> None:
    """Gives a key of an edge its id."""
    await unit.execute(
        "INSERT INTO edge_key (school_id, kid, terminal_no, key_no) VALUES ($1, $2, $3, $4)",
        unit.school_id, kid, number, key_no,
    )  # fmt: skip


async def list_edge_keys(unit: Unit, now: datetime) -> list[EdgeKey]:
    """The keys of active edges that have not ended, by id."""
    rows = await unit.rows(
        "SELECT e.kid, t.site_number, k.public_key, k.valid_from FROM edge_key e"
        " JOIN terminal t ON t.school_id = $1 AND t.terminal_no = e.terminal_no"
        " JOIN terminal_key k ON k.school_id = $1 AND k.terminal_no = e.terminal_no"
        " AND k.key_no = e.key_no"
        " WHERE e.school_id = $1 AND t.state = 'ACTIVE'"
        " AND (k.valid_until IS NULL OR k.valid_until > $2) ORDER BY e.kid",
        unit.school_id, now,
    )  # fmt: skip
    return [EdgeKey(*row) for row in rows]


async def end_keys(unit: Unit, number: int, until: datetime) -> None:
    """Ends what is valid beyond `until` at `until`."""
    await unit.execute(
        "UPDATE terminal_key SET valid_until = $3 WHERE school_id = $1 AND terminal_no = $2"
        " AND (valid_until IS NULL OR valid_until > $3)",
        unit.school_id, number, until,
    )  # fmt: skip


async def insert_activation(
    unit: Unit, number: int, code_hash: bytes, expires_at: datetime, now: datetime
) -> None:
    """Adds an activation code; the terminal's earlier ones are good no more."""
    await unit.execute(
        "UPDATE activation_code SET used_at = $3"
        " WHERE school_id = $1 AND terminal_no = $2 AND used_at IS NULL",
        unit.school_id, number, now,
    )  # fmt: skip
    await unit.execute(
        "INSERT INTO activation_code (school_id, code_hash, terminal_no, expires_at, created_at)"
        " VALUES ($1, $2, $3, $4, $5)",
        unit.school_id, code_hash, number, expires_at, now,
    )  # fmt: skip


async def try_activation(unit: Unit, code_hash: bytes, tries: int, now: datetime) -> int | None:
    """Counts a try of a live code and returns its terminal's number; None if it is not live."""
    number: int | None = await unit.value(
        "UPDATE activation_code SET tries = tries + 1 WHERE school_id = $1 AND code_hash = $2"
        " AND used_at IS NULL AND expires_at > $4 AND tries < $3 RETURNING terminal_no",
        unit.school_id, code_hash, tries, now,
    )  # fmt: skip
    return number


async def use_activation(unit: Unit, code_hash: bytes, now: datetime) -> bool:
    """Marks a live code used; False if it was used meanwhile."""
    return bool(
        await unit.execute(
            "UPDATE activation_code SET used_at = $3"
            " WHERE school_id = $1 AND code_hash = $2 AND used_at IS NULL",
            unit.school_id, code_hash, now,
        )
    )  # fmt: skip


def _key(row: Any) -> TerminalKey:  # noqa: ANN401 - asyncpg ships no types
    return TerminalKey(row["key_no"], row["public_key"], row["valid_from"], row["valid_until"])


def _terminal(row: Any) -> Terminal:  # noqa: ANN401 - asyncpg ships no types
    return Terminal(
        row["terminal_no"],
        row["merchant_id"],
        row["site_number"],
        TerminalState(row["state"]),
        DeviceClass(row["device_class"]),
        tuple(row["scenes"]),
        row["model"],
        row["serial_number"],
        row["last_seen_at"],
    )
