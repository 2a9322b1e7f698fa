"""Rows of who agreed to which version of what."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from core.db.unit import Unit
from core.identity.consents import Consent, ConsentGiven
from core.school.policy_file import ConsentFacts


async def standing(unit: Unit, issuer: str, subject_index: bytes) -> list[ConsentGiven]:
    """What a subject agreed to so far."""
    rows = await unit.rows(
        "SELECT DISTINCT document, version FROM consent"
        " WHERE school_id = $1 AND issuer = $2 AND subject_index = $3",
        unit.school_id, issuer, subject_index,
    )  # fmt: skip
    return [ConsentGiven(row["document"], row["version"]) for row in rows]


async def add(
    unit: Unit,
    documents: Sequence[tuple[UUID, ConsentFacts]],
    issuer: str,
    subject_index: bytes,
    channel: str,
    cardholder_id: UUID | None,
    now: datetime,
) -> None:
    """Writes agreements, each under its own id."""
    await unit.execute_many(
        "INSERT INTO consent (school_id, id, issuer, subject_index, cardholder_id, document,"
        " version, text_hash, channel, given_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        [
            (
                unit.school_id, id_, issuer, subject_index, cardholder_id, each.document,
                each.version, bytes.fromhex(each.sha256), channel, now,
            )
            for id_, each in documents
        ],
    )  # fmt: skip


async def list_of_cardholder(unit: Unit, cardholder_id: UUID, limit: int) -> list[Consent]:
    """What was agreed to by everybody bound to a card, the newest first."""
    rows = await unit.rows(
        "SELECT c.document, c.version, c.channel, c.given_at FROM consent c"
        " WHERE c.school_id = $1 AND (c.cardholder_id = $2 OR EXISTS ("
        "   SELECT 1 FROM binding b WHERE b.school_id = $1 AND b.cardholder_id = $2"
        "   AND b.ended_at IS NULL AND b.issuer = c.issuer AND b.subject_index = c.subject_index))"
        " ORDER BY c.given_at DESC, c.id LIMIT $3",
        unit.school_id, cardholder_id, limit,
    )  # fmt: skip
    return [Consent(**row) for row in rows]
