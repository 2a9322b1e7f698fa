"""The planted defects: what each replaces, and which invariants must notice."""

import asyncio

import asyncpg

from tests.faults.defects.defect import Defect, Edit
from tests.faults.defects.door_planted import DOOR_DEFECTS
from tests.faults.defects.terminal_planted import TERMINAL_DEFECTS

_CRASHES = frozenset({"restart_database", "kill_backend"})
_BREAKS = _CRASHES | {"kill_app", "cut_backends"}
_NO_LOCK: Edit = ("     FOR NO KEY UPDATE OF x;", "     ;")

DEFECTS: dict[str, Defect] = {
    "asynchronous_commit": Defect(
        "synchronous_commit is off for the app",
        frozenset({"I1"}),
        settings=(
            "ALTER ROLE campus_app SET synchronous_commit = off",
            "ALTER SYSTEM SET wal_writer_delay = '10s'",
            "SELECT pg_reload_conf()",
        ),
        shown_by=_CRASHES,
    ),
    "no_unique_key": Defect(
        "no unique key on the terminal's key",
        frozenset({"I4", "I4 answers", "I5"}),
        edits=(("ON CONFLICT (school_id, terminal_no, batch_no, seq_no)", "ON CONFLICT"),),
        sql="ALTER TABLE terminal_answer DROP CONSTRAINT terminal_answer_pkey;"
        "ALTER TABLE authorisation DROP CONSTRAINT authorisation_pkey",
    ),
    "balance_written_back": Defect(
        "the balance is read, computed and written, without a lock",
        frozenset({"I6", "I8 balance", "I9", "I10"}),
        edits=(
            _NO_LOCK,
            ("FROM paid s JOIN taken t USING (ordinality)",
             "FROM paid s JOIN taken t USING (ordinality), pg_sleep(0.3)"),
            ("SET balance_minor = x.balance_minor - CASE",
             "SET balance_minor = m.balance_minor - CASE"),
        ),
    ),
    "code_checked_before_lock": Defect(
        "whether a code is spent is read before the lock is taken",
        frozenset({"I13", "I14"}),
        edits=(
            ("  a purchase_answer;", "  a purchase_answer;\n  early code_use[];"),
            ("  PERFORM FROM unnest", ("  early := ARRAY(SELECT y FROM code_use y"
             " WHERE y.school_id = p_school"
             " AND y.replay_key IN (SELECT q.replay_key FROM unnest(p_requests) q));\n"
             "  PERFORM pg_sleep(0.2);\n  PERFORM FROM unnest")),
            ("LEFT JOIN code_use u ON u.school_id = p_school AND u.replay_key = r.replay_key",
             "LEFT JOIN unnest(early) u ON u.replay_key = r.replay_key"),
        ),
        sql="ALTER TABLE code_use DROP CONSTRAINT code_use_pkey;"
        "CREATE INDEX code_use_key ON code_use (school_id, replay_key)",
    ),
    "refused_code_spent": Defect(
        "a code is spent by a purchase that was declined",
        frozenset({"I12"}),
        edits=(
            ("WHERE s.replay_key IS NOT NULL AND s.continuation_id IS NULL",
             ("WHERE s.replay_key IS NOT NULL AND s.continuation_id IS NULL UNION ALL"
             " SELECT p_school, s.replay_key, s.terminal_no, s.batch_no, s.seq_no, NULL::uuid,"
             " s.answered_at FROM fresh s"
             " WHERE s.outcome = 'DECLINED' AND s.code = '51' AND s.replay_key IS NOT NULL")),
        ),
    ),
    "cached_balance": Defect(
        "a purse's balance comes from a cache that money coming in does not renew",
        frozenset({"I12"}),
        edits=(
            ("  FOR one IN",
             ("  INSERT INTO balance_seen SELECT x.id, x.balance_minor - x.pending_minor"
             " FROM unnest(p_requests) r JOIN account x ON x.school_id = p_school"
             " AND x.owner_id = r.cardholder_id AND x.kind = ANY (p_purses)"
             " ON CONFLICT DO NOTHING;\n  FOR one IN")),
            ("x.balance_minor - x.pending_minor AS free",
             ("least(x.balance_minor - x.pending_minor, (SELECT b.free FROM balance_seen b"
             " WHERE b.account_id = x.id)) AS free")),
        ),
        sql="CREATE TABLE balance_seen (account_id uuid PRIMARY KEY, free bigint);"
        "GRANT SELECT, INSERT ON balance_seen TO campus_app",
    ),
    "audit_row_changed": Defect(
        "an audit row is changed after it was sealed",
        frozenset({"I22"}),
        sql="""
        CREATE FUNCTION whitewash() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          NEW.actor_id := NEW.actor_id || '?';
          RETURN NEW;
        END $$;
        CREATE TRIGGER whitewash BEFORE INSERT ON audit_event
          FOR EACH ROW WHEN (NEW.act = 'top_up.cash') EXECUTE FUNCTION whitewash()
        """,
    ),
    "two_transactions": Defect(
        "debit and credit stand in two database transactions",
        frozenset({"I6", "I7 legs", "I9"}),
        edits=((",\n          (m.merchant_account_id, m.purse_id, m.take, NULL)", ""),),
        sql="""
        CREATE FUNCTION credit_later(p_school int, p_reference text) RETURNS void
        LANGUAGE plpgsql AS $$ BEGIN
          PERFORM set_config('app.school', p_school::text, true);
          INSERT INTO leg SELECT l.school_id, l.counter_account_id, l.posted_at, l.transfer_id,
              l.account_id, l.kind, -l.amount_minor, NULL
            FROM leg l JOIN transfer t ON t.school_id = p_school AND t.id = l.transfer_id
           WHERE l.school_id = p_school AND t.retrieval_reference = p_reference
             AND t.kind = 'PURCHASE' AND t.phase = 'POSTED'
          ON CONFLICT DO NOTHING;
        END $$;
        GRANT EXECUTE ON FUNCTION credit_later TO campus_app;
        CREATE INDEX transfer_reference ON transfer (school_id, retrieval_reference);
        CREATE INDEX leg_transfer ON leg (school_id, transfer_id)
        """,
        is_patched=True,
        shown_by=_BREAKS,
    ),
    "acknowledged_before_commit": Defect(
        "purchases are answered before they are committed",
        frozenset({"I1"}),
        is_patched=True,
        shown_by=_BREAKS,
    ),
    "top_up_without_key": Defect(
        "cash top-ups have no idempotency key", frozenset({"I5", "I3"}), is_patched=True
    ),
    "void_without_tombstone": Defect(
        "a void that finds nothing leaves no tombstone",
        frozenset({"I4 voids"}),
        is_patched=True,
    ),
    "no_floor": Defect(
        "a purse may go below zero",
        frozenset({"I10"}),
        edits=(
            ("x.balance_minor - x.pending_minor AS free",
             "x.balance_minor - x.pending_minor + 1000 AS free"),
        ),
        sql="ALTER TABLE account DROP CONSTRAINT account_floor",
    ),
    "refunds_without_lock": Defect(
        "refunds are summed without a lock", frozenset({"I19", "I4 money"}), is_patched=True
    ),
    "loss_after_answer": Defect(
        "a loss report is committed after its answer", frozenset({"I17"}), is_patched=True
    ),
    **DOOR_DEFECTS,
    **TERMINAL_DEFECTS,
}  # fmt: skip


