-- The authorise path: one round trip decides and posts up to 64 purchases of one school.
--
-- SQL decides only what depends on rows under lock: key seen, status, code spent, limits of the day,
-- funds. Signatures, policy, PIN and the order of purses arrive decided. Time, ids, references and
-- the signed approval arrive as parameters too: nothing here reads a clock or throws dice.
--
-- Lock order: cardholder_limit rows by cardholder id, then unique keys. Every movement of a
-- cardholder's money takes that row first, so balances read under it are exact. Merchants are never
-- locked: their money is legs only.

CREATE TYPE purchase_request AS (
  terminal_no bigint, batch_no int, seq_no int, content_hash bytea,
  cardholder_id uuid, card_id uuid, serial bytea, device_id uuid, instrument text, scene text,
  replay_key bytea, continuation_id uuid, new_continuation_id uuid, continuation_until timestamptz,
  amount_minor bigint, manual boolean, expires_at timestamptz, pin_proven boolean,
  single_minor bigint, daily_minor bigint, merchant_account_id uuid, transfer_ids uuid[],
  retrieval_reference text, answer_kid int, answered_at timestamptz, business_on date,
  signed_answer text
);

-- verdict: NEW (decided now), REPEATED (the stored answer), CONFLICT (the key holds other content).
CREATE TYPE purchase_answer AS (
  terminal_no bigint, batch_no int, seq_no int, verdict text, outcome text, response_code text,
  reason text, amount_minor bigint, cardholder_id uuid, available_minor bigint, spent_minor bigint,
  tries_left int, continuation_id uuid, retrieval_reference text, answer_kid int,
  answered_at timestamptz, signed_answer text
);

-- The stored answer of a key.
CREATE FUNCTION stored_answer(p_school int, p_terminal bigint, p_batch int, p_seq int, p_hash bytea)
RETURNS purchase_answer LANGUAGE plpgsql AS $$
DECLARE a purchase_answer;
BEGIN
  SELECT t.terminal_no, t.batch_no, t.seq_no,
         CASE WHEN t.content_hash = p_hash THEN 'REPEATED' ELSE 'CONFLICT' END,
         t.outcome, t.response_code, t.reason, t.amount_minor, t.cardholder_id, t.available_minor,
         t.spent_minor, t.tries_left, t.continuation_id, t.retrieval_reference, t.answer_kid,
         t.answered_at, t.signed_answer
    INTO a
    FROM terminal_answer t
   WHERE t.school_id = p_school AND t.terminal_no = p_terminal AND t.batch_no = p_batch
     AND t.seq_no = p_seq;
  RETURN a;
END $$;

-- Whether a key has a purchase or, where it has no answer yet, the tombstone of one.
CREATE FUNCTION is_known(p_school int, p_terminal bigint, p_batch int, p_seq int)
RETURNS boolean LANGUAGE sql AS $$
  SELECT EXISTS (SELECT 1 FROM authorisation t WHERE t.school_id = p_school
     AND t.terminal_no = p_terminal AND t.batch_no = p_batch AND t.seq_no = p_seq)
$$;

-- Up to 64 requests with distinct cardholders, decided and posted as sets: one statement per table,
-- not one per purchase, so that the checks of a row are prepared once a batch. The steps see one
-- snapshot and hand rows on through RETURNING, which also fixes their order.
--
-- Plans are generic and made of index scans and nested loops: a plan made on a cold, un-analysed
-- table must not stay a sequential scan (measured: nine times the cost). Nor may an inner side be
-- materialised: without statistics "all rows of this school" looks like ten, and once the tables
-- have grown each batch would read them whole (measured: ten times the cost).
CREATE FUNCTION purchase_authorise(p_school int, p_purses text[], p_requests purchase_request[])
RETURNS SETOF purchase_answer LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET enable_material = off SET enable_memoize = off SET jit = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  one record;
  a purchase_answer;
