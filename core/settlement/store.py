"""The rows of settled batches, and what the books say of a batch."""

from datetime import datetime

from core.db.unit import Raced, Unit
from core.settlement.records import Closing, Numbers, Settlement, Total, TotalKind

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


async def insert(unit: Unit, closing: Closing, settlement: Settlement) -> None:
    """Keeps what a batch came to, once."""
    made = await unit.execute(
        "INSERT INTO settlement (school_id, terminal_no, batch_no, merchant_account_id, last_seq,"
        " head_hash, closed_by, purchases_minor, refunds_minor, net_minor, settled_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, 'TERMINAL', $7, $8, $9, $10)"
        " ON CONFLICT DO NOTHING",
        unit.school_id, settlement.terminal_no, settlement.batch_no, closing.merchant_account_id,
        closing.last_seq, closing.head_hash, settlement.purchases_minor, settlement.refunds_minor,
        settlement.net_minor, settlement.settled_at,
    )  # fmt: skip
    if made == 0:
        raise Raced


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


async def touched(unit: Unit, since: datetime, limit: int) -> list[tuple[int, int]]:
    """Batches closed since then in which something was answered since their close."""
    rows = await unit.rows(
        "SELECT s.terminal_no, s.batch_no FROM settlement s WHERE s.school_id = $1"
        " AND s.settled_at > $2 AND EXISTS (SELECT 1 FROM terminal_answer t"
        "  WHERE t.school_id = $1 AND t.terminal_no = s.terminal_no AND t.batch_no = s.batch_no"
        "  AND t.answered_at >= s.settled_at"
        " UNION ALL SELECT 1 FROM terminal_answer f WHERE f.school_id = $1"
        "  AND f.terminal_no = s.terminal_no AND f.original_batch_no = s.batch_no"
        "  AND f.operation IN ('CAPTURE', 'VOID') AND f.answered_at >= s.settled_at)"
        " ORDER BY s.settled_at LIMIT $3",
        unit.school_id, since, limit,
    )  # fmt: skip
    return [(row[0], row[1]) for row in rows]
