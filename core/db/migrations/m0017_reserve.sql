-- A slot's reserve, in fen: what is left of it in its holder's RESERVE purse. None: its passes were
-- made without. It is set aside once and given back once the slot's records are due.
ALTER TABLE cap_slot ADD COLUMN reserve_minor bigint CHECK (reserve_minor >= 0);
GRANT UPDATE (reserve_minor) ON cap_slot TO campus_app;

-- Who has one: few, so the worker's look each half minute reads nobody else.
CREATE INDEX account_reserve ON account (school_id, owner_id)
  WHERE kind = 'RESERVE' AND balance_minor > 0;
