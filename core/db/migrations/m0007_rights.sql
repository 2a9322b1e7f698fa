-- The app's role owns nothing. Facts can only be added: what may change is granted column by column
-- or table by table; DELETE is granted only where rows are counters or expired by design.
GRANT USAGE ON SCHEMA public TO campus_app;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO campus_app;
GRANT INSERT ON ALL TABLES IN SCHEMA public TO campus_app;
REVOKE ALL ON tortoise_migrations FROM campus_app;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO campus_app;
REVOKE ALL ON FUNCTION protect(regclass), plan_by_index(regproc) FROM campus_app, PUBLIC;

GRANT UPDATE (name_zh, name_en, default_language) ON school TO campus_app;
GRANT UPDATE (name_zh, name_en) ON campus, site TO campus_app;
GRANT UPDATE (name_zh, name_en, active) ON merchant TO campus_app;
GRANT UPDATE (state, model, serial_number, scenes, site_number, last_seen_at) ON terminal TO campus_app;
GRANT UPDATE (valid_until) ON terminal_key TO campus_app;
GRANT UPDATE (tries, used_at) ON activation_code TO campus_app;
GRANT UPDATE (display_name, password_hash, totp_sealed, totp_last_step, roles, active, cardholder_number) ON staff TO campus_app;
GRANT UPDATE (approver_id, state, decided_at) ON four_eyes_request TO campus_app;
GRANT UPDATE (tries, due_at, leased_until, done_at, last_error, payload) ON outbox TO campus_app;
GRANT UPDATE (kind, status, campus_code, name_sealed, name_index, department_sealed, id_type,
  id_number_sealed, id_number_index, phone_sealed, phone_index, email_sealed, email_index,
  roster_digest, roster_import_id, opening_minor, changed_at) ON cardholder TO campus_app;
GRANT UPDATE (ended_at) ON binding TO campus_app;
GRANT UPDATE (token_hash, refresh_hash, binding_id, cardholder_id, step_up_at, last_seen_at,
  expires_at, refresh_expires_at, rotated_at, revoked_at, revoke_reason) ON session TO campus_app;
GRANT UPDATE (tries, used_at) ON one_time_code TO campus_app;
GRANT UPDATE, DELETE ON attempt_counter TO campus_app;
GRANT DELETE ON pin_spray TO campus_app;
GRANT UPDATE (state, opened_at, lost_at, changed_at) ON card TO campus_app;
GRANT UPDATE (state, hash, pepper_kid, tries, changed_at) ON pin TO campus_app;
GRANT UPDATE ON cardholder_limit TO campus_app;
GRANT UPDATE (totp_version, token_drawn_at, revoked_at) ON code_device TO campus_app;
GRANT UPDATE (passes) ON cap_slot TO campus_app;
GRANT UPDATE (revoked_at) ON code_pass TO campus_app;
GRANT UPDATE (wrong_tries) ON code_alias TO campus_app;
GRANT UPDATE (balance_minor, pending_minor, last_posted_at) ON account TO campus_app;
GRANT UPDATE (outcome, response_code, signed_answer, available_minor, spent_minor) ON terminal_answer TO campus_app;
GRANT UPDATE (state, captured_minor, refunded_minor) ON authorisation TO campus_app;
GRANT UPDATE (reserved_for, terminal_no, batch_no, seq_no, used_at) ON code_use TO campus_app;