def shown_by(defect: str) -> frozenset[str]:
    """The kinds of fault that show a defect, none where any will do."""
    return DEFECTS[defect].shown_by if defect else frozenset()


def seen_at(defect: str) -> frozenset[str]:
    """The scenes at the doors that show a defect, none where any will do."""
    return DEFECTS[defect].seen_at if defect else frozenset()


def launcher(defect: str) -> list[str]:
    """The arguments that start the product, with the defect's patches if it has any."""
    is_patched = bool(defect) and DEFECTS[defect].is_patched
    return ["-m", "tests.faults.defects.launch", defect] if is_patched else ["-m", "bff"]


def watched(defect: str) -> list[str]:
    """The same, with a witness of every comparison of a secret."""
    is_patched = bool(defect) and DEFECTS[defect].is_patched
    return ["-m", "tests.faults.defects.launch", defect if is_patched else "none"]


def plant(defect: str, owner_dsn: str, superuser_dsn: str) -> None:
    """Replaces what the defect replaces in a migrated database.

    Raises: ValueError for an edit whose text is no longer there.
    """
    if defect:
        asyncio.run(_plant(DEFECTS[defect], owner_dsn, superuser_dsn))


async def _plant(defect: Defect, owner_dsn: str, superuser_dsn: str) -> None:
    owner = await asyncpg.connect(owner_dsn)
    source = await owner.fetchval("SELECT pg_get_functiondef('purchase_authorise'::regproc)")
    for old, new in defect.edits:
        if source.count(old) != 1:
            raise ValueError(f"not once in the payment function: {old}")
        source = source.replace(old, new)
    if defect.sql:
        await owner.execute(defect.sql)
    if defect.edits:
        await owner.execute(source)
    await owner.close()
    superuser = await asyncpg.connect(superuser_dsn)
    for statement in defect.settings:
        await superuser.execute(statement)
    await superuser.close()
