-- What terminals accepted without a network, what they must refuse then, and settled batches.

-- What a cardholder owes: an account without a kept balance, so it has no floor. It is the source of
-- what an offline purchase takes beyond the purses; the holder's statement lists purses only.
ALTER TABLE account DROP CONSTRAINT account_kind_check;
ALTER TABLE account ADD CONSTRAINT account_kind_check CHECK (kind IN
  ('MAIN', 'SUBSIDY', 'RESERVE', 'CLAIM', 'MERCHANT', 'CASH', 'OPENING', 'LOSS', 'ARREARS'));

CREATE OR REPLACE FUNCTION statement_lines(p_school int, p_owner uuid, p_since timestamptz,
  p_until timestamptz, p_before timestamptz, p_before_id uuid, p_limit int)
RETURNS SETOF statement_line LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM set_config('app.school', p_school::text, true);
  RETURN QUERY
  SELECT l.transfer_id, l.posted_at, l.kind, l.purse, l.amount_minor, l.balance_after_minor,
         m.name_zh, m.name_en
    FROM (SELECT x.*, a.kind AS purse
            FROM account a
           CROSS JOIN LATERAL (
              SELECT g.* FROM leg g WHERE g.school_id = p_school AND g.account_id = a.id
                 AND g.posted_at >= p_since AND g.posted_at < p_until
                 AND (g.posted_at, g.transfer_id) < (p_before, p_before_id)
               ORDER BY g.posted_at DESC, g.transfer_id DESC LIMIT p_limit) x
           WHERE a.school_id = p_school AND a.owner_id = p_owner AND a.balance_minor IS NOT NULL
           ORDER BY x.posted_at DESC, x.transfer_id DESC LIMIT p_limit) l
    LEFT JOIN merchant m ON m.school_id = p_school AND m.account_id = l.counter_account_id
   ORDER BY l.posted_at DESC, l.transfer_id DESC;
END $$;
SELECT plan_by_index('statement_lines');

-- Who paid: the cardholder, or the school for what nobody can be charged with (mission.md 3.4).
ALTER TABLE authorisation
  ADD COLUMN payer text NOT NULL DEFAULT 'HOLDER' CHECK (payer IN ('HOLDER', 'SCHOOL')),
  ADD COLUMN is_offline boolean NOT NULL DEFAULT false,
  DROP CONSTRAINT authorisation_check2,
  ADD CONSTRAINT authorisation_payer
    CHECK ((state = 'TOMBSTONE' OR payer = 'SCHOOL') = (cardholder_id IS NULL));

-- One row per key: the record as it was signed, with its first verdict. Never changed. A record that
-- nobody proved, or whose key was taken, has none: it is judged the same whenever it comes.
CREATE TABLE offline_item (
  school_id int NOT NULL,
  terminal_no bigint NOT NULL,
  batch_no int NOT NULL CHECK (batch_no BETWEEN 1 AND 999999),
  seq_no int NOT NULL CHECK (seq_no BETWEEN 1 AND 999999),
  kind text NOT NULL CHECK (kind IN ('PURCHASE', 'VOID', 'RECEIPT')),
  record bytea NOT NULL CHECK (octet_length(record) = 94),
  record_hash bytea NOT NULL CHECK (octet_length(record_hash) = 32),
  previous_hash bytea NOT NULL CHECK (octet_length(previous_hash) = 32),
  signature bytea NOT NULL CHECK (octet_length(signature) = 64),
  presented text NOT NULL,
  challenge text NOT NULL,
  after_timeout boolean NOT NULL,
  made_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
  cardholder_id uuid,
  serial bytea,
  cap_tag bigint,
  replay_key bytea,
  verdict text NOT NULL CHECK (verdict IN ('DUPLICATE', 'REJECTED', 'SUSPECT', 'ACCEPTED')),
  reason text,
  flags text[] NOT NULL,
  retrieval_reference text,
  PRIMARY KEY (school_id, terminal_no, batch_no, seq_no),
  FOREIGN KEY (school_id, terminal_no) REFERENCES terminal (school_id, terminal_no),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id),
  CHECK ((verdict = 'ACCEPTED') = (reason IS NULL))
);
CREATE INDEX offline_item_caps ON offline_item (school_id, terminal_no, cap_tag)
  WHERE verdict IN ('ACCEPTED', 'SUSPECT');
CREATE INDEX offline_item_code ON offline_item (school_id, terminal_no, replay_key)
  WHERE verdict IN ('ACCEPTED', 'SUSPECT');
SELECT protect('offline_item');

