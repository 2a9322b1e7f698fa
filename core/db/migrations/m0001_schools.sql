-- Schools, their policy, merchants, terminals and staff.
-- Every key leads with school_id, so the same tables run on one server or distributed by school;
-- composite foreign keys also stop a row of one school from pointing at another's, which row
-- security alone does not (PostgreSQL checks foreign keys as the owner).

-- Row security, one shape for every table: no school set means no rows.
CREATE FUNCTION protect(relation regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', relation);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', relation);
  EXECUTE format(
    'CREATE POLICY own_school ON %s USING (school_id = nullif(current_setting(''app.school'', true), '''')::int)'
    ' WITH CHECK (school_id = nullif(current_setting(''app.school'', true), '''')::int)', relation);
END $$;

-- What a function needs that reads outside a unit of work: its first line sets the school, in the
-- statement's own transaction, and its plan is generic and made of index scans, also if it was made
-- while the tables were cold or not analysed yet.
CREATE FUNCTION plan_by_index(reader regproc) RETURNS void LANGUAGE plpgsql AS $$
DECLARE setting text;
BEGIN
  FOREACH setting IN ARRAY ARRAY['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin', 'enable_material', 'enable_memoize', 'jit'] LOOP
    EXECUTE format('ALTER FUNCTION %s SET %I = off', reader, setting);
  END LOOP;
  EXECUTE format('ALTER FUNCTION %s SET plan_cache_mode = force_generic_plan', reader);
END $$;

CREATE TABLE school (
  school_id int PRIMARY KEY CHECK (school_id BETWEEN 0 AND 65535),
  code text NOT NULL UNIQUE CHECK (code ~ '^[a-z][a-z0-9-]{0,31}$'),
  name_zh text NOT NULL,
  name_en text NOT NULL,
  default_language text NOT NULL CHECK (default_language IN ('zh', 'en')),
  created_at timestamptz NOT NULL
);
-- The list of schools is public (a holder chooses one before any login); writing is not.
ALTER TABLE school ENABLE ROW LEVEL SECURITY;
ALTER TABLE school FORCE ROW LEVEL SECURITY;
CREATE POLICY public_list ON school FOR SELECT USING (true);
CREATE POLICY own_school ON school
  USING (school_id = nullif(current_setting('app.school', true), '')::int)
  WITH CHECK (school_id = nullif(current_setting('app.school', true), '')::int);

CREATE TABLE campus (
  school_id int NOT NULL REFERENCES school (school_id),
  code text NOT NULL,
  name_zh text NOT NULL,
  name_en text NOT NULL,
  PRIMARY KEY (school_id, code)
);
SELECT protect('campus');

CREATE TABLE policy_version (
  school_id int NOT NULL REFERENCES school (school_id),
  version int NOT NULL CHECK (version >= 1),
  source text NOT NULL,
  digest bytea NOT NULL CHECK (octet_length(digest) = 32),
  created_by text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, version)
);
SELECT protect('policy_version');

CREATE TABLE merchant (
  school_id int NOT NULL REFERENCES school (school_id),
  id uuid NOT NULL,
  number int NOT NULL CHECK (number >= 1),
  name_zh text NOT NULL,
  name_en text NOT NULL,
  active boolean NOT NULL DEFAULT true,
  account_id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, id),
  UNIQUE (school_id, number),
  UNIQUE (school_id, account_id)
);
SELECT protect('merchant');

CREATE TABLE site (
  school_id int NOT NULL REFERENCES school (school_id),
  number int NOT NULL CHECK (number BETWEEN 0 AND 15),
  name_zh text NOT NULL,
  name_en text NOT NULL,
  PRIMARY KEY (school_id, number)
);
SELECT protect('site');

CREATE TABLE terminal (
  school_id int NOT NULL,
  terminal_no bigint NOT NULL CHECK (terminal_no BETWEEN 1 AND 4294967295),
  merchant_id uuid NOT NULL,
  site_number int NOT NULL,
  state text NOT NULL CHECK (state IN ('NEW', 'PENDING', 'ACTIVE', 'LOCKED', 'RETIRED')),
  device_class text NOT NULL CHECK (device_class IN ('TILL', 'GATE', 'METER', 'KIOSK')),
  scenes text[] NOT NULL,
  model text,
  serial_number text,
  created_at timestamptz NOT NULL,
  last_seen_at timestamptz,
  PRIMARY KEY (school_id, terminal_no),
  FOREIGN KEY (school_id, merchant_id) REFERENCES merchant (school_id, id),
  FOREIGN KEY (school_id, site_number) REFERENCES site (school_id, number)
);
SELECT protect('terminal');

