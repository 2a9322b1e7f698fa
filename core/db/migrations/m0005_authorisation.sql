-- What terminals asked and were answered; what became of each purchase; which codes are spent.

-- One row per key (terminal, batch, seq): the answer, repeated for ever. Never changed, but for
-- signed_answer of an answer without money effect, which is filled in once, right after the commit
-- (an approval carries its signature from the first write).
CREATE TABLE terminal_answer (
  school_id int NOT NULL,
  terminal_no bigint NOT NULL,
  batch_no int NOT NULL CHECK (batch_no BETWEEN 1 AND 999999),
  seq_no int NOT NULL CHECK (seq_no BETWEEN 1 AND 999999),
  operation text NOT NULL CHECK (operation IN ('AUTHORISE', 'CAPTURE', 'VOID', 'REFUND')),
  content_hash bytea NOT NULL CHECK (octet_length(content_hash) = 32),
  outcome text NOT NULL CHECK (outcome IN ('APPROVED', 'DECLINED', 'VOIDED', 'PIN_REQUIRED', 'IN_PROGRESS')),
  response_code text NOT NULL CHECK (response_code ~ '^[0-9A-Z]{2}$'),
  reason text,
  amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
  cardholder_id uuid,
  available_minor bigint,
  spent_minor bigint,
  tries_left int,
  continuation_id uuid,
  retrieval_reference text NOT NULL CHECK (retrieval_reference ~ '^[0-9A-Z]{12}$'),
  original_batch_no int,
  original_seq_no int,
  answer_kid int NOT NULL,
  answered_at timestamptz NOT NULL,
  signed_answer text,
  PRIMARY KEY (school_id, terminal_no, batch_no, seq_no),
  FOREIGN KEY (school_id, terminal_no) REFERENCES terminal (school_id, terminal_no),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id)
);
-- The phone's "what became of my payment" reads the newest purchase of a cardholder.
CREATE INDEX terminal_answer_cardholder ON terminal_answer (school_id, cardholder_id, answered_at)
  WHERE operation = 'AUTHORISE';
SELECT protect('terminal_answer');

-- The purchase's state, under the key of its authorise. A void that comes first leaves a TOMBSTONE.
CREATE TABLE authorisation (
  school_id int NOT NULL,
  terminal_no bigint NOT NULL,
  batch_no int NOT NULL,
  seq_no int NOT NULL,
  state text NOT NULL CHECK (state IN
    ('CAPTURED', 'PENDING', 'VOIDED', 'EXPIRED', 'REFUNDED_PART', 'REFUNDED', 'TOMBSTONE')),
  cardholder_id uuid,
  card_id uuid,
  serial bytea,
  instrument text,
  scene text,
  merchant_account_id uuid,
  held_minor bigint NOT NULL CHECK (held_minor >= 0),
  captured_minor bigint NOT NULL CHECK (captured_minor BETWEEN 0 AND held_minor),
  refunded_minor bigint NOT NULL CHECK (refunded_minor BETWEEN 0 AND captured_minor),
  pin_proven boolean NOT NULL,
  single_minor bigint,
  daily_minor bigint,
  spent_before_minor bigint,
  transfer_ids uuid[] NOT NULL,
  retrieval_reference text,
  business_on date,
  made_at timestamptz NOT NULL,
  expires_at timestamptz,
  PRIMARY KEY (school_id, terminal_no, batch_no, seq_no),
  FOREIGN KEY (school_id, terminal_no) REFERENCES terminal (school_id, terminal_no),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id),
  FOREIGN KEY (school_id, card_id) REFERENCES card (school_id, id),
  FOREIGN KEY (school_id, merchant_account_id) REFERENCES account (school_id, id),
  CHECK ((state = 'TOMBSTONE') = (cardholder_id IS NULL)),
  CHECK (state = 'TOMBSTONE' OR retrieval_reference IS NOT NULL)
);
CREATE UNIQUE INDEX authorisation_reference ON authorisation (school_id, retrieval_reference)
  WHERE retrieval_reference IS NOT NULL;
CREATE INDEX authorisation_expiry ON authorisation (school_id, expires_at) WHERE state = 'PENDING';
SELECT protect('authorisation');

-- One acceptance per (school, replay key); a PIN_REQUIRED reserves it for its continuation. The
-- school is not referenced: every purchase of a school would lock that one row at the same time.
CREATE TABLE code_use (
  school_id int NOT NULL,
  replay_key bytea NOT NULL CHECK (octet_length(replay_key) BETWEEN 14 AND 22),
  terminal_no bigint NOT NULL,
  batch_no int NOT NULL,
  seq_no int NOT NULL,
  reserved_for uuid,
  used_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, replay_key)
);
SELECT protect('code_use');

-- A scan that waits for its PIN: 90 s, for one terminal, amount and code.
CREATE TABLE continuation (
  school_id int NOT NULL,
  id uuid NOT NULL,
  terminal_no bigint NOT NULL,
  cardholder_id uuid NOT NULL,
  card_id uuid NOT NULL,
  serial bytea,
  device_id uuid,
  instrument text NOT NULL,
  replay_key bytea,
  amount_minor bigint NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, id),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id)
);
SELECT protect('continuation');
