-- Cardholders (the roster), bindings, sessions, one-time codes and counters of tries.
-- Personal data of class A and B is sealed (AES-256-GCM, bound to its row); *_index columns are
-- blind indexes (HMAC-SHA-256, own key per school and column), good for equality only.

CREATE TABLE cardholder (
  school_id int NOT NULL REFERENCES school (school_id),
  id uuid NOT NULL,
  number text NOT NULL CHECK (number ~ '^[0-9A-Za-z_-]{1,32}$'),
  kind text NOT NULL CHECK (kind IN ('STUDENT', 'STAFF', 'TEMPORARY', 'VISITOR', 'ALUMNI', 'EXTERNAL')),
  status text NOT NULL CHECK (status IN ('ACTIVE', 'FROZEN', 'CLOSING', 'CLOSED')),
  campus_code text,
  name_sealed bytea NOT NULL,
  name_index bytea NOT NULL CHECK (octet_length(name_index) = 32),
  department_sealed bytea,
  id_type text,
  id_number_sealed bytea,
  id_number_index bytea CHECK (octet_length(id_number_index) = 32),
  phone_sealed bytea,
  phone_index bytea CHECK (octet_length(phone_index) = 32),
  email_sealed bytea,
  email_index bytea CHECK (octet_length(email_index) = 32),
  roster_digest bytea NOT NULL CHECK (octet_length(roster_digest) = 32),
  roster_import_id uuid NOT NULL,
  opening_minor bigint CHECK (opening_minor > 0), -- the old balance moved in, once (M-074)
  created_at timestamptz NOT NULL,
  changed_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, id),
  UNIQUE (school_id, number),
  FOREIGN KEY (school_id, campus_code) REFERENCES campus (school_id, code)
);
CREATE INDEX cardholder_phone ON cardholder (school_id, phone_index) WHERE phone_index IS NOT NULL;
CREATE INDEX cardholder_email ON cardholder (school_id, email_index) WHERE email_index IS NOT NULL;
SELECT protect('cardholder');

CREATE TABLE roster_import (
  school_id int NOT NULL REFERENCES school (school_id),
  id uuid NOT NULL,
  file_digest bytea NOT NULL CHECK (octet_length(file_digest) = 32),
  rows_read int NOT NULL,
  rows_created int NOT NULL,
  rows_changed int NOT NULL,
  rows_refused int NOT NULL,
  leavers int NOT NULL,
  opening_minor bigint NOT NULL,
  imported_by text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, id)
);
SELECT protect('roster_import');

-- (school, issuer, subject) -> cardholder. The subject is kept as a blind index only.
CREATE TABLE binding (
  school_id int NOT NULL,
  id uuid NOT NULL,
  issuer text NOT NULL,
  subject_index bytea NOT NULL CHECK (octet_length(subject_index) = 32),
  channel text NOT NULL,
  cardholder_id uuid NOT NULL,
  bound_at timestamptz NOT NULL,
  ended_at timestamptz,
  PRIMARY KEY (school_id, id),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id)
);
CREATE UNIQUE INDEX binding_subject ON binding (school_id, issuer, subject_index) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX binding_owner ON binding (school_id, channel, cardholder_id) WHERE ended_at IS NULL;
SELECT protect('binding');

-- The row is the truth about a session; a cache may hold it for at most 60 s.
CREATE TABLE session (
  school_id int NOT NULL REFERENCES school (school_id),
  id uuid NOT NULL,
  family_id uuid NOT NULL,
  token_hash bytea NOT NULL CHECK (octet_length(token_hash) = 32),
  refresh_hash bytea CHECK (octet_length(refresh_hash) = 32),
  issuer text NOT NULL,
  subject_index bytea NOT NULL CHECK (octet_length(subject_index) = 32),
  channel text NOT NULL,
  device_label text NOT NULL,
  binding_id uuid,
  cardholder_id uuid,
  staff_id uuid,
  step_up_at timestamptz,
  created_at timestamptz NOT NULL,
  last_seen_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  refresh_expires_at timestamptz,
  rotated_at timestamptz,
  revoked_at timestamptz,
  revoke_reason text,
  PRIMARY KEY (school_id, id),
  UNIQUE (school_id, token_hash),
  UNIQUE (school_id, refresh_hash),
  FOREIGN KEY (school_id, binding_id) REFERENCES binding (school_id, id),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id),
  FOREIGN KEY (school_id, staff_id) REFERENCES staff (school_id, id),
  CHECK (cardholder_id IS NULL OR staff_id IS NULL)
);
CREATE INDEX session_family ON session (school_id, family_id);
CREATE INDEX session_cardholder ON session (school_id, cardholder_id) WHERE revoked_at IS NULL;
SELECT protect('session');

