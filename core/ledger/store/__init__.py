"""The rows of accounts, transfers and legs."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import asyncpg

from core.db.reading import Reader, Reads
from core.db.unit import Raced, Unit
from core.kit.money import CURRENCY
from core.kit.page import Cursor
from core.ledger.posting import INTERNAL
from core.ledger.records import (
    PURSES,
    BalanceTooLow,
    Posting,
    Purse,
    StatementLine,
    Transfer,
    TransferResolved,
)

_PURSES = Reader("purses", "account", ("uuid",))
_LINES = Reader(
    "statement_lines", "statement_line",
    ("uuid", "timestamptz", "timestamptz", "timestamptz", "uuid", "int"),
)  # fmt: skip


async def insert_account(
    unit: Unit, account_id: UUID, kind: str, owner_id: UUID | None, now: datetime
) -> None:
    """A new account; one of this owner and kind that exists already stays as it is."""
    kept = 0 if kind in PURSES else None
    await unit.execute(
        "INSERT INTO account (school_id, id, kind, owner_id, currency, balance_minor,"
        " pending_minor, created_at) VALUES ($1, $2, $3, $4, $5, $6, $6, $7)"
        " ON CONFLICT DO NOTHING",
        unit.school_id, account_id, kind, owner_id, CURRENCY, kept, now,
    )  # fmt: skip


async def insert_purses(
    unit: Unit, purses: Sequence[tuple[UUID, str, UUID]], now: datetime
) -> None:
    """New purses (id, kind, owner); those that exist already stay as they are."""
    await unit.execute_many(
        "INSERT INTO account (school_id, id, kind, owner_id, currency, balance_minor,"
        " pending_minor, created_at) VALUES ($1, $2, $3, $4, $5, 0, 0, $6) ON CONFLICT DO NOTHING",
        [(unit.school_id, *purse, CURRENCY, now) for purse in purses],
    )


_OPENINGS = """
WITH given AS (
  SELECT * FROM unnest($2::uuid[], $3::uuid[], $4::bigint[]) AS g (id, owner_id, amount_minor)
), moved AS (
  UPDATE account a SET balance_minor = a.balance_minor + g.amount_minor,
         last_posted_at = greatest($6, a.last_posted_at + interval '1 microsecond')
    FROM given g WHERE a.school_id = $1 AND a.owner_id = g.owner_id AND a.kind = 'MAIN'
  RETURNING g.id AS transfer_id, a.id AS account_id, g.amount_minor, a.balance_minor,
            a.last_posted_at
), posted AS (
  INSERT INTO transfer (school_id, id, kind, phase, debit_account_id, credit_account_id,
         amount_minor, made_at, business_on)
  SELECT $1, transfer_id, 'OPENING_BALANCE', 'POSTED', $5, account_id, amount_minor, $6, $7
    FROM moved
)
INSERT INTO leg (school_id, account_id, posted_at, transfer_id, counter_account_id, kind,
       amount_minor, balance_after_minor)
SELECT $1, $5, last_posted_at, transfer_id, account_id, 'OPENING_BALANCE', -amount_minor, NULL
  FROM moved
UNION ALL
SELECT $1, account_id, last_posted_at, transfer_id, $5, 'OPENING_BALANCE', amount_minor,
       balance_minor
  FROM moved
"""


async def post_openings(
    unit: Unit,
    opening_account_id: UUID,
    openings: Sequence[tuple[UUID, UUID, int]],
    now: datetime,
    day: date,
) -> None:
    """Posts old balances (transfer id, cardholder, fen) into MAIN purses, in one statement."""
    ids, owners, amounts = zip(*openings, strict=True) if openings else ((), (), ())
    await unit.execute(
        _OPENINGS, unit.school_id, ids, owners, amounts, opening_account_id, now, day
    )


async def find_account(unit: Unit, kind: str, owner_id: UUID | None) -> UUID | None:
    """The account of this kind; `owner_id` None means the school's own."""
    found: UUID | None = await unit.value(
        "SELECT id FROM account WHERE school_id = $1 AND kind = $2"
        " AND owner_id IS NOT DISTINCT FROM $3",
        unit.school_id, kind, owner_id,
    )  # fmt: skip
    return found


