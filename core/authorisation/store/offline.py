"""The rows of offline records, and everything under lock that their verdicts depend on."""

from dataclasses import astuple
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.authorisation import store
from core.authorisation.offline import (
    Claim,
    CodeUse,
    Flag,
    Judgement,
    Known,
    PassFacts,
    StoredItem,
    Verdict,
)
from core.authorisation.records import Answer, Authorisation, Key
from core.db.unit import Raced, Unit

KEYS, DENY = 1, 3
"""The kinds of these documents among acknowledgements."""
_SERIAL, _UID = 1, 2
CARD_DAY = timedelta(days=1)
"""The caps of a card count this far back (terminals.taps)."""


async def lock_terminal(unit: Unit, terminal_no: int) -> None:
    """Lets the records of one terminal take turns; answers of its online requests go on."""
    await unit.execute(
        "SELECT 1 FROM terminal WHERE school_id = $1 AND terminal_no = $2 FOR NO KEY UPDATE",
        unit.school_id, terminal_no,
    )  # fmt: skip


async def find_item(unit: Unit, key: Key) -> StoredItem | None:
    """The record that took a key."""
    row = await unit.row(
        "SELECT record, verdict, reason, flags, retrieval_reference FROM offline_item"
        " WHERE school_id = $1 AND terminal_no = $2 AND batch_no = $3 AND seq_no = $4",
        unit.school_id, *astuple(key),
    )  # fmt: skip
    return None if row is None else stored_item(row)


def stored_item(row: Any) -> StoredItem:  # noqa: ANN401 - a driver's row
    """The record that took a key, as its row says."""
    flags = frozenset(map(Flag, row["flags"]))
    judgement = Judgement(Verdict(row["verdict"]), row["reason"], flags)
    return StoredItem(row["record"], judgement, row["retrieval_reference"])


async def find_facts(unit: Unit, claim: Claim) -> PassFacts | None:
    """Whose code or card a record names; None if it names none that we know."""
    if claim.card_uid is not None:
        return await _find_card(unit, claim, claim.card_uid)
    return None if claim.serial is None else await _find_pass(unit, claim.serial)


async def _find_card(unit: Unit, claim: Claim, uid: str) -> PassFacts | None:
    """Whose card it is, the one in use before those that were; what the list said of it then."""
    row = await unit.row(
        "SELECT c.cardholder_id, c.id AS card_id,"
        " CASE WHEN was.op = 1 THEN was.added_at END AS revoked_at,"
        " CASE WHEN knew.op = 1 THEN knew.version END AS denied_in FROM card c"
        " LEFT JOIN LATERAL (SELECT e.op, e.added_at FROM deny_entry e WHERE e.school_id = $1"
        "  AND e.kind = $3 AND e.id = decode($2, 'hex') AND e.added_at <= $4"
        "  ORDER BY e.version DESC LIMIT 1) was ON true"
        " LEFT JOIN LATERAL (SELECT e.op, e.version FROM deny_entry e WHERE e.school_id = $1"
        "  AND e.kind = $3 AND e.id = decode($2, 'hex') AND e.version <= greatest($5,"
        "   (SELECT coalesce(max(a.version), 0) FROM document_acknowledgement a"
        "     WHERE a.school_id = $1 AND a.terminal_no = $6 AND a.kind = $7"
        "     AND a.acknowledged_at <= $4))"
        "  ORDER BY e.version DESC LIMIT 1) knew ON true"
        " WHERE c.school_id = $1 AND c.uid = $2"
        " ORDER BY c.state IN ('REPLACED', 'CLOSED'), c.issued_at DESC LIMIT 1",
        unit.school_id, uid, _UID, claim.created_at, claim.deny_version, claim.key.terminal_no,
        DENY,
    )  # fmt: skip
    return None if row is None else PassFacts(*row)


async def _find_pass(unit: Unit, serial: bytes) -> PassFacts | None:
    """Whose pass it is; its card is the holder's virtual one, if there still is one."""
    row = await unit.row(
        "SELECT p.cardholder_id, c.id AS card_id, p.revoked_at, d.version, p.content"
        " FROM code_pass p"
        " LEFT JOIN card c ON c.school_id = $1 AND c.cardholder_id = p.cardholder_id"
        "  AND c.kind = 'VIRTUAL' AND c.state NOT IN ('REPLACED', 'CLOSED')"
        " LEFT JOIN deny_entry d ON d.school_id = $1 AND d.kind = $3 AND d.id = p.serial"
        " WHERE p.school_id = $1 AND p.serial = $2",
        unit.school_id, serial, _SERIAL,
    )  # fmt: skip
    return None if row is None else PassFacts(*row)


