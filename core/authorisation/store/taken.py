"""The rows of what ran already when it was told: a hold that nothing refused."""

from uuid import UUID

from core.authorisation.records import PurchaseRequest
from core.db.unit import Raced, Unit


async def insert(
    unit: Unit, request: PurchaseRequest, transfer_ids: list[UUID], reference: str
) -> None:
    """A hold that was taken without the server, and the code it spent.

    Raises Raced: the key or the code was taken meanwhile.
    """
    key = request.terminal_no, request.batch_no, request.seq_no
    made = await unit.execute(
        "INSERT INTO authorisation (school_id, terminal_no, batch_no, seq_no, state,"
        " cardholder_id, card_id, instrument, scene, merchant_account_id, held_minor,"
        " captured_minor, refunded_minor, pin_proven, transfer_ids, retrieval_reference,"
        " business_on, made_at, expires_at, is_offline) VALUES ($1, $2, $3, $4, 'PENDING', $5, $6,"
        " $7, $8, $9, $10, 0, 0, false, $11, $12, $13, $14, $15, true) ON CONFLICT DO NOTHING",
        unit.school_id, *key, request.cardholder_id, request.card_id, request.instrument,
        request.scene, request.merchant_account_id, request.amount_minor, transfer_ids, reference,
        request.business_on, request.answered_at, request.expires_at,
    )  # fmt: skip
    if made == 0:
        raise Raced
    used = await unit.execute(
        "INSERT INTO code_use (school_id, replay_key, terminal_no, batch_no, seq_no, used_at)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        unit.school_id, request.replay_key, *key, request.answered_at,
    )  # fmt: skip
    if used == 0:
        raise Raced


async def insert_answer(unit: Unit, request: PurchaseRequest, available_minor: int) -> None:
    """The approval of it, under its key.

    Raises Raced: the key was answered meanwhile.
    """
    made = await unit.execute(
        "INSERT INTO terminal_answer (school_id, terminal_no, batch_no, seq_no, operation,"
        " content_hash, outcome, response_code, amount_minor, cardholder_id, available_minor,"
        " retrieval_reference, answer_kid, answered_at, signed_answer) VALUES ($1, $2, $3, $4,"
        " 'AUTHORISE', $5, 'APPROVED', '00', $6, $7, $8, $9, $10, $11, $12)"
        " ON CONFLICT DO NOTHING",
        unit.school_id, request.terminal_no, request.batch_no, request.seq_no,
        request.content_hash, request.amount_minor, request.cardholder_id, available_minor,
        request.retrieval_reference, request.answer_kid, request.answered_at,
        request.signed_answer,
    )  # fmt: skip
    if made == 0:
        raise Raced
