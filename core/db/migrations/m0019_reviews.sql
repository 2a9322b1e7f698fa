-- Who bears a SUSPECT record in the end, once, with the transfers that make it so: SCHOOL leaves the
-- loss where it is, HOLDER takes it from the purses or as a debt, MERCHANT gives the money back.
CREATE TABLE offline_review (
  school_id int NOT NULL,
  terminal_no bigint NOT NULL,
  batch_no int NOT NULL,
  seq_no int NOT NULL,
  bearer text NOT NULL CHECK (bearer IN ('SCHOOL', 'HOLDER', 'MERCHANT')),
  cardholder_id uuid,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  transfer_ids uuid[] NOT NULL,
  staff_id uuid NOT NULL,
  four_eyes_id uuid,
  audit_id uuid NOT NULL,
  decided_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, terminal_no, batch_no, seq_no),
  FOREIGN KEY (school_id, terminal_no, batch_no, seq_no)
    REFERENCES offline_item (school_id, terminal_no, batch_no, seq_no),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id),
  FOREIGN KEY (school_id, staff_id) REFERENCES staff (school_id, id),
  FOREIGN KEY (school_id, four_eyes_id) REFERENCES four_eyes_request (school_id, id),
  FOREIGN KEY (school_id, audit_id) REFERENCES audit_event (school_id, id),
  CHECK ((bearer = 'HOLDER') = (cardholder_id IS NOT NULL)),
  CHECK ((bearer = 'HOLDER') = (cardinality(transfer_ids) > 0))
);
SELECT protect('offline_review');
CREATE INDEX offline_item_suspect ON offline_item (school_id, received_at) WHERE verdict = 'SUSPECT';

GRANT SELECT, INSERT ON offline_review TO campus_app;