async def read_known(
    unit: Unit,
    claim: Claim,
    pass_facts: PassFacts | None,
    authorisation: Authorisation | None,
    original: Authorisation | None,
) -> Known:
    """What the rows say of a record whose key no other record took."""
    key = claim.key
    row = await unit.row(
        "SELECT coalesce((SELECT t.operation FROM terminal_answer t WHERE t.school_id = $1"
        "   AND t.terminal_no = $2 AND t.batch_no = $3 AND t.seq_no = $4),"
        "   CASE WHEN is_doors_key($1, $2, $3, $4) THEN 'ENTRY' END) AS operation,"
        " (SELECT o.operation FROM terminal_answer o WHERE o.school_id = $1"
        "   AND o.terminal_no = $2 AND o.batch_no = $3 AND o.seq_no = $9) AS original_operation,"
        " (SELECT true FROM settlement s WHERE s.school_id = $1 AND s.terminal_no = $2"
        "   AND s.batch_no = $3) IS NOT NULL AS is_closed,"
        " (SELECT true FROM offline_link l WHERE l.school_id = $1 AND l.terminal_no = $2"
        "   AND l.batch_no = $3 AND l.record_hash = $5) IS NOT NULL AS previous_is_known,"
        " (SELECT coalesce(max(a.version), 0) FROM document_acknowledgement a"
        "   WHERE a.school_id = $1 AND a.terminal_no = $2 AND a.kind = $6"
        "   AND a.acknowledged_at <= $7) AS acknowledged_version,"
        " (SELECT max(k.published_at) FROM document_acknowledgement a JOIN signed_document k"
        "   ON k.school_id = $1 AND k.kind = a.kind AND k.version = a.version"
        "   WHERE a.school_id = $1 AND a.terminal_no = $2 AND a.kind = $10"
        "   AND a.acknowledged_at <= $7) AS keys_published_at,"
        " (SELECT coalesce(max(n.version), 0) FROM deny_list n WHERE n.school_id = $1)"
        "   AS newest_version,"
        " (SELECT min(e.added_at) FROM deny_entry e WHERE e.school_id = $1 AND e.version > $8)"
        "   AS superseded_at,"
        " (SELECT max(b.answered_at) FROM terminal_answer b WHERE b.school_id = $1"
        "   AND b.terminal_no = $2 AND b.batch_no < $3 AND b.operation = 'AUTHORISE')"
        "   AS batch_began_at",
        unit.school_id, *astuple(key), claim.previous_hash, DENY, claim.created_at,
        claim.deny_version, claim.original_seq_no, KEYS,
    )  # fmt: skip
    assert row is not None
    count, minor, is_same_code = await _earlier(unit, claim)
    return Known(
        authorisation=authorisation,
        answer=await store.read_answer(unit, key),
        original=original,
        code_use=await _code_use(unit, claim.replay_key),
        is_same_code=is_same_code,
        pass_facts=pass_facts,
        spent_count=count,
        spent_minor=minor,
        **row,
    )


async def _earlier(unit: Unit, claim: Claim) -> tuple[int, int, bool]:
    """What this terminal's earlier records took of the caps, and whether one used the code.

    Of a capTag all of them: it lives for its slot; of a card those of the day before the record.
    """
    row = await unit.row(
        "SELECT count(*) FILTER (WHERE i.capped)::int,"
        " coalesce(sum(i.amount_minor) FILTER (WHERE i.capped), 0)::bigint,"
        " count(*) FILTER (WHERE i.replay_key = $4) > 0"
        " FROM (SELECT x.amount_minor, x.replay_key, x.cap_tag = $3 OR (x.card_uid = $5"
        "   AND x.made_at >= $6 AND x.made_at <= $7) AS capped"
        "  FROM offline_item x WHERE x.school_id = $1 AND x.terminal_no = $2"
        "  AND (x.cap_tag = $3 OR x.replay_key = $4 OR x.card_uid = $5) AND x.kind = 'PURCHASE'"
        "  AND x.verdict IN ('ACCEPTED', 'SUSPECT')) i",
        unit.school_id, claim.key.terminal_no, claim.cap_tag, claim.replay_key, claim.card_uid,
        claim.created_at - CARD_DAY, claim.created_at,
    )  # fmt: skip
    assert row is not None
    return row[0], row[1], row[2]


async def _code_use(unit: Unit, replay_key: bytes | None) -> CodeUse | None:
    """Who holds a replay key, held until the unit ends."""
    row = await unit.row(
        "SELECT terminal_no, batch_no, seq_no, reserved_for IS NOT NULL AS is_reserved"
        " FROM code_use WHERE school_id = $1 AND replay_key = $2 FOR UPDATE",
        unit.school_id, replay_key,
    )  # fmt: skip
    return row and CodeUse(Key(*row[:3]), row["is_reserved"])


