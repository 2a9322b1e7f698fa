-- Accounts and immutable transfers. Debit leaves an account, credit enters it.
-- A purse (cardholder's account) keeps its balance in its row, floor 0. Merchant, clearing, cash and
-- equity accounts keep no balance: theirs is the sum of their legs, so no hot row is ever contended.
-- A purse's legs have strictly rising instants (last_posted_at), so its history in posting order is
-- the order in which its balance really moved, whatever the app processes' clocks say.

CREATE TABLE account (
  school_id int NOT NULL REFERENCES school (school_id),
  id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('MAIN', 'SUBSIDY', 'RESERVE', 'CLAIM', 'MERCHANT', 'CASH', 'OPENING', 'LOSS')),
  owner_id uuid,
  currency text NOT NULL CHECK (currency = 'CNY'),
  balance_minor bigint,
  pending_minor bigint,
  last_posted_at timestamptz,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, id),
  CHECK ((kind IN ('MAIN', 'SUBSIDY', 'RESERVE', 'CLAIM')) = (balance_minor IS NOT NULL)),
  CHECK ((balance_minor IS NULL) = (pending_minor IS NULL)),
  CONSTRAINT account_floor CHECK (pending_minor >= 0 AND balance_minor - pending_minor >= 0)
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX account_owner ON account (school_id, owner_id, kind) WHERE owner_id IS NOT NULL;
CREATE UNIQUE INDEX account_of_school ON account (school_id, kind) WHERE owner_id IS NULL;
SELECT protect('account');

ALTER TABLE merchant ADD FOREIGN KEY (school_id, account_id) REFERENCES account (school_id, id);

-- phase POSTED stands alone; PENDING is resolved by exactly one POST or VOID row that names it.
CREATE TABLE transfer (
  school_id int NOT NULL,
  id uuid NOT NULL,
  kind text NOT NULL,
  phase text NOT NULL CHECK (phase IN ('POSTED', 'PENDING', 'POST', 'VOID')),
  pending_id uuid,
  debit_account_id uuid NOT NULL,
  credit_account_id uuid NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000),
  retrieval_reference text,
  made_at timestamptz NOT NULL,
  business_on date NOT NULL,
  PRIMARY KEY (school_id, id),
  FOREIGN KEY (school_id, debit_account_id) REFERENCES account (school_id, id),
  FOREIGN KEY (school_id, credit_account_id) REFERENCES account (school_id, id),
  FOREIGN KEY (school_id, pending_id) REFERENCES transfer (school_id, id),
  CHECK ((phase IN ('POST', 'VOID')) = (pending_id IS NOT NULL)),
  CHECK (debit_account_id <> credit_account_id)
);
CREATE UNIQUE INDEX transfer_resolution ON transfer (school_id, pending_id) WHERE pending_id IS NOT NULL;
SELECT protect('transfer');

-- The two sides of a posted transfer, in the order of the statement. balance_after_minor is the
-- purse's posted balance once this leg stands; accounts without a kept balance have none.
CREATE TABLE leg (
  school_id int NOT NULL,
  account_id uuid NOT NULL,
  posted_at timestamptz NOT NULL,
  transfer_id uuid NOT NULL,
  counter_account_id uuid NOT NULL,
  kind text NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
  balance_after_minor bigint,
  PRIMARY KEY (school_id, account_id, posted_at, transfer_id),
  FOREIGN KEY (school_id, account_id) REFERENCES account (school_id, id),
  FOREIGN KEY (school_id, transfer_id) REFERENCES transfer (school_id, id)
);
SELECT protect('leg');

-- What a cardholder has, kind by kind.
CREATE FUNCTION purses(p_school int, p_owner uuid)
RETURNS SETOF account LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM set_config('app.school', p_school::text, true);
  RETURN QUERY SELECT a.* FROM account a WHERE a.school_id = p_school AND a.owner_id = p_owner
     AND a.balance_minor IS NOT NULL;
END $$;
SELECT plan_by_index('purses');

CREATE TYPE statement_line AS (
  transfer_id uuid, posted_at timestamptz, kind text, purse text, amount_minor bigint,
  balance_after_minor bigint, merchant_name_zh text, merchant_name_en text
);

-- Posted legs of all purses of a cardholder before a place, newest first, with who sold. Each purse
-- gives at most a page, so a long history costs no more than a short one.
CREATE FUNCTION statement_lines(p_school int, p_owner uuid, p_since timestamptz,
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
           WHERE a.school_id = p_school AND a.owner_id = p_owner
           ORDER BY x.posted_at DESC, x.transfer_id DESC LIMIT p_limit) l
    LEFT JOIN merchant m ON m.school_id = p_school AND m.account_id = l.counter_account_id
   ORDER BY l.posted_at DESC, l.transfer_id DESC;
END $$;
SELECT plan_by_index('statement_lines');

CREATE TABLE cash_top_up (
  school_id int NOT NULL,
  id uuid NOT NULL,
  cardholder_id uuid NOT NULL,
  staff_id uuid NOT NULL,
  four_eyes_id uuid,
  amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 1000000000),
  transfer_id uuid NOT NULL,
  audit_id uuid NOT NULL,
  made_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, id),
  UNIQUE (school_id, transfer_id),
  FOREIGN KEY (school_id, cardholder_id) REFERENCES cardholder (school_id, id),
  FOREIGN KEY (school_id, staff_id) REFERENCES staff (school_id, id),
  FOREIGN KEY (school_id, four_eyes_id) REFERENCES four_eyes_request (school_id, id),
  FOREIGN KEY (school_id, transfer_id) REFERENCES transfer (school_id, id),
  FOREIGN KEY (school_id, audit_id) REFERENCES audit_event (school_id, id)
);
SELECT protect('cash_top_up');
