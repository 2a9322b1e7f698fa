"""Use cases of a card proven by the register's own address: WeCom members, and after a sign-on."""

import hashlib
from collections.abc import Sequence

from core.db.unit import Database, Unit
from core.identity.addresses import Address, find_address
from core.identity.consents import ConsentGiven
from core.identity.linking import LinkResult, NextStep, contradicts
from core.identity.matching import number_form
from core.identity.one_time import LIFE_SECONDS, RESEND_SECONDS, Purpose
from core.identity.records import (
    AlreadyBound,
    Candidate,
    IdentityNotConfirmed,
    MethodNotOffered,
    SessionRecord,
    SignInBegun,
    SignInNotConfirmed,
)
from core.identity.service.attempts import Attempts
from core.identity.service.cardholders import Cardholders
from core.identity.service.confirmations import Confirmations
from core.identity.service.consents import Consents
from core.identity.service.evidence import Evidence, EvidenceReader
from core.identity.service.links import Links
from core.identity.service.sign_in import OneTimeCodes
from core.identity.store import cardholders as store
from core.kit.sealed import Sealer
from core.ports.messages import AddressKind
from core.school.policy import PolicyOf
from core.school.policy_words import AuthMethod, Channel

_BY_ADDRESS = {
    AddressKind.EMAIL: AuthMethod.WECOM_EMAIL,
    AddressKind.PHONE: AuthMethod.WECOM_PHONE,
}


class MemberProof:
    """A number, and control of the address that the register has for it (M-028, sso.md 7).

    Every number is answered alike: whoever asks learns neither that it exists nor its address.
    """

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        read_policy: PolicyOf,
        attempts: Attempts,
        cardholders: Cardholders,
        one_time_codes: OneTimeCodes,
        links: Links,
        confirmations: Confirmations,
        consents: Consents,
        evidence: EvidenceReader,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._read_policy = read_policy
        self._attempts = attempts
        self._cardholders = cardholders
        self._codes = one_time_codes
        self._links = links
        self._confirmations = confirmations
        self._consents = consents
        self._evidence = evidence

    async def begin(self, session: SessionRecord, number: str, kind: AddressKind) -> SignInBegun:
        """Sends a code to the register's address of this kind, whoever's number it is.

        Raises: MethodNotOffered, AlreadyBound.
        """
        method = await self._method(session, kind)

        async def work(unit: Unit) -> None:
            await self._admit(unit, session, method)
            candidate = await self._candidate(unit, session, number)
            address = await self._address(unit, candidate, kind)
            if address is None:
                decoy = _decoy(kind, number)
                await self._codes.pretend(unit, Purpose.CARD_PROOF, decoy, _bound_to(session))
            else:
                await self._codes.send(unit, Purpose.CARD_PROOF, address, _bound_to(session))

        await self._database.unit(session.school_id, work)
        return SignInBegun(LIFE_SECONDS, RESEND_SECONDS)

    async def prove(
        self,
        session: SessionRecord,
        number: str,
        kind: AddressKind,
        code: str | None,
        network: str,
        consents: Sequence[ConsentGiven] = (),
    ) -> LinkResult:
        """Binds the card of a number by the code that was sent; None: by what WeCom released.

        An earlier binding gives way to the code, and to a released address only after a step-up.
        Raises: MethodNotOffered, AlreadyBound, IdentityNotConfirmed, ConsentMissing, SessionEnded.
        """
        method, school_id = await self._method(session, kind), session.school_id
        is_open = await self._attempts.count_bind(
            school_id, session.subject_index, number[:64], network, ""
        )

        async def look_up(unit: Unit) -> tuple[Candidate | None, Address | None]:
            await self._admit(unit, session, method)
            candidate = await self._candidate(unit, session, number)
            return candidate, await self._address(unit, candidate, kind)

        candidate, address = await self._database.unit(school_id, look_up)
        code_id = None
        if code is not None:
            try:
                code_id = await self._codes.check(
                    self._database, school_id, Purpose.CARD_PROOF,
                    address or _decoy(kind, number), code, _bound_to(session),
                )  # fmt: skip
            except SignInNotConfirmed:
                raise IdentityNotConfirmed from None
        if candidate is None or address is None or not is_open:
            raise IdentityNotConfirmed

        async def work(unit: Unit) -> LinkResult:
            await store.lock(unit, candidate.id)
            fresh = await store.find_candidate(unit, session.issuer, cardholder_id=candidate.id)
            evidence = await self._admit(unit, session, method)
            index = address.index(self._sealer, school_id)
            released = (kind.value, index) in evidence.claims
            if fresh is None or not (code_id or released) or _is_other(evidence, fresh):
                raise IdentityNotConfirmed
            if code_id is not None:
                await self._codes.use(unit, code_id)
            await self._attempts.bound(unit, session.subject_index, number[:64], network)
            await self._consents.record(unit, session, method, consents, fresh.id)
            sign_on = evidence.link.sign_on if evidence.link else None
            if fresh.bound_to is not None and code_id is None:
                return await self._confirmations.ask(unit, session, fresh, method, sign_on)
            tokens = await self._links.bind(unit, session, fresh, method, evidence.link)
            return LinkResult(NextStep.NONE, tokens)

        return await self._database.unit(school_id, work)

    async def _method(self, session: SessionRecord, kind: AddressKind) -> AuthMethod:
        """Which of the school's ways this is: a WeCom member's, or the rest of a sign-on."""
        if session.cardholder_id is not None or session.staff_id is not None:
            raise AlreadyBound
        methods = (await self._read_policy(session.school_id)).auth.methods
        if session.channel == Channel.WECOM and _BY_ADDRESS[kind] in methods:
            return _BY_ADDRESS[kind]
        if AuthMethod.SSO in methods:
            return AuthMethod.SSO
        raise MethodNotOffered

    async def _admit(self, unit: Unit, session: SessionRecord, method: AuthMethod) -> Evidence:
        """What the sign-in has shown; without WeCom it needs a sign-on that waits for its card."""
        evidence = await self._evidence.of(unit, session)
        waits = evidence.link is not None and evidence.link.sign_on is not None
        if method is AuthMethod.SSO and not waits:
            raise MethodNotOffered
        return evidence

    async def _candidate(self, unit: Unit, session: SessionRecord, number: str) -> Candidate | None:
        form = number_form(number)
        if form is None:
            return None
        found = await store.find_candidate(unit, session.issuer, number=form)
        return found if found is not None and found.status == "ACTIVE" else None

    async def _address(
        self, unit: Unit, candidate: Candidate | None, kind: AddressKind
    ) -> Address | None:
        if candidate is None:
            return None
        facts = await self._cardholders.personal_facts(unit, candidate.id)
        return find_address(kind, facts.phone if kind is AddressKind.PHONE else facts.email)


def _is_other(evidence: Evidence, candidate: Candidate) -> bool:
    return evidence.link is not None and contradicts(evidence.link, candidate)


def _bound_to(session: SessionRecord) -> str:
    return str(session.family_id)


def _decoy(kind: AddressKind, number: str) -> Address:
    """An address that nobody has, so that an unknown number costs what a known one does."""
    return Address(kind, f"nobody|{hashlib.sha256(number.encode()).hexdigest()}")
