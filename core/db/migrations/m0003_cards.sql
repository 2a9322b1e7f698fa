-- Physical and virtual cards, PIN, limits, code devices, passes and aliases.

CREATE TABLE card (
  school_id int NOT NULL,
  id uuid NOT NULL,
  cardholder_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('PHYSICAL', 'VIRTUAL')),
  state text NOT NULL CHECK (state IN ('NOT_OPENED', 'ACTIVE', 'LOST', 'REPLACED', 'CLOSED')),
  uid text CHECK (uid ~ '^[0-9A-F]{8,20}$'),
  issued_at timestamptz NOT NULL,
  opened_at timestamptz,
  lost_at timestamptz,
  changed_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, id),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id),
  CHECK ((kind = 'PHYSICAL') = (uid IS NOT NULL)),
  CHECK (state <> 'NOT_OPENED' OR kind = 'VIRTUAL')
);
CREATE UNIQUE INDEX card_uid ON card (school_id, uid) WHERE uid IS NOT NULL AND state NOT IN ('REPLACED', 'CLOSED');
CREATE UNIQUE INDEX card_one_of_kind ON card (school_id, cardholder_id, kind) WHERE state NOT IN ('REPLACED', 'CLOSED');
SELECT protect('card');

-- The cards of a cardholder that are neither replaced nor closed, at most one of each kind.
CREATE FUNCTION live_cards(p_school int, p_cardholder uuid)
RETURNS SETOF card LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM set_config('app.school', p_school::text, true);
  RETURN QUERY SELECT c.* FROM card c WHERE c.school_id = p_school
     AND c.cardholder_id = p_cardholder AND c.state NOT IN ('REPLACED', 'CLOSED');
END $$;
SELECT plan_by_index('live_cards');

CREATE TABLE pin (
  school_id int NOT NULL,
  cardholder_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('PAY', 'QUERY', 'CARD')),
  state text NOT NULL CHECK (state IN ('NONE', 'DEFAULT', 'SET', 'LOCKED')),
  hash text,
  pepper_kid int,
  tries int NOT NULL DEFAULT 0 CHECK (tries >= 0),
  changed_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, cardholder_id, kind),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id),
  CHECK (state <> 'SET' OR hash IS NOT NULL)
);
SELECT protect('pin');

-- The row every movement of a cardholder's money locks first, with the day's spending beside the
-- limits it is compared with. NULL limits mean the school's policy.
CREATE TABLE cardholder_limit (
  school_id int NOT NULL,
  cardholder_id uuid NOT NULL,
  single_minor bigint CHECK (single_minor >= 0),
  daily_minor bigint CHECK (daily_minor >= 0),
  spent_on date,
  spent_minor bigint NOT NULL DEFAULT 0 CHECK (spent_minor >= 0),
  PRIMARY KEY (school_id, cardholder_id),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id)
) WITH (fillfactor = 50);
SELECT protect('cardholder_limit');

CREATE FUNCTION cardholder_spending(p_school int, p_cardholder uuid)
RETURNS SETOF cardholder_limit LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM set_config('app.school', p_school::text, true);
  RETURN QUERY SELECT x.* FROM cardholder_limit x WHERE x.school_id = p_school
     AND x.cardholder_id = p_cardholder;
END $$;
SELECT plan_by_index('cardholder_spending');

CREATE TABLE code_device (
  school_id int NOT NULL,
  id uuid NOT NULL,
  cardholder_id uuid NOT NULL,
  binding_id uuid,
  public_key bytea NOT NULL CHECK (octet_length(public_key) = 32),
  totp_version int NOT NULL DEFAULT 1,
  enrolled_at timestamptz NOT NULL,
  token_drawn_at timestamptz,
  revoked_at timestamptz,
  PRIMARY KEY (school_id, id),
  UNIQUE (school_id, public_key),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id),
  FOREIGN KEY (school_id, binding_id) REFERENCES binding (school_id, id)
);
CREATE INDEX code_device_cardholder ON code_device (school_id, cardholder_id) WHERE revoked_at IS NULL;
SELECT protect('code_device');

-- One random capTag per cardholder and slot: refreshing a pass never resets an offline cap.
CREATE TABLE cap_slot (
  school_id int NOT NULL,
  cardholder_id uuid NOT NULL,
  starts_at bigint NOT NULL,
  ends_at bigint NOT NULL,
  cap_tag bigint NOT NULL CHECK (cap_tag BETWEEN 0 AND 4294967295),
  passes int NOT NULL DEFAULT 0 CHECK (passes BETWEEN 0 AND 20),
  PRIMARY KEY (school_id, cardholder_id, starts_at),
  UNIQUE (school_id, cap_tag),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id),
  CHECK (ends_at > starts_at)
);
SELECT protect('cap_slot');

CREATE TABLE code_pass (
  school_id int NOT NULL,
  serial bytea NOT NULL CHECK (octet_length(serial) = 6),
  device_id uuid NOT NULL,
  cardholder_id uuid NOT NULL,
  kind int NOT NULL CHECK (kind BETWEEN 1 AND 4),
  not_before bigint NOT NULL,
  ends_at bigint NOT NULL,
  content bytea NOT NULL CHECK (octet_length(content) = 115),
  issued_at timestamptz NOT NULL,
  revoked_at timestamptz,
  PRIMARY KEY (school_id, serial),
  FOREIGN KEY (school_id, device_id) REFERENCES code_device (school_id, id),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id)
);
CREATE INDEX code_pass_device ON code_pass (school_id, device_id, ends_at);
SELECT protect('code_pass');

CREATE TABLE code_alias (
  school_id int NOT NULL,
  day date NOT NULL,
  alias text NOT NULL CHECK (alias ~ '^[0-9]{7}$'),
  device_id uuid NOT NULL,
  wrong_tries int NOT NULL DEFAULT 0 CHECK (wrong_tries >= 0),
  PRIMARY KEY (school_id, day, alias),
  UNIQUE (school_id, device_id, day),
  FOREIGN KEY (school_id, device_id) REFERENCES code_device (school_id, id)
);
SELECT protect('code_alias');
