-- Doors as fast as tills, doors that decide alone, and one use of each key.
--
-- Doors as fast as tills: one round trip decides and keeps up to 64 entries of one school.
--
-- SQL decides only what depends on rows under lock: key seen, status, code spent, rights, whereabouts.
-- Signatures, kinds and hours arrive decided; time, ids and the signed grant arrive as parameters.
-- What is decided is `core.entry.decision.entry_code`: the same histories are played on both.
--
-- Lock order: cardholder rows by id, then unique keys, as for everything that moves somebody.

-- A refusal is signed right after its commit, as a purchase's is; the first signature stands.
ALTER TABLE entry_answer ALTER COLUMN signed_answer DROP NOT NULL;
ALTER TABLE entry_answer ADD CONSTRAINT entry_answer_grant_is_signed
  CHECK (outcome = 'DENIED' OR signed_answer IS NOT NULL);
GRANT UPDATE (signed_answer) ON entry_answer TO campus_app;

-- `profile` and `mask` are those of an entry pass, null for everything else; `pairs` as in `door`.
CREATE TYPE entry_request AS (
  terminal_no bigint, batch_no int, seq_no int, content_hash bytea, cardholder_id uuid, card_id uuid,
  device_id uuid, instrument text, serial bytea, replay_key bytea, profile int, mask int, door_no int,
  zone text, scene text, passback text, common boolean, pairs int[], is_open boolean, direction text,
  available_minor bigint, answer_kid int, answered_at timestamptz, passage_id uuid,
  signed_answer text
);

-- verdict: NEW (decided now), REPEATED (the stored answer), CONFLICT (the key holds other content).
CREATE TYPE entry_reply AS (
  terminal_no bigint, batch_no int, seq_no int, verdict text, outcome text, response_code text,
  reason text, scene text, cardholder_id uuid, available_minor bigint, answer_kid int,
  answered_at timestamptz, signed_answer text
);

-- The stored answer of a door's key; a key without one is here only because something else has it.
CREATE FUNCTION stored_entry(p_school int, p_terminal bigint, p_batch int, p_seq int, p_hash bytea)
RETURNS entry_reply LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE a entry_reply;
BEGIN
  SELECT x.terminal_no, x.batch_no, x.seq_no,
         CASE WHEN x.content_hash = p_hash THEN 'REPEATED' ELSE 'CONFLICT' END,
         x.outcome, x.response_code, x.reason, x.scene, x.cardholder_id, x.available_minor,
         x.answer_kid, x.answered_at, x.signed_answer
    INTO a
    FROM entry_answer x
   WHERE x.school_id = p_school AND x.terminal_no = p_terminal AND x.batch_no = p_batch
     AND x.seq_no = p_seq;
  IF a.verdict IS NULL THEN
    a.terminal_no := p_terminal; a.batch_no := p_batch; a.seq_no := p_seq; a.verdict := 'CONFLICT';
  END IF;
  RETURN a;
END $$;

-- Whether a key was used for money: a request with its answer, or a record taken offline.
CREATE FUNCTION is_moneys_key(p_school int, p_terminal bigint, p_batch int, p_seq int)
RETURNS boolean LANGUAGE sql AS $$
  SELECT EXISTS (SELECT 1 FROM terminal_answer x WHERE x.school_id = p_school
     AND x.terminal_no = p_terminal AND x.batch_no = p_batch AND x.seq_no = p_seq)
      OR EXISTS (SELECT 1 FROM offline_item x WHERE x.school_id = p_school
     AND x.terminal_no = p_terminal AND x.batch_no = p_batch AND x.seq_no = p_seq)
$$;

-- Up to 64 questions about distinct cardholders, decided and kept as sets. Plans are generic and by
-- index, for the reasons given at `purchase_authorise`.
CREATE FUNCTION entry_decide(p_school int, p_requests entry_request[])
RETURNS SETOF entry_reply LANGUAGE plpgsql AS $$
DECLARE
  one record;
