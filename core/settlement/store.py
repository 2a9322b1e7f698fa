"""The rows of settled batches, and what the books say of a batch."""

from datetime import datetime, timedelta
from uuid import UUID

from core.db.unit import Raced, Unit
from core.settlement.records import Numbers, Settlement, Silence, Total, TotalKind

_TERMINALS = (1 << 32) - 1
"""The highest number a terminal may have."""
_TOTALS = """
SELECT 'PURCHASE' AS kind, a.instrument, count(*)::int, sum(a.captured_minor)::bigint
  FROM authorisation a
 WHERE a.school_id = $1 AND a.terminal_no = $2 AND a.batch_no = $3 AND a.captured_minor > 0
   AND a.state <> 'VOIDED'
 GROUP BY a.instrument
UNION ALL
SELECT 'REFUND', '', count(*)::int, sum(r.amount_minor)::bigint
  FROM terminal_answer r
 WHERE r.school_id = $1 AND r.terminal_no = $2 AND r.batch_no = $3 AND r.operation = 'REFUND'
   AND r.outcome = 'APPROVED'
HAVING count(*) > 0
"""


async def find(unit: Unit, terminal_no: int, batch_no: int) -> Settlement | None:
    """What a closed batch came to."""
    row = await unit.row(
        "SELECT terminal_no, batch_no, purchases_minor, refunds_minor, settled_at"
        " FROM settlement WHERE school_id = $1 AND terminal_no = $2 AND batch_no = $3",
        unit.school_id, terminal_no, batch_no,
    )  # fmt: skip
    return None if row is None else Settlement(*row)


async def numbers(unit: Unit, terminal_no: int, batch_no: int) -> Numbers:
    """Which numbers of a batch have an answer or a record, and which only a tombstone.

    Doors and claims count in the same row: what a terminal asked of them is no missing purchase.
    """
    rows = await unit.rows(
        "SELECT t.seq_no, true FROM terminal_answer t"
        " WHERE t.school_id = $1 AND t.terminal_no = $2 AND t.batch_no = $3"
        " UNION SELECT i.seq_no, true FROM offline_item i"
        " WHERE i.school_id = $1 AND i.terminal_no = $2 AND i.batch_no = $3"
        " UNION SELECT e.seq_no, true FROM entry_answer e"
        " WHERE e.school_id = $1 AND e.terminal_no = $2 AND e.batch_no = $3"
        " UNION SELECT v.seq_no, true FROM entry_event v"
        " WHERE v.school_id = $1 AND v.terminal_no = $2 AND v.batch_no = $3"
        " UNION SELECT k.key::int, true FROM idempotency k"
        " WHERE k.school_id = $1 AND k.scope = 'terminal:' || $2::bigint || ':' || $3::int"
        " UNION SELECT a.seq_no, false FROM authorisation a"
        " WHERE a.school_id = $1 AND a.terminal_no = $2 AND a.batch_no = $3",
        unit.school_id, terminal_no, batch_no,
    )  # fmt: skip
    used = frozenset(seq_no for seq_no, is_used in rows if is_used)
    return Numbers(used, frozenset(seq_no for seq_no, _ in rows) - used)


async def has_link(unit: Unit, terminal_no: int, batch_no: int, record_hash: bytes) -> bool:
    """Whether the record of this hash came."""
    found = await unit.value(
        "SELECT 1 FROM offline_link WHERE school_id = $1 AND terminal_no = $2 AND batch_no = $3"
        " AND record_hash = $4",
        unit.school_id, terminal_no, batch_no, record_hash,
    )  # fmt: skip
    return found is not None


async def totals(unit: Unit, terminal_no: int, batch_no: int) -> list[Total]:
    """What the books say of a batch, by kind and instrument."""
    rows = await unit.rows(_TOTALS, unit.school_id, terminal_no, batch_no)
    return [Total(TotalKind(kind), *rest) for kind, *rest in rows]


async def insert(
    unit: Unit,
    settlement: Settlement,
    merchant_account_id: UUID,
    last_seq: int,
    head_hash: bytes | None,
) -> None:
    """Keeps what a batch came to, once; without a head hash it was the server who closed it."""
    made = await unit.execute(
        "INSERT INTO settlement (school_id, terminal_no, batch_no, merchant_account_id, last_seq,"
        " head_hash, closed_by, purchases_minor, refunds_minor, net_minor, settled_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        " ON CONFLICT DO NOTHING",
        unit.school_id, settlement.terminal_no, settlement.batch_no, merchant_account_id, last_seq,
        head_hash, "SERVER" if head_hash is None else "TERMINAL", settlement.purchases_minor,
        settlement.refunds_minor, settlement.net_minor, settlement.settled_at,
    )  # fmt: skip
    if made == 0:
        raise Raced


async def insert_difference(unit: Unit, settled: Settlement, silence: Silence) -> None:
    """Keeps what was open when the server closed a batch."""
    await unit.execute(
        "INSERT INTO settlement_difference (school_id, terminal_no, batch_no, silent_since,"
        " missing_count, missing, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        unit.school_id, settled.terminal_no, settled.batch_no, silence.silent_since,
        silence.missing_count, list(silence.missing), settled.settled_at,
    )  # fmt: skip


