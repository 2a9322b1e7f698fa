"""What must hold between answers, purchases, their money and the codes they spent."""

from core.db.invariants import Invariant

_ITEMS = """
SELECT * FROM offline_item x WHERE x.school_id = $1 AND x.verdict IN ('ACCEPTED', 'SUSPECT')
   AND x.kind <> 'VOID' AND NOT 'ALREADY_POSTED' = ANY (x.flags)
"""

# Water that ran without a network has a run for its evidence, not a record: I21 of core.utility.
OFFLINE = (
    Invariant(
        "I20 records",
        "每条受理的脱机记录恰有一笔交易, 金额, 参考号与付款方一致",
        "Every paid offline record has its purchase and every offline purchase its record.",
        f"""
        SELECT terminal_no, batch_no, seq_no, i.verdict, i.flags, i.amount_minor, a.held_minor,
               a.payer
          FROM ({_ITEMS}) i
          FULL JOIN (SELECT * FROM authorisation x WHERE x.school_id = $1 AND x.is_offline
                        AND x.instrument <> 'WATER') a
         USING (terminal_no, batch_no, seq_no)
         WHERE i.verdict IS NULL OR a.payer IS NULL OR i.amount_minor <> a.held_minor
            OR i.retrieval_reference IS DISTINCT FROM a.retrieval_reference
            OR (a.payer = 'SCHOOL')
               <> (i.verdict = 'SUSPECT' OR 'AFTER_REPORT' = ANY (i.flags))
            OR (a.payer = 'HOLDER' AND i.cardholder_id IS DISTINCT FROM a.cardholder_id)
        """,  # noqa: S608 - our own constant
    ),
    Invariant(
        "I20 money",
        "学校损失账户只付存疑或挂失后的脱机交易, 欠款只来自标记欠款的记录",
        "The school's loss pays only what the school bears, and debts only what the purses lacked.",
        """
        SELECT a.terminal_no, a.batch_no, a.seq_no, a.payer, a.is_offline, s.kind, s.paid_minor
          FROM authorisation a
          JOIN (SELECT t.retrieval_reference, c.kind, sum(t.amount_minor) AS paid_minor
                  FROM transfer t
                  JOIN account c ON c.school_id = $1 AND c.id = t.debit_account_id
                 WHERE t.school_id = $1 AND t.kind = 'PURCHASE' AND t.phase IN ('POSTED', 'POST')
                 GROUP BY t.retrieval_reference, c.kind) s
            ON s.retrieval_reference = a.retrieval_reference
          LEFT JOIN offline_item i ON i.school_id = $1 AND i.terminal_no = a.terminal_no
           AND i.batch_no = a.batch_no AND i.seq_no = a.seq_no
         WHERE a.school_id = $1
           AND ((s.kind = 'LOSS') <> (a.payer = 'SCHOOL')
             OR (s.kind IN ('LOSS', 'ARREARS') AND NOT a.is_offline)
             OR (s.kind = 'ARREARS' AND a.instrument <> 'WATER'
               AND NOT 'ARREARS' = ANY (i.flags)))
        """,
    ),
    Invariant(
        "I20 reviews",
        "每条裁定的转账与其结论一致, 未裁定的损失不向持卡人收取",
        "What a review decided is what its transfers did, and nothing else recovers a loss.",
        """
        SELECT r.terminal_no, r.batch_no, r.seq_no, r.bearer, r.amount_minor, s.charged_minor,
               a.state
          FROM offline_review r
          JOIN authorisation a ON a.school_id = $1 AND a.terminal_no = r.terminal_no
           AND a.batch_no = r.batch_no AND a.seq_no = r.seq_no
          JOIN LATERAL (
            SELECT coalesce(sum(x.amount_minor), 0) AS charged_minor FROM transfer x
             WHERE x.school_id = $1 AND x.id = ANY (r.transfer_ids) AND x.kind = 'LOSS_RECOVERY'
               AND x.retrieval_reference = a.retrieval_reference) s ON true
         WHERE r.school_id = $1
           AND (s.charged_minor <> CASE WHEN r.bearer = 'HOLDER' THEN r.amount_minor ELSE 0 END
             OR (r.bearer = 'MERCHANT' AND a.state <> 'VOIDED'))
         UNION ALL
        SELECT NULL, NULL, NULL, t.kind, t.amount_minor, NULL, NULL
          FROM transfer t
         WHERE t.school_id = $1 AND t.kind = 'LOSS_RECOVERY'
           AND NOT EXISTS (SELECT FROM offline_review r
                            WHERE r.school_id = $1 AND t.id = ANY (r.transfer_ids))
        """,
    ),
    Invariant(
        "I20 codes",
        "一个码在同一终端至多付款一次",
        "A code was paid for at most once at one terminal, online and offline together.",
        """
        SELECT i.terminal_no, i.batch_no, i.seq_no, u.batch_no AS used_batch_no,
               u.seq_no AS used_seq_no
          FROM offline_item i
          JOIN code_use u ON u.school_id = $1 AND u.replay_key = i.replay_key
         WHERE i.school_id = $1 AND i.verdict IN ('ACCEPTED', 'SUSPECT')
           AND u.terminal_no = i.terminal_no
           AND (u.batch_no, u.seq_no) <> (i.batch_no, i.seq_no)
        """,
    ),
    Invariant(
        "I20 reserve",
        "备用金钱包不少于其各时段所余备用金之和",
        "A RESERVE purse holds at least what is left of its slots' reserves.",
        """
        SELECT s.cardholder_id, s.left_minor, a.balance_minor
          FROM (SELECT x.cardholder_id, sum(x.reserve_minor) AS left_minor FROM cap_slot x
                 WHERE x.school_id = $1 GROUP BY x.cardholder_id) s
          LEFT JOIN account a ON a.school_id = $1 AND a.owner_id = s.cardholder_id
           AND a.kind = 'RESERVE'
         WHERE s.left_minor > coalesce(a.balance_minor, 0)
        """,
    ),
)

