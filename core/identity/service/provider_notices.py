"""What providers post of people: a revoked authorisation ends a binding and its sign-ins."""

from enum import StrEnum

from core.audit.records import Actor, ActorKind
from core.db import inbox
from core.db.unit import Database, Unit
from core.identity.revocation import CLOCKS_APART, is_ended
from core.identity.service.links import Links
from core.identity.store import bindings, cardholders, sessions
from core.identity.subjects import subject_index
from core.kit.clock import Clock
from core.kit.sealed import Sealer
from core.ports.notices import Notice

REVOKED = "PROVIDER_REVOKED"


class Taken(StrEnum):
    """What became of a notice."""

    REPEATED = "REPEATED"
    """It came before, and did then what it does."""
    KEPT = "KEPT"
    """It is about nothing that ends."""
    UNBOUND = "UNBOUND"
    """The subject has no binding here, or only one made since; their older sign-ins ended."""
    ENDED = "ENDED"
    """The subject's binding ended."""


class ProviderNotices:
    """Takes verified notices."""

    def __init__(self, database: Database, clock: Clock, sealer: Sealer, links: Links) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer
        self._links = links

    async def take(self, school_id: int, provider: str, notice: Notice) -> Taken:
        """Keeps a notice and does what it says, once and in one transaction."""

        async def work(unit: Unit) -> Taken:
            now = self._clock.now()
            if not await inbox.put(unit, provider, notice.id, notice.event, now):
                return Taken.REPEATED
            if notice.revoked is None:
                return Taken.KEPT
            return await self._revoke(unit, provider, notice, notice.revoked)

        return await self._database.unit(school_id, work)

    async def expire(self, school_id: int) -> None:
        """Forgets notices that nobody sends again; the worker calls it now and then."""
        now = self._clock.now()
        await self._database.unit(school_id, lambda unit: inbox.expire(unit, now))

    async def _revoke(self, unit: Unit, provider: str, notice: Notice, subject: str) -> Taken:
        """Ends the subject's binding with what hangs on it, and their sign-ins without one."""
        issuer, at, now = notice.issuer, notice.happened_at, self._clock.now()
        index = subject_index(self._sealer, unit.school_id, issuer, subject)
        until = now if at is None else at + CLOCKS_APART
        if (bound := await bindings.find_standing(unit, issuer, index)) is not None:
            await cardholders.lock(unit, bound.cardholder_id)
        await sessions.revoke_of_subject(unit, issuer, index, until, now, REVOKED)
        # Whoever was binding the card in one of those sessions has done so by now, or cannot.
        bound = await bindings.find_standing(unit, issuer, index)
        if bound is None or not is_ended(bound.bound_at, at):
            return Taken.UNBOUND
        actor = Actor(ActorKind.SYSTEM, f"notice.{provider}")
        ended = await self._links.end(unit, bound.cardholder_id, bound.id, REVOKED, actor)
        return Taken.ENDED if ended else Taken.UNBOUND