BEGIN
  PERFORM set_config('app.school', p_school::text, true);
  PERFORM FROM unnest(p_requests) r
    JOIN cardholder h ON h.school_id = p_school AND h.id = r.cardholder_id
   ORDER BY r.cardholder_id
     FOR NO KEY UPDATE OF h;
  -- A fresh snapshot, taken under the locks: what the transactions before us committed is in it.
  FOR one IN
    WITH asked AS MATERIALIZED (
      SELECT * FROM unnest(p_requests) WITH ORDINALITY
    ),
    -- Everything the decision depends on; `has_passed`: the gate let them in offline and told so.
    seen AS MATERIALIZED (
      SELECT r.*,
             e.content_hash IS NOT DISTINCT FROM r.content_hash AND e.verdict = 'ACCEPTED'
               AS has_passed,
             e.content_hash <> r.content_hash
               OR m.seq_no IS NOT NULL OR o.seq_no IS NOT NULL AS is_conflict,
             coalesce(r.direction = 'IN' AND x.inside AND x.moved_at <= r.answered_at
               AND r.answered_at < x.moved_at + interval '24 hours', false) AS comes_twice,
             h.status, c.state,
             p.revoked_at IS NOT NULL OR d.revoked_at IS NOT NULL OR c.lost_at IS NOT NULL
               AS is_revoked,
             u.replay_key IS NOT NULL AS is_used
        FROM asked r
        JOIN cardholder h ON h.school_id = p_school AND h.id = r.cardholder_id
        JOIN card c ON c.school_id = p_school AND c.id = r.card_id
        LEFT JOIN code_pass p ON p.school_id = p_school AND p.serial = r.serial
        LEFT JOIN code_device d ON d.school_id = p_school AND d.id = r.device_id
        LEFT JOIN passage u ON u.school_id = p_school AND u.replay_key = r.replay_key
        LEFT JOIN zone_presence x ON x.school_id = p_school AND x.cardholder_id = r.cardholder_id
                                 AND x.zone = r.zone
        LEFT JOIN entry_event e ON e.school_id = p_school AND e.terminal_no = r.terminal_no
                               AND e.batch_no = r.batch_no AND e.seq_no = r.seq_no
        LEFT JOIN terminal_answer m ON m.school_id = p_school AND m.terminal_no = r.terminal_no
                                   AND m.batch_no = r.batch_no AND m.seq_no = r.seq_no
        LEFT JOIN offline_item o ON o.school_id = p_school AND o.terminal_no = r.terminal_no
                                AND o.batch_no = r.batch_no AND o.seq_no = r.seq_no
    ), decided AS MATERIALIZED (
      SELECT s.*, CASE
               WHEN s.has_passed THEN '00'
               WHEN s.status = 'FROZEN' THEN '62'
               WHEN s.status = 'CLOSED' THEN '46'
               WHEN s.state = 'LOST' THEN '41'
               WHEN s.state <> 'ACTIVE' THEN '54'
               WHEN s.is_revoked THEN 'C3'
               WHEN s.is_used THEN 'C1'
               WHEN NOT CASE
                 WHEN s.profile IS NOT NULL THEN EXISTS (SELECT FROM unnest(s.pairs) q
                   WHERE q >> 4 = s.profile AND s.mask >> (q & 15) & 1 = 1)
                 WHEN s.common THEN true
                 ELSE EXISTS (SELECT FROM unnest(s.pairs) q
                   JOIN entry_right g ON g.school_id = p_school
                    AND g.cardholder_id = s.cardholder_id AND g.profile = q >> 4
                    AND g.mask >> (q & 15) & 1 = 1)
                 END THEN 'E0'
               WHEN NOT s.is_open THEN 'E2'
               WHEN s.passback = 'HARD' AND s.comes_twice THEN 'E1'
               ELSE '00'
             END AS code
        FROM seen s
    ),
    -- The key is taken. One that holds an answer keeps it, and nothing below happens for it.
    answered AS MATERIALIZED (
      INSERT INTO entry_answer (school_id, terminal_no, batch_no, seq_no, content_hash, outcome,
          response_code, reason, scene, cardholder_id, available_minor, answer_kid, answered_at,
          signed_answer)
      SELECT p_school, s.terminal_no, s.batch_no, s.seq_no, s.content_hash,
          CASE s.code WHEN '00' THEN 'GRANTED' ELSE 'DENIED' END, s.code,
          CASE s.code WHEN 'C1' THEN 'CODE_USED' WHEN 'C3' THEN 'REVOKED'
               WHEN 'E0' THEN 'DOOR_NOT_ALLOWED' WHEN 'E1' THEN 'PASSBACK'
               WHEN 'E2' THEN 'OUT_OF_HOURS' END,
          s.scene, s.cardholder_id, s.available_minor, s.answer_kid, s.answered_at,
          CASE s.code WHEN '00' THEN s.signed_answer END
        FROM decided s WHERE s.is_conflict IS NOT TRUE
      ON CONFLICT DO NOTHING
      RETURNING seq_no, batch_no, terminal_no, cardholder_id, outcome, response_code, reason,
          scene, available_minor, answer_kid, answered_at, signed_answer
    ),
    -- Two people may come under one key in one batch: the cardholder says whose answer was stored.
    passing AS MATERIALIZED (
      SELECT s.* FROM decided s JOIN answered USING (seq_no, batch_no, terminal_no, cardholder_id)
       WHERE s.code = '00' AND NOT s.has_passed
    ), passed AS (
      INSERT INTO passage (school_id, id, terminal_no, batch_no, seq_no, door_no, zone, scene,
          direction, cardholder_id, card_id, serial, instrument, replay_key, offline, flags,
          passed_at, recorded_at)
      SELECT p_school, s.passage_id, s.terminal_no, s.batch_no, s.seq_no, s.door_no, s.zone, s.scene,
          s.direction, s.cardholder_id, s.card_id, s.serial, s.instrument, s.replay_key, false,
          CASE WHEN s.passback <> 'OFF' AND s.comes_twice THEN ARRAY['PASSBACK']
               ELSE ARRAY[]::text[] END,
          s.answered_at, s.answered_at
        FROM passing s
      ON CONFLICT DO NOTHING
      RETURNING id
    ), moved AS (
      -- What happened later and came earlier stands.
      INSERT INTO zone_presence (school_id, zone, cardholder_id, inside, moved_at)
      SELECT p_school, s.zone, s.cardholder_id, s.direction = 'IN', s.answered_at
        FROM passing s WHERE s.direction <> 'NONE'
      ON CONFLICT (school_id, cardholder_id, zone)
      DO UPDATE SET inside = excluded.inside, moved_at = excluded.moved_at
      WHERE zone_presence.school_id = p_school AND zone_presence.moved_at <= excluded.moved_at
    )
    SELECT s.terminal_no, s.batch_no, s.seq_no, s.content_hash, k.seq_no IS NOT NULL AS is_new,
           k.outcome = 'GRANTED' AND NOT s.has_passed AND w.id IS NULL AS is_overtaken,
           (k.terminal_no, k.batch_no, k.seq_no, 'NEW', k.outcome, k.response_code, k.reason,
            k.scene, k.cardholder_id, k.available_minor, k.answer_kid, k.answered_at,
            k.signed_answer)::entry_reply AS answer
      FROM decided s
      LEFT JOIN answered k USING (seq_no, batch_no, terminal_no, cardholder_id)
      LEFT JOIN passed w ON w.id = s.passage_id
     ORDER BY s.ordinality
  LOOP
    IF NOT one.is_new THEN
      -- Read in a newer snapshot: whoever took the key may have committed after ours.
      RETURN NEXT stored_entry(p_school, one.terminal_no, one.batch_no, one.seq_no, one.content_hash);
    ELSIF one.is_overtaken THEN
      -- At this very moment the code opened another door: asked again, it is a used one.
      RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE = 'code or key just used';
    ELSE
      RETURN NEXT one.answer;
    END IF;
  END LOOP;
