"""Step-up: a bound holder proves more than the token, for at most 5 minutes."""

from dataclasses import replace
from datetime import datetime

from core.db.unit import Database, Unit
from core.identity.addresses import Address, registered_address
from core.identity.one_time import LIFE_SECONDS, RESEND_SECONDS, Purpose
from core.identity.records import (
    NotBound,
    SessionEnded,
    SessionRecord,
    SignInBegun,
    StepUpTargetMissing,
)
from core.identity.service.cardholders import Cardholders
from core.identity.service.sign_in import OneTimeCodes
from core.identity.store import sessions as store
from core.kit.clock import Clock
from core.ports.messages import AddressKind
from core.ports.pins import PinChecker


class StepUp:
    """Fresh proofs of a bound session: a one-time code to the register's address, or the PIN."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        cardholders: Cardholders,
        one_time_codes: OneTimeCodes,
        pins: PinChecker,
    ) -> None:
        self._database = database
        self._clock = clock
        self._cardholders = cardholders
        self._codes = one_time_codes
        self._pins = pins

    async def begin(self, session: SessionRecord, kind: AddressKind | None = None) -> SignInBegun:
        """Sends a code to the address in the register, which is answered masked.

        `kind` is what the holder expects it to be.
        Raises: NotBound, StepUpTargetMissing, also for an address of another kind.
        """

        async def work(unit: Unit) -> Address:
            target = await self._target(unit, session)
            if kind not in (None, target.kind):
                raise StepUpTargetMissing("addressKind")
            await self._codes.send(unit, Purpose.CARD_PROOF, target, str(session.family_id))
            return target

        target = await self._database.unit(session.school_id, work)
        return SignInBegun(LIFE_SECONDS, RESEND_SECONDS, target.masked())

    async def by_code(self, session: SessionRecord, code: str) -> SessionRecord:
        """The session with a fresh proof.

        Raises: NotBound, StepUpTargetMissing, SignInNotConfirmed, SessionEnded.
        """
        target = await self._database.unit(
            session.school_id, lambda unit: self._target(unit, session)
        )
        code_id = await self._codes.check(
            self._database,
            session.school_id,
            Purpose.CARD_PROOF,
            target,
            code,
            str(session.family_id),
        )

        async def work(unit: Unit) -> SessionRecord:
            await self._codes.use(unit, code_id)
            return await note_step_up(unit, session, self._clock.now())

        return await self._database.unit(session.school_id, work)

    async def by_pin(self, session: SessionRecord, kind: str, pin: str) -> SessionRecord:
        """The session with a fresh proof; a default PIN is none.

        Raises: NotBound, SessionEnded, and what `PinChecker.prove` raises.
        """
        if session.cardholder_id is None:
            raise NotBound
        await self._pins.prove(session.school_id, session.cardholder_id, kind, pin)
        return await self._database.unit(
            session.school_id, lambda unit: note_step_up(unit, session, self._clock.now())
        )

    async def _target(self, unit: Unit, session: SessionRecord) -> Address:
        if session.cardholder_id is None:
            raise NotBound
        facts = await self._cardholders.personal_facts(unit, session.cardholder_id)
        target = registered_address(facts)
        if target is None:
            raise StepUpTargetMissing
        return target


async def note_step_up(unit: Unit, session: SessionRecord, now: datetime) -> SessionRecord:
    """The session with a fresh proof, inside the caller's unit.

    Raises: SessionEnded.
    """
    if await store.lock(unit, session.id) is None:
        raise SessionEnded
    await store.step_up(unit, session.id, now)
    return replace(session, step_up_at=now)