async def open_batches(
    unit: Unit, began_before: datetime, terminal_no: int | None = None
) -> list[tuple[int, int]]:
    """Batches that nobody closed though they began before then, of one terminal or of all."""
    first, last = (0, _TERMINALS) if terminal_no is None else (terminal_no, terminal_no)
    rows = await unit.rows(
        "SELECT terminal_no, batch_no FROM open_batches($1, $2, $3) WHERE began_at < $4",
        unit.school_id, first, last, began_before,
    )  # fmt: skip
    return [(row[0], row[1]) for row in rows]


async def heard_at(unit: Unit, terminal_no: int, batch_no: int) -> datetime | None:
    """When something of a batch last came; None if nothing ever did."""
    found: datetime | None = await unit.value(
        "SELECT greatest("
        " (SELECT max(t.answered_at) FROM terminal_answer t WHERE t.school_id = $1"
        "   AND t.terminal_no = $2 AND t.batch_no = $3),"
        " (SELECT max(i.received_at) FROM offline_item i WHERE i.school_id = $1"
        "   AND i.terminal_no = $2 AND i.batch_no = $3))",
        unit.school_id, terminal_no, batch_no,
    )  # fmt: skip
    return found


async def merchant_account(unit: Unit, terminal_no: int) -> UUID:
    """The account of the merchant whose terminal it is."""
    found: UUID | None = await unit.value(
        "SELECT m.account_id FROM terminal t JOIN merchant m ON m.school_id = $1"
        " AND m.id = t.merchant_id WHERE t.school_id = $1 AND t.terminal_no = $2",
        unit.school_id, terminal_no,
    )  # fmt: skip
    assert found is not None  # every terminal has its merchant
    return found


async def adjusted(unit: Unit, terminal_no: int, batch_no: int) -> tuple[int, int, int]:
    """How many adjustments a batch has, and their purchases and refunds in fen."""
    row = await unit.row(
        "SELECT count(*)::int, coalesce(sum(purchases_minor), 0)::bigint,"
        " coalesce(sum(refunds_minor), 0)::bigint"
        " FROM settlement_adjustment WHERE school_id = $1 AND terminal_no = $2 AND batch_no = $3",
        unit.school_id, terminal_no, batch_no,
    )  # fmt: skip
    assert row is not None
    return row[0], row[1], row[2]


async def insert_adjustment(
    unit: Unit, terminal_no: int, batch_no: int, number: int, made: Settlement
) -> None:
    """Keeps the difference that late records made."""
    await unit.execute(
        "INSERT INTO settlement_adjustment (school_id, terminal_no, batch_no, number,"
        " purchases_minor, refunds_minor, net_minor, made_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        unit.school_id, terminal_no, batch_no, number, made.purchases_minor, made.refunds_minor,
        made.net_minor, made.settled_at,
    )  # fmt: skip


async def touched(
    unit: Unit, since: datetime, in_flight: timedelta, limit: int
) -> list[tuple[int, int]]:
    """Batches closed since then that changed since they were compared, the longest unseen first.

    An answer may come to stand `in_flight` after the instant it bears.
    """
    rows = await unit.rows(
        "SELECT s.terminal_no, s.batch_no FROM settlement s"
        " LEFT JOIN settlement_check c ON c.school_id = $1 AND c.terminal_no = s.terminal_no"
        "  AND c.batch_no = s.batch_no"
        " CROSS JOIN LATERAL (SELECT coalesce(c.checked_at, s.settled_at) AS seen_at) k"
        " WHERE s.school_id = $1 AND s.settled_at > $2"
        " AND EXISTS (SELECT 1 FROM terminal_answer t"
        "  WHERE t.school_id = $1 AND t.terminal_no = s.terminal_no AND t.batch_no = s.batch_no"
        "  AND t.answered_at >= k.seen_at - $3::interval"
        " UNION ALL SELECT 1 FROM terminal_answer f WHERE f.school_id = $1"
        "  AND f.terminal_no = s.terminal_no AND f.original_batch_no = s.batch_no"
        "  AND f.operation IN ('CAPTURE', 'VOID') AND f.answered_at >= k.seen_at - $3::interval"
        " UNION ALL SELECT 1 FROM offline_review r WHERE r.school_id = $1"
        "  AND r.terminal_no = s.terminal_no AND r.batch_no = s.batch_no"
        "  AND r.decided_at >= k.seen_at - $3::interval)"
        " ORDER BY k.seen_at, s.terminal_no, s.batch_no LIMIT $4",
        unit.school_id, since, in_flight, limit,
    )  # fmt: skip
    return [(row[0], row[1]) for row in rows]


async def note_check(unit: Unit, terminal_no: int, batch_no: int, now: datetime) -> None:
    """Notes that a closed batch was compared with the books."""
    await unit.execute(
        "INSERT INTO settlement_check (school_id, terminal_no, batch_no, checked_at)"
        " VALUES ($1, $2, $3, $4) ON CONFLICT (school_id, terminal_no, batch_no)"
        " DO UPDATE SET checked_at = excluded.checked_at",
        unit.school_id, terminal_no, batch_no, now,
    )  # fmt: skip
