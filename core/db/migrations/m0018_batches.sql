-- Closed batches take no purchase, silent ones are closed by the server, late answers are looked for.

-- What decides about purchases, but in a closed batch: those are answered 90 under their keys, and a
-- key that has its answer repeats it. The terminals' rows are shared first, as their answers would
-- share them: a close holds its own alone, so it counts each purchase or is seen by it.
CREATE FUNCTION purchase_decide(p_school int, p_purses text[], p_requests purchase_request[])
RETURNS SETOF purchase_answer LANGUAGE plpgsql AS $$
DECLARE one purchase_request;
BEGIN
  PERFORM set_config('app.school', p_school::text, true);
  PERFORM FROM (SELECT DISTINCT x.terminal_no FROM unnest(p_requests) x) r
    JOIN terminal t ON t.school_id = p_school AND t.terminal_no = r.terminal_no
   ORDER BY r.terminal_no
     FOR KEY SHARE OF t;
  PERFORM FROM unnest(p_requests) r
    JOIN settlement s ON s.school_id = p_school AND s.terminal_no = r.terminal_no
     AND s.batch_no = r.batch_no;
  IF NOT FOUND THEN
    RETURN QUERY SELECT * FROM purchase_authorise(p_school, p_purses, p_requests);
    RETURN;
  END IF;
  FOREACH one IN ARRAY p_requests LOOP
    PERFORM FROM settlement s WHERE s.school_id = p_school AND s.terminal_no = one.terminal_no
       AND s.batch_no = one.batch_no;
    IF FOUND THEN
      RETURN QUERY SELECT * FROM answer_store(p_school, 'AUTHORISE', one.terminal_no, one.batch_no,
          one.seq_no, one.content_hash, 'DECLINED', '90', 'BATCH_CLOSED', one.amount_minor,
          one.cardholder_id, NULL, one.retrieval_reference, one.answer_kid, one.answered_at, NULL);
    ELSE
      RETURN QUERY SELECT * FROM purchase_authorise(p_school, p_purses, ARRAY[one]);
    END IF;
  END LOOP;
END $$;
SELECT plan_by_index('purchase_decide');

-- Of a batch that its terminal never closed: how far the server could not follow it. `missing` names
-- the first numbers of which nothing had come.
CREATE TABLE settlement_difference (
  school_id int NOT NULL,
  terminal_no bigint NOT NULL,
  batch_no int NOT NULL,
  silent_since timestamptz NOT NULL,
  missing_count int NOT NULL CHECK (missing_count >= 0),
  missing int[] NOT NULL CHECK (cardinality(missing) <= 100),
  made_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, terminal_no, batch_no),
  FOREIGN KEY (school_id, terminal_no, batch_no)
    REFERENCES settlement (school_id, terminal_no, batch_no)
);
SELECT protect('settlement_difference');

-- When a closed batch was last compared with the books: only what was answered since is looked at
-- again, the batch that waited longest first, so none is ever passed over.
CREATE TABLE settlement_check (
  school_id int NOT NULL,
  terminal_no bigint NOT NULL,
  batch_no int NOT NULL,
  checked_at timestamptz NOT NULL,
  PRIMARY KEY (school_id, terminal_no, batch_no),
  FOREIGN KEY (school_id, terminal_no, batch_no)
    REFERENCES settlement (school_id, terminal_no, batch_no)
);
SELECT protect('settlement_check');

-- The batches of some terminals in which something was answered and which nobody closed, and when
-- they began: one probe of the key for each batch, not one row for each answer.
CREATE FUNCTION open_batches(p_school int, p_first bigint, p_last bigint)
RETURNS TABLE (terminal_no bigint, batch_no int, began_at timestamptz)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM set_config('app.school', p_school::text, true);
  RETURN QUERY
  WITH RECURSIVE b AS (
    (SELECT t.terminal_no, t.batch_no, t.answered_at FROM terminal_answer t
      WHERE t.school_id = p_school AND t.terminal_no >= p_first AND t.terminal_no <= p_last
      ORDER BY t.terminal_no, t.batch_no, t.seq_no LIMIT 1)
    UNION ALL
    SELECT n.terminal_no, n.batch_no, n.answered_at FROM b, LATERAL (
      SELECT t.terminal_no, t.batch_no, t.answered_at FROM terminal_answer t
       WHERE t.school_id = p_school AND (t.terminal_no, t.batch_no) > (b.terminal_no, b.batch_no)
         AND t.terminal_no <= p_last
       ORDER BY t.terminal_no, t.batch_no, t.seq_no LIMIT 1) n
  )
  SELECT b.terminal_no, b.batch_no, b.answered_at FROM b
   WHERE NOT EXISTS (SELECT FROM settlement s WHERE s.school_id = p_school
     AND s.terminal_no = b.terminal_no AND s.batch_no = b.batch_no);
END $$;
SELECT plan_by_index('open_batches');

-- A pass that its holder's debt took off the terminals: not revoked, and never issued again.
ALTER TABLE code_pass ADD COLUMN withdrawn_at timestamptz;
GRANT UPDATE (withdrawn_at) ON code_pass TO campus_app;

-- A chip comes off the list when its card is found: every line stays, the newest version has the word.
-- The history tells which terminal knew what when a card was tapped.
ALTER TABLE deny_entry ADD COLUMN op int NOT NULL DEFAULT 1 CHECK (op IN (0, 1)),
  DROP CONSTRAINT deny_entry_pkey, ADD PRIMARY KEY (school_id, kind, id, version);

-- Whose card paid an offline record: its caps count by the chip's number in upper-case hex.
ALTER TABLE offline_item ADD COLUMN card_uid text CHECK (card_uid ~ '^[0-9A-F]{8,20}$');
CREATE INDEX offline_item_card ON offline_item (school_id, terminal_no, card_uid, made_at)
  WHERE card_uid IS NOT NULL AND verdict IN ('ACCEPTED', 'SUSPECT');

-- What no record can be judged by any more is forgotten after 30 days.
GRANT DELETE ON deny_entry, document_acknowledgement TO campus_app;

GRANT SELECT, INSERT ON settlement_difference, settlement_check TO campus_app;
GRANT UPDATE (checked_at) ON settlement_check TO campus_app;
