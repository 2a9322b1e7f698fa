-- Offline records as fast as purchases: what a bundle of them depends on is read in one round trip,
-- what was decided is kept in another. Between them the pure rules judge, under the locks.
--
-- A bundle holds ordinary purchases of one batch. Whose key was answered, bought or voided before,
-- whose code waits for a PIN, whose holder would owe: such a record is settled alone.
--
-- Lock order: the terminal, cardholder_limit rows by cardholder id, then unique keys by number: that
-- of `purchase_decide`. A code is spent under its holder's money lock and a reserve changes under it,
-- so neither is locked; a code of nobody we know is taken by its unique key, or not.

-- Each index serves its own question only: to a planner without statistics all of a terminal's records
-- look like one, whichever index they are read by.
DROP INDEX offline_item_caps, offline_item_code;
CREATE INDEX offline_item_caps ON offline_item (school_id, terminal_no, cap_tag)
  WHERE cap_tag IS NOT NULL AND verdict IN ('ACCEPTED', 'SUSPECT');
CREATE INDEX offline_item_code ON offline_item (school_id, terminal_no, replay_key)
  WHERE replay_key IS NOT NULL AND verdict IN ('ACCEPTED', 'SUSPECT');

CREATE TYPE offline_claim AS (
  seq_no int, previous_hash bytea, created_at timestamptz, deny_version bigint, serial bytea,
  cap_tag bigint, replay_key bytea
);

-- `core.authorisation.bundles.Facts`. The first five are those of the record that took the key.
CREATE TYPE offline_fact AS (
  record bytea, verdict text, reason text, flags text[], retrieval_reference text,
  is_ordinary boolean, operation text, is_closed boolean, previous_is_known boolean,
  cardholder_id uuid, card_id uuid, revoked_at timestamptz, denied_in bigint, content bytea,
  acknowledged_version bigint, keys_published_at timestamptz, newest_version bigint,
  superseded_at timestamptz, batch_began_at timestamptz, used_terminal_no bigint,
  used_batch_no int, used_seq_no int, spent_count int, spent_minor bigint, is_same_code boolean,
  reserve_minor bigint, day date, day_minor bigint, loss_account_id uuid
);

