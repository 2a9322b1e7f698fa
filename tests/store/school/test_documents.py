"""Signed documents as they are published and found again."""

from dataclasses import replace

import pytest

from core.school.records import DocumentInvalid, DocumentKind, SchoolUnknown, SignedDocument
from core.school.service import Documents
from tests.factories.registry import OPERATOR, SCHOOL, Registry

KEYS = SignedDocument(DocumentKind.KEYS, SCHOOL, 7, 1, b"sample", bytes(64))


@pytest.fixture
def documents(registry: Registry) -> Documents:
    """The published documents of the sample school: none."""
    return Documents(registry.database, registry.clock, registry.audit)


async def test_newest_of_its_kind_is_found_as_it_was_signed(documents: Documents) -> None:
    assert await documents.find_newest(SCHOOL, DocumentKind.KEYS) is None
    deny = replace(KEYS, kind=DocumentKind.DENY, version=9)
    for document in (KEYS, replace(KEYS, version=8, content=b"\x00\xff"), deny):
        await documents.publish(document, OPERATOR)
    newest = await documents.find_newest(SCHOOL, DocumentKind.KEYS)
    assert newest == replace(KEYS, version=8, content=b"\x00\xff")


@pytest.mark.parametrize("version", [6, 7])
async def test_version_that_does_not_rise_is_not_published(
    registry: Registry, documents: Documents, version: int
) -> None:
    await documents.publish(KEYS, OPERATOR)
    audited = await registry.count("audit_event")
    with pytest.raises(DocumentInvalid) as refusal:
        await documents.publish(replace(KEYS, version=version, content=b"other"), OPERATOR)
    assert refusal.value.details == {"reason": "VERSION_OLD"}
    registry.clock.advance(seconds=30)
    assert await documents.find_newest(SCHOOL, DocumentKind.KEYS) == KEYS
    assert await registry.count("audit_event") == audited


async def test_document_of_no_school_is_not_published(documents: Documents) -> None:
    with pytest.raises(SchoolUnknown):
        await documents.publish(replace(KEYS, issuer=999), OPERATOR)


async def test_other_processes_hear_within_thirty_seconds(
    registry: Registry, documents: Documents
) -> None:
    other = Documents(registry.database, registry.clock, registry.audit)
    assert await other.find_newest(SCHOOL, DocumentKind.KEYS) is None
    await documents.publish(KEYS, OPERATOR)
    registry.clock.advance(seconds=29)
    assert await other.find_newest(SCHOOL, DocumentKind.KEYS) is None
    registry.clock.advance(seconds=1)
    assert await other.find_newest(SCHOOL, DocumentKind.KEYS) == KEYS
