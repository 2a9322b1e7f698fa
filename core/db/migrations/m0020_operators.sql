-- Who works a merchant's terminals. The PIN is kept twice: slowly hashed under a pepper for the server,
-- and as the salted hash that terminals without a network check it by. The fifth wrong try in a row
-- locks; a try is counted before it is compared.
CREATE TABLE operator (
  school_id int NOT NULL,
  merchant_id uuid NOT NULL,
  operator_no text NOT NULL CHECK (operator_no ~ '^[0-9]{1,8}$'),
  display_name text NOT NULL,
  rights text[] NOT NULL CHECK (cardinality(rights) > 0 AND rights <@ ARRAY['SALE', 'REFUND', 'VOID', 'CLOSE']),
  pin_hash text NOT NULL,
  pepper_kid int NOT NULL CHECK (pepper_kid >= 1),
  offline_salt bytea NOT NULL CHECK (octet_length(offline_salt) = 16),
  offline_iterations int NOT NULL CHECK (offline_iterations >= 1),
  offline_hash bytea NOT NULL CHECK (octet_length(offline_hash) = 32),
  tries int NOT NULL DEFAULT 0 CHECK (tries BETWEEN 0 AND 5),
  blocked boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, merchant_id, operator_no),
  FOREIGN KEY (school_id, merchant_id) REFERENCES merchant (school_id, id)
);
SELECT protect('operator');

-- An operator at a terminal, who is there alone. `request_hash` names the last sign-on it answered.
CREATE TABLE operator_shift (
  school_id int NOT NULL,
  id uuid NOT NULL,
  terminal_no bigint NOT NULL,
  merchant_id uuid NOT NULL,
  operator_no text NOT NULL,
  request_hash bytea NOT NULL CHECK (octet_length(request_hash) = 32),
  started_at timestamptz NOT NULL,
  ended_at timestamptz CHECK (ended_at >= started_at),
  end_reason text CHECK (end_reason IN ('SIGN_OFF', 'REPLACED', 'BLOCKED')),
  PRIMARY KEY (school_id, id),
  FOREIGN KEY (school_id, terminal_no) REFERENCES terminal (school_id, terminal_no),
  FOREIGN KEY (school_id, merchant_id, operator_no)
    REFERENCES operator (school_id, merchant_id, operator_no),
  CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE UNIQUE INDEX operator_shift_open ON operator_shift (school_id, terminal_no)
  WHERE ended_at IS NULL;
CREATE UNIQUE INDEX operator_shift_request ON operator_shift (school_id, terminal_no, request_hash);
SELECT protect('operator_shift');

-- In whose shift a refund was asked for; what came of it is the answer under the same key.
CREATE TABLE operator_refund (
  school_id int NOT NULL,
  terminal_no bigint NOT NULL,
  batch_no int NOT NULL CHECK (batch_no BETWEEN 1 AND 999999),
  seq_no int NOT NULL CHECK (seq_no BETWEEN 1 AND 999999),
  shift_id uuid NOT NULL,
  asked_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, terminal_no, batch_no, seq_no),
  FOREIGN KEY (school_id, shift_id) REFERENCES operator_shift (school_id, id)
);
SELECT protect('operator_refund');

GRANT SELECT, INSERT, UPDATE ON operator TO campus_app;
GRANT SELECT, INSERT ON operator_shift, operator_refund TO campus_app;
GRANT UPDATE (request_hash, ended_at, end_reason) ON operator_shift TO campus_app;