INVARIANTS = (
    *OFFLINE,
    Invariant(
        "I4 answers",
        "每笔批准的授权恰有一条交易记录, 金额, 持卡人与参考号一致",
        "Every approved answer has its purchase and every purchase its answer, with equal facts.",
        """
        SELECT terminal_no, batch_no, seq_no, t.outcome, t.response_code, a.state, t.amount_minor,
               a.held_minor
          FROM (SELECT * FROM terminal_answer x
                 WHERE x.school_id = $1 AND x.operation = 'AUTHORISE') t
          FULL JOIN (SELECT * FROM authorisation x WHERE x.school_id = $1) a
         USING (terminal_no, batch_no, seq_no)
         WHERE (t.outcome = 'APPROVED' AND (a.state IS NULL OR a.state = 'TOMBSTONE'))
            OR (a.state <> 'TOMBSTONE' AND ((a.held_minor <> t.amount_minor
                AND NOT (a.is_offline AND a.instrument = 'WATER' AND t.outcome <> 'APPROVED'))
              OR a.cardholder_id <> t.cardholder_id
              OR a.retrieval_reference <> t.retrieval_reference
              OR (t.outcome IS DISTINCT FROM 'APPROVED'
                AND NOT (a.is_offline AND t.outcome IN ('DECLINED', 'PIN_REQUIRED')))
              OR (t.outcome = 'APPROVED' AND t.signed_answer IS NULL)))
            OR (t.outcome = 'VOIDED' AND a.state IS DISTINCT FROM 'TOMBSTONE')
        """,
    ),
    Invariant(
        "I4 money",
        "每笔交易的转账与其状态一致",
        "The transfers of every purchase are what its state says.",
        """
        SELECT retrieval_reference, a.state, a.held_minor, a.captured_minor, a.refunded_minor,
               m.posted_minor, m.open_minor, m.voided_minor, m.back_minor
          FROM (SELECT * FROM authorisation x WHERE x.school_id = $1 AND x.state <> 'TOMBSTONE') a
          FULL JOIN (
            SELECT t.retrieval_reference,
                   coalesce(sum(t.amount_minor) FILTER (WHERE t.kind = 'PURCHASE'
                     AND t.phase IN ('POSTED', 'POST')), 0) AS posted_minor,
                   coalesce(sum(t.amount_minor) FILTER (WHERE t.phase = 'PENDING'
                     AND r.id IS NULL), 0) AS open_minor,
                   coalesce(sum(t.amount_minor) FILTER (WHERE t.kind = 'PURCHASE_VOID'), 0)
                     AS voided_minor,
                   coalesce(sum(t.amount_minor) FILTER (WHERE t.kind = 'REFUND'), 0) AS back_minor
              FROM transfer t
              LEFT JOIN transfer r ON r.school_id = $1 AND r.pending_id = t.id
             WHERE t.school_id = $1 AND t.kind IN ('PURCHASE', 'PURCHASE_VOID', 'REFUND')
             GROUP BY t.retrieval_reference) m USING (retrieval_reference)
         WHERE a.state IS NULL OR m.posted_minor IS NULL
            OR m.posted_minor <> a.captured_minor
            OR m.open_minor <> CASE WHEN a.state = 'PENDING' THEN a.held_minor ELSE 0 END
            OR m.voided_minor <> CASE WHEN a.state = 'VOIDED' THEN a.captured_minor ELSE 0 END
            OR m.back_minor <> a.refunded_minor
            OR (a.state IN ('PENDING', 'EXPIRED') AND a.captured_minor <> 0)
            OR (a.state = 'CAPTURED' AND (a.captured_minor = 0 OR a.refunded_minor <> 0))
            OR (a.state = 'REFUNDED' AND a.refunded_minor <> a.captured_minor)
        """,
    ),
    Invariant(
        "I4 voids",
        "撤销过的交易没有付款",
        "What was answered as voided is not paid.",
        """
        SELECT v.terminal_no, v.batch_no, v.seq_no, v.original_batch_no, v.original_seq_no, a.state
          FROM terminal_answer v
          LEFT JOIN authorisation a ON a.school_id = $1 AND a.terminal_no = v.terminal_no
           AND a.batch_no = v.original_batch_no AND a.seq_no = v.original_seq_no
         WHERE v.school_id = $1 AND v.operation = 'VOID' AND v.outcome = 'VOIDED'
           AND (a.state IS NULL OR a.state NOT IN ('VOIDED', 'EXPIRED', 'TOMBSTONE'))
        """,
    ),
    Invariant(
        "I11 limits",
        "超出单笔或每日限额的交易都验证过密码",
        "What was spent above a single or daily limit carries a PIN proof.",
        """
        SELECT a.terminal_no, a.batch_no, a.seq_no, a.held_minor, a.spent_before_minor,
               a.single_minor, a.daily_minor
          FROM authorisation a
         WHERE a.school_id = $1 AND a.state <> 'TOMBSTONE' AND NOT a.pin_proven
           AND (a.held_minor > a.single_minor
             OR a.spent_before_minor + a.held_minor > a.daily_minor)
        """,
    ),
    Invariant(
        "I11 day",
        "每位持卡人当日已用额度等于当日交易之和",
        "What a cardholder's day has spent is the sum of its purchases that still count.",
        """
        SELECT x.cardholder_id, x.spent_on, x.spent_minor,
               coalesce(s.counted_minor, 0) AS counted_minor
          FROM cardholder_limit x
          LEFT JOIN (
            SELECT a.cardholder_id, a.business_on, sum(CASE
                     WHEN a.state = 'PENDING' THEN a.held_minor
                     WHEN a.state IN ('VOIDED', 'EXPIRED') THEN 0
                     ELSE a.captured_minor END) AS counted_minor
              FROM authorisation a WHERE a.school_id = $1 AND a.state <> 'TOMBSTONE'
             GROUP BY a.cardholder_id, a.business_on) s
            ON s.cardholder_id = x.cardholder_id AND s.business_on = x.spent_on
         WHERE x.school_id = $1 AND x.spent_minor <> coalesce(s.counted_minor, 0)
        """,
    ),
    Invariant(
        "I13",
        "每个码至多付一次款, 每笔扫码交易恰用掉一个码",
        "A code paid at most once, and a purchase by code spent exactly one.",
        """
        SELECT terminal_no, batch_no, seq_no, a.instrument, u.uses, u.of_code
          FROM (SELECT * FROM authorisation x WHERE x.school_id = $1 AND x.state <> 'TOMBSTONE') a
          FULL JOIN (SELECT x.terminal_no, x.batch_no, x.seq_no, count(*) AS uses,
                            max(x.of_code) AS of_code
                       FROM (SELECT y.*, count(*) OVER (PARTITION BY y.replay_key) AS of_code
                               FROM code_use y WHERE y.school_id = $1) x
                      WHERE x.reserved_for IS NULL
                      GROUP BY x.terminal_no, x.batch_no, x.seq_no) u
         USING (terminal_no, batch_no, seq_no)
         WHERE a.state IS NULL OR u.uses > 1 OR u.of_code > 1
            OR (a.instrument <> 'CARD' AND a.payer <> 'SCHOOL' AND u.uses IS NULL)
        """,
    ),
    Invariant(
        "I16",
        "没有过期未释放的预扣",
        "No hold outlives its time.",
        """
        SELECT a.terminal_no, a.batch_no, a.seq_no, a.held_minor, a.expires_at
          FROM authorisation a
         WHERE a.school_id = $1 AND a.state = 'PENDING' AND a.expires_at < $2
        """,
    ),
    Invariant(
        "I19",
        "退款之和不超过请款额",
        "Refunds never exceed what was captured.",
        """
        SELECT t.retrieval_reference,
               sum(t.amount_minor) FILTER (WHERE t.kind = 'REFUND') AS refunds_minor,
               sum(t.amount_minor) FILTER (WHERE t.kind = 'PURCHASE') AS captured_minor
          FROM transfer t
         WHERE t.school_id = $1 AND t.phase IN ('POSTED', 'POST')
           AND t.kind IN ('PURCHASE', 'REFUND')
         GROUP BY t.retrieval_reference
        HAVING coalesce(sum(t.amount_minor) FILTER (WHERE t.kind = 'REFUND'), 0)
             > coalesce(sum(t.amount_minor) FILTER (WHERE t.kind = 'PURCHASE'), 0)
        """,
    ),
)
