"""What must hold between the jobs of kiosks, their fees and the cards that came out."""

from core.db.invariants import Invariant

INVARIANTS = (
    Invariant(
        "I24 fees",
        "每个发卡任务的工本费恰收一次, 失败或无应答的恰退一次; 退后发出且可用的卡再欠一次",
        "A job has taken its fee once, and given it back once if it failed or fell silent; it is"
        " owed once more for a card that came out after that and works.",
        """
        SELECT j.id, j.state, j.new_card_id, j.fee_minor, m.retrieval_reference, m.taken_minor,
               m.back_minor
          FROM (SELECT * FROM vend_job x WHERE x.school_id = $1 AND x.fee_minor > 0) j
          FULL JOIN (SELECT t.retrieval_reference,
                            sum(t.amount_minor) FILTER (WHERE t.kind = 'CARD_FEE') AS taken_minor,
                            coalesce(sum(t.amount_minor)
                              FILTER (WHERE t.kind = 'CARD_FEE_RETURN'), 0) AS back_minor
                       FROM transfer t
                      WHERE t.school_id = $1 AND t.kind IN ('CARD_FEE', 'CARD_FEE_RETURN')
                      GROUP BY t.retrieval_reference) m USING (retrieval_reference)
         WHERE j.id IS NULL OR m.taken_minor IS DISTINCT FROM j.fee_minor
               * CASE WHEN j.state = 'OWED' AND j.new_card_id IS NOT NULL THEN 2 ELSE 1 END
            OR m.back_minor IS DISTINCT FROM
               CASE WHEN j.state IN ('FAILED', 'SILENT', 'OWED') THEN j.fee_minor ELSE 0 END
        """,
    ),
    Invariant(
        "I24 cards",
        "发出的卡属于任务的持卡人, 旧卡已被替换",
        "A card that came out is its cardholder's, and the one before it is replaced.",
        """
        SELECT j.id, j.state, n.cardholder_id, o.state AS old_state
          FROM vend_job j
          JOIN card n ON n.school_id = $1 AND n.id = j.new_card_id
          JOIN card o ON o.school_id = $1 AND o.id = j.old_card_id
         WHERE j.school_id = $1
           AND (n.cardholder_id <> j.cardholder_id OR n.uid <> j.new_uid OR o.state <> 'REPLACED')
        """,
    ),
)
