"""Use cases of consents: what has to be agreed to, and what was."""

from collections.abc import Sequence
from uuid import UUID

from core.db.unit import Database, Unit
from core.identity.consents import Consent, ConsentGiven, to_record
from core.identity.records import SessionRecord
from core.identity.store import consents as store
from core.kit.clock import Clock
from core.kit.ids import Ids
from core.school.policy_file import DocumentsOf
from core.school.policy_words import AuthMethod

LISTED_MAXIMUM = 100


class Consents:
    """Agreements of subjects. `documents_of` tells the documents of a school in force."""

    def __init__(
        self, database: Database, clock: Clock, ids: Ids, documents_of: DocumentsOf
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._documents_of = documents_of

    async def record(
        self,
        unit: Unit,
        session: SessionRecord,
        method: AuthMethod,
        given: Sequence[ConsentGiven],
        cardholder_id: UUID | None = None,
    ) -> None:
        """Writes what is agreed to now, in the unit of what it is agreed for.

        Raises: ConsentMissing.
        """
        documents = await self._documents_of(unit.school_id)
        standing = await store.standing(unit, session.issuer, session.subject_index)
        new = to_record(documents, method, given, standing)
        rows = [(self._ids.new(), each) for each in new]
        await store.add(
            unit, rows, session.issuer, session.subject_index, session.channel, cardholder_id,
            self._clock.now(),
        )  # fmt: skip

    async def list_of_cardholder(self, school_id: int, cardholder_id: UUID) -> list[Consent]:
        """What a cardholder agreed to, the newest 100 first."""
        return await self._database.unit(
            school_id, lambda unit: store.list_of_cardholder(unit, cardholder_id, LISTED_MAXIMUM)
        )