BEGIN
  PERFORM set_config('app.school', p_school::text, true);
  PERFORM FROM unnest(p_requests) r
    JOIN cardholder_limit x ON x.school_id = p_school AND x.cardholder_id = r.cardholder_id
   ORDER BY r.cardholder_id
     FOR NO KEY UPDATE OF x;
  -- A fresh snapshot, taken under the locks: what the transactions before us committed is in it.
  FOR one IN
    WITH asked AS MATERIALIZED (
      SELECT * FROM unnest(p_requests) WITH ORDINALITY
    ),
    -- What each purse would pay: what those before it leave, at most what is free in it.
    purse AS MATERIALIZED (
      SELECT r.ordinality, x.id, x.balance_minor, f.free, f.place,
             least(f.free, r.amount_minor - coalesce(sum(f.free) OVER before, 0)::bigint) AS take,
             greatest(r.answered_at, x.last_posted_at + interval '1 microsecond') AS posted_at
        FROM asked r
        JOIN account x ON x.school_id = p_school AND x.owner_id = r.cardholder_id
                      AND x.kind = ANY (p_purses),
             LATERAL (SELECT x.balance_minor - x.pending_minor AS free,
                             array_position(p_purses, x.kind) AS place) f
      WINDOW before AS (PARTITION BY r.ordinality ORDER BY f.place
                        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ), taken AS MATERIALIZED (
      SELECT p.*, row_number() OVER (PARTITION BY p.ordinality ORDER BY p.place) AS number
        FROM purse p WHERE p.take > 0
    ), fund AS MATERIALIZED (
      SELECT p.ordinality, sum(p.free)::bigint AS available,
             count(*) FILTER (WHERE p.take > 0)::int AS sources
        FROM purse p GROUP BY p.ordinality
    ),
    -- Everything the decision depends on; `code` is the first check that fails before the limits.
    seen AS MATERIALIZED (
      SELECT r.*, coalesce(f.available, 0) AS available, f.sources,
             -- A day that was left stays left: who waited over midnight counts in the new one.
             greatest(r.business_on, x.spent_on) AS day,
             CASE WHEN x.spent_on >= r.business_on THEN x.spent_minor ELSE 0 END AS spent,
             coalesce(x.single_minor, r.single_minor) AS single,
             coalesce(x.daily_minor, r.daily_minor) AS daily,
             t.seq_no IS NOT NULL AS is_known,
             CASE
               WHEN h.status IS NULL OR c.state IS NULL OR x.cardholder_id IS NULL THEN '14'
               WHEN h.status = 'FROZEN' THEN '62'
               WHEN h.status = 'CLOSED' THEN '46'
               WHEN c.state = 'LOST' THEN '41'
               WHEN c.state <> 'ACTIVE' THEN '54'
               WHEN p.revoked_at IS NOT NULL OR d.revoked_at IS NOT NULL THEN 'C3'
               WHEN u.replay_key IS NOT NULL AND u.reserved_for IS DISTINCT FROM r.continuation_id
                 OR u.replay_key IS NOT NULL AND u.reserved_for IS NULL
                 OR u.replay_key IS NULL AND r.replay_key IS NOT NULL
                   AND r.continuation_id IS NOT NULL THEN 'C1'
               WHEN coalesce(f.available, 0) < r.amount_minor THEN '51'
               ELSE '00'
             END AS code
        FROM asked r
        LEFT JOIN cardholder_limit x ON x.school_id = p_school AND x.cardholder_id = r.cardholder_id
        LEFT JOIN cardholder h ON h.school_id = p_school AND h.id = r.cardholder_id
        LEFT JOIN card c ON c.school_id = p_school AND c.id = r.card_id
        LEFT JOIN code_pass p ON p.school_id = p_school AND p.serial = r.serial
        LEFT JOIN code_device d ON d.school_id = p_school AND d.id = r.device_id
        LEFT JOIN code_use u ON u.school_id = p_school AND u.replay_key = r.replay_key
        LEFT JOIN authorisation t ON t.school_id = p_school AND t.terminal_no = r.terminal_no
                                 AND t.batch_no = r.batch_no AND t.seq_no = r.seq_no
        LEFT JOIN fund f ON f.ordinality = r.ordinality
    ),
    -- A key that has a purchase or a tombstone is not decided: 22, unless its answer is stored.
    decided AS MATERIALIZED (
      SELECT s.*, w.why, o.outcome,
             CASE WHEN o.outcome = 'APPROVED' THEN s.amount_minor ELSE 0 END AS paid
        FROM seen s,
             LATERAL (SELECT CASE
               WHEN s.pin_proven THEN NULL
               WHEN s.amount_minor > s.single THEN 'SINGLE'
               WHEN s.spent + s.amount_minor > s.daily THEN 'DAILY' END AS why) w,
             LATERAL (SELECT CASE
               WHEN s.is_known THEN 'VOIDED'
               WHEN s.code <> '00' THEN 'DECLINED'
               WHEN w.why IS NOT NULL THEN 'PIN_REQUIRED'
               ELSE 'APPROVED' END AS outcome) o
    ),
    -- The key is taken. One that holds an answer keeps it, and nothing below happens for it.
    answered AS MATERIALIZED (
      INSERT INTO terminal_answer (school_id, terminal_no, batch_no, seq_no, operation,
          content_hash, outcome, response_code, reason, amount_minor, cardholder_id,
          available_minor, spent_minor, continuation_id, retrieval_reference, answer_kid,
          answered_at, signed_answer)
      SELECT p_school, s.terminal_no, s.batch_no, s.seq_no, 'AUTHORISE', s.content_hash, s.outcome,
          CASE s.outcome WHEN 'VOIDED' THEN '22' WHEN 'PIN_REQUIRED' THEN '70' ELSE s.code END,
          CASE WHEN s.outcome = 'PIN_REQUIRED' THEN s.why
               WHEN s.outcome = 'DECLINED' AND s.code = 'C1' THEN 'CODE_USED'
               WHEN s.outcome = 'DECLINED' AND s.code = 'C3' THEN 'REVOKED' END,
          s.amount_minor, CASE WHEN s.code <> '14' THEN s.cardholder_id END, s.available - s.paid,
          s.spent + s.paid, CASE WHEN s.outcome = 'PIN_REQUIRED' THEN s.new_continuation_id END,
          s.retrieval_reference, s.answer_kid, s.answered_at,
          CASE WHEN s.outcome = 'APPROVED' THEN s.signed_answer END
        FROM decided s
      ON CONFLICT DO NOTHING
      RETURNING seq_no, batch_no, terminal_no, retrieval_reference, outcome, response_code, reason,
          amount_minor, cardholder_id, available_minor, spent_minor, tries_left, continuation_id,
          answer_kid, answered_at, signed_answer
    ),
    -- Two payers may come under one key in one batch: the reference says whose answer was stored.
    fresh AS MATERIALIZED (
      SELECT s.* FROM decided s
        JOIN answered USING (seq_no, batch_no, terminal_no, retrieval_reference)
    ),
    -- Only the key may conflict (a void came first); a reference that was given before is a fault.
    booked AS (
      INSERT INTO authorisation (school_id, terminal_no, batch_no, seq_no, state, cardholder_id,
          card_id, serial, instrument, scene, merchant_account_id, held_minor, captured_minor,
          refunded_minor, pin_proven, single_minor, daily_minor, spent_before_minor, transfer_ids,
          retrieval_reference, business_on, made_at, expires_at)
      SELECT p_school, s.terminal_no, s.batch_no, s.seq_no,
          CASE WHEN s.manual THEN 'PENDING' ELSE 'CAPTURED' END, s.cardholder_id, s.card_id,
          s.serial, s.instrument, s.scene, s.merchant_account_id, s.amount_minor,
          CASE WHEN s.manual THEN 0 ELSE s.amount_minor END, 0, s.pin_proven, s.single, s.daily,
          s.spent, s.transfer_ids[1:s.sources], s.retrieval_reference, s.day, s.answered_at,
          CASE WHEN s.manual THEN s.expires_at END
        FROM fresh s WHERE s.outcome = 'APPROVED'
      ON CONFLICT (school_id, terminal_no, batch_no, seq_no) DO NOTHING
      RETURNING cardholder_id
    ), paid AS MATERIALIZED (
      SELECT s.* FROM fresh s JOIN booked USING (cardholder_id)
    ), moved AS MATERIALIZED (
      SELECT s.transfer_ids[t.number] AS transfer_id, s.manual, s.merchant_account_id,
             s.retrieval_reference, s.answered_at, s.day, t.id AS purse_id, t.balance_minor, t.take,
             t.posted_at
        FROM paid s JOIN taken t USING (ordinality)
    ), transferred AS (
      INSERT INTO transfer (school_id, id, kind, phase, debit_account_id, credit_account_id,
          amount_minor, retrieval_reference, made_at, business_on)
      SELECT p_school, m.transfer_id, 'PURCHASE',
          CASE WHEN m.manual THEN 'PENDING' ELSE 'POSTED' END, m.purse_id, m.merchant_account_id,
          m.take, m.retrieval_reference, m.answered_at, m.day
        FROM moved m
    ), debited AS (
      UPDATE account x
         SET balance_minor = x.balance_minor - CASE WHEN m.manual THEN 0 ELSE m.take END,
             pending_minor = x.pending_minor + CASE WHEN m.manual THEN m.take ELSE 0 END,
             last_posted_at = CASE WHEN m.manual THEN x.last_posted_at ELSE m.posted_at END
        FROM moved m WHERE x.school_id = p_school AND x.id = m.purse_id
    ), stated AS (
      INSERT INTO leg (school_id, account_id, posted_at, transfer_id, counter_account_id, kind,
          amount_minor, balance_after_minor)
      SELECT p_school, l.account_id, m.posted_at, m.transfer_id, l.counter_account_id, 'PURCHASE',
          l.amount_minor, l.balance_after_minor
        FROM moved m, LATERAL (VALUES
          (m.purse_id, m.merchant_account_id, -m.take, m.balance_minor - m.take),
          (m.merchant_account_id, m.purse_id, m.take, NULL)
        ) AS l (account_id, counter_account_id, amount_minor, balance_after_minor)
       WHERE NOT m.manual
    ), counted AS (
      UPDATE cardholder_limit x SET spent_on = s.day, spent_minor = s.spent + s.amount_minor
        FROM paid s WHERE x.school_id = p_school AND x.cardholder_id = s.cardholder_id
    ),
    -- A code is spent by what it paid, or reserved for the continuation that waits for a PIN.
    waiting AS MATERIALIZED (
      SELECT s.* FROM fresh s WHERE s.outcome = 'PIN_REQUIRED'
    ), continued AS (
      INSERT INTO continuation (school_id, id, terminal_no, cardholder_id, card_id, serial,
          device_id, instrument, replay_key, amount_minor, expires_at)
      SELECT p_school, s.new_continuation_id, s.terminal_no, s.cardholder_id, s.card_id, s.serial,
          s.device_id, s.instrument, s.replay_key, s.amount_minor, s.continuation_until
        FROM waiting s
    ), used AS (
      INSERT INTO code_use (school_id, replay_key, terminal_no, batch_no, seq_no, reserved_for,
          used_at)
      SELECT p_school, s.replay_key, s.terminal_no, s.batch_no, s.seq_no, NULL, s.answered_at
        FROM paid s WHERE s.replay_key IS NOT NULL AND s.continuation_id IS NULL
      UNION ALL
      SELECT p_school, s.replay_key, s.terminal_no, s.batch_no, s.seq_no, s.new_continuation_id,
          s.answered_at
        FROM waiting s WHERE s.replay_key IS NOT NULL
    )
    SELECT s.terminal_no, s.batch_no, s.seq_no, s.content_hash, k.seq_no IS NOT NULL AS is_new,
           k.outcome = 'APPROVED' AND b.cardholder_id IS NULL AS is_overtaken,
           s.continuation_id IS NOT NULL AND b.cardholder_id IS NOT NULL AS is_redeemed,
           s.replay_key,
           (k.terminal_no, k.batch_no, k.seq_no, 'NEW', k.outcome, k.response_code, k.reason,
            k.amount_minor, k.cardholder_id, k.available_minor, k.spent_minor, k.tries_left,
            k.continuation_id, k.retrieval_reference, k.answer_kid, k.answered_at,
            k.signed_answer)::purchase_answer AS answer
      FROM decided s
      LEFT JOIN answered k USING (seq_no, batch_no, terminal_no, retrieval_reference)
      LEFT JOIN booked b ON b.cardholder_id = s.cardholder_id
     ORDER BY s.ordinality
  LOOP
    a := one.answer;
    IF NOT one.is_new THEN
      -- Read in a newer snapshot: whoever took the key may have committed after ours.
      a := stored_answer(p_school, one.terminal_no, one.batch_no, one.seq_no, one.content_hash);
    ELSIF one.is_overtaken THEN
      -- A void of this key came first, at this very moment: nothing is paid.
      UPDATE terminal_answer t
         SET outcome = 'VOIDED', response_code = '22', signed_answer = NULL,
             available_minor = t.available_minor + t.amount_minor,
             spent_minor = t.spent_minor - t.amount_minor
       WHERE t.school_id = p_school AND t.terminal_no = one.terminal_no
         AND t.batch_no = one.batch_no AND t.seq_no = one.seq_no;
      a := stored_answer(p_school, one.terminal_no, one.batch_no, one.seq_no, one.content_hash);
      a.verdict := 'NEW';
    ELSIF one.is_redeemed THEN
      -- Rare, and by its own statement: joined in above, a plan made while no code was used yet
      -- would read all used codes for every batch, for ever.
      UPDATE code_use u SET reserved_for = NULL, terminal_no = a.terminal_no,
             batch_no = a.batch_no, seq_no = a.seq_no, used_at = a.answered_at
       WHERE u.school_id = p_school AND u.replay_key = one.replay_key;
    END IF;
    RETURN NEXT a;
  END LOOP;
END $$;

-- Stores an answer that moves no money (a refusal decided before the rows were read), or repeats
-- what the key already holds.
CREATE FUNCTION answer_store(p_school int, p_operation text, p_terminal bigint, p_batch int, p_seq int,
    p_hash bytea, p_outcome text, p_code text, p_reason text, p_amount bigint, p_cardholder uuid,
    p_tries_left int, p_reference text, p_kid int, p_at timestamptz, p_signed text)
RETURNS SETOF purchase_answer LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
  PERFORM set_config('app.school', p_school::text, true);
  IF p_operation = 'AUTHORISE' AND is_known(p_school, p_terminal, p_batch, p_seq) THEN
    p_outcome := 'VOIDED'; p_code := '22'; p_reason := NULL; p_signed := NULL;
  END IF;
  INSERT INTO terminal_answer (school_id, terminal_no, batch_no, seq_no, operation, content_hash,
      outcome, response_code, reason, amount_minor, cardholder_id, tries_left, retrieval_reference,
      answer_kid, answered_at, signed_answer)
  VALUES (p_school, p_terminal, p_batch, p_seq, p_operation, p_hash, p_outcome, p_code, p_reason,
      p_amount, p_cardholder, p_tries_left, p_reference, p_kid, p_at, p_signed)
  ON CONFLICT DO NOTHING;
  IF FOUND THEN
    RETURN QUERY SELECT p_terminal, p_batch, p_seq, 'NEW', p_outcome, p_code, p_reason, p_amount,
        p_cardholder, NULL::bigint, NULL::bigint, p_tries_left, NULL::uuid, p_reference, p_kid, p_at,
        p_signed;
  ELSE
    RETURN NEXT stored_answer(p_school, p_terminal, p_batch, p_seq, p_hash);
  END IF;
END $$;

-- Fills in the signature of a stored answer that has none; the first one stands.
CREATE FUNCTION answer_sign(p_school int, p_terminal bigint, p_batch int, p_seq int, p_signed text)
RETURNS text LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE kept text;
BEGIN
  PERFORM set_config('app.school', p_school::text, true);
  UPDATE terminal_answer t SET signed_answer = coalesce(t.signed_answer, p_signed)
   WHERE t.school_id = p_school AND t.terminal_no = p_terminal AND t.batch_no = p_batch
     AND t.seq_no = p_seq
  RETURNING t.signed_answer INTO kept;
  RETURN kept;
END $$;
