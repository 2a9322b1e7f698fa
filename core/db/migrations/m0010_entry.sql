-- Doors and who passes them: gates, libraries, buses, dormitories, classrooms, attendance.

-- Anti-passback is a zone's, not a door's: who came in by one door is inside for all of them.
CREATE TABLE entry_zone (
  school_id int NOT NULL REFERENCES school (school_id),
  name text NOT NULL CHECK (name ~ '^[a-z][a-z0-9-]{0,31}$'),
  passback text NOT NULL CHECK (passback IN ('OFF', 'SOFT', 'HARD')),
  PRIMARY KEY (school_id, name)
);
SELECT protect('entry_zone');

-- A pair is an entry profile (0 to 255) times 16 plus a group bit (0 to 15). Hours are those of the
-- school's own day; a door that closes before it opens is open over midnight.
CREATE TABLE door (
  school_id int NOT NULL,
  terminal_no bigint NOT NULL,
  number int NOT NULL CHECK (number BETWEEN 1 AND 32),
  name_zh text NOT NULL,
  name_en text NOT NULL,
  zone text NOT NULL,
  scene text NOT NULL CHECK (scene IN ('GATE', 'LIBRARY', 'BUS', 'DORMITORY', 'CLASSROOM', 'ATTENDANCE')),
  common boolean NOT NULL,
  pairs int[] NOT NULL CHECK (cardinality(pairs) <= 64 AND 0 <= ALL (pairs) AND 4095 >= ALL (pairs)),
  opens_at time,
  closes_at time,
  opens_on_lost_clock boolean NOT NULL,
  changed_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, terminal_no, number),
  FOREIGN KEY (school_id, terminal_no) REFERENCES terminal (school_id, terminal_no),
  FOREIGN KEY (school_id, zone) REFERENCES entry_zone (school_id, name),
  CHECK ((opens_at IS NULL) = (closes_at IS NULL) AND opens_at <> closes_at)
);
SELECT protect('door');

-- Which door groups of a profile a cardholder may open, whatever they present.
CREATE TABLE entry_right (
  school_id int NOT NULL,
  cardholder_id uuid NOT NULL,
  profile int NOT NULL CHECK (profile BETWEEN 0 AND 255),
  mask int NOT NULL CHECK (mask BETWEEN 0 AND 65535),
  changed_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, cardholder_id, profile),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id)
);
SELECT protect('entry_right');

-- Where a cardholder was last seen to go.
CREATE TABLE zone_presence (
  school_id int NOT NULL,
  zone text NOT NULL,
  cardholder_id uuid NOT NULL,
  inside boolean NOT NULL,
  moved_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, cardholder_id, zone),
  FOREIGN KEY (school_id, zone) REFERENCES entry_zone (school_id, name),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id)
);
CREATE INDEX zone_presence_age ON zone_presence (school_id, moved_at);
SELECT protect('zone_presence');

-- One row per key of a door's question: the answer, never changed. It tells where somebody was, so
-- it goes with the passages.
CREATE TABLE entry_answer (
  school_id int NOT NULL,
  terminal_no bigint NOT NULL,
  batch_no int NOT NULL CHECK (batch_no BETWEEN 1 AND 999999),
  seq_no int NOT NULL CHECK (seq_no BETWEEN 1 AND 999999),
  content_hash bytea NOT NULL CHECK (octet_length(content_hash) = 32),
  outcome text NOT NULL CHECK (outcome IN ('GRANTED', 'DENIED')),
  response_code text NOT NULL CHECK (response_code ~ '^[0-9A-Z]{2}$'),
  reason text,
  scene text,
  cardholder_id uuid,
  available_minor bigint,
  answer_kid int NOT NULL,
  answered_at timestamptz NOT NULL,
  signed_answer text NOT NULL,
  PRIMARY KEY (school_id, terminal_no, batch_no, seq_no),
  FOREIGN KEY (school_id, terminal_no) REFERENCES terminal (school_id, terminal_no),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id),
  CHECK ((outcome = 'GRANTED') = (response_code = '00')),
  CHECK (outcome = 'DENIED' OR cardholder_id IS NOT NULL AND scene IS NOT NULL)
);
CREATE INDEX entry_answer_age ON entry_answer (school_id, answered_at);
SELECT protect('entry_answer');