END $$;
SELECT plan_by_index('entry_decide');

-- Stores a refusal that was decided before the rows were read, or repeats what the key holds.
CREATE FUNCTION entry_refuse(p_school int, p_terminal bigint, p_batch int, p_seq int, p_hash bytea,
    p_code text, p_reason text, p_scene text, p_cardholder uuid, p_kid int, p_at timestamptz,
    p_signed text)
RETURNS entry_reply LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
  PERFORM set_config('app.school', p_school::text, true);
  IF NOT is_moneys_key(p_school, p_terminal, p_batch, p_seq) THEN
    INSERT INTO entry_answer (school_id, terminal_no, batch_no, seq_no, content_hash, outcome,
        response_code, reason, scene, cardholder_id, answer_kid, answered_at, signed_answer)
    VALUES (p_school, p_terminal, p_batch, p_seq, p_hash, 'DENIED', p_code, p_reason, p_scene,
        p_cardholder, p_kid, p_at, p_signed)
    ON CONFLICT DO NOTHING;
    IF FOUND THEN
      RETURN ROW(p_terminal, p_batch, p_seq, 'NEW', 'DENIED', p_code, p_reason, p_scene, p_cardholder,
          NULL::bigint, p_kid, p_at, p_signed)::entry_reply;
    END IF;
  END IF;
  RETURN stored_entry(p_school, p_terminal, p_batch, p_seq, p_hash);
