"""Proves, after a benchmark, that no money and no passage was made or lost while it ran."""

import asyncpg

_SUMS = """
SELECT
  (SELECT count(*) FROM terminal_answer WHERE outcome = 'APPROVED') AS approved,
  (SELECT coalesce(sum(amount_minor), 0) FROM leg) AS legs,
  (SELECT count(*) FROM account a WHERE a.balance_minor IS NOT NULL AND a.balance_minor <>
    (SELECT coalesce(sum(l.amount_minor), 0) FROM leg l
      WHERE l.school_id = a.school_id AND l.account_id = a.id)) AS unlike,
  (SELECT count(*) FROM account WHERE balance_minor - pending_minor < 0) AS overdrawn,
  (SELECT count(*) FROM terminal_answer t WHERE t.outcome = 'APPROVED' AND NOT EXISTS
    (SELECT 1 FROM authorisation a WHERE a.school_id = t.school_id
       AND a.terminal_no = t.terminal_no AND a.batch_no = t.batch_no AND a.seq_no = t.seq_no)
  ) AS unbooked,
  (SELECT count(*) FROM entry_answer WHERE outcome = 'GRANTED') AS granted,
  (SELECT count(*) FROM entry_answer e WHERE e.outcome = 'GRANTED' AND NOT EXISTS
    (SELECT 1 FROM passage p WHERE p.school_id = e.school_id
       AND p.terminal_no = e.terminal_no AND p.batch_no = e.batch_no AND p.seq_no = e.seq_no)
  ) AS unpassed"""


class LedgerBroken(Exception):
    """What a benchmark measured was not worth measuring."""


async def check_ledger(dsn: str) -> None:
    """Prints the figures. Raises: LedgerBroken."""
    connection = await asyncpg.connect(dsn)
    sums = dict(await connection.fetchrow(_SUMS))
    await connection.close()
    print(
        f"ledger: {sums['approved']} purchases approved; sum of legs {sums['legs']}; balances"
        f" unlike their legs {sums['unlike']}; overdrawn {sums['overdrawn']};"
        f" approved but not booked {sums['unbooked']}; {sums['granted']} entries granted, without"
        f" a passage {sums['unpassed']}"
    )
    if any(sums[name] for name in ("legs", "unlike", "overdrawn", "unbooked", "unpassed")):
        raise LedgerBroken(sums)
