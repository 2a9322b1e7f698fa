"""Reads what the database keeps of the clients' keys and of the money, as the app's role."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from schema.node import node_id
from tests.faults.bank.journal import Line
from tests.faults.bank.judge import Evidence
from tests.faults.bank.terminal_judge import TerminalRows

_TOP_UPS = """
SELECT c.id, c.amount_minor, h.number
  FROM cash_top_up c JOIN cardholder h ON h.school_id = c.school_id AND h.id = c.cardholder_id
"""
_LEGS = """
SELECT l.school_id, a.owner_id, l.kind, t.phase, t.retrieval_reference, l.balance_after_minor,
       c.id AS top_up_id
  FROM leg l
  JOIN account a ON a.school_id = l.school_id AND a.id = l.account_id AND a.kind = 'MAIN'
  JOIN transfer t ON t.school_id = l.school_id AND t.id = l.transfer_id
  LEFT JOIN cash_top_up c ON c.school_id = l.school_id AND c.transfer_id = l.transfer_id
 ORDER BY a.owner_id, l.posted_at
"""
_HOLDS = """
SELECT t.school_id, a.owner_id, t.retrieval_reference, t.amount_minor
  FROM transfer t
  JOIN account a ON a.school_id = t.school_id AND a.id = t.debit_account_id AND a.kind = 'MAIN'
 WHERE t.phase = 'PENDING'
"""


_PASSAGES = "SELECT terminal_no, batch_no, seq_no FROM passage"
_ITEMS = "SELECT terminal_no, batch_no, seq_no, verdict, reason, flags FROM offline_item"


async def gather_terminals(dsn: str, schools: Sequence[int]) -> TerminalRows:
    """What is kept of doors, records, payers and closed batches."""
    found = TerminalRows()
    kept = (
        ("SELECT * FROM entry_answer", found.entries),
        (_PASSAGES, found.passages),
        (_ITEMS, found.items),
        ("SELECT * FROM terminal_answer WHERE operation = 'AUTHORISE'", found.sales),
    )
    connection = await asyncpg.connect(dsn)
    for school in schools:
        await connection.execute("SELECT set_config('app.school', $1, false)", str(school))
        for sql, into in kept:
            for row in await connection.fetch(sql):
                into[f"{school}.{row['terminal_no']}.{row['batch_no']}.{row['seq_no']}"] = dict(row)
        for row in await connection.fetch("SELECT * FROM settlement"):
            found.settled[school, row["terminal_no"], row["batch_no"]] = row["net_minor"]
    await connection.close()
    return found


async def gather(dsn: str, schools: Sequence[int], lines: list[Line]) -> Evidence:
    """The journals' lines beside the stored answers and the money of these schools."""
    found = Evidence(lines, {})
    connection = await asyncpg.connect(dsn)
    for school in schools:
        await connection.execute("SELECT set_config('app.school', $1, false)", str(school))
        for row in await connection.fetch("SELECT * FROM terminal_answer"):
            key = f"{school}.{row['terminal_no']}.{row['batch_no']}.{row['seq_no']}"
            found.rows[key] = dict(row)
        for row in await connection.fetch(_TOP_UPS):
            found.top_ups[_top_up(school, row["id"])] = dict(row)
        for row in await connection.fetch(_LEGS):
            top_up_id = row["top_up_id"] and _top_up(school, row["top_up_id"])
            found.legs.append({**row, "top_up_id": top_up_id})
        found.holds.extend(dict(row) for row in await connection.fetch(_HOLDS))
    await connection.close()
    return found


def _top_up(school: int, id_: Any) -> str:
    """The id under which the answer names it."""
    return str(node_id("CashTopUp", school, id_))