async def find_card_owner(unit: Unit, account_id: UUID) -> UUID | None:
    """Whose purse on a chip an account is; None for any other account."""
    found: UUID | None = await unit.value(
        "SELECT owner_id FROM account WHERE school_id = $1 AND id = $2 AND kind = 'CARD'",
        unit.school_id, account_id,
    )  # fmt: skip
    return found


async def account_kinds(unit: Unit, account_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The kind of each account."""
    rows = await unit.rows(
        "SELECT id, kind FROM account WHERE school_id = $1 AND id = ANY($2)",
        unit.school_id, list(account_ids),
    )  # fmt: skip
    return {row["id"]: row["kind"] for row in rows}


async def purses(reads: Reads, cardholder_id: UUID) -> tuple[Purse, ...]:
    """A cardholder's purses, in the order of `PURSES`."""
    found = [
        Purse(row["id"], row["kind"], row["balance_minor"], row["pending_minor"])
        for row in await reads.call(_PURSES, cardholder_id)
    ]
    return tuple(sorted(found, key=lambda purse: PURSES.index(purse.kind)))


async def purses_of(unit: Unit, cardholder_ids: Sequence[UUID]) -> dict[UUID, tuple[Purse, ...]]:
    """The purses of each of these cardholders, in no order."""
    found: dict[UUID, tuple[Purse, ...]] = dict.fromkeys(cardholder_ids, ())
    for row in await unit.rows("SELECT * FROM purses_of($1, $2)", unit.school_id, list(found)):
        purse = Purse(row["id"], row["kind"], row["balance_minor"], row["pending_minor"])
        found[row["owner_id"]] += (purse,)
    return found


async def insert_transfer(
    unit: Unit, posting: Posting, phase: str, pending_id: UUID | None, made_at: datetime, day: date
) -> None:
    """One immutable transfer.

    Raises: TransferResolved (the pending transfer has its resolution already).
    """
    try:
        await unit.execute(
            "INSERT INTO transfer (school_id, id, kind, phase, pending_id, debit_account_id,"
            " credit_account_id, amount_minor, retrieval_reference, made_at, business_on)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            unit.school_id, posting.id, posting.kind, phase, pending_id, posting.debit_account_id,
            posting.credit_account_id, posting.amount_minor, posting.retrieval_reference, made_at,
            day,
        )  # fmt: skip
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name == "transfer_resolution":
            raise TransferResolved from None
        raise Raced from error


async def move(
    unit: Unit, account_id: UUID, balance_minor: int, pending_minor: int, made_at: datetime
) -> tuple[datetime, int | None]:
    """Adds to an account's balance and pending sum; the leg's instant and the balance after it.

    An account without a kept balance is not touched. Raises: BalanceTooLow.
    """
    try:
        row = await unit.row(
            "UPDATE account SET balance_minor = balance_minor + $3,"
            " pending_minor = pending_minor + $4,"
            " last_posted_at = CASE WHEN $3 = 0 THEN last_posted_at ELSE"
            "   greatest($5, last_posted_at + interval '1 microsecond') END"
            " WHERE school_id = $1 AND id = $2 AND balance_minor IS NOT NULL"
            " RETURNING last_posted_at, balance_minor",
            unit.school_id, account_id, balance_minor, pending_minor, made_at,
        )  # fmt: skip
    except asyncpg.CheckViolationError as error:
        if error.constraint_name == "account_floor":
            raise BalanceTooLow from None
        raise
    if row is None:
        return made_at, None
    return row["last_posted_at"] or made_at, row["balance_minor"]


async def stamp(unit: Unit, account_id: UUID, posted_at: datetime) -> None:
    """Says when a purse's last leg stands; an account without a kept balance is not touched."""
    await unit.execute(
        "UPDATE account SET last_posted_at = $3"
        " WHERE school_id = $1 AND id = $2 AND balance_minor IS NOT NULL",
        unit.school_id, account_id, posted_at,
    )  # fmt: skip


async def insert_legs(
    unit: Unit, posting: Posting, posted_at: datetime, afters: tuple[int | None, int | None]
) -> None:
    """The two sides of a posted transfer; `afters` are the debit's and the credit's balances."""
    await unit.execute(
        "INSERT INTO leg (school_id, account_id, posted_at, transfer_id, counter_account_id, kind,"
        " amount_minor, balance_after_minor)"
        " VALUES ($1, $2, $4, $5, $3, $6, -$7::bigint, $8), ($1, $3, $4, $5, $2, $6, $7, $9)",
        unit.school_id, posting.debit_account_id, posting.credit_account_id, posted_at, posting.id,
        posting.kind, posting.amount_minor, *afters,
    )  # fmt: skip


async def transfers(unit: Unit, ids: Sequence[UUID]) -> list[Transfer]:
    """These transfers, in the order asked for."""
    rows = await unit.rows(
        "SELECT id, kind, debit_account_id, credit_account_id, amount_minor FROM transfer"
        " WHERE school_id = $1 AND id = ANY($2)",
        unit.school_id, list(ids),
    )  # fmt: skip
    found = {row["id"]: Transfer(*row) for row in rows}
    return [found[id_] for id_ in ids]


async def lines(
    reads: Reads, cardholder_id: UUID, since: datetime, until: datetime, after: Cursor, limit: int
) -> list[StatementLine]:
    """Posted legs of all purses before a place, newest first, with the merchant's names."""
    rows = await reads.call(_LINES, cardholder_id, since, until, after.posted_at, after.id, limit)
    return list(map(StatementLine._make, rows))


async def retrieval_references(unit: Unit, transfer_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Our references of these transfers, by transfer; those without one are left out."""
    rows = await unit.rows(
        "SELECT id, retrieval_reference FROM transfer"
        " WHERE school_id = $1 AND id = ANY($2) AND retrieval_reference IS NOT NULL",
        unit.school_id, list(transfer_ids),
    )  # fmt: skip
    return {row["id"]: row["retrieval_reference"] for row in rows}


async def totals(
    unit: Unit, cardholder_id: UUID, since: datetime, until: datetime
) -> tuple[int, int]:
    """What came in and what went out (negative), in fen; what stayed the holder's did neither."""
    row = await unit.row(
        "SELECT coalesce(sum(l.amount_minor) FILTER (WHERE l.amount_minor > 0), 0)::bigint,"
        " coalesce(sum(l.amount_minor) FILTER (WHERE l.amount_minor < 0), 0)::bigint"
        " FROM account a JOIN leg l ON l.school_id = $1 AND l.account_id = a.id"
        " AND l.posted_at >= $3 AND l.posted_at < $4 AND l.kind <> ALL ($5)"
        " WHERE a.school_id = $1 AND a.owner_id = $2 AND a.balance_minor IS NOT NULL",
        unit.school_id, cardholder_id, since, until, INTERNAL,
    )  # fmt: skip
    assert row is not None
    return row[0], row[1]


async def arrears(unit: Unit, cardholder_id: UUID) -> int:
    """What left the cardholder's arrears account and was not paid back."""
    owed: int | None = await unit.value(
        "SELECT coalesce(-sum(l.amount_minor), 0)::bigint FROM account a"
        " JOIN leg l ON l.school_id = $1 AND l.account_id = a.id"
        " WHERE a.school_id = $1 AND a.owner_id = $2 AND a.kind = 'ARREARS'",
        unit.school_id, cardholder_id,
    )  # fmt: skip
    return owed or 0


async def trial_sums(unit: Unit) -> tuple[int, int, int]:
    """Balances of all purses, legs of all other accounts, and the count of transfers, at once."""
    row = await unit.row(
        "SELECT (SELECT coalesce(sum(balance_minor), 0)::bigint FROM account WHERE school_id = $1),"
        " (SELECT coalesce(sum(l.amount_minor), 0)::bigint FROM leg l"
        "   JOIN account a ON a.school_id = $1 AND a.id = l.account_id"
        "  WHERE l.school_id = $1 AND a.balance_minor IS NULL),"
        " (SELECT count(*) FROM transfer WHERE school_id = $1)",
        unit.school_id,
    )
    assert row is not None
    return row[0], row[1], row[2]
