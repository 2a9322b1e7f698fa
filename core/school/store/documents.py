"""Rows of signed documents."""

from dataclasses import astuple
from datetime import datetime

from core.db.unit import Unit
from core.school.records import DocumentKind, SignedDocument


async def insert(unit: Unit, document: SignedDocument, now: datetime) -> None:
    """Adds a document of the unit's school."""
    kind, _, *rest = astuple(document)
    await unit.execute(
        "INSERT INTO signed_document (school_id, kind, version, kid, content, signature,"
        " published_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        unit.school_id, kind, *rest, now,
    )  # fmt: skip


async def find(unit: Unit, kind: DocumentKind, version: int) -> SignedDocument | None:
    """The document of a kind and version."""
    row = await unit.row(
        "SELECT version, kid, content, signature FROM signed_document"
        " WHERE school_id = $1 AND kind = $2 AND version = $3",
        unit.school_id, kind, version,
    )  # fmt: skip
    return row and SignedDocument(kind, unit.school_id, **row)


async def find_newest(unit: Unit, kind: DocumentKind) -> SignedDocument | None:
    """The document of a kind with the highest version."""
    row = await unit.row(
        "SELECT version, kid, content, signature FROM signed_document"
        " WHERE school_id = $1 AND kind = $2 ORDER BY version DESC LIMIT 1",
        unit.school_id, kind,
    )  # fmt: skip
    return row and SignedDocument(kind, unit.school_id, **row)