async def insert_item(
    unit: Unit,
    claim: Claim,
    judgement: Judgement,
    cardholder_id: UUID | None,
    reference: str | None,
    now: datetime,
) -> None:
    """Keeps the first verdict of a record, and the record itself as evidence.

    Raises Raced: the key was taken meanwhile.
    """
    made = await unit.execute(
        "INSERT INTO offline_item (school_id, terminal_no, batch_no, seq_no, kind, record,"
        " record_hash, previous_hash, signature, presented, challenge, after_timeout, made_at,"
        " received_at, amount_minor, cardholder_id, serial, cap_tag, replay_key, verdict, reason,"
        " flags, retrieval_reference, card_uid) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
        " $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)"
        " ON CONFLICT DO NOTHING",
        unit.school_id, *astuple(claim.key), claim.kind, claim.record, claim.record_hash,
        claim.previous_hash, claim.signature, claim.presented, claim.challenge,
        claim.after_timeout, claim.created_at, now, claim.amount_minor, cardholder_id,
        claim.serial, claim.cap_tag, claim.replay_key, judgement.verdict, judgement.reason,
        sorted(judgement.flags), reference, claim.card_uid,
    )  # fmt: skip
    if made == 0:
        raise Raced


async def insert_link(unit: Unit, claim: Claim) -> None:
    """Notes that a signed record came; the same again changes nothing."""
    await unit.execute(
        "INSERT INTO offline_link (school_id, terminal_no, batch_no, record_hash)"
        " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        unit.school_id, claim.key.terminal_no, claim.key.batch_no, claim.record_hash,
    )  # fmt: skip


async def insert_authorisation(
    unit: Unit,
    claim: Claim,
    holder: PassFacts | None,
    transfer_ids: list[UUID],
    reference: str,
    now: datetime,
) -> None:
    """A captured purchase that the holder paid, or without one the school.

    Raises Raced: the key was taken meanwhile.
    """
    made = await unit.execute(
        "INSERT INTO authorisation (school_id, terminal_no, batch_no, seq_no, state,"
        " cardholder_id, card_id, serial, instrument, scene, merchant_account_id, held_minor,"
        " captured_minor, refunded_minor, pin_proven, transfer_ids, retrieval_reference,"
        " business_on, made_at, payer, is_offline) VALUES ($1, $2, $3, $4, 'CAPTURED', $5, $6, $7,"
        " $8, $9, $10, $11, $11, 0, false, $12, $13, $14, $15, $16, true) ON CONFLICT DO NOTHING",
        unit.school_id, *astuple(claim.key), holder and holder.cardholder_id,
        holder and holder.card_id, claim.serial, claim.instrument, claim.scene,
        claim.merchant_account_id, claim.amount_minor, transfer_ids, reference, claim.business_on,
        now, "SCHOOL" if holder is None else "HOLDER",
    )  # fmt: skip
    if made == 0:
        raise Raced


async def insert_answer(unit: Unit, content_hash: bytes, answer: Answer) -> None:
    """The answer that a late original of the record will meet.

    Raises Raced: the key was taken meanwhile.
    """
    made = await unit.execute(
        "INSERT INTO terminal_answer (school_id, terminal_no, batch_no, seq_no, operation,"
        " content_hash, outcome, response_code, amount_minor, cardholder_id, available_minor,"
        " retrieval_reference, answer_kid, answered_at, signed_answer) VALUES ($1, $2, $3, $4,"
        " 'AUTHORISE', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING",
        unit.school_id, answer.terminal_no, answer.batch_no, answer.seq_no, content_hash,
        answer.outcome, answer.response_code, answer.amount_minor, answer.cardholder_id,
        answer.available_minor, answer.retrieval_reference, answer.answer_kid,
        answer.answered_at, answer.signed_answer,
    )  # fmt: skip
    if made == 0:
        raise Raced


async def use_code(unit: Unit, claim: Claim, *, takes_over: bool, now: datetime) -> None:
    """Spends the code under the record's key, or takes it over from a PIN that never came.

    Raises Raced: somebody used it meanwhile.
    """
    if takes_over:
        changed = await unit.execute(
            "UPDATE code_use SET reserved_for = NULL, terminal_no = $3, batch_no = $4, seq_no = $5,"
            " used_at = $6 WHERE school_id = $1 AND replay_key = $2 AND reserved_for IS NOT NULL",
            unit.school_id, claim.replay_key, *astuple(claim.key), now,
        )  # fmt: skip
    else:
        changed = await unit.execute(
            "INSERT INTO code_use (school_id, replay_key, terminal_no, batch_no, seq_no, used_at)"
            " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            unit.school_id, claim.replay_key, *astuple(claim.key), now,
        )  # fmt: skip
    if changed == 0:
        raise Raced
