"""What must hold between the answers of doors and the passages behind them."""

from core.db.invariants import Invariant

INVARIANTS = (
    Invariant(
        "I13 passages",
        "每次放行恰有一条通行记录, 每个码至多通行一次",
        "Every granted entry has its passage, and no code passed twice.",
        """
        SELECT terminal_no, batch_no, seq_no, a.outcome, p.of_code
          FROM (SELECT * FROM entry_answer x
                 WHERE x.school_id = $1
                   AND x.answered_at > $2::timestamptz - interval '179 days') a
          FULL JOIN (SELECT y.*, CASE WHEN y.replay_key IS NULL THEN 1
                            ELSE count(*) OVER (PARTITION BY y.replay_key) END AS of_code
                       FROM passage y
                      WHERE y.school_id = $1
                        AND y.recorded_at > $2::timestamptz - interval '179 days') p
         USING (terminal_no, batch_no, seq_no)
         WHERE p.of_code > 1 OR a.cardholder_id <> p.cardholder_id
            OR (a.outcome = 'GRANTED' AND p.id IS NULL)
            OR (NOT p.offline AND a.outcome IS DISTINCT FROM 'GRANTED')
        """,
    ),
)