-- Everything the verdicts of a bundle depend on, in its order, under the locks of who may pay.
CREATE FUNCTION bundle_facts(p_school int, p_terminal bigint, p_batch int, p_claims offline_claim[])
RETURNS SETOF offline_fact LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('app.school', p_school::text, true);
  -- The records of one terminal share its caps and its chain: they take turns.
  PERFORM FROM terminal t WHERE t.school_id = p_school AND t.terminal_no = p_terminal
      FOR NO KEY UPDATE;
  -- A record that was judged before moves nothing.
  PERFORM FROM unnest(p_claims) c
    JOIN code_pass p ON p.school_id = p_school AND p.serial = c.serial
    JOIN cardholder_limit x ON x.school_id = p_school AND x.cardholder_id = p.cardholder_id
   WHERE NOT EXISTS (SELECT FROM offline_item i WHERE i.school_id = p_school
     AND i.terminal_no = p_terminal AND i.batch_no = p_batch AND i.seq_no = c.seq_no)
   ORDER BY x.cardholder_id
     FOR NO KEY UPDATE OF x;
  -- A fresh snapshot, taken under the locks: what the transactions before us committed is in it.
  RETURN QUERY
  WITH asked AS MATERIALIZED (
    SELECT * FROM unnest(p_claims) WITH ORDINALITY
  ), shared AS MATERIALIZED (
    SELECT EXISTS (SELECT FROM settlement s WHERE s.school_id = p_school
              AND s.terminal_no = p_terminal AND s.batch_no = p_batch) AS is_closed,
           (SELECT coalesce(max(n.version), 0) FROM deny_list n WHERE n.school_id = p_school)
             AS newest_version,
           -- A filter, not a condition: no plan may go by the answers of a whole school.
           (SELECT max(b.answered_at) FILTER (WHERE b.operation = 'AUTHORISE')
              FROM terminal_answer b WHERE b.school_id = p_school
               AND b.terminal_no = p_terminal AND b.batch_no < p_batch) AS batch_began_at,
           (SELECT a.id FROM account a WHERE a.school_id = p_school AND a.kind = 'LOSS'
              AND a.owner_id IS NULL) AS loss_account_id
  ), lists AS MATERIALIZED (
    SELECT v.deny_version, (SELECT min(e.added_at) FROM deny_entry e
             WHERE e.school_id = p_school AND e.version > v.deny_version) AS superseded_at
      FROM (SELECT DISTINCT a.deny_version FROM asked a) v
  )
  SELECT i.record, i.verdict, i.reason, i.flags, i.retrieval_reference,
         u.reserved_for IS NULL AND (p.serial IS NULL OR x.cardholder_id IS NOT NULL)
           AND NOT EXISTS (SELECT FROM terminal_answer t WHERE t.school_id = p_school
             AND t.terminal_no = p_terminal AND t.batch_no = p_batch AND t.seq_no = c.seq_no)
           AND NOT EXISTS (SELECT FROM authorisation o WHERE o.school_id = p_school
             AND o.terminal_no = p_terminal AND o.batch_no = p_batch AND o.seq_no = c.seq_no),
         CASE WHEN is_doors_key(p_school, p_terminal, p_batch, c.seq_no) THEN 'ENTRY' END,
         s.is_closed,
         EXISTS (SELECT FROM offline_link l WHERE l.school_id = p_school
           AND l.terminal_no = p_terminal AND l.batch_no = p_batch
           AND l.record_hash = c.previous_hash),
         p.cardholder_id,
         (SELECT k.id FROM card k WHERE k.school_id = p_school
             AND k.cardholder_id = p.cardholder_id AND k.kind = 'VIRTUAL'
             AND k.state NOT IN ('REPLACED', 'CLOSED') LIMIT 1),
         p.revoked_at,
         (SELECT d.version FROM deny_entry d WHERE d.school_id = p_school AND d.kind = 1
             AND d.id = c.serial ORDER BY d.version LIMIT 1),
         p.content,
         (SELECT coalesce(max(a.version), 0) FROM document_acknowledgement a
           WHERE a.school_id = p_school AND a.terminal_no = p_terminal AND a.kind = 3
             AND a.acknowledged_at <= c.created_at),
         (SELECT max(k.published_at) FROM document_acknowledgement a JOIN signed_document k
              ON k.school_id = p_school AND k.kind = a.kind AND k.version = a.version
           WHERE a.school_id = p_school AND a.terminal_no = p_terminal AND a.kind = 1
             AND a.acknowledged_at <= c.created_at),
         s.newest_version, l.superseded_at, s.batch_began_at,
         u.terminal_no, u.batch_no, u.seq_no,
         e.spent_count, e.spent_minor,
         -- Counted, for an EXISTS may be hashed: all of a terminal's codes read for each bundle.
         (SELECT count(*) FROM offline_item y WHERE y.school_id = p_school
           AND y.terminal_no = p_terminal AND y.replay_key = c.replay_key
           AND y.kind = 'PURCHASE' AND y.verdict IN ('ACCEPTED', 'SUSPECT')) > 0,
         q.reserve_minor, x.spent_on, x.spent_minor, s.loss_account_id
    FROM asked c
    CROSS JOIN shared s
    JOIN lists l ON l.deny_version = c.deny_version
    LEFT JOIN offline_item i ON i.school_id = p_school AND i.terminal_no = p_terminal
                            AND i.batch_no = p_batch AND i.seq_no = c.seq_no
    LEFT JOIN code_pass p ON p.school_id = p_school AND p.serial = c.serial
    LEFT JOIN cardholder_limit x ON x.school_id = p_school AND x.cardholder_id = p.cardholder_id
    LEFT JOIN code_use u ON u.school_id = p_school AND u.replay_key = c.replay_key
    LEFT JOIN cap_slot q ON q.school_id = p_school AND q.cap_tag = c.cap_tag
    CROSS JOIN LATERAL (
      SELECT count(*)::int AS spent_count, coalesce(sum(y.amount_minor), 0)::bigint AS spent_minor
        FROM offline_item y WHERE y.school_id = p_school AND y.terminal_no = p_terminal
         AND y.cap_tag = c.cap_tag AND y.kind = 'PURCHASE'
         AND y.verdict IN ('ACCEPTED', 'SUSPECT')) e
   ORDER BY c.ordinality;
END $$;
SELECT plan_by_index('bundle_facts');
-- Whoever waits for many waits for the slowest: rather each record alone than all of them late.
ALTER FUNCTION bundle_facts SET lock_timeout = '500ms';

