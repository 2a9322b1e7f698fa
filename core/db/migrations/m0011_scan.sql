-- What payers scan: the printed codes of merchants. A till's own challenge needs no row: its key is
-- that of a purchase.

-- Printed codes are paid under a terminal that is no device: it has no key, so nothing signs as it.
ALTER TABLE terminal DROP CONSTRAINT terminal_device_class_check;
ALTER TABLE terminal ADD CONSTRAINT terminal_device_class_check
  CHECK (device_class IN ('TILL', 'GATE', 'METER', 'KIOSK', 'VIRTUAL'));
CREATE UNIQUE INDEX terminal_virtual ON terminal (school_id, merchant_id)
  WHERE device_class = 'VIRTUAL' AND state <> 'RETIRED';

-- One row per print, so that each can be revoked alone. `payments` counts what was paid by it: the
-- n-th payment has the key (terminal_no, print_no, n), so keys have no gaps and say which print
-- was scanned.
CREATE TABLE printed_code (
  school_id int NOT NULL,
  terminal_no bigint NOT NULL,
  print_no int NOT NULL CHECK (print_no BETWEEN 1 AND 999999),
  amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 0 AND 1000000000),
  answer_kid int NOT NULL CHECK (answer_kid BETWEEN 1 AND 255),
  issued_at timestamptz NOT NULL,
  revoked_at timestamptz,
  payments int NOT NULL DEFAULT 0 CHECK (payments BETWEEN 0 AND 999999),
  PRIMARY KEY (school_id, terminal_no, print_no),
  FOREIGN KEY (school_id, terminal_no) REFERENCES terminal (school_id, terminal_no)
);
SELECT protect('printed_code');

GRANT SELECT, INSERT ON printed_code TO campus_app;
GRANT UPDATE (revoked_at, payments) ON printed_code TO campus_app;
