-- The authorise path: one round trip decides and posts up to 64 purchases of one school.
--
-- SQL decides only what depends on rows under lock: key seen, status, code spent, limits of the day,
-- funds. Signatures, policy, PIN and the order of purses arrive decided. Time, ids, references and
-- the signed approval arrive as parameters too: nothing here reads a clock or throws dice.
--
-- Lock order: cardholder_limit rows by cardholder id (the caller sorts), then unique keys. Every
-- movement of a cardholder's money takes that row first, so balances read under it are exact.
-- Merchants are never locked: their money is legs only.

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

CREATE FUNCTION purchase_authorise_one(p_school int, p_purses text[], r purchase_request)
RETURNS purchase_answer LANGUAGE plpgsql AS $$
DECLARE
  a purchase_answer;
  l record;
  f record;
  purse record;
  ids uuid[] := '{}';
  takes bigint[] := '{}';
  afters bigint[] := '{}';
  instants timestamptz[] := '{}';
  available bigint := 0;
  rest bigint := r.amount_minor;
  take bigint;
  spent bigint;
  single bigint;
  daily bigint;
  made int;
BEGIN
  SELECT x.single_minor, x.daily_minor, x.spent_on, x.spent_minor INTO l
    FROM cardholder_limit x
   WHERE x.school_id = p_school AND x.cardholder_id = r.cardholder_id
     FOR NO KEY UPDATE;
  -- A day that was left stays left: a request that waited over midnight counts in the new one.
  r.business_on := greatest(r.business_on, l.spent_on);
  -- A fresh snapshot, taken under the lock: what the transaction before us committed is in it.
  SELECT h.status, c.state AS card_state, p.revoked_at AS pass_revoked, d.revoked_at AS device_revoked,
         u.replay_key AS used_key, u.reserved_for
    INTO f
    FROM cardholder h
    JOIN card c ON c.school_id = p_school AND c.id = r.card_id
    LEFT JOIN code_pass p ON p.school_id = p_school AND p.serial = r.serial
    LEFT JOIN code_device d ON d.school_id = p_school AND d.id = r.device_id
    LEFT JOIN code_use u ON u.school_id = p_school AND u.replay_key = r.replay_key
   WHERE h.school_id = p_school AND h.id = r.cardholder_id;
  FOR purse IN
    SELECT x.id, x.balance_minor AS balance, x.balance_minor - x.pending_minor AS free,
           greatest(r.answered_at, x.last_posted_at + interval '1 microsecond') AS posted_at
      FROM account x
     WHERE x.school_id = p_school AND x.owner_id = r.cardholder_id AND x.kind = ANY (p_purses)
     ORDER BY array_position(p_purses, x.kind)
  LOOP
    available := available + purse.free;
    take := least(rest, purse.free);
    IF take > 0 THEN
      ids := ids || purse.id;
      takes := takes || take;
      afters := afters || (purse.balance - take);
      instants := instants || purse.posted_at;
      rest := rest - take;
    END IF;
  END LOOP;
  spent := CASE WHEN l.spent_on = r.business_on THEN l.spent_minor ELSE 0 END;
  single := coalesce(l.single_minor, r.single_minor);
  daily := coalesce(l.daily_minor, r.daily_minor);

  a.terminal_no := r.terminal_no; a.batch_no := r.batch_no; a.seq_no := r.seq_no;
  a.verdict := 'NEW'; a.outcome := 'DECLINED'; a.amount_minor := r.amount_minor;
  a.cardholder_id := r.cardholder_id; a.available_minor := available; a.spent_minor := spent;
  a.retrieval_reference := r.retrieval_reference; a.answer_kid := r.answer_kid;
  a.answered_at := r.answered_at;
  IF f.status IS NULL OR l IS NULL THEN
    a.response_code := '14'; a.cardholder_id := NULL;
  ELSIF f.status = 'FROZEN' THEN a.response_code := '62';
  ELSIF f.status = 'CLOSED' THEN a.response_code := '46';
  ELSIF f.card_state = 'LOST' THEN a.response_code := '41';
  ELSIF f.card_state <> 'ACTIVE' THEN a.response_code := '54';
  ELSIF f.pass_revoked IS NOT NULL OR f.device_revoked IS NOT NULL THEN
    a.response_code := 'C3'; a.reason := 'REVOKED';
  ELSIF f.used_key IS NOT NULL AND f.reserved_for IS DISTINCT FROM r.continuation_id
     OR f.used_key IS NOT NULL AND f.reserved_for IS NULL
     OR f.used_key IS NULL AND r.continuation_id IS NOT NULL AND r.replay_key IS NOT NULL THEN
    a.response_code := 'C1'; a.reason := 'CODE_USED';
  ELSIF rest > 0 THEN a.response_code := '51';
  ELSIF NOT r.pin_proven AND r.amount_minor > single THEN
    a.outcome := 'PIN_REQUIRED'; a.response_code := '70'; a.reason := 'SINGLE';
  ELSIF NOT r.pin_proven AND spent + r.amount_minor > daily THEN
    a.outcome := 'PIN_REQUIRED'; a.response_code := '70'; a.reason := 'DAILY';
  ELSE
    a.outcome := 'APPROVED'; a.response_code := '00'; a.signed_answer := r.signed_answer;
    a.available_minor := available - r.amount_minor; a.spent_minor := spent + r.amount_minor;
  END IF;
  IF a.outcome <> 'APPROVED' AND is_known(p_school, r.terminal_no, r.batch_no, r.seq_no) THEN
    a.outcome := 'VOIDED'; a.response_code := '22'; a.reason := NULL;
  END IF;
  IF a.outcome = 'PIN_REQUIRED' THEN a.continuation_id := r.new_continuation_id; END IF;

  INSERT INTO terminal_answer (school_id, terminal_no, batch_no, seq_no, operation, content_hash,
      outcome, response_code, reason, amount_minor, cardholder_id, available_minor, spent_minor,
      continuation_id, retrieval_reference, answer_kid, answered_at, signed_answer)
  VALUES (p_school, r.terminal_no, r.batch_no, r.seq_no, 'AUTHORISE', r.content_hash,
      a.outcome, a.response_code, a.reason, a.amount_minor, a.cardholder_id, a.available_minor,
      a.spent_minor, a.continuation_id, a.retrieval_reference, a.answer_kid, a.answered_at,
      a.signed_answer)
  ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS made = ROW_COUNT;
  IF made = 0 THEN
    RETURN stored_answer(p_school, r.terminal_no, r.batch_no, r.seq_no, r.content_hash);
  END IF;

  IF a.outcome = 'PIN_REQUIRED' THEN
    INSERT INTO continuation (school_id, id, terminal_no, cardholder_id, card_id, serial, device_id,
        instrument, replay_key, amount_minor, expires_at)
    VALUES (p_school, r.new_continuation_id, r.terminal_no, r.cardholder_id, r.card_id, r.serial,
        r.device_id, r.instrument, r.replay_key, r.amount_minor, r.continuation_until);
    IF r.replay_key IS NOT NULL THEN
      INSERT INTO code_use (school_id, replay_key, terminal_no, batch_no, seq_no, reserved_for, used_at)
      VALUES (p_school, r.replay_key, r.terminal_no, r.batch_no, r.seq_no, r.new_continuation_id,
          r.answered_at);
    END IF;
    RETURN a;
  END IF;
  IF a.outcome <> 'APPROVED' THEN RETURN a; END IF;

  INSERT INTO authorisation (school_id, terminal_no, batch_no, seq_no, state, cardholder_id, card_id,
      serial, instrument, scene, merchant_account_id, held_minor, captured_minor, refunded_minor,
      pin_proven, single_minor, daily_minor, spent_before_minor, transfer_ids, retrieval_reference,
      business_on, made_at, expires_at)
  VALUES (p_school, r.terminal_no, r.batch_no, r.seq_no,
      CASE WHEN r.manual THEN 'PENDING' ELSE 'CAPTURED' END, r.cardholder_id, r.card_id, r.serial,
      r.instrument, r.scene, r.merchant_account_id, r.amount_minor,
      CASE WHEN r.manual THEN 0 ELSE r.amount_minor END, 0, r.pin_proven, single, daily, spent,
      r.transfer_ids[1:cardinality(ids)], r.retrieval_reference, r.business_on, r.answered_at,
      CASE WHEN r.manual THEN r.expires_at END)
  ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS made = ROW_COUNT;
  IF made = 0 THEN
    -- A void of this key came first, at this very moment: nothing is paid.
    a.outcome := 'VOIDED'; a.response_code := '22'; a.signed_answer := NULL;
    a.available_minor := available; a.spent_minor := spent;
    UPDATE terminal_answer t
       SET outcome = a.outcome, response_code = a.response_code, signed_answer = NULL,
           available_minor = available, spent_minor = spent
     WHERE t.school_id = p_school AND t.terminal_no = r.terminal_no AND t.batch_no = r.batch_no
       AND t.seq_no = r.seq_no;
    RETURN a;
  END IF;

  IF r.continuation_id IS NOT NULL THEN
    UPDATE code_use u SET reserved_for = NULL, terminal_no = r.terminal_no, batch_no = r.batch_no,
           seq_no = r.seq_no, used_at = r.answered_at
     WHERE u.school_id = p_school AND u.replay_key = r.replay_key;
  ELSIF r.replay_key IS NOT NULL THEN
    INSERT INTO code_use (school_id, replay_key, terminal_no, batch_no, seq_no, used_at)
    VALUES (p_school, r.replay_key, r.terminal_no, r.batch_no, r.seq_no, r.answered_at);
  END IF;
  FOR i IN 1 .. cardinality(ids) LOOP
    INSERT INTO transfer (school_id, id, kind, phase, debit_account_id, credit_account_id,
        amount_minor, retrieval_reference, made_at, business_on)
    VALUES (p_school, r.transfer_ids[i], 'PURCHASE',
        CASE WHEN r.manual THEN 'PENDING' ELSE 'POSTED' END, ids[i], r.merchant_account_id, takes[i],
        r.retrieval_reference, r.answered_at, r.business_on);
    IF r.manual THEN
      UPDATE account x SET pending_minor = x.pending_minor + takes[i]
       WHERE x.school_id = p_school AND x.id = ids[i];
    ELSE
      UPDATE account x SET balance_minor = x.balance_minor - takes[i], last_posted_at = instants[i]
       WHERE x.school_id = p_school AND x.id = ids[i];
      INSERT INTO leg (school_id, account_id, posted_at, transfer_id, counter_account_id, kind,
          amount_minor, balance_after_minor)
      VALUES (p_school, ids[i], instants[i], r.transfer_ids[i], r.merchant_account_id, 'PURCHASE',
          -takes[i], afters[i]),
        (p_school, r.merchant_account_id, instants[i], r.transfer_ids[i], ids[i], 'PURCHASE',
          takes[i], NULL);
    END IF;
  END LOOP;
  UPDATE cardholder_limit x SET spent_on = r.business_on, spent_minor = spent + r.amount_minor
   WHERE x.school_id = p_school AND x.cardholder_id = r.cardholder_id;
  RETURN a;
END $$;

-- Up to 64 requests with distinct cardholders, sorted by cardholder id. The school is set first and
-- only for this transaction. Index scans only: a plan made on a cold, un-analysed table must not
-- stay a sequential scan (measured: nine times the cost).
CREATE FUNCTION purchase_authorise(p_school int, p_purses text[], p_requests purchase_request[])
RETURNS SETOF purchase_answer LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE r purchase_request;
BEGIN
  PERFORM set_config('app.school', p_school::text, true);
  FOREACH r IN ARRAY p_requests LOOP
    RETURN NEXT purchase_authorise_one(p_school, p_purses, r);
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