CREATE TYPE session_facts AS (
  school_id int, id uuid, family_id uuid, issuer text, subject_index bytea, channel text,
  device_label text, binding_id uuid, cardholder_id uuid, staff_id uuid, step_up_at timestamptz,
  created_at timestamptz, last_seen_at timestamptz, expires_at timestamptz
);

-- The unrevoked session of an access token. A live one that was noted before p_noted_before is noted
-- as seen now: losing that in a crash harms nobody, so nobody waits for the disk, and who finds the
-- row locked leaves the note to the other. p_idle_before is when staff's sessions ended by idleness.
-- Not for use inside a unit of work: its commit would not wait for the disk either.
CREATE FUNCTION session_seen(p_school int, p_token_hash bytea, p_now timestamptz,
  p_noted_before timestamptz, p_idle_before timestamptz)
RETURNS SETOF session_facts LANGUAGE plpgsql AS $$
DECLARE seen session_facts;
BEGIN
  PERFORM set_config('app.school', p_school::text, true);
  SELECT s.school_id, s.id, s.family_id, s.issuer, s.subject_index, s.channel, s.device_label,
         s.binding_id, s.cardholder_id, s.staff_id, s.step_up_at, s.created_at, s.last_seen_at,
         s.expires_at
    INTO seen FROM session s WHERE s.school_id = p_school
     AND s.token_hash = p_token_hash AND s.revoked_at IS NULL;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  IF seen.last_seen_at <= p_noted_before AND seen.expires_at > p_now
     AND (seen.staff_id IS NULL OR seen.last_seen_at > p_idle_before) THEN
    PERFORM set_config('synchronous_commit', 'off', true);
    UPDATE session s SET last_seen_at = p_now WHERE s.school_id = p_school AND s.id = (
      SELECT x.id FROM session x WHERE x.school_id = p_school AND x.id = seen.id
         FOR NO KEY UPDATE SKIP LOCKED);
  END IF;
  RETURN NEXT seen;
END $$;
SELECT plan_by_index('session_seen');

CREATE TYPE cardholder_facts AS (
  id uuid, number text, kind text, status text, campus_code text, name_sealed bytea,
  department_sealed bytea
);

CREATE FUNCTION cardholder_of_id(p_school int, p_id uuid)
RETURNS SETOF cardholder_facts LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM set_config('app.school', p_school::text, true);
  RETURN QUERY SELECT h.id, h.number, h.kind, h.status, h.campus_code, h.name_sealed,
         h.department_sealed
    FROM cardholder h WHERE h.school_id = p_school AND h.id = p_id;
END $$;
SELECT plan_by_index('cardholder_of_id');

CREATE TABLE one_time_code (
  school_id int NOT NULL REFERENCES school (school_id),
  id uuid NOT NULL,
  purpose text NOT NULL,
  address_kind text NOT NULL CHECK (address_kind IN ('EMAIL', 'PHONE')),
  address_index bytea NOT NULL CHECK (octet_length(address_index) = 32),
  code_hash bytea NOT NULL CHECK (octet_length(code_hash) = 32),
  tries int NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  PRIMARY KEY (school_id, id)
);
CREATE INDEX one_time_code_address ON one_time_code (school_id, address_index, created_at);
SELECT protect('one_time_code');

-- Tries are counted in a committed statement of their own before any comparison (security.md 4).
-- window_start is the epoch of the counting window in seconds; 0 = for ever, until reset.
CREATE TABLE attempt_counter (
  school_id int NOT NULL REFERENCES school (school_id),
  kind text NOT NULL,
  key_hash bytea NOT NULL CHECK (octet_length(key_hash) = 32),
  window_start bigint NOT NULL,
  tries int NOT NULL CHECK (tries >= 0),
  PRIMARY KEY (school_id, kind, key_hash, window_start)
);
SELECT protect('attempt_counter');

-- One row per (keyed PIN, tried number) of a day: many numbers under one PIN is a spray.
CREATE TABLE pin_spray (
  school_id int NOT NULL REFERENCES school (school_id),
  window_start bigint NOT NULL,
  pin_mac bytea NOT NULL CHECK (octet_length(pin_mac) = 32),
  number_hash bytea NOT NULL CHECK (octet_length(number_hash) = 32),
  PRIMARY KEY (school_id, window_start, pin_mac, number_hash)
);
SELECT protect('pin_spray');
