"""Use cases of the PIN: proving it, choosing it, unlocking it (security.md 4)."""

import hmac
from datetime import datetime
from uuid import UUID

from core.card.credentials import PolicyOf, is_fresh, paying_kind
from core.card.pin import PinFacts, PinState, PinStatus, default_pin, find_weakness
from core.card.pin_hash import HashedPin, PinHasher, PinSubject
from core.card.records import (
    PinAlreadySet,
    PinElsewhere,
    PinIsDefault,
    PinKindUnknown,
    PinLocked,
    PinNotSet,
    PinTooWeak,
    PinWrong,
)
from core.card.store import pins as store
from core.card.store.pins import PinRow
from core.db.unit import Database, Unit
from core.identity.records import PersonalFacts, StepUpRequired
from core.identity.service.cardholders import Cardholders
from core.kit.clock import Clock
from core.ports.pins import PinStanding
from core.school.policy import Policy
from core.school.policy_words import PinKind, Place

_OWN = (PinState.SET,)
_OWN_OR_DEFAULT = (PinState.SET, PinState.DEFAULT)


class Pins:
    """PINs of cardholders, of the kinds their school has.

    A try is counted in a committed unit of its own before anything is compared, so neither
    parallel guesses nor a rollback give more tries. `tries` wrong ones lock the PIN, never a card.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        hasher: PinHasher,
        policy_of: PolicyOf,
        cardholders: Cardholders,
    ) -> None:
        self._database = database
        self._clock = clock
        self._hasher = hasher
        self._policy_of = policy_of
        self._cardholders = cardholders

    async def state(self, school_id: int, cardholder_id: UUID, kind: str) -> PinState:
        """Where a PIN stands.

        Raises: PinKindUnknown.
        """
        subject, policy = await self._subject(school_id, cardholder_id, kind)
        return (await self._seen(subject, policy))[0]

    async def list_all(self, school_id: int, cardholder_id: UUID) -> list[PinStatus]:
        """Every kind of PIN the school has, and where the cardholder's stands."""
        policy = await self._policy_of(school_id)
        return [
            await self.status(school_id, cardholder_id, kind)
            for kind in PinKind
            if kind in policy.pin.kinds
        ]

    async def status(self, school_id: int, cardholder_id: UUID, kind: str) -> PinStatus:
        """Where a PIN stands, with the tries it has left.

        Raises: PinKindUnknown.
        """
        subject, policy = await self._subject(school_id, cardholder_id, kind)
        state, row = await self._seen(subject, policy)
        tries_left = policy.pin.tries - row.tries if row and state is PinState.SET else None
        return PinStatus(subject.kind, state, tries_left)

    async def prove(self, school_id: int, cardholder_id: UUID, kind: str, pin: str) -> None:
        """Proves the cardholder's own PIN, counting the try.

        Raises: PinKindUnknown, PinNotSet, PinIsDefault, PinWrong, PinLocked, Overloaded.
        """
        subject, policy = await self._subject(school_id, cardholder_id, kind)
        await self._prove(subject, policy, pin, or_default=False)

    async def prove_to_pay(self, school_id: int, cardholder_id: UUID, pin: str) -> None:
        """Proves the PIN that pays, raises, releases and opens, of whatever kind the school has.

        Raises: PinNotSet, PinIsDefault, PinWrong, PinLocked, Overloaded.
        """
        policy = await self._policy_of(school_id)
        await self.prove(school_id, cardholder_id, paying_kind(policy.pin.kinds), pin)

    async def prove_knowledge(
        self, school_id: int, cardholder_id: UUID, kind: str, pin: str
    ) -> None:
        """As `prove`, but a default PIN will do: for acts that only protect the cardholder.

        Raises: PinKindUnknown, PinNotSet, PinWrong, PinLocked, Overloaded.
        """
        subject, policy = await self._subject(school_id, cardholder_id, kind)
        await self._prove(subject, policy, pin, or_default=True)

    async def compare(
        self, school_id: int, cardholder_id: UUID | None, kind: str, pin: str
    ) -> PinStanding:
        """How `pin` stands, for binding: `core.ports.pins.PinChecker` carries the contract.

        Raises: PinKindUnknown, Overloaded.
        """
        nobody = cardholder_id or UUID(int=0)
        subject, policy = await self._subject(school_id, nobody, kind)
        with self._hasher.seat():
            if cardholder_id is None:
                await self._hasher.pretend(subject, pin)
                return PinStanding.WRONG
            state, row = await self._seen(subject, policy)
            if state is PinState.SET and row is not None and row.hashed is not None:
                right = await self._hasher.matches(subject, row.hashed, pin)
                return PinStanding.SET if right else PinStanding.WRONG
            await self._hasher.pretend(subject, pin)
        if state is PinState.DEFAULT and await self._is_default(subject, policy, pin):
            return PinStanding.DEFAULT
        return PinStanding.ABSENT if state is PinState.NONE else PinStanding.WRONG

    async def choose_first(
        self,
        school_id: int,
        cardholder_id: UUID,
        kind: str,
        *,
        pin: str,
        step_up_at: datetime | None,
    ) -> None:
        """Chooses the first own PIN; the default one proves nothing, so a second proof does.

        `step_up_at` is when the session last gave a second proof (a one-time code to the registered
        address counts).
        Raises: PinKindUnknown, PinElsewhere, StepUpRequired, PinAlreadySet, PinTooWeak, Overloaded.
        """
        subject, policy = await self._subject(school_id, cardholder_id, kind)
        self._require(step_up_at, Place.APP in policy.pin.change_via)
        state, row = await self._seen(subject, policy)
        if state in {PinState.SET, PinState.LOCKED}:
            raise PinAlreadySet(kind=kind)
        await self._choose(subject, policy, pin, row.hashed if row else None)

    async def change(
        self, school_id: int, cardholder_id: UUID, kind: str, *, old_pin: str, new_pin: str
    ) -> None:
        """Changes an own PIN by the old one, which a default PIN cannot be.

        Raises: PinKindUnknown, PinElsewhere, PinTooWeak, PinNotSet, PinIsDefault, PinWrong,
        PinLocked, PinAlreadySet (by someone else meanwhile), Overloaded.
        """
        subject, policy = await self._subject(school_id, cardholder_id, kind)
        if Place.APP not in policy.pin.change_via:
            raise PinElsewhere
        await self._refuse_weak(subject, policy, new_pin)
        proven = await self._prove(subject, policy, old_pin, or_default=False)
        await self._choose(subject, policy, new_pin, proven)

    async def reset(
        self,
        school_id: int,
        cardholder_id: UUID,
        kind: str,
        *,
        pin: str,
        step_up_at: datetime | None,
    ) -> None:
        """Chooses a new PIN in place of a forgotten or locked one, after a second proof (M-094).

        Raises: PinKindUnknown, PinElsewhere, StepUpRequired, PinTooWeak, PinAlreadySet (by someone
        else meanwhile), Overloaded.
        """
        subject, policy = await self._subject(school_id, cardholder_id, kind)
        self._require(step_up_at, Place.APP in policy.pin.reset_via)
        _, row = await self._seen(subject, policy)
        await self._choose(subject, policy, pin, row.hashed if row else None)

    async def unlock(
        self, school_id: int, cardholder_id: UUID, kind: str, *, step_up_at: datetime | None
    ) -> None:
        """Gives a chosen PIN its tries back after a second proof; never by time.

        Raises: PinKindUnknown, PinElsewhere, StepUpRequired, PinNotSet.
        """
        subject, policy = await self._subject(school_id, cardholder_id, kind)
        self._require(step_up_at, Place.APP in policy.pin.unlock_via)
        await self._database.unit(
            school_id, lambda unit: self.unlock_at_desk(unit, cardholder_id, subject.kind)
        )

    async def unlock_at_desk(self, unit: Unit, cardholder_id: UUID, kind: PinKind) -> None:
        """The same by staff, within the unit that writes their audit row.

        Raises: PinNotSet.
        """
        if not await store.unlock(unit, cardholder_id, kind, self._clock.now()):
            raise PinNotSet(kind=kind)

    async def withdraw_at_desk(self, unit: Unit, cardholder_id: UUID, kind: PinKind) -> None:
        """Takes a PIN away by staff with ID in hand; the cardholder chooses a first one again."""
        await store.withdraw(unit, cardholder_id, kind, self._clock.now())

    async def _prove(
        self, subject: PinSubject, policy: Policy, pin: str, *, or_default: bool
    ) -> HashedPin | None:
        """The stored form of the PIN that was proven, None for a default one."""
        with self._hasher.seat():
            counted = await self._count(subject, policy, or_default=or_default)
            stored = counted.hashed
            if stored is None:
                await self._hasher.pretend(subject, pin)
                right = await self._is_default(subject, policy, pin)
            else:
                right = await self._hasher.matches(subject, stored, pin)
            if not right:
                raise _wrong(policy.pin.tries - counted.tries)
            return await self._restore(subject, stored, pin)

    async def _count(self, subject: PinSubject, policy: Policy, *, or_default: bool) -> PinRow:
        """Commits one try before anything is compared, or refuses."""
        allowed = _OWN_OR_DEFAULT if or_default else _OWN

        async def work(unit: Unit) -> PinRow | PinState:
            state, _ = await self._seen_in(unit, subject, policy)
            if state not in allowed:
                return state
            if state is PinState.DEFAULT:
                await store.give_default(unit, subject, self._clock.now())
            counted = await store.count_try(unit, subject, allowed, policy.pin.tries)
            return counted or PinState.LOCKED

        counted = await self._database.unit(subject.school_id, work)
        if isinstance(counted, PinState):
            raise _UNUSABLE[counted](kind=subject.kind)
        return counted

    async def _restore(
        self, subject: PinSubject, stored: HashedPin | None, pin: str
    ) -> HashedPin | None:
        kept = stored
        if stored is not None and stored.pepper_kid != self._hasher.newest_kid:
            kept = await self._hasher.hash(subject, pin)
        await self._database.unit(
            subject.school_id,
            lambda unit: store.restore(unit, subject, stored, kept),
        )
        return kept

    async def _choose(
        self, subject: PinSubject, policy: Policy, pin: str, seen: HashedPin | None
    ) -> None:
        """Stores a chosen PIN, unless it is no longer the `seen` one that it replaces."""
        await self._refuse_weak(subject, policy, pin)
        with self._hasher.seat():
            chosen = await self._hasher.hash(subject, pin)

        async def work(unit: Unit) -> None:
            now = self._clock.now()
            if not await store.choose(unit, subject, chosen, seen, now):
                raise PinAlreadySet(kind=subject.kind)

        await self._database.unit(subject.school_id, work)

    async def _refuse_weak(self, subject: PinSubject, policy: Policy, pin: str) -> None:
        facts = await self._personal_facts(subject)
        weakness = find_weakness(pin, PinFacts(policy.pin.default, facts.id_number, facts.phone))
        if weakness is not None:
            raise PinTooWeak("pin", weakness=weakness)

    async def _is_default(self, subject: PinSubject, policy: Policy, pin: str) -> bool:
        facts = await self._personal_facts(subject)
        expected = default_pin(policy.pin.default, facts.id_number)
        return expected is not None and hmac.compare_digest(expected.encode(), pin.encode())

    async def _personal_facts(self, subject: PinSubject) -> PersonalFacts:
        return await self._database.unit(
            subject.school_id,
            lambda unit: self._cardholders.personal_facts(unit, subject.cardholder_id),
        )

    async def _seen(self, subject: PinSubject, policy: Policy) -> tuple[PinState, PinRow | None]:
        return await self._database.unit(
            subject.school_id, lambda unit: self._seen_in(unit, subject, policy)
        )

    async def _seen_in(
        self, unit: Unit, subject: PinSubject, policy: Policy
    ) -> tuple[PinState, PinRow | None]:
        """Where the PIN stands, with its row: without one the school's rule decides."""
        row = await store.find(unit, subject.cardholder_id, subject.kind)
        if row is None or row.state is PinState.DEFAULT:
            facts = await self._cardholders.personal_facts(unit, subject.cardholder_id)
            has_default = default_pin(policy.pin.default, facts.id_number) is not None
            return (PinState.DEFAULT if has_default else PinState.NONE), row
        if row.hashed is not None and not self._hasher.knows(row.hashed.pepper_kid):
            return PinState.NONE, row  # its pepper is gone: chosen again with a second proof
        return row.state, row

    def _require(self, step_up_at: datetime | None, is_here: bool) -> None:
        if not is_here:
            raise PinElsewhere
        if not is_fresh(step_up_at, self._clock.now()):
            raise StepUpRequired

    async def _subject(
        self, school_id: int, cardholder_id: UUID, kind: str
    ) -> tuple[PinSubject, Policy]:
        policy = await self._policy_of(school_id)
        if kind not in policy.pin.kinds:
            raise PinKindUnknown(kind=kind)
        return PinSubject(school_id, cardholder_id, PinKind(kind)), policy


_UNUSABLE = {
    PinState.NONE: PinNotSet,
    PinState.DEFAULT: PinIsDefault,
    PinState.LOCKED: PinLocked,
}


def _wrong(tries_left: int) -> PinWrong | PinLocked:
    return PinWrong("pin", tries_left=tries_left) if tries_left > 0 else PinLocked("pin")