END $$;

-- Fills in the signature of a stored refusal that has none; the first one stands.
CREATE FUNCTION entry_sign(p_school int, p_terminal bigint, p_batch int, p_seq int, p_signed text)
RETURNS text LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE kept text;
BEGIN
  PERFORM set_config('app.school', p_school::text, true);
  UPDATE entry_answer x SET signed_answer = coalesce(x.signed_answer, p_signed)
   WHERE x.school_id = p_school AND x.terminal_no = p_terminal AND x.batch_no = p_batch
     AND x.seq_no = p_seq
  RETURNING x.signed_answer INTO kept;
  RETURN kept;
END $$;

-- One key, one use: what a door was answered is never paid for. A request of money under a door's key
-- is kept out here, whatever statement brings it, and then told CONFLICT instead of an answer.
CREATE FUNCTION is_doors_key(p_school int, p_terminal bigint, p_batch int, p_seq int)
RETURNS boolean LANGUAGE sql AS $$
  SELECT EXISTS (SELECT 1 FROM entry_answer x WHERE x.school_id = p_school
     AND x.terminal_no = p_terminal AND x.batch_no = p_batch AND x.seq_no = p_seq)
      OR EXISTS (SELECT 1 FROM entry_event x WHERE x.school_id = p_school
     AND x.terminal_no = p_terminal AND x.batch_no = p_batch AND x.seq_no = p_seq)
$$;

CREATE FUNCTION keep_doors_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF is_doors_key(NEW.school_id, NEW.terminal_no, NEW.batch_no, NEW.seq_no) THEN
    RETURN NULL;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER doors_keys BEFORE INSERT ON terminal_answer
  FOR EACH ROW EXECUTE FUNCTION keep_doors_keys();

CREATE OR REPLACE FUNCTION stored_answer(p_school int, p_terminal bigint, p_batch int, p_seq int,
    p_hash bytea)
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
  IF a.verdict IS NULL AND is_doors_key(p_school, p_terminal, p_batch, p_seq) THEN
    a.terminal_no := p_terminal; a.batch_no := p_batch; a.seq_no := p_seq; a.verdict := 'CONFLICT';
  END IF;
  RETURN a;
END $$;

-- What a gate without a network knows of physical cards (terminals.md 8, kind 4). A version for each
-- change of the list; `salt` is the school's, so that chips are not told from school to school.
CREATE TABLE rights_list (
  school_id int NOT NULL REFERENCES school (school_id),
  version bigint NOT NULL CHECK (version BETWEEN 0 AND 4294967295),
  salt bytea NOT NULL CHECK (octet_length(salt) = 16),
  changed_at timestamptz NOT NULL,
  PRIMARY KEY (school_id)
);
SELECT protect('rights_list');

-- name: the first 8 bytes of SHA-256(salt || chip number). A mask that is null left the list.
CREATE TABLE rights_entry (
  school_id int NOT NULL REFERENCES school (school_id),
  name bytea NOT NULL CHECK (octet_length(name) = 8),
  profile int NOT NULL CHECK (profile BETWEEN 0 AND 255),
  mask int CHECK (mask BETWEEN 0 AND 65535),
  version bigint NOT NULL,
  PRIMARY KEY (school_id, name, profile)
);
CREATE INDEX rights_entry_version ON rights_entry (school_id, version);
SELECT protect('rights_entry');
GRANT SELECT, INSERT ON rights_list, rights_entry TO campus_app;
GRANT UPDATE (version, changed_at) ON rights_list TO campus_app;
GRANT UPDATE (mask, version) ON rights_entry TO campus_app;

GRANT EXECUTE ON FUNCTION stored_entry(int, bigint, int, int, bytea),
  is_moneys_key(int, bigint, int, int), is_doors_key(int, bigint, int, int),
  entry_decide(int, entry_request[]),
  entry_refuse(int, bigint, int, int, bytea, text, text, text, uuid, int, timestamptz, text),
  entry_sign(int, bigint, int, int, text) TO campus_app;