CREATE TABLE terminal_key (
  school_id int NOT NULL,
  terminal_no bigint NOT NULL,
  key_no int NOT NULL CHECK (key_no BETWEEN 1 AND 255),
  public_key bytea NOT NULL CHECK (octet_length(public_key) = 32),
  valid_from timestamptz NOT NULL,
  valid_until timestamptz,
  PRIMARY KEY (school_id, terminal_no, key_no),
  FOREIGN KEY (school_id, terminal_no) REFERENCES terminal (school_id, terminal_no)
);
SELECT protect('terminal_key');

-- What a school signed for its terminals, to the byte. A version is never changed: the next is added.
CREATE TABLE signed_document (
  school_id int NOT NULL REFERENCES school (school_id),
  kind int NOT NULL CHECK (kind BETWEEN 1 AND 4),
  version bigint NOT NULL CHECK (version BETWEEN 1 AND 4294967295),
  kid int NOT NULL CHECK (kid BETWEEN 1 AND 255),
  content bytea NOT NULL,
  signature bytea NOT NULL CHECK (octet_length(signature) = 64),
  published_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, kind, version)
);
SELECT protect('signed_document');

CREATE TABLE activation_code (
  school_id int NOT NULL,
  code_hash bytea NOT NULL CHECK (octet_length(code_hash) = 32),
  terminal_no bigint NOT NULL,
  tries int NOT NULL DEFAULT 0,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, code_hash),
  FOREIGN KEY (school_id, terminal_no) REFERENCES terminal (school_id, terminal_no)
);
SELECT protect('activation_code');

CREATE TABLE staff (
  school_id int NOT NULL REFERENCES school (school_id),
  id uuid NOT NULL,
  login text NOT NULL,
  display_name text NOT NULL,
  password_hash text NOT NULL,
  totp_sealed bytea NOT NULL,
  totp_last_step bigint NOT NULL DEFAULT 0,
  roles text[] NOT NULL,
  cardholder_number text,
  active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, id),
  UNIQUE (school_id, login)
);
SELECT protect('staff');

-- Four eyes is a row: the exact act by its hash, who asked, who agreed, run once.
CREATE TABLE four_eyes_request (
  school_id int NOT NULL,
  id uuid NOT NULL,
  act text NOT NULL,
  content jsonb NOT NULL,
  content_hash bytea NOT NULL CHECK (octet_length(content_hash) = 32),
  requester_id uuid NOT NULL,
  approver_id uuid,
  state text NOT NULL CHECK (state IN ('OPEN', 'EXECUTED', 'REFUSED')),
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  decided_at timestamptz,
  PRIMARY KEY (school_id, id),
  FOREIGN KEY (school_id, requester_id) REFERENCES staff (school_id, id),
  FOREIGN KEY (school_id, approver_id) REFERENCES staff (school_id, id),
  CHECK (requester_id <> approver_id),
  CHECK ((state = 'OPEN') = (decided_at IS NULL)),
  CHECK (state <> 'EXECUTED' OR approver_id IS NOT NULL)
);
SELECT protect('four_eyes_request');

-- Who did what to whose card. The app's role may only insert and read.
CREATE TABLE audit_event (
  school_id int NOT NULL REFERENCES school (school_id),
  id uuid NOT NULL,
  occurred_at timestamptz NOT NULL,
  actor_kind text NOT NULL CHECK (actor_kind IN ('CARDHOLDER', 'STAFF', 'TERMINAL', 'SYSTEM', 'OPERATOR')),
  actor_id text NOT NULL,
  act text NOT NULL,
  subject text NOT NULL,
  reason text NOT NULL,
  facts jsonb NOT NULL,
  key_id int NOT NULL CHECK (key_id >= 1),
  mac bytea NOT NULL CHECK (octet_length(mac) = 32),
  PRIMARY KEY (school_id, id)
);
SELECT protect('audit_event');

-- Intents for the world outside, written in the transaction that decided them.
CREATE TABLE outbox (
  school_id int NOT NULL REFERENCES school (school_id),
  id uuid NOT NULL,
  kind text NOT NULL,
  payload jsonb NOT NULL,
  tries int NOT NULL DEFAULT 0,
  due_at timestamptz NOT NULL,
  leased_until timestamptz,
  done_at timestamptz,
  last_error text,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, id)
);
CREATE INDEX outbox_due ON outbox (school_id, due_at) WHERE done_at IS NULL;
SELECT protect('outbox');

-- Answers to holders' and staff's money requests, kept with the money itself.
CREATE TABLE idempotency (
  school_id int NOT NULL REFERENCES school (school_id),
  scope text NOT NULL,
  key text NOT NULL,
  content_hash bytea NOT NULL CHECK (octet_length(content_hash) = 32),
  answer jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, scope, key)
);
SELECT protect('idempotency');
