"""Reads what the database keeps of the clients' keys, as the app's role."""

from collections.abc import Sequence

import asyncpg

from tests.faults.bank.journal import Line
from tests.faults.bank.judge import Evidence


async def gather(dsn: str, schools: Sequence[int], lines: list[Line]) -> Evidence:
    """The journals' lines beside the stored answers of these schools."""
    rows, cash = {}, set()
    connection = await asyncpg.connect(dsn)
    for school in schools:
        await connection.execute("SELECT set_config('app.school', $1, false)", str(school))
        for row in await connection.fetch("SELECT * FROM terminal_answer"):
            key = f"{school}.{row['terminal_no']}.{row['batch_no']}.{row['seq_no']}"
            rows[key] = dict(row)
        found = await connection.fetch("SELECT key FROM idempotency WHERE scope LIKE 'cash:%'")
        cash |= {row["key"] for row in found}
    await connection.close()
    return Evidence(lines, rows, cash)
