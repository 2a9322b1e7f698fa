"""What must hold between cash taken in, its transfer and its audit row."""

from core.db.invariants import Invariant

INVARIANTS = (
    Invariant(
        "I22 cash",
        "每笔现金充值的转账, 登记与审计记录一一对应",
        "Cash top-ups, their transfers and their audit rows are one to one and of equal amounts.",
        """
        SELECT t.id AS transfer_id, t.amount_minor, c.id AS top_up_id,
               c.amount_minor AS taken_minor, e.id AS audit_id, e.act
          FROM (SELECT * FROM transfer x WHERE x.school_id = $1 AND x.kind = 'CASH_TOP_UP') t
          FULL JOIN (SELECT * FROM cash_top_up x WHERE x.school_id = $1) c ON c.transfer_id = t.id
          FULL JOIN (SELECT * FROM audit_event x WHERE x.school_id = $1 AND x.act = 'top_up.cash') e
            ON e.id = c.audit_id
          LEFT JOIN account a ON a.school_id = $1 AND a.id = t.credit_account_id
         WHERE t.id IS NULL OR c.id IS NULL OR c.amount_minor <> t.amount_minor
            OR a.owner_id IS DISTINCT FROM c.cardholder_id OR e.id IS NULL
            OR e.facts ->> 'transfer_id' IS DISTINCT FROM t.id::text
            OR e.facts ->> 'amount_minor' IS DISTINCT FROM t.amount_minor::text
        """,
    ),
)
