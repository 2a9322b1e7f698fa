-- What a provider posted, once it was verified: written with its effect, so a repeat does nothing.
-- Neither the text nor whom it is about is kept. An id tells nothing of a person: it is the
-- provider's own number, or a keyed digest of the message.
CREATE TABLE provider_notice (
  school_id int NOT NULL REFERENCES school (school_id),
  provider text NOT NULL CHECK (provider ~ '^[a-z_]{1,16}$'),
  notice_id text NOT NULL CHECK (notice_id ~ '^[!-~]{1,128}$'),
  event text NOT NULL CHECK (event ~ '^[A-Za-z0-9_.]{1,64}$'),
  received_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, provider, notice_id)
);
CREATE INDEX provider_notice_age ON provider_notice (school_id, received_at);
SELECT protect('provider_notice');

-- A provider names a subject, bound or not, all of whose sign-ins end.
CREATE INDEX session_subject ON session (school_id, issuer, subject_index) WHERE revoked_at IS NULL;

GRANT SELECT, INSERT, DELETE ON provider_notice TO campus_app;
