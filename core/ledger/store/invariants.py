"""What must hold of every account, transfer and leg of a school."""

from core.db.invariants import Invariant
from core.ledger.posting import TEMPLATES

_ALLOWED = ", ".join(
    f"('{kind}', '{debit}', '{credit}')"
    for kind, template in TEMPLATES.items()
    for debit in template.debit
    for credit in template.credit
)

INVARIANTS = (
    Invariant(
        "I6",
        "所有账户之和为零",
        "The sum over all accounts is zero.",
        """
        SELECT s.legs_minor, s.accounts_minor FROM (
          SELECT (SELECT coalesce(sum(l.amount_minor), 0) FROM leg l WHERE l.school_id = $1)
                   AS legs_minor,
                 (SELECT coalesce(sum(a.balance_minor), 0) FROM account a WHERE a.school_id = $1)
                 + (SELECT coalesce(sum(l.amount_minor), 0) FROM leg l
                      JOIN account a ON a.school_id = $1 AND a.id = l.account_id
                     WHERE l.school_id = $1 AND a.balance_minor IS NULL) AS accounts_minor) s
         WHERE s.legs_minor <> 0 OR s.accounts_minor <> 0
        """,
    ),
    Invariant(
        "I7 legs",
        "每笔已入账转账恰有两条相抵的分录, 未入账的没有",
        "A posted transfer has exactly two legs, which cancel; any other has none.",
        """
        SELECT t.id, t.phase, t.amount_minor, count(l.transfer_id) AS legs,
               coalesce(sum(l.amount_minor), 0) AS sum_minor
          FROM transfer t
          LEFT JOIN leg l ON l.school_id = $1 AND l.transfer_id = t.id
         WHERE t.school_id = $1
         GROUP BY t.id, t.phase, t.amount_minor, t.debit_account_id, t.credit_account_id
        HAVING CASE WHEN t.phase IN ('POSTED', 'POST') THEN
                 count(l.transfer_id) <> 2 OR NOT bool_and(CASE WHEN l.amount_minor < 0
                   THEN l.amount_minor = -t.amount_minor AND l.account_id = t.debit_account_id
                    AND l.counter_account_id = t.credit_account_id
                   ELSE l.amount_minor = t.amount_minor AND l.account_id = t.credit_account_id
                    AND l.counter_account_id = t.debit_account_id END)
               ELSE count(l.transfer_id) <> 0 END
        """,
    ),
    Invariant(
        "I7 holds",
        "每次请款或释放只对应一笔同向且不更大的预扣",
        "A capture or release names a hold between the same accounts that is not smaller.",
        """
        SELECT r.id, r.phase, r.amount_minor, h.id AS hold_id, h.amount_minor AS held_minor
          FROM transfer r
          JOIN transfer h ON h.school_id = $1 AND h.id = r.pending_id
         WHERE r.school_id = $1
           AND (h.phase <> 'PENDING' OR h.kind <> r.kind OR r.amount_minor > h.amount_minor
             OR (r.phase = 'VOID' AND r.amount_minor <> h.amount_minor)
             OR h.debit_account_id <> r.debit_account_id
             OR h.credit_account_id <> r.credit_account_id)
        """,
    ),
    Invariant(
        "I7 templates",
        "每笔转账都符合记账模板",
        "Every transfer follows a posting template.",
        f"""
        SELECT t.id, t.kind, d.kind AS debit_kind, c.kind AS credit_kind
          FROM transfer t
          JOIN account d ON d.school_id = $1 AND d.id = t.debit_account_id
          JOIN account c ON c.school_id = $1 AND c.id = t.credit_account_id
         WHERE t.school_id = $1 AND (t.kind, d.kind, c.kind) NOT IN ({_ALLOWED})
        """,  # noqa: S608 - built from the templates alone
    ),
    Invariant(
        "I8 balance",
        "每个钱包的余额等于其分录之和",
        "The balance of every purse is the sum of its legs.",
        """
        SELECT a.id, a.kind, a.balance_minor, s.sum_minor, a.last_posted_at, s.last_at
          FROM account a
          LEFT JOIN (SELECT l.account_id, sum(l.amount_minor) AS sum_minor,
                            max(l.posted_at) AS last_at
                       FROM leg l WHERE l.school_id = $1 GROUP BY l.account_id) s
            ON s.account_id = a.id
         WHERE a.school_id = $1 AND a.balance_minor IS NOT NULL
           AND (a.balance_minor <> coalesce(s.sum_minor, 0)
             OR a.last_posted_at IS DISTINCT FROM s.last_at)
        """,
    ),
    Invariant(
        "I8 holds",
        "每个钱包的预扣额等于其未了结预扣之和, 可用余额不为负",
        "What a purse holds is the sum of its open holds, and the rest is not negative.",
        """
        SELECT a.id, a.kind, a.balance_minor, a.pending_minor,
               coalesce(s.open_minor, 0) AS open_minor
          FROM account a
          LEFT JOIN (SELECT h.debit_account_id, sum(h.amount_minor) AS open_minor
                       FROM transfer h
                       LEFT JOIN transfer r ON r.school_id = $1 AND r.pending_id = h.id
                      WHERE h.school_id = $1 AND h.phase = 'PENDING' AND r.id IS NULL
                      GROUP BY h.debit_account_id) s ON s.debit_account_id = a.id
         WHERE a.school_id = $1 AND a.balance_minor IS NOT NULL
           AND (a.pending_minor <> coalesce(s.open_minor, 0) OR a.balance_minor < a.pending_minor)
        """,
    ),
    Invariant(
        "I20 debts",
        "欠款账户没有余额, 只有欠款",
        "An account of debts never holds money: what comes back to a paid debt is the holder's.",
        """
        SELECT a.id, a.owner_id, sum(l.amount_minor) AS held_minor
          FROM account a
          JOIN leg l ON l.school_id = $1 AND l.account_id = a.id
         WHERE a.school_id = $1 AND a.kind = 'ARREARS'
         GROUP BY a.id, a.owner_id HAVING sum(l.amount_minor) > 0
        """,
    ),
    Invariant(
        "I10",
        "任何钱包在其历史的任何时刻都不低于零",
        "No purse was below zero at any point of its history, in posting order.",
        """
        SELECT p.account_id, p.transfer_id, p.posted_at, p.balance_after_minor, p.running_minor
          FROM (SELECT l.account_id, l.transfer_id, l.posted_at, l.balance_after_minor,
                       sum(l.amount_minor) OVER w AS running_minor,
                       lag(l.posted_at) OVER w AS before_at
                  FROM leg l
                  JOIN account a ON a.school_id = $1 AND a.id = l.account_id
                 WHERE l.school_id = $1 AND a.balance_minor IS NOT NULL
                WINDOW w AS (PARTITION BY l.account_id ORDER BY l.posted_at, l.transfer_id)) p
         WHERE p.running_minor < 0 OR p.balance_after_minor IS DISTINCT FROM p.running_minor
            OR p.posted_at = p.before_at
        """,
    ),
)
