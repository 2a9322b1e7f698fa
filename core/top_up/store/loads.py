"""The rows of chips and of loads onto them."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from core.card.answers import CardKey
from core.db.unit import Unit
from core.ports.chips import ChipReading
from core.top_up.loading import Chip
from core.top_up.records import Credit, FrozenChip, Load, LoadState

_COLUMNS = (
    "id, card_id, cardholder_id, terminal_no, counter, chip_minor, amount_minor, transfer_id,"
    " retrieval_reference, state, made_at, ended_at"
)


class CardStanding(NamedTuple):
    """How a cardholder and a card stand."""

    status: str
    card_state: str


def _load(row: Any) -> Load:  # noqa: ANN401 - asyncpg ships no types
    return Load(
        id=row["id"],
        card_id=row["card_id"],
        cardholder_id=row["cardholder_id"],
        terminal_no=row["terminal_no"],
        counter=row["counter"],
        chip_minor=row["chip_minor"],
        amount_minor=row["amount_minor"],
        transfer_id=row["transfer_id"],
        retrieval_reference=row["retrieval_reference"],
        state=LoadState(row["state"]),
        made_at=row["made_at"],
        ended_at=row["ended_at"],
    )


async def standing(unit: Unit, card_id: UUID) -> CardStanding:
    """How a card and its cardholder stand."""
    row = await unit.row(
        "SELECT h.status, c.state FROM card c"
        " JOIN cardholder h ON h.school_id = $1 AND h.id = c.cardholder_id"
        " WHERE c.school_id = $1 AND c.id = $2",
        unit.school_id, card_id,
    )  # fmt: skip
    assert row is not None  # neither cardholders nor cards are ever removed
    return CardStanding(*row)


async def find_chip(unit: Unit, card_id: UUID) -> Chip | None:
    """The chip of a card, if it was ever read."""
    row = await unit.row(
        "SELECT card_id, cardholder_id, load_counter, frozen_at IS NOT NULL FROM chip"
        " WHERE school_id = $1 AND card_id = $2",
        unit.school_id, card_id,
    )  # fmt: skip
    return None if row is None else Chip(*row)


async def see_chip(
    unit: Unit, card_id: UUID, cardholder_id: UUID, reading: ChipReading, now: datetime
) -> None:
    """Keeps a chip that was read for the first time, or what its counter is now."""
    await unit.execute(
        "INSERT INTO chip (school_id, card_id, cardholder_id, first_counter, load_counter, seen_at)"
        " VALUES ($1, $2, $3, $4, $4, $5) ON CONFLICT (school_id, card_id)"
        " DO UPDATE SET load_counter = excluded.load_counter, seen_at = excluded.seen_at",
        unit.school_id, card_id, cardholder_id, reading.counter, now,
    )  # fmt: skip


async def freeze(
    unit: Unit,
    card_id: UUID,
    cardholder_id: UUID,
    reading: ChipReading,
    expected_minor: int,
    now: datetime,
) -> None:
    """Stops a chip that is out of step, with both amounts; what was frozen first stays."""
    await unit.execute(
        "INSERT INTO chip (school_id, card_id, cardholder_id, first_counter, load_counter, seen_at,"
        " frozen_at, seen_counter, seen_minor, expected_minor)"
        " VALUES ($1, $2, $3, $4, $4, $6, $6, $4, $5, $7) ON CONFLICT (school_id, card_id)"
        " DO UPDATE SET frozen_at = excluded.frozen_at, seen_counter = excluded.seen_counter,"
        "  seen_minor = excluded.seen_minor, expected_minor = excluded.expected_minor,"
        "  seen_at = excluded.seen_at WHERE chip.frozen_at IS NULL",
        unit.school_id, card_id, cardholder_id, reading.counter, reading.balance_minor, now,
        expected_minor,
    )  # fmt: skip


async def thaw(unit: Unit, card_id: UUID, now: datetime) -> None:
    """Lets a frozen chip go on from where it was seen."""
    await unit.execute(
        "UPDATE chip SET load_counter = seen_counter, seen_at = $3, frozen_at = NULL,"
        " seen_counter = NULL, seen_minor = NULL, expected_minor = NULL, reviews = reviews + 1"
        " WHERE school_id = $1 AND card_id = $2 AND frozen_at IS NOT NULL",
        unit.school_id, card_id, now,
    )  # fmt: skip


async def list_frozen(unit: Unit, limit: int) -> list[FrozenChip]:
    """Chips that wait for staff, the oldest first."""
    rows = await unit.rows(
        "SELECT p.card_id, h.number, p.frozen_at, p.seen_counter, p.load_counter, p.seen_minor,"
        " p.expected_minor, l.amount_minor FROM chip p"
        " JOIN cardholder h ON h.school_id = $1 AND h.id = p.cardholder_id"
        " LEFT JOIN card_load l ON l.school_id = $1 AND l.card_id = p.card_id"
        "  AND l.state IN ('OPEN', 'REVIEW')"
        " WHERE p.school_id = $1 AND p.frozen_at IS NOT NULL ORDER BY p.frozen_at LIMIT $2",
        unit.school_id, limit,
    )  # fmt: skip
    return [FrozenChip(*row) for row in rows]


async def insert(unit: Unit, load: Load, key: CardKey) -> None:
    """A load that begins; its transfer holds the amount."""
    await unit.execute(
        "INSERT INTO card_load (school_id, id, card_id, cardholder_id, terminal_no, batch_no,"
        " seq_no, counter, chip_minor, amount_minor, transfer_id, retrieval_reference, state,"
        " made_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        unit.school_id, load.id, load.card_id, load.cardholder_id, *key, load.counter,
        load.chip_minor, load.amount_minor, load.transfer_id, load.retrieval_reference, load.state,
        load.made_at,
    )  # fmt: skip


async def find(unit: Unit, load_id: UUID) -> Load | None:
    """A load; whoever holds its cardholder's money lock reads it as it stays."""
    row = await unit.row(
        f"SELECT {_COLUMNS} FROM card_load WHERE school_id = $1 AND id = $2",  # noqa: S608 - ours
        unit.school_id, load_id,
    )  # fmt: skip
    return None if row is None else _load(row)