-- What some cardholders have.
CREATE FUNCTION purses_of(p_school int, p_owners uuid[])
RETURNS SETOF account LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM set_config('app.school', p_school::text, true);
  RETURN QUERY SELECT a.* FROM unnest(p_owners) o (id)
    JOIN account a ON a.school_id = p_school AND a.owner_id = o.id
   WHERE a.balance_minor IS NOT NULL;
END $$;
SELECT plan_by_index('purses_of');

-- A judged record that takes its key.
CREATE TYPE offline_kept AS (
  seq_no int, kind text, record bytea, record_hash bytea, previous_hash bytea, signature bytea,
  presented text, challenge text, after_timeout boolean, made_at timestamptz, amount_minor bigint,
  cardholder_id uuid, serial bytea, cap_tag bigint, replay_key bytea, verdict text, reason text,
  flags text[], retrieval_reference text
);

-- What one of them paid. `cardholder_id` is null where the school did, `used_key` where the code is
-- used already; one transfer for each source.
CREATE TYPE offline_paid AS (
  seq_no int, content_hash bytea, cardholder_id uuid, card_id uuid, serial bytea, instrument text,
  scene text, merchant_account_id uuid, amount_minor bigint, transfer_ids uuid[],
  source_ids uuid[], shares bigint[], used_key bytea, retrieval_reference text, business_on date,
  available_minor bigint, answer_kid int, signed_answer text
);

-- What a cardholder's counted day came to.
CREATE TYPE offline_day AS (cardholder_id uuid, spent_on date, spent_minor bigint);

-- What a slot's reserve came to.
CREATE TYPE offline_reserve AS (cap_tag bigint, reserve_minor bigint);

