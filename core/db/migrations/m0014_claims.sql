-- Money on the chips of cards: what waits is loaded by a transfer that stays pending until the chip
-- itself tells that it was written; and kiosks, whose fee and vend are two steps joined by a job.

-- CARD is the purse on the chip, FEE what a school takes for its services; amounts in fen.
ALTER TABLE account DROP CONSTRAINT account_kind_check;
ALTER TABLE account ADD CONSTRAINT account_kind_check CHECK (kind IN
  ('MAIN', 'SUBSIDY', 'RESERVE', 'CLAIM', 'CARD', 'MERCHANT', 'CASH', 'OPENING', 'LOSS', 'ARREARS',
   'FEE'));
ALTER TABLE account DROP CONSTRAINT account_check;
ALTER TABLE account ADD CONSTRAINT account_check CHECK
  ((kind IN ('MAIN', 'SUBSIDY', 'RESERVE', 'CLAIM', 'CARD')) = (balance_minor IS NOT NULL));

-- What a chip was last seen to be. load_counter is the chip's own, which rises by one with each
-- load; first_counter is where we met it. A frozen chip was out of step: seen_* is what it said,
-- expected_minor what our books held, both for the eyes of staff. reviews counts how often staff
-- let it go on.
CREATE TABLE chip (
  school_id int NOT NULL,
  card_id uuid NOT NULL,
  cardholder_id uuid NOT NULL,
  first_counter bigint NOT NULL CHECK (first_counter BETWEEN 0 AND 4294967295),
  load_counter bigint NOT NULL CHECK (load_counter BETWEEN 0 AND 4294967295),
  seen_at timestamptz NOT NULL,
  frozen_at timestamptz,
  seen_counter bigint,
  seen_minor bigint,
  expected_minor bigint,
  reviews int NOT NULL DEFAULT 0 CHECK (reviews >= 0),
  PRIMARY KEY (school_id, card_id),
  FOREIGN KEY (school_id, card_id) REFERENCES card (school_id, id),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id),
  CHECK ((frozen_at IS NULL) = (seen_counter IS NULL)
    AND (frozen_at IS NULL) = (seen_minor IS NULL)
    AND (frozen_at IS NULL) = (expected_minor IS NULL))
);
CREATE INDEX chip_frozen ON chip (school_id, frozen_at) WHERE frozen_at IS NOT NULL;
SELECT protect('chip');

-- One load: counter and chip_minor are what the chip said before it. An OPEN one, and one in
-- REVIEW, holds its amount; a card has one of them at most.
CREATE TABLE card_load (
  school_id int NOT NULL,
  id uuid NOT NULL,
  card_id uuid NOT NULL,
  cardholder_id uuid NOT NULL,
  terminal_no bigint NOT NULL,
  batch_no int NOT NULL,
  seq_no int NOT NULL,
  counter bigint NOT NULL CHECK (counter BETWEEN 0 AND 4294967295),
  chip_minor bigint NOT NULL CHECK (chip_minor >= 0),
  amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000),
  transfer_id uuid NOT NULL,
  retrieval_reference text NOT NULL CHECK (retrieval_reference ~ '^[0-9A-Z]{12}$'),
  state text NOT NULL CHECK (state IN ('OPEN', 'POSTED', 'RETURNED', 'REVIEW')),
  made_at timestamptz NOT NULL,
  ended_at timestamptz,
  PRIMARY KEY (school_id, id),
  UNIQUE (school_id, terminal_no, batch_no, seq_no),
  UNIQUE (school_id, transfer_id),
  FOREIGN KEY (school_id, card_id) REFERENCES card (school_id, id),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id),
  FOREIGN KEY (school_id, terminal_no) REFERENCES terminal (school_id, terminal_no),
  FOREIGN KEY (school_id, transfer_id) REFERENCES transfer (school_id, id),
  CHECK ((state IN ('OPEN', 'REVIEW')) = (ended_at IS NULL))
);
CREATE UNIQUE INDEX card_load_open ON card_load (school_id, card_id)
  WHERE state IN ('OPEN', 'REVIEW');
CREATE INDEX card_load_cardholder ON card_load (school_id, cardholder_id, made_at);
SELECT protect('card_load');

-- A card that a kiosk hands out for a fee. The fee is taken when the job begins; a FAILED or
-- SILENT job has given it back. A card that came out after all leaves it OWED, for staff.
CREATE TABLE vend_job (
  school_id int NOT NULL,
  id uuid NOT NULL,
  cardholder_id uuid NOT NULL,
  terminal_no bigint NOT NULL,
  batch_no int NOT NULL,
  seq_no int NOT NULL,
  old_card_id uuid NOT NULL,
  new_uid text NOT NULL CHECK (new_uid ~ '^[0-9A-F]{8,20}$'),
  new_card_id uuid,
  fee_minor bigint NOT NULL CHECK (fee_minor >= 0),
  fee_ids uuid[] NOT NULL,
  retrieval_reference text NOT NULL CHECK (retrieval_reference ~ '^[0-9A-Z]{12}$'),
  state text NOT NULL CHECK (state IN ('STARTED', 'DELIVERED', 'FAILED', 'SILENT', 'OWED')),
  made_at timestamptz NOT NULL,
  ended_at timestamptz,
  PRIMARY KEY (school_id, id),
  UNIQUE (school_id, terminal_no, batch_no, seq_no),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id),
  FOREIGN KEY (school_id, terminal_no) REFERENCES terminal (school_id, terminal_no),
  FOREIGN KEY (school_id, old_card_id) REFERENCES card (school_id, id),
  FOREIGN KEY (school_id, new_card_id) REFERENCES card (school_id, id),
  CHECK ((state = 'STARTED') = (ended_at IS NULL)),
  CHECK (state <> 'DELIVERED' OR new_card_id IS NOT NULL),
  CHECK ((fee_minor = 0) = (cardinality(fee_ids) = 0))
);
CREATE UNIQUE INDEX vend_job_started ON vend_job (school_id, cardholder_id)
  WHERE state = 'STARTED';
CREATE INDEX vend_job_due ON vend_job (school_id, made_at) WHERE state = 'STARTED';
SELECT protect('vend_job');

GRANT SELECT, INSERT ON chip, card_load, vend_job TO campus_app;
GRANT UPDATE (load_counter, seen_at, frozen_at, seen_counter, seen_minor, expected_minor,
  reviews) ON chip TO campus_app;
GRANT UPDATE (state, ended_at) ON card_load TO campus_app;
GRANT UPDATE (state, ended_at, new_card_id) ON vend_job TO campus_app;
