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
    Invariant(
        "I23 loads",
        "每次圈存恰有一笔转账: 未了结的为预扣, 已写卡的已入账, 未写卡的已释放",
        "Every load has its transfer: held while it is open, posted or voided as it ended.",
        """
        SELECT l.id, l.state, l.amount_minor, t.id AS transfer_id, t.amount_minor AS held_minor,
               r.phase
          FROM (SELECT * FROM card_load x WHERE x.school_id = $1) l
          FULL JOIN (SELECT * FROM transfer x WHERE x.school_id = $1 AND x.kind = 'LOAD'
                        AND x.phase NOT IN ('POST', 'VOID')) t ON t.id = l.transfer_id
          LEFT JOIN transfer r ON r.school_id = $1 AND r.pending_id = t.id
          LEFT JOIN account d ON d.school_id = $1 AND d.id = t.debit_account_id
          LEFT JOIN account c ON c.school_id = $1 AND c.id = t.credit_account_id
         WHERE l.id IS NULL OR t.id IS NULL OR t.phase <> 'PENDING'
            OR l.amount_minor <> t.amount_minor OR r.amount_minor <> t.amount_minor
            OR d.owner_id IS DISTINCT FROM l.cardholder_id
            OR c.owner_id IS DISTINCT FROM l.cardholder_id
            OR r.phase IS DISTINCT FROM
               CASE l.state WHEN 'POSTED' THEN 'POST' WHEN 'RETURNED' THEN 'VOID' END
        """,
    ),
    Invariant(
        "I23 chips",
        "每张卡的圈存计数从初见起只随已写卡的圈存增加, 冻结的卡除外",
        "A chip's counter has risen by its posted loads since we met it, unless staff look at it.",
        """
        SELECT p.card_id, p.first_counter, p.load_counter, s.posted, s.open
          FROM chip p
          LEFT JOIN (SELECT l.card_id, count(*) FILTER (WHERE l.state = 'POSTED') AS posted,
                            count(*) FILTER (WHERE l.state = 'REVIEW') AS open
                       FROM card_load l WHERE l.school_id = $1 GROUP BY l.card_id) s
            ON s.card_id = p.card_id
         WHERE p.school_id = $1 AND p.reviews = 0 AND p.frozen_at IS NULL
           AND (p.load_counter - p.first_counter <> coalesce(s.posted, 0) OR s.open > 0)
        """,
    ),
)