-- Keeps a judged bundle, all of it or nothing. A key or a code that somebody took meanwhile is a
-- serialization failure: read and judged again it will be seen.
CREATE FUNCTION bundle_keep(p_school int, p_terminal bigint, p_batch int, p_at timestamptz,
  p_links bytea[], p_kept offline_kept[], p_paid offline_paid[], p_days offline_day[],
  p_reserves offline_reserve[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE made int;
BEGIN
  PERFORM set_config('app.school', p_school::text, true);
  INSERT INTO offline_link (school_id, terminal_no, batch_no, record_hash)
  SELECT p_school, p_terminal, p_batch, h FROM unnest(p_links) h
  ON CONFLICT DO NOTHING;

  INSERT INTO terminal_answer (school_id, terminal_no, batch_no, seq_no, operation, content_hash,
      outcome, response_code, amount_minor, cardholder_id, available_minor, retrieval_reference,
      answer_kid, answered_at, signed_answer)
  SELECT p_school, p_terminal, p_batch, p.seq_no, 'AUTHORISE', p.content_hash, 'APPROVED', '00',
      p.amount_minor, p.cardholder_id, p.available_minor, p.retrieval_reference, p.answer_kid,
      p_at, p.signed_answer
    FROM unnest(p_paid) p
  ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS made = ROW_COUNT;
  PERFORM bundle_is_whole(made, cardinality(p_paid));

  INSERT INTO authorisation (school_id, terminal_no, batch_no, seq_no, state, cardholder_id,
      card_id, serial, instrument, scene, merchant_account_id, held_minor, captured_minor,
      refunded_minor, pin_proven, transfer_ids, retrieval_reference, business_on, made_at, payer,
      is_offline)
  SELECT p_school, p_terminal, p_batch, p.seq_no, 'CAPTURED', p.cardholder_id, p.card_id, p.serial,
      p.instrument, p.scene, p.merchant_account_id, p.amount_minor, p.amount_minor, 0, false,
      p.transfer_ids, p.retrieval_reference, p.business_on, p_at,
      CASE WHEN p.cardholder_id IS NULL THEN 'SCHOOL' ELSE 'HOLDER' END, true
    FROM unnest(p_paid) p
  ON CONFLICT (school_id, terminal_no, batch_no, seq_no) DO NOTHING;
  GET DIAGNOSTICS made = ROW_COUNT;
  PERFORM bundle_is_whole(made, cardinality(p_paid));

  INSERT INTO code_use (school_id, replay_key, terminal_no, batch_no, seq_no, used_at)
  SELECT p_school, p.used_key, p_terminal, p_batch, p.seq_no, p_at
    FROM unnest(p_paid) p WHERE p.used_key IS NOT NULL
  ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS made = ROW_COUNT;
  PERFORM bundle_is_whole(made, (SELECT count(p.used_key)::int FROM unnest(p_paid) p));

  -- A purse's legs have strictly rising instants, one after the other within the bundle too; the
  -- school's loss keeps no balance.
  WITH taken AS MATERIALIZED (
    SELECT p.retrieval_reference, p.merchant_account_id, p.business_on, s.id, s.source_id,
           s.share, (x.balance_minor - sum(s.share) OVER w)::bigint AS after_minor,
           CASE WHEN x.balance_minor IS NULL THEN p_at
                ELSE greatest(p_at, x.last_posted_at + interval '1 microsecond')
                  + (row_number() OVER w - 1) * interval '1 microsecond' END AS posted_at
      FROM unnest(p_paid) p
      CROSS JOIN LATERAL unnest(p.transfer_ids, p.source_ids, p.shares) WITH ORDINALITY
        s (id, source_id, share, number)
      JOIN account x ON x.school_id = p_school AND x.id = s.source_id
    WINDOW w AS (PARTITION BY x.id ORDER BY p.seq_no, s.number
                 ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
  ), transferred AS (
    INSERT INTO transfer (school_id, id, kind, phase, debit_account_id, credit_account_id,
        amount_minor, retrieval_reference, made_at, business_on)
    SELECT p_school, t.id, 'PURCHASE', 'POSTED', t.source_id, t.merchant_account_id, t.share,
        t.retrieval_reference, p_at, t.business_on
      FROM taken t
  ), debited AS (
    UPDATE account x SET balance_minor = x.balance_minor - g.share, last_posted_at = g.posted_at
      FROM (SELECT t.source_id, sum(t.share)::bigint AS share, max(t.posted_at) AS posted_at
              FROM taken t WHERE t.after_minor IS NOT NULL GROUP BY t.source_id) g
     WHERE x.school_id = p_school AND x.id = g.source_id
  )
  INSERT INTO leg (school_id, account_id, posted_at, transfer_id, counter_account_id, kind,
      amount_minor, balance_after_minor)
  SELECT p_school, l.account_id, t.posted_at, t.id, l.counter_account_id, 'PURCHASE',
      l.amount_minor, l.after_minor
    FROM taken t, LATERAL (VALUES
      (t.source_id, t.merchant_account_id, -t.share, t.after_minor),
      (t.merchant_account_id, t.source_id, t.share, NULL)
    ) AS l (account_id, counter_account_id, amount_minor, after_minor);
  GET DIAGNOSTICS made = ROW_COUNT;
  PERFORM bundle_is_whole(made,
    (SELECT coalesce(sum(2 * cardinality(p.shares)), 0)::int FROM unnest(p_paid) p));

  UPDATE cardholder_limit x SET spent_on = d.spent_on, spent_minor = d.spent_minor
    FROM unnest(p_days) d WHERE x.school_id = p_school AND x.cardholder_id = d.cardholder_id;
  UPDATE cap_slot x SET reserve_minor = r.reserve_minor
    FROM unnest(p_reserves) r WHERE x.school_id = p_school AND x.cap_tag = r.cap_tag;

  INSERT INTO offline_item (school_id, terminal_no, batch_no, seq_no, kind, record, record_hash,
      previous_hash, signature, presented, challenge, after_timeout, made_at, received_at,
      amount_minor, cardholder_id, serial, cap_tag, replay_key, verdict, reason, flags,
      retrieval_reference)
  SELECT p_school, p_terminal, p_batch, k.seq_no, k.kind, k.record, k.record_hash,
      k.previous_hash, k.signature, k.presented, k.challenge, k.after_timeout, k.made_at, p_at,
      k.amount_minor, k.cardholder_id, k.serial, k.cap_tag, k.replay_key, k.verdict, k.reason,
      k.flags, k.retrieval_reference
    FROM unnest(p_kept) k
  ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS made = ROW_COUNT;
  PERFORM bundle_is_whole(made, cardinality(p_kept));
END $$;
SELECT plan_by_index('bundle_keep');

-- Raises a serialization failure unless all of a bundle's rows were made.
CREATE FUNCTION bundle_is_whole(p_made int, p_given int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF p_made <> p_given THEN
    RAISE EXCEPTION 'of % rows of a bundle % were made', p_given, p_made
      USING ERRCODE = 'serialization_failure';
  END IF;
END $$;