-- Every signed record that ever came, whatever its verdict: what the next one may follow.
CREATE TABLE offline_link (
  school_id int NOT NULL,
  terminal_no bigint NOT NULL,
  batch_no int NOT NULL,
  record_hash bytea NOT NULL CHECK (octet_length(record_hash) = 32),
  PRIMARY KEY (school_id, terminal_no, batch_no, record_hash),
  FOREIGN KEY (school_id, terminal_no) REFERENCES terminal (school_id, terminal_no)
);
SELECT protect('offline_link');

-- The deny list: a version rises with each change, under the lock of its one row.
CREATE TABLE deny_list (
  school_id int NOT NULL REFERENCES school (school_id),
  version bigint NOT NULL CHECK (version BETWEEN 1 AND 4294967295),
  changed_at timestamptz NOT NULL,
  PRIMARY KEY (school_id)
);
SELECT protect('deny_list');

-- kind 1 serial, 2 UID. Serials never return, so a line is never taken back; it ends by itself.
CREATE TABLE deny_entry (
  school_id int NOT NULL REFERENCES school (school_id),
  kind int NOT NULL CHECK (kind IN (1, 2)),
  id bytea NOT NULL CHECK (octet_length(id) BETWEEN 4 AND 10),
  version bigint NOT NULL,
  until bigint NOT NULL CHECK (until BETWEEN 1 AND 4294967295),
  added_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, kind, id)
);
CREATE INDEX deny_entry_version ON deny_entry (school_id, version);
SELECT protect('deny_entry');

-- Since when a terminal goes by which document; the history decides who bears a loss.
CREATE TABLE document_acknowledgement (
  school_id int NOT NULL,
  terminal_no bigint NOT NULL,
  kind int NOT NULL CHECK (kind BETWEEN 1 AND 4),
  version bigint NOT NULL CHECK (version BETWEEN 1 AND 4294967295),
  acknowledged_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, terminal_no, kind, version),
  FOREIGN KEY (school_id, terminal_no) REFERENCES terminal (school_id, terminal_no)
);
SELECT protect('document_acknowledgement');

-- What a closed batch came to, once; amounts in fen, net = purchases - refunds. What was voided
-- counts nowhere: a terminal cannot know whether what it undid after a timeout had been captured.
CREATE TABLE settlement (
  school_id int NOT NULL,
  terminal_no bigint NOT NULL,
  batch_no int NOT NULL CHECK (batch_no BETWEEN 1 AND 999999),
  merchant_account_id uuid NOT NULL,
  last_seq int NOT NULL CHECK (last_seq BETWEEN 0 AND 999999),
  head_hash bytea CHECK (octet_length(head_hash) = 32),
  closed_by text NOT NULL CHECK (closed_by IN ('TERMINAL', 'SERVER')),
  purchases_minor bigint NOT NULL,
  refunds_minor bigint NOT NULL,
  net_minor bigint NOT NULL,
  settled_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, terminal_no, batch_no),
  FOREIGN KEY (school_id, terminal_no) REFERENCES terminal (school_id, terminal_no),
  FOREIGN KEY (school_id, merchant_account_id) REFERENCES account (school_id, id),
  CHECK (net_minor = purchases_minor - refunds_minor)
);
SELECT protect('settlement');
-- What is captured or voided under a key of a later batch belongs to the purchase's own.
CREATE INDEX terminal_answer_original ON terminal_answer (school_id, terminal_no, original_batch_no)
  WHERE operation IN ('CAPTURE', 'VOID');

-- What came after the close, as the difference it makes; numbers count from 1.
CREATE TABLE settlement_adjustment (
  school_id int NOT NULL,
  terminal_no bigint NOT NULL,
  batch_no int NOT NULL,
  number int NOT NULL CHECK (number >= 1),
  purchases_minor bigint NOT NULL,
  refunds_minor bigint NOT NULL,
  net_minor bigint NOT NULL,
  made_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, terminal_no, batch_no, number),
  FOREIGN KEY (school_id, terminal_no, batch_no)
    REFERENCES settlement (school_id, terminal_no, batch_no),
  CHECK (net_minor = purchases_minor - refunds_minor),
  CHECK (purchases_minor <> 0 OR refunds_minor <> 0)
);
SELECT protect('settlement_adjustment');

GRANT SELECT, INSERT ON offline_item, offline_link, deny_list, deny_entry, document_acknowledgement,
  settlement, settlement_adjustment TO campus_app;
GRANT UPDATE (version, changed_at) ON deny_list TO campus_app;
