"""Use cases of a proven card that the person still has to confirm, alone or with a step-up."""

from collections.abc import Sequence
from uuid import UUID

from core.db.unit import Database, Unit
from core.identity.addresses import Address, registered_address
from core.identity.consents import ConsentGiven
from core.identity.linking import LinkResult, Matched, NextStep, masked, masked_name
from core.identity.one_time import LIFE_SECONDS, RESEND_SECONDS, Purpose
from core.identity.records import (
    AlreadyBound,
    Candidate,
    ConfirmationWrong,
    NothingToConfirm,
    PendingLink,
    SessionRecord,
    SessionTokens,
    SignInBegun,
    SignOnSubject,
    StepUpTargetMissing,
)
from core.identity.service.cardholders import Cardholders
from core.identity.service.consents import Consents
from core.identity.service.links import Links
from core.identity.service.sign_in import OneTimeCodes
from core.identity.store import cardholders as store
from core.ports.messages import AddressKind
from core.ports.pins import PinChecker
from core.school.policy_words import AuthMethod


class Confirmations:
    """From a proven card to a binding."""

    def __init__(
        self,
        database: Database,
        cardholders: Cardholders,
        one_time_codes: OneTimeCodes,
        pins: PinChecker,
        links: Links,
        consents: Consents,
    ) -> None:
        self._database = database
        self._cardholders = cardholders
        self._codes = one_time_codes
        self._pins = pins
        self._links = links
        self._consents = consents

    async def ask(
        self,
        unit: Unit,
        session: SessionRecord,
        candidate: Candidate,
        method: AuthMethod,
        sign_on: SignOnSubject | None = None,
    ) -> LinkResult:
        """Keeps the proof and tells what is missing: the person's word, or a step-up."""
        await self._links.pend(unit, session, method, cardholder_id=candidate.id, sign_on=sign_on)
        step = NextStep.CONFIRM if candidate.bound_to is None else NextStep.STEP_UP
        return LinkResult(step, matched=await self._matched(unit, candidate))

    async def begin(self, session: SessionRecord, kind: AddressKind | None = None) -> SignInBegun:
        """Sends a one-time code to the register's address of the proven card, answered masked.

        `kind` is what the holder expects it to be.
        Raises: NothingToConfirm, StepUpTargetMissing, also for an address of another kind.
        """

        async def work(unit: Unit) -> Address:
            _, cardholder_id = await self._proven(unit, session)
            target = await self._target(unit, cardholder_id)
            if kind not in (None, target.kind):
                raise StepUpTargetMissing("addressKind")
            await self._codes.send(unit, Purpose.CARD_PROOF, target, str(session.family_id))
            return target

        target = await self._database.unit(session.school_id, work)
        return SignInBegun(LIFE_SECONDS, RESEND_SECONDS, target.masked())

    async def confirm(
        self,
        session: SessionRecord,
        consents: Sequence[ConsentGiven] = (),
        *,
        code: str | None = None,
        pin: str | None = None,
        pin_kind: str = "PAY",
    ) -> SessionTokens:
        """Binds the proven card; where that replaces a binding, by the code or the PIN.

        Raises: NothingToConfirm, ConfirmationWrong, StepUpTargetMissing, SignInNotConfirmed,
        ConsentMissing, AlreadyBound, SessionEnded, and what `PinChecker.prove` raises.
        """
        school_id = session.school_id
        if session.cardholder_id is not None:
            raise AlreadyBound
        _, cardholder_id = await self._database.unit(
            school_id, lambda unit: self._proven(unit, session)
        )
        code_id = None
        if pin is not None:
            await self._pins.prove(school_id, cardholder_id, pin_kind, pin)
        elif code is not None:
            code_id = await self._check_code(session, cardholder_id, code)

        async def work(unit: Unit) -> SessionTokens:
            await store.lock(unit, cardholder_id)
            link, proven = await self._proven(unit, session)
            candidate = await store.find_candidate(unit, session.issuer, cardholder_id=proven)
            if candidate is None or proven != cardholder_id:
                raise NothingToConfirm
            if candidate.bound_to is not None and pin is None and code_id is None:
                raise ConfirmationWrong
            if code_id is not None:
                await self._codes.use(unit, code_id)
            method = AuthMethod(link.method)
            await self._consents.record(unit, session, method, consents, proven)
            return await self._links.bind(unit, session, candidate, method, link)

        return await self._database.unit(school_id, work)

    async def _check_code(self, session: SessionRecord, cardholder_id: UUID, code: str) -> UUID:
        school_id, family = session.school_id, str(session.family_id)
        target = await self._database.unit(
            school_id, lambda unit: self._target(unit, cardholder_id)
        )
        return await self._codes.check(
            self._database, school_id, Purpose.CARD_PROOF, target, code, family
        )

    async def _proven(self, unit: Unit, session: SessionRecord) -> tuple[PendingLink, UUID]:
        link = await self._links.find_pending(unit, session)
        if link is None or link.cardholder_id is None:
            raise NothingToConfirm
        return link, link.cardholder_id

    async def _target(self, unit: Unit, cardholder_id: UUID) -> Address:
        target = registered_address(await self._cardholders.personal_facts(unit, cardholder_id))
        if target is None:
            raise StepUpTargetMissing
        return target

    async def _matched(self, unit: Unit, candidate: Candidate) -> Matched:
        person = await self._cardholders.find_by_number(unit, candidate.number)
        facts = await self._cardholders.personal_facts(unit, candidate.id)
        assert person is not None  # the candidate was read in this unit
        id_number = facts.id_number
        return Matched(
            masked_name(person.name), masked(person.number, 3), id_number and masked(id_number)
        )
