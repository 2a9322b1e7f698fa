-- Meters of water: groups of them, their reserved slots, and what ran (codes.md 14).

-- Prices are whole fen for so many units (litres, seconds: what the heads of the group count). A
-- shared group has one controller for all its heads, so a code is good at any of them; else a place
-- is a stall, and its code is good at that one.
CREATE TABLE meter_group (
  school_id int NOT NULL,
  number bigint NOT NULL CHECK (number BETWEEN 1 AND 2147483647),
  campus_code text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('SHOWER', 'DORMITORY_WATER')),
  name_zh text NOT NULL,
  name_en text NOT NULL,
  shared boolean NOT NULL,
  places int NOT NULL CHECK (places BETWEEN 1 AND 32),
  slot_minutes int NOT NULL CHECK (slot_minutes BETWEEN 15 AND 240),
  opens_at time NOT NULL,
  closes_at time NOT NULL CHECK (closes_at > opens_at),
  days_ahead int NOT NULL CHECK (days_ahead BETWEEN 0 AND 14),
  price_minor bigint NOT NULL CHECK (price_minor >= 1),
  per_units int NOT NULL CHECK (per_units >= 1),
  maximum_units int NOT NULL CHECK (maximum_units >= 1),
  key_version int NOT NULL CHECK (key_version >= 1),
  changed_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, number),
  FOREIGN KEY (school_id, campus_code) REFERENCES campus (school_id, code),
  CHECK (price_minor * maximum_units / per_units BETWEEN 1 AND 1000000000)
);
SELECT protect('meter_group');

CREATE TABLE meter (
  school_id int NOT NULL,
  terminal_no bigint NOT NULL,
  number int NOT NULL CHECK (number BETWEEN 1 AND 64),
  group_no bigint NOT NULL,
  stall int NOT NULL CHECK (stall BETWEEN 0 AND 32),
  changed_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, terminal_no, number),
  FOREIGN KEY (school_id, terminal_no) REFERENCES terminal (school_id, terminal_no),
  FOREIGN KEY (school_id, group_no) REFERENCES meter_group (school_id, number)
);
CREATE UNIQUE INDEX meter_stall ON meter (school_id, group_no, stall) WHERE stall > 0;
SELECT protect('meter');

-- The price of the day it was made holds. A number of a slot is never given twice: a meter without a
-- network cannot know what was cancelled. The digits are made of these facts and kept nowhere.
CREATE TABLE water_reservation (
  school_id int NOT NULL,
  id uuid NOT NULL,
  group_no bigint NOT NULL,
  stall int NOT NULL CHECK (stall BETWEEN 0 AND 32),
  sequence int NOT NULL CHECK (sequence BETWEEN 0 AND 63),
  starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
  cardholder_id uuid NOT NULL,
  price_minor bigint NOT NULL,
  per_units int NOT NULL,
  maximum_units int NOT NULL,
  key_version int NOT NULL,
  made_at timestamptz NOT NULL,
  cancelled_at timestamptz,
  PRIMARY KEY (school_id, id),
  UNIQUE (school_id, group_no, stall, starts_at, sequence),
  FOREIGN KEY (school_id, group_no) REFERENCES meter_group (school_id, number),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id)
);
CREATE INDEX water_reservation_slot ON water_reservation (school_id, group_no, starts_at);
CREATE INDEX water_reservation_holder ON water_reservation (school_id, cardholder_id, ends_at);
CREATE UNIQUE INDEX water_reservation_stall
  ON water_reservation (school_id, group_no, stall, starts_at)
  WHERE cancelled_at IS NULL AND stall > 0;
SELECT protect('water_reservation');

-- What began under the key of a hold, at which price. Never changed.
CREATE TABLE meter_run (
  school_id int NOT NULL,
  terminal_no bigint NOT NULL,
  batch_no int NOT NULL,
  seq_no int NOT NULL,
  meter_no int NOT NULL,
  group_no bigint NOT NULL,
  cardholder_id uuid NOT NULL,
  reservation_id uuid,
  price_minor bigint NOT NULL,
  per_units int NOT NULL,
  maximum_units int NOT NULL,
  started_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  late boolean NOT NULL,
  PRIMARY KEY (school_id, terminal_no, batch_no, seq_no),
  FOREIGN KEY (school_id, terminal_no, batch_no, seq_no)
    REFERENCES authorisation (school_id, terminal_no, batch_no, seq_no),
  FOREIGN KEY (school_id, terminal_no, meter_no) REFERENCES meter (school_id, terminal_no, number),
  FOREIGN KEY (school_id, reservation_id) REFERENCES water_reservation (school_id, id),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id)
);
-- Not unique: a start that was undone before any water ran leaves the place to its holder.
CREATE INDEX meter_run_reservation ON meter_run (school_id, reservation_id)
  WHERE reservation_id IS NOT NULL;
CREATE INDEX meter_run_meter ON meter_run (school_id, terminal_no, meter_no, ends_at);
SELECT protect('meter_run');

-- What ran until the end, once per run. Never changed.
CREATE TABLE meter_reading (
  school_id int NOT NULL,
  terminal_no bigint NOT NULL,
  batch_no int NOT NULL,
  seq_no int NOT NULL,
  stop_batch_no int NOT NULL,
  stop_seq_no int NOT NULL,
  units bigint NOT NULL CHECK (units >= 0),
  amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
  reason text NOT NULL CHECK (reason IN ('CANCEL', 'IDLE', 'MAXIMUM', 'SLOT_END', 'POWER_CUT')),
  read_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, terminal_no, batch_no, seq_no),
  FOREIGN KEY (school_id, terminal_no, batch_no, seq_no)
    REFERENCES meter_run (school_id, terminal_no, batch_no, seq_no)
);
SELECT protect('meter_reading');

-- Wrong digits, one row per key, so that a repeated request is no further try; kept for a day.
CREATE TABLE meter_try (
  school_id int NOT NULL,
  terminal_no bigint NOT NULL,
  batch_no int NOT NULL,
  seq_no int NOT NULL,
  meter_no int NOT NULL,
  tried_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, terminal_no, batch_no, seq_no),
  FOREIGN KEY (school_id, terminal_no, meter_no) REFERENCES meter (school_id, terminal_no, number)
);
CREATE INDEX meter_try_meter ON meter_try (school_id, terminal_no, meter_no, tried_at);
CREATE INDEX meter_try_age ON meter_try (school_id, tried_at);
SELECT protect('meter_try');

GRANT SELECT, INSERT ON meter_group, meter, water_reservation, meter_run, meter_reading, meter_try
  TO campus_app;
GRANT UPDATE (campus_code, name_zh, name_en, places, slot_minutes, opens_at, closes_at, days_ahead,
  price_minor, per_units, maximum_units, key_version, changed_at) ON meter_group TO campus_app;
GRANT UPDATE (group_no, stall, changed_at) ON meter TO campus_app;
GRANT UPDATE (cancelled_at) ON water_reservation TO campus_app;
GRANT DELETE ON meter_try TO campus_app;