-- One passing of one person. A code opens one door once: (school, replay key) is unique.
CREATE TABLE passage (
  school_id int NOT NULL,
  id uuid NOT NULL,
  terminal_no bigint NOT NULL,
  batch_no int NOT NULL,
  seq_no int NOT NULL,
  door_no int NOT NULL,
  zone text NOT NULL,
  scene text NOT NULL,
  direction text NOT NULL CHECK (direction IN ('IN', 'OUT', 'NONE')),
  cardholder_id uuid NOT NULL,
  card_id uuid NOT NULL,
  serial bytea,
  instrument text NOT NULL,
  replay_key bytea CHECK (octet_length(replay_key) BETWEEN 14 AND 22),
  offline boolean NOT NULL,
  flags text[] NOT NULL CHECK (flags <@ ARRAY['LATE', 'AFTER_REPORT', 'PASSBACK', 'OVERRODE_DECLINE']),
  passed_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, id),
  UNIQUE (school_id, replay_key),
  UNIQUE (school_id, terminal_no, batch_no, seq_no),
  FOREIGN KEY (school_id, terminal_no, door_no) REFERENCES door (school_id, terminal_no, number),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id),
  FOREIGN KEY (school_id, card_id) REFERENCES card (school_id, id),
  CHECK (instrument = 'CARD' OR replay_key IS NOT NULL)
);
CREATE INDEX passage_cardholder ON passage (school_id, cardholder_id, passed_at, id);
CREATE INDEX passage_age ON passage (school_id, passed_at);
SELECT protect('passage');

-- What was said of each event that a gate took offline; said again when it is sent again.
CREATE TABLE entry_event (
  school_id int NOT NULL,
  terminal_no bigint NOT NULL,
  batch_no int NOT NULL CHECK (batch_no BETWEEN 1 AND 999999),
  seq_no int NOT NULL CHECK (seq_no BETWEEN 1 AND 999999),
  content_hash bytea NOT NULL CHECK (octet_length(content_hash) = 32),
  record_hash bytea NOT NULL CHECK (octet_length(record_hash) = 32),
  verdict text NOT NULL CHECK (verdict IN ('ACCEPTED', 'DUPLICATE', 'SUSPECT', 'REJECTED')),
  reason text,
  flags text[] NOT NULL,
  cardholder_id uuid,
  judged_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, terminal_no, batch_no, seq_no),
  FOREIGN KEY (school_id, terminal_no) REFERENCES terminal (school_id, terminal_no),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id),
  CHECK ((verdict = 'ACCEPTED') = (reason IS NULL))
);
CREATE INDEX entry_event_age ON entry_event (school_id, judged_at);
SELECT protect('entry_event');

CREATE TYPE passage_line AS (
  id uuid, passed_at timestamptz, direction text, scene text, offline boolean, name_zh text,
  name_en text
);

-- The passages of a cardholder before a place, newest first, with the doors' names.
CREATE FUNCTION passage_lines(p_school int, p_cardholder uuid, p_before timestamptz,
  p_before_id uuid, p_limit int)
RETURNS SETOF passage_line LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM set_config('app.school', p_school::text, true);
  RETURN QUERY
  SELECT x.id, x.passed_at, x.direction, x.scene, x.offline, d.name_zh, d.name_en
    FROM (SELECT p.* FROM passage p WHERE p.school_id = p_school
             AND p.cardholder_id = p_cardholder AND (p.passed_at, p.id) < (p_before, p_before_id)
           ORDER BY p.passed_at DESC, p.id DESC LIMIT p_limit) x
    JOIN door d ON d.school_id = p_school AND d.terminal_no = x.terminal_no
               AND d.number = x.door_no
   ORDER BY x.passed_at DESC, x.id DESC;
END $$;
SELECT plan_by_index('passage_lines');

GRANT SELECT, INSERT ON entry_zone, door, entry_right, zone_presence, entry_answer, passage,
  entry_event TO campus_app;
GRANT UPDATE (passback) ON entry_zone TO campus_app;
GRANT UPDATE (name_zh, name_en, zone, scene, common, pairs, opens_at, closes_at,
  opens_on_lost_clock, changed_at) ON door TO campus_app;
GRANT UPDATE (mask, changed_at) ON entry_right TO campus_app;
GRANT UPDATE (inside, moved_at) ON zone_presence TO campus_app;
GRANT DELETE ON zone_presence, entry_answer, passage, entry_event TO campus_app;
GRANT EXECUTE ON FUNCTION passage_lines(int, uuid, timestamptz, uuid, int) TO campus_app;
