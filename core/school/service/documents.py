"""Use cases of the signed documents that a school publishes to its terminals."""

from datetime import datetime, timedelta

from core.audit.records import Actor
from core.audit.service import Audit
from core.db.unit import Database, Unit
from core.kit.clock import Clock
from core.school.records import DocumentInvalid, DocumentKind, SchoolUnknown, SignedDocument
from core.school.store import documents as store
from core.school.store import schools as school_store

_CACHE = timedelta(seconds=30)


class Documents:
    """The published documents. A new one is told to every terminal within 30 s."""

    def __init__(self, database: Database, clock: Clock, audit: Audit) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._cache: dict[tuple[int, DocumentKind], tuple[datetime, SignedDocument | None]] = {}

    async def publish(self, document: SignedDocument, by: Actor) -> None:
        """Makes the document its school's newest of its kind. Does not verify the signature.

        Raises: SchoolUnknown, DocumentInvalid unless its version is above the newest.
        """

        async def work(unit: Unit) -> None:
            if not await school_store.lock_school(unit):
                raise SchoolUnknown("schoolId")
            newest = await store.find_newest(unit, document.kind)
            if newest is not None and document.version <= newest.version:
                raise DocumentInvalid(reason="VERSION_OLD")
            await store.insert(unit, document, self._clock.now())
            what = f"document:{document.kind.name}"
            facts = {"document_version": document.version, "document_kid": document.kid}
            await self._audit.append(unit, by, "document.publish", what, facts, "")

        await self._database.unit(document.issuer, work)
        self._cache.pop((document.issuer, document.kind), None)

    async def find_newest(self, school_id: int, kind: DocumentKind) -> SignedDocument | None:
        """The newest document of a kind, as it was at most 30 s ago."""
        now, key = self._clock.now(), (school_id, kind)
        cached = self._cache.get(key)
        if cached is not None and now - cached[0] < _CACHE:
            return cached[1]
        found = await self._database.unit(school_id, lambda unit: store.find_newest(unit, kind))
        self._cache[key] = now, found
        return found

    async def find(self, school_id: int, kind: DocumentKind, version: int) -> SignedDocument | None:
        """The document of a kind and version, however old."""
        return await self._database.unit(school_id, lambda unit: store.find(unit, kind, version))