async def find_holding(unit: Unit, card_id: UUID) -> Load | None:
    """The load of a card that holds its amount; there is at most one."""
    row = await unit.row(
        f"SELECT {_COLUMNS} FROM card_load"  # noqa: S608 - ours
        " WHERE school_id = $1 AND card_id = $2 AND state IN ('OPEN', 'REVIEW')",
        unit.school_id, card_id,
    )  # fmt: skip
    return None if row is None else _load(row)


async def move(unit: Unit, load_id: UUID, state: LoadState, ended_at: datetime | None) -> None:
    """Moves a load to its next state."""
    await unit.execute(
        "UPDATE card_load SET state = $3, ended_at = $4 WHERE school_id = $1 AND id = $2",
        unit.school_id, load_id, state, ended_at,
    )  # fmt: skip


async def list_newest(unit: Unit, cardholder_id: UUID, limit: int) -> list[Load]:
    """A cardholder's loads, newest first."""
    rows = await unit.rows(
        f"SELECT {_COLUMNS} FROM card_load"  # noqa: S608 - ours
        " WHERE school_id = $1 AND cardholder_id = $2 ORDER BY made_at DESC, id DESC LIMIT $3",
        unit.school_id, cardholder_id, limit,
    )  # fmt: skip
    return [_load(row) for row in rows]


async def list_credits(unit: Unit, cardholder_id: UUID, limit: int) -> list[Credit]:
    """What entered the pending-claim purse since its last load, newest first."""
    rows = await unit.rows(
        "SELECT l.kind, l.amount_minor, l.posted_at FROM account a"
        " JOIN leg l ON l.school_id = $1 AND l.account_id = a.id"
        " WHERE a.school_id = $1 AND a.owner_id = $2 AND a.kind = 'CLAIM' AND l.amount_minor > 0"
        "   AND l.posted_at > coalesce((SELECT max(x.posted_at) FROM leg x WHERE x.school_id = $1"
        "    AND x.account_id = a.id AND x.kind = 'LOAD'), '-infinity')"
        " ORDER BY l.posted_at DESC LIMIT $3",
        unit.school_id, cardholder_id, limit,
    )  # fmt: skip
    return [Credit(*row) for row in rows]
