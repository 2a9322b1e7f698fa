-- One owner per issuer, which names the channel's app: whoever signs in by telephone and by e-mail
-- keeps both after a merge, and a school's sign-on is a binding of its own beside the channel's.
DROP INDEX binding_owner;
CREATE UNIQUE INDEX binding_owner ON binding (school_id, issuer, cardholder_id) WHERE ended_at IS NULL;
CREATE INDEX binding_cardholder ON binding (school_id, cardholder_id) WHERE ended_at IS NULL;

-- What an issuer calls somebody, once, sealed: a message to a channel's subject needs the text.
-- Everything else goes by the index.
CREATE TABLE channel_subject (
  school_id int NOT NULL REFERENCES school (school_id),
  id uuid NOT NULL,
  issuer text NOT NULL,
  subject_index bytea NOT NULL CHECK (octet_length(subject_index) = 32),
  subject_sealed bytea NOT NULL,
  first_seen_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, id),
  UNIQUE (school_id, issuer, subject_index)
);
SELECT protect('channel_subject');

-- What an issuer vouched for in a sign-in: an index, never the text. It proves nothing alone.
CREATE TABLE identity_claim (
  school_id int NOT NULL REFERENCES school (school_id),
  family_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('PHONE', 'EMAIL', 'NAME', 'ID_NUMBER', 'UNION_ID')),
  value_index bytea NOT NULL CHECK (octet_length(value_index) = 32),
  verified_by text NOT NULL,
  verified_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, family_id, kind, value_index)
);
SELECT protect('identity_claim');

-- A proof that is not yet a binding: a sign-on whose card is still to be proven, or a proven card
-- that the person still has to confirm. Of a sign-in only the newest unused one counts.
CREATE TABLE pending_link (
  school_id int NOT NULL REFERENCES school (school_id),
  id uuid NOT NULL,
  family_id uuid NOT NULL,
  method text NOT NULL,
  provider text,
  issuer text,
  subject_index bytea CHECK (octet_length(subject_index) = 32),
  person_no_index bytea CHECK (octet_length(person_no_index) = 32),
  name_index bytea CHECK (octet_length(name_index) = 32),
  cardholder_id uuid,
  staff_code_index bytea CHECK (octet_length(staff_code_index) = 32),
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  PRIMARY KEY (school_id, id),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id),
  CHECK ((issuer IS NULL) = (subject_index IS NULL) AND (issuer IS NULL) = (provider IS NULL))
);
CREATE INDEX pending_link_family ON pending_link (school_id, family_id, created_at);
CREATE UNIQUE INDEX pending_link_staff ON pending_link (school_id, staff_code_index) WHERE staff_code_index IS NOT NULL;
SELECT protect('pending_link');

-- Which of our sign-ins stand on which session of the school's server, for its logout.
CREATE TABLE campus_session (
  school_id int NOT NULL REFERENCES school (school_id),
  provider text NOT NULL,
  ref_index bytea NOT NULL CHECK (octet_length(ref_index) = 32),
  family_id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, provider, ref_index, family_id)
);
SELECT protect('campus_session');

-- Who agreed to which version of what; a fact, never changed.
CREATE TABLE consent (
  school_id int NOT NULL REFERENCES school (school_id),
  id uuid NOT NULL,
  issuer text NOT NULL,
  subject_index bytea NOT NULL CHECK (octet_length(subject_index) = 32),
  cardholder_id uuid,
  document text NOT NULL,
  version int NOT NULL,
  text_hash bytea NOT NULL CHECK (octet_length(text_hash) = 32),
  channel text NOT NULL,
  given_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, id),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id)
);
CREATE INDEX consent_subject ON consent (school_id, issuer, subject_index);
CREATE INDEX consent_cardholder ON consent (school_id, cardholder_id, given_at);
SELECT protect('consent');

-- What a cardholder lets somebody else do; codes, PIN and limits are never among it.
CREATE TABLE guardian_grant (
  school_id int NOT NULL REFERENCES school (school_id),
  id uuid NOT NULL,
  cardholder_id uuid NOT NULL,
  label text NOT NULL CHECK (length(label) BETWEEN 1 AND 20),
  rights text[] NOT NULL CHECK (cardinality(rights) > 0
    AND rights <@ ARRAY['TOP_UP', 'VIEW_STATEMENT', 'REPORT_LOSS']),
  code_index bytea NOT NULL CHECK (octet_length(code_index) = 32),
  issuer text,
  subject_index bytea CHECK (octet_length(subject_index) = 32),
  offered_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  accepted_at timestamptz,
  ended_at timestamptz,
  PRIMARY KEY (school_id, id),
  UNIQUE (school_id, code_index),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id),
  CHECK ((accepted_at IS NULL) = (issuer IS NULL) AND (issuer IS NULL) = (subject_index IS NULL))
);
CREATE INDEX guardian_cardholder ON guardian_grant (school_id, cardholder_id) WHERE ended_at IS NULL;
CREATE INDEX guardian_subject ON guardian_grant (school_id, issuer, subject_index) WHERE ended_at IS NULL;
SELECT protect('guardian_grant');

-- Where people came from: sign-ins by the tag of a poster or link (M-001), counted, nobody named.
CREATE TABLE entry_tag_day (
  school_id int NOT NULL REFERENCES school (school_id),
  day date NOT NULL,
  channel text NOT NULL,
  tag text NOT NULL CHECK (tag ~ '^[A-Za-z0-9_-]{1,32}$'),
  sign_ins int NOT NULL CHECK (sign_ins > 0),
  PRIMARY KEY (school_id, day, channel, tag)
);
SELECT protect('entry_tag_day');

-- After a replaced binding no limit is raised for a day.
CREATE TABLE limit_pause (
  school_id int NOT NULL,
  cardholder_id uuid NOT NULL,
  until timestamptz NOT NULL,
  PRIMARY KEY (school_id, cardholder_id),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id)
);
SELECT protect('limit_pause');

-- The holder's own telephone and e-mail are not overwritten by the next roster.
ALTER TABLE cardholder ADD COLUMN phone_changed_at timestamptz;
ALTER TABLE cardholder ADD COLUMN email_changed_at timestamptz;

GRANT SELECT, INSERT ON channel_subject, identity_claim, pending_link, campus_session, consent,
  guardian_grant, entry_tag_day, limit_pause TO campus_app;
GRANT DELETE ON identity_claim, campus_session, pending_link TO campus_app;
GRANT UPDATE (verified_by, verified_at) ON identity_claim TO campus_app;
GRANT UPDATE (cardholder_id, used_at) ON pending_link TO campus_app;
GRANT UPDATE (issuer, subject_index, accepted_at, ended_at) ON guardian_grant TO campus_app;
GRANT UPDATE (sign_ins) ON entry_tag_day TO campus_app;
GRANT UPDATE (until) ON limit_pause TO campus_app;
GRANT UPDATE (phone_changed_at, email_changed_at) ON cardholder TO campus_app;
