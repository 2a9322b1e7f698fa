"""The making and ending of bindings, whatever proved the card: one way for every door."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from core.audit.records import Actor, ActorKind
from core.audit.service import Audit
from core.db.unit import Unit
from core.identity.linking import LINK_LIFE, RAISE_PAUSE, STAFF_LINK_LIFE
from core.identity.records import (
    AlreadyBound,
    Candidate,
    PendingLink,
    SessionEnded,
    SessionRecord,
    SessionTokens,
    SignOnSubject,
)
from core.identity.service.messages import Messages
from core.identity.service.sessions import Sessions
from core.identity.store import bindings, cardholders, links, sessions
from core.identity.subjects import subject_index
from core.kit.clock import Clock
from core.kit.ids import Ids
from core.kit.sealed import Sealer
from core.ports.limits import RaisePauser
from core.ports.messages import MessageTemplate
from core.ports.newcomers import DeviceRevoker

CAMPUS_CHANNEL = "SSO"
"""The channel of a binding to the school's own sign-on, beside the channel's."""


class Links:
    """Pending proofs and bindings; every method works inside the caller's unit."""

    def __init__(
        self,
        clock: Clock,
        ids: Ids,
        sessions_service: Sessions,
        messages: Messages,
        devices: DeviceRevoker,
        limits: RaisePauser,
        audit: Audit,
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._sessions = sessions_service
        self._messages = messages
        self._devices = devices
        self._limits = limits
        self._audit = audit

    async def pend(
        self,
        unit: Unit,
        session: SessionRecord,
        method: str,
        *,
        cardholder_id: UUID | None = None,
        sign_on: SignOnSubject | None = None,
        staff_code_index: bytes | None = None,
    ) -> PendingLink:
        """Keeps a proof of this sign-in in place of any earlier one."""
        now = self._clock.now()
        life = STAFF_LINK_LIFE if staff_code_index else LINK_LIFE
        link = PendingLink(
            self._ids.new(), session.family_id, method, sign_on, cardholder_id,
            staff_code_index, now, now + life,
        )  # fmt: skip
        await links.add(unit, link)
        return link

    async def find_pending(self, unit: Unit, session: SessionRecord) -> PendingLink | None:
        """The proof of this sign-in that still counts, held until the unit ends."""
        return await links.find(unit, session.family_id, self._clock.now())

    async def bind(
        self,
        unit: Unit,
        session: SessionRecord,
        candidate: Candidate,
        method: str,
        link: PendingLink | None = None,
    ) -> SessionTokens:
        """Binds as `attach` does, by the cardholder's own hand; the session's tokens are replaced.

        Raises: SessionEnded, AlreadyBound.
        """
        actor = Actor(ActorKind.CARDHOLDER, str(candidate.id))
        binding_id = await self.attach(unit, session, candidate, method, link, actor)
        now = self._clock.now()
        bound = replace(session, binding_id=binding_id, cardholder_id=candidate.id, step_up_at=now)
        return await self._sessions.open(unit, bound)

    async def attach(
        self,
        unit: Unit,
        session: SessionRecord,
        candidate: Candidate,
        method: str,
        link: PendingLink | None,
        actor: Actor,
        reason: str = "",
    ) -> UUID:
        """Binds the session's subject, and the sign-on of `link`, to a proven cardholder.

        The caller holds the cardholder's row. An earlier binding of the same issuer ends with
        notice, and no limit is raised for a day. The sessions of the sign-in end.
        Raises: SessionEnded, AlreadyBound.
        """
        if await sessions.lock(unit, session.id) is None:
            raise SessionEnded
        if await bindings.find_of_subject(unit, session.issuer, session.subject_index) is not None:
            raise AlreadyBound
        now, replaced = self._clock.now(), candidate.bound_to
        if replaced is not None:
            await self._end(unit, candidate.id, replaced, "BINDING_REPLACED", actor)
            await self._limits.pause_raises(unit, candidate.id, now + RAISE_PAUSE)
        binding_id = await self._add(
            unit, session.issuer, session.subject_index, session.channel, candidate.id, now
        )
        facts = {"issuer": session.issuer, "channel": session.channel, "method": method}
        subject = f"cardholder:{candidate.id}"
        await self._audit.append(unit, actor, "binding.add", subject, facts, reason)
        template = MessageTemplate.BINDING_REPLACED if replaced else MessageTemplate.BINDING_ADDED
        await self._messages.tell_holder(unit, candidate.id, template, but=binding_id)
        if link is not None:
            if link.sign_on is not None:
                await self.add_sign_on(unit, link.sign_on, candidate.id)
            await links.use(unit, link.id, now)
        await self._sessions.revoke(unit, "BOUND", family_id=session.family_id)
        return binding_id

    async def add_sign_on(self, unit: Unit, sign_on: SignOnSubject, cardholder_id: UUID) -> None:
        """Binds a school's sign-on to a cardholder, in place of an earlier one of its issuer.

        Raises: AlreadyBound, if it is somebody else's.
        """
        issuer, subject = sign_on.issuer, sign_on.subject_index
        found = await bindings.find_of_subject(unit, issuer, subject)
        if found is not None:
            if found[1] != cardholder_id:
                raise AlreadyBound
            return
        earlier = await cardholders.find_candidate(unit, issuer, cardholder_id=cardholder_id)
        if earlier is not None and earlier.bound_to is not None:
            actor = Actor(ActorKind.CARDHOLDER, str(cardholder_id))
            await self._end(unit, cardholder_id, earlier.bound_to, "SIGN_ON_REPLACED", actor)
        now = self._clock.now()
        await self._add(unit, issuer, subject, CAMPUS_CHANNEL, cardholder_id, now)

    async def end(
        self,
        unit: Unit,
        cardholder_id: UUID,
        binding_id: UUID,
        reason: str,
        by: Actor | None = None,
    ) -> bool:
        """Ends a binding with its sessions and code devices, and tells the holder in the others.

        False if it had ended. It is the cardholder's own act unless `by` somebody else.
        """
        actor = by or Actor(ActorKind.CARDHOLDER, str(cardholder_id))
        if not await self._end(unit, cardholder_id, binding_id, reason, actor):
            return False
        await self._messages.tell_holder(unit, cardholder_id, MessageTemplate.BINDING_ENDED)
        return True

    async def _end(
        self, unit: Unit, cardholder_id: UUID, binding_id: UUID, reason: str, actor: Actor
    ) -> bool:
        if not await bindings.end(unit, binding_id, self._clock.now()):
            return False
        await self._devices.revoke_of_binding(unit, cardholder_id, binding_id)
        await self._sessions.revoke(unit, reason, binding_id=binding_id)
        subject = f"cardholder:{cardholder_id}"
        await self._audit.append(
            unit, actor, "binding.end", subject, {"binding_id": str(binding_id)}, reason
        )
        return True

    async def _add(
        self,
        unit: Unit,
        issuer: str,
        subject_index: bytes,
        channel: str,
        cardholder_id: UUID,
        now: datetime,
    ) -> UUID:
        binding_id = self._ids.new()
        await bindings.add(unit, binding_id, issuer, subject_index, channel, cardholder_id, now)
        return binding_id


def staff_code_index(sealer: Sealer, school_id: int, code: str) -> bytes:
    """What is kept of the 8 characters that a counter takes in place of a proof."""
    return subject_index(sealer, school_id, "staff-code", code.strip().upper().replace("-", ""))
