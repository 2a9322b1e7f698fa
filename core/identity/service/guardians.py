"""Use cases of guardians: offered by the cardholder, taken by a code, ended at any time."""

import re
from collections.abc import Collection
from uuid import UUID

from core.audit.records import Actor, ActorKind
from core.audit.service import Audit
from core.db.unit import Database, Unit
from core.identity.guardians import (
    GRANTS_MAXIMUM,
    LABEL_MAXIMUM,
    OFFER_LIFE,
    GuardianGrant,
    GuardianRight,
    may_be_taken,
)
from core.identity.lives import require_step_up
from core.identity.records import (
    GuardianCodeInvalid,
    GuardianLimitReached,
    GuardianNotOffered,
    GuardianUnknown,
    NotBound,
    SessionRecord,
)
from core.identity.service.messages import Messages
from core.identity.store import guardians as store
from core.identity.subjects import subject_index
from core.kit.clock import Clock
from core.kit.ids import Ids
from core.kit.sealed import Sealer
from core.ports.messages import MessageTemplate
from core.school.policy import PolicyOf

_CODE_DIGITS = 12
_CODE = re.compile(r"[0-9]{12}")


class Guardians:
    """Grants of a cardholder to somebody else's sign-in (mission.md 3.7)."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        sealer: Sealer,
        read_policy: PolicyOf,
        messages: Messages,
        audit: Audit,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._sealer = sealer
        self._read_policy = read_policy
        self._messages = messages
        self._audit = audit

    async def offer(
        self, session: SessionRecord, label: str, rights: Collection[GuardianRight]
    ) -> tuple[GuardianGrant, str]:
        """A grant that waits for a day, and the 12 digits that take it; shown this once.

        Raises: GuardianNotOffered, NotBound, StepUpRequired, GuardianLimitReached.
        """
        await self._require_policy(session.school_id)
        cardholder_id = session.cardholder_id
        if cardholder_id is None:
            raise NotBound
        now = self._clock.now()
        require_step_up(session, now)
        code = self._ids.digits(_CODE_DIGITS)
        grant = GuardianGrant(
            self._ids.new(), cardholder_id, label.strip()[:LABEL_MAXIMUM] or "-",
            frozenset(rights), now, now + OFFER_LIFE, None,
        )  # fmt: skip

        async def work(unit: Unit) -> None:
            listed = await store.list_of_cardholder(unit, cardholder_id, now)
            if len(listed) >= GRANTS_MAXIMUM:
                raise GuardianLimitReached
            await store.add(unit, grant, self._code_index(unit.school_id, code))
            await self._note(unit, "guardian.offer", grant)

        await self._database.unit(session.school_id, work)
        return grant, code

    async def accept(self, session: SessionRecord, code: str) -> GuardianGrant:
        """Takes an offer for whoever signed in, who need not have a card; the holder is told.

        Raises: GuardianNotOffered, GuardianCodeInvalid.
        """
        await self._require_policy(session.school_id)
        digits = code.replace(" ", "").replace("-", "")
        if not _CODE.fullmatch(digits):
            raise GuardianCodeInvalid("code")

        async def work(unit: Unit) -> GuardianGrant:
            now = self._clock.now()
            grant = await store.find_offer(unit, self._code_index(unit.school_id, digits))
            if grant is None or not may_be_taken(grant, now):
                raise GuardianCodeInvalid("code")
            if grant.cardholder_id == session.cardholder_id:
                raise GuardianCodeInvalid("code")
            await store.accept(unit, grant.id, session.issuer, session.subject_index, now)
            await self._messages.tell_holder(
                unit, grant.cardholder_id, MessageTemplate.GUARDIAN_ADDED
            )
            await self._note(unit, "guardian.accept", grant)
            return grant

        return await self._database.unit(session.school_id, work)

    async def end(self, session: SessionRecord, grant_id: UUID) -> None:
        """Ends a grant: the cardholder's own, or the guardian's.

        Raises: GuardianUnknown.
        """
        own = await self.list_own(session)
        mine = await self.list_taken(session)
        grant = next((each for each in (*own, *mine) if each.id == grant_id), None)
        if grant is None:
            raise GuardianUnknown("grantId")

        async def work(unit: Unit) -> None:
            await store.end(unit, grant.id, self._clock.now())
            await self._note(unit, "guardian.end", grant)

        await self._database.unit(session.school_id, work)

    async def list_own(self, session: SessionRecord) -> list[GuardianGrant]:
        """The cardholder's grants and open offers."""
        cardholder_id, now = session.cardholder_id, self._clock.now()
        if cardholder_id is None:
            return []
        return await self._database.unit(
            session.school_id, lambda unit: store.list_of_cardholder(unit, cardholder_id, now)
        )

    async def list_taken(self, session: SessionRecord) -> list[GuardianGrant]:
        """What whoever signed in was granted by others, while the school has guardians."""
        if not (await self._read_policy(session.school_id)).guardian.enabled:
            return []
        return await self._database.unit(
            session.school_id,
            lambda unit: store.list_of_subject(unit, session.issuer, session.subject_index),
        )

    async def require(
        self, session: SessionRecord, grant_id: UUID, right: GuardianRight
    ) -> GuardianGrant:
        """The grant that lets whoever signed in do this for a cardholder.

        Raises: GuardianUnknown.
        """
        listed = await self.list_taken(session)
        grant = next((each for each in listed if each.id == grant_id), None)
        if grant is None or right not in grant.rights:
            raise GuardianUnknown("grantId")
        return grant

    async def _require_policy(self, school_id: int) -> None:
        if not (await self._read_policy(school_id)).guardian.enabled:
            raise GuardianNotOffered

    async def _note(self, unit: Unit, act: str, grant: GuardianGrant) -> None:
        actor = Actor(ActorKind.CARDHOLDER, str(grant.cardholder_id))
        facts = {"grant_id": str(grant.id)}
        await self._audit.append(unit, actor, act, f"cardholder:{grant.cardholder_id}", facts)

    def _code_index(self, school_id: int, code: str) -> bytes:
        return subject_index(self._sealer, school_id, "guardian-code", code)
