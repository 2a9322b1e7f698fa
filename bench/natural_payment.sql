-- The natural single payment, the peer of P2: our own decision, then the merchant's balance as one
-- row that every payment updates. Time and ids come from SQL, as a natural function would have it.

CREATE TABLE natural_payer (
  number int PRIMARY KEY, cardholder_id uuid NOT NULL, card_id uuid NOT NULL,
  device_id uuid NOT NULL, serial bytea NOT NULL
);
INSERT INTO natural_payer
SELECT row_number() OVER (ORDER BY p.serial) - 1, p.cardholder_id, c.id, p.device_id, p.serial
FROM code_pass p JOIN card c ON c.school_id = p.school_id AND c.cardholder_id = p.cardholder_id;
CREATE TABLE natural_merchant (
  account_id uuid PRIMARY KEY, balance_minor bigint NOT NULL
) WITH (fillfactor = 50);
INSERT INTO natural_merchant SELECT account_id, 0 FROM merchant;

CREATE FUNCTION natural_payment(p_school int, p_payer int, p_till bigint, p_batch int, p_seq int)
RETURNS text LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  payer natural_payer;
  merchant_account uuid;
  answer purchase_answer;
  at timestamptz := clock_timestamp();
BEGIN
  PERFORM set_config('app.school', p_school::text, true);
  SELECT * INTO payer FROM natural_payer n WHERE n.number = p_payer;
  SELECT m.account_id INTO merchant_account
    FROM terminal t JOIN merchant m ON m.school_id = t.school_id AND m.id = t.merchant_id
   WHERE t.school_id = p_school AND t.terminal_no = p_till;
  SELECT * INTO answer FROM purchase_authorise(p_school, '{SUBSIDY,MAIN}', ARRAY[ROW(
    p_till, p_batch, p_seq, sha256(p_seq::text::bytea), payer.cardholder_id, payer.card_id,
    payer.serial, payer.device_id, 'PRESENTATION', 'MEAL',
    '\x02'::bytea || substring(uuid_send(gen_random_uuid()) FROM 1 FOR 13), NULL,
    gen_random_uuid(), at, 100, false, NULL, false, 3000, 5000, merchant_account,
    ARRAY[gen_random_uuid(), gen_random_uuid()],
    upper(left(replace(gen_random_uuid()::text, '-', ''), 12)), 2, at, at::date,
    repeat('x', 154))::purchase_request]);
  IF answer.outcome <> 'APPROVED' THEN
    RAISE EXCEPTION 'not approved: % %', answer.response_code, answer.reason;
  END IF;
  UPDATE natural_merchant n SET balance_minor = n.balance_minor + 100
   WHERE n.account_id = merchant_account;
  RETURN answer.outcome;
END $$;
GRANT SELECT ON natural_payer TO campus_app;
GRANT SELECT, UPDATE ON natural_merchant TO campus_app;
GRANT EXECUTE ON FUNCTION natural_payment TO campus_app;
