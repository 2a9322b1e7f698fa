"""What must hold between reservations, what ran, and the money of it."""

from core.db.invariants import Invariant

INVARIANTS = (
    Invariant(
        "I4 meters",
        "每次用水的预扣等于该时段最高额, 请款等于读数乘单价, 不超过预扣",
        "Every run holds the maximum of its price, and takes what its reading comes to, no more.",
        """
        SELECT r.terminal_no, r.batch_no, r.seq_no, a.state, a.held_minor, a.captured_minor,
               d.units, d.amount_minor
          FROM meter_run r
          LEFT JOIN authorisation a ON a.school_id = $1 AND a.terminal_no = r.terminal_no
           AND a.batch_no = r.batch_no AND a.seq_no = r.seq_no
          LEFT JOIN meter_reading d ON d.school_id = $1 AND d.terminal_no = r.terminal_no
           AND d.batch_no = r.batch_no AND d.seq_no = r.seq_no
         WHERE r.school_id = $1
           AND (a.state IS NULL OR a.state = 'TOMBSTONE'
             OR a.cardholder_id IS DISTINCT FROM r.cardholder_id
             OR a.held_minor <> r.maximum_units * r.price_minor / r.per_units
             OR d.amount_minor
               <> least(d.units, r.maximum_units) * r.price_minor / r.per_units
             OR d.amount_minor > a.held_minor
             OR (d.units IS NOT NULL AND a.state = 'PENDING')
             OR (d.units IS NOT NULL AND a.captured_minor <> d.amount_minor))
        """,
    ),
    Invariant(
        "I4 water",
        "脱机开始的用水与其脱机预扣一一对应",
        "Every run that was told late has its hold taken offline, and the other way round.",
        """
        SELECT terminal_no, batch_no, seq_no, r.late, a.is_offline
          FROM (SELECT * FROM meter_run x WHERE x.school_id = $1) r
          FULL JOIN (SELECT * FROM authorisation x WHERE x.school_id = $1
                        AND x.instrument = 'WATER') a
         USING (terminal_no, batch_no, seq_no)
         WHERE a.instrument = 'WATER' AND r.late IS DISTINCT FROM a.is_offline
        """,
    ),
    Invariant(
        "I13 water",
        "每个预约至多用水一次",
        "No reservation ran twice.",
        """
        SELECT r.reservation_id, count(*) AS ran
          FROM meter_run r
          JOIN authorisation a ON a.school_id = $1 AND a.terminal_no = r.terminal_no
           AND a.batch_no = r.batch_no AND a.seq_no = r.seq_no
         WHERE r.school_id = $1 AND r.reservation_id IS NOT NULL AND a.state <> 'VOIDED'
         GROUP BY r.reservation_id
        HAVING count(*) > 1
        """,
    ),
    Invariant(
        "I4 places",
        "每个时段的预约不超过位数, 一人一位, 一个淋浴位一人",
        "No slot has more reservations than places, and nobody two of them.",
        """
        SELECT x.group_no, x.starts_at, count(*) AS held, g.places
          FROM water_reservation x
          JOIN meter_group g ON g.school_id = $1 AND g.number = x.group_no
         WHERE x.school_id = $1 AND x.cancelled_at IS NULL
           AND x.ends_at > $2::timestamptz
         GROUP BY x.group_no, x.starts_at, g.places
        HAVING count(*) > g.places OR count(DISTINCT x.cardholder_id) < count(*)
        """,
    ),
)
