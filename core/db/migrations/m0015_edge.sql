-- Site edges: one per canteen decides for its terminals while there is no line (terminals.md 10).

ALTER TABLE terminal DROP CONSTRAINT terminal_device_class_check;
ALTER TABLE terminal ADD CONSTRAINT terminal_device_class_check
  CHECK (device_class IN ('TILL', 'GATE', 'METER', 'KIOSK', 'VIRTUAL', 'EDGE'));

-- Kind 5, TERMINALS: the public keys and doors by which an edge knows who asks it.
ALTER TABLE signed_document DROP CONSTRAINT signed_document_kind_check;
ALTER TABLE signed_document ADD CONSTRAINT signed_document_kind_check CHECK (kind BETWEEN 1 AND 5);
ALTER TABLE document_acknowledgement DROP CONSTRAINT document_acknowledgement_kind_check;
ALTER TABLE document_acknowledgement ADD CONSTRAINT document_acknowledgement_kind_check
  CHECK (kind BETWEEN 1 AND 5);

-- Under which id the key document lists a key of an edge. Those of the key file stay below.
CREATE TABLE edge_key (
  school_id int NOT NULL,
  kid int NOT NULL CHECK (kid BETWEEN 128 AND 255),
  terminal_no bigint NOT NULL,
  key_no int NOT NULL,
  PRIMARY KEY (school_id, kid),
  UNIQUE (school_id, terminal_no, key_no),
  FOREIGN KEY (school_id, terminal_no, key_no)
    REFERENCES terminal_key (school_id, terminal_no, key_no)
);
SELECT protect('edge_key');
GRANT SELECT, INSERT ON edge_key TO campus_app;
