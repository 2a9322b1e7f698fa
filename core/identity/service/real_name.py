"""Use cases of a wallet's real name: matched to a cardholder, or compared with the register."""

from collections.abc import Sequence

from core.db.unit import Database, Unit
from core.identity.consents import ConsentGiven
from core.identity.id_number import birthday_of
from core.identity.linking import LinkResult, NextStep, Wallet, wallet_of
from core.identity.matching import number_form
from core.identity.records import (
    AlreadyBound,
    Candidate,
    ChannelNotOffered,
    IdentityNotConfirmed,
    MethodNotOffered,
    RealNameNotFound,
    SessionRecord,
    SignInNotConfirmed,
    StartAgain,
)
from core.identity.service.asking import ask
from core.identity.service.attempt_store import AttemptStore
from core.identity.service.attempts import Attempts
from core.identity.service.cardholders import Cardholders
from core.identity.service.channel_sign_in import ChannelSignIn
from core.identity.service.confirmations import Confirmations
from core.identity.service.consents import Consents
from core.identity.service.evidence import EvidenceReader
from core.identity.store import cardholders as store
from core.identity.subjects import claim_index, subject_index
from core.kit.sealed import Sealer
from core.ports.channels import ClaimKind, Doors, IdentityClaim, RealName, RealNameWallet
from core.school.policy import PolicyOf
from core.school.policy_words import AuthMethod, Channel

COMPARE_SECONDS = 600
_NOBODY = RealName("不存在", "ID_CARD", "110101190001010006", "13000000000")
"""What is compared for an unknown number: nobody's wallet agrees, and nobody can tell."""


class RealNames:
    """Real names of wallets (M-021, M-025, M-026; channels.md 3.1)."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        read_policy: PolicyOf,
        doors: Doors,
        sign_in: ChannelSignIn,
        attempts: Attempts,
        attempt_store: AttemptStore,
        cardholders: Cardholders,
        confirmations: Confirmations,
        consents: Consents,
        evidence: EvidenceReader,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._read_policy = read_policy
        self._doors = doors
        self._sign_in = sign_in
        self._attempts = attempts
        self._attempt_store = attempt_store
        self._cardholders = cardholders
        self._confirmations = confirmations
        self._consents = consents
        self._evidence = evidence

    async def match(
        self,
        session: SessionRecord,
        auth_code: str,
        consents: Sequence[ConsentGiven] = (),
        number: str | None = None,
    ) -> LinkResult:
        """Finds the cardholder with the wallet's name and ID number, for the person to confirm.

        What the wallet told is noted for the sign-in also when nobody is found: the form may then
        stand on it. `number` chooses one of several cards.
        Raises: MethodNotOffered, ChannelNotOffered, AlreadyBound, SignInNotConfirmed,
        NotAuthorised, IdentityNotConfirmed (another wallet), RealNameNotFound, ConsentMissing,
        ChannelUnavailable.
        """
        wallet = await self._wallet(session)
        subject, claims = await ask(session.issuer, wallet.released(auth_code))
        self._require_own(session, subject)

        async def note(unit: Unit) -> list[Candidate]:
            await self._consents.record(unit, session, AuthMethod.REAL_NAME, consents)
            await self._sign_in.note_claims(unit, session, claims)
            return await self._candidates(unit, session, claims)

        found = await self._database.unit(session.school_id, note)
        chosen = [each for each in found if number in {None, each.number}]
        if not chosen:
            raise RealNameNotFound
        if len(chosen) > 1:
            return LinkResult(NextStep.CHOOSE, choices=tuple(each.number for each in chosen))
        return await self._ask(session, chosen[0])

    async def compare_begin(self, session: SessionRecord, number: str, network: str) -> str:
        """A reference under which the wallet compares the register's facts of a number.

        We learn a yes or no and nothing more; an unknown number is answered alike.
        Raises: MethodNotOffered, ChannelNotOffered, AlreadyBound, IdentityNotConfirmed (too many
        tries), ChannelUnavailable, Overloaded.
        """
        wallet, school_id = await self._wallet(session), session.school_id
        if not await self._attempts.count_bind(
            school_id, session.subject_index, number[:64], network, ""
        ):
            raise IdentityNotConfirmed

        async def look_up(unit: Unit) -> tuple[str | None, RealName]:
            form = number_form(number)
            person = await self._cardholders.find_by_number(unit, form) if form else None
            if person is None or person.status != "ACTIVE":
                return None, _NOBODY
            facts = await self._cardholders.personal_facts(unit, person.id)
            if facts.id_number is None:
                return None, _NOBODY
            birthday = birthday_of(facts.id_number)
            return form, RealName(
                person.name, facts.id_type, facts.id_number, facts.phone, birthday
            )

        known, person = await self._database.unit(school_id, look_up)
        try:
            reference = await ask(session.issuer, wallet.compare_begin(person))
        except SignInNotConfirmed:  # a document that wallets do not compare
            known, reference = None, await ask(session.issuer, wallet.compare_begin(_NOBODY))
        kept = {"reference": reference, "number": known}
        await self._attempt_store.put(
            school_id, "compare", str(session.family_id), kept, COMPARE_SECONDS
        )
        return reference

    async def compare(
        self, session: SessionRecord, auth_code: str, consents: Sequence[ConsentGiven] = ()
    ) -> LinkResult:
        """Takes the wallet's yes or no, for the person to confirm.

        Raises: MethodNotOffered, ChannelNotOffered, AlreadyBound, StartAgain, SignInNotConfirmed,
        NotAuthorised, IdentityNotConfirmed, ConsentMissing, ChannelUnavailable, Overloaded.
        """
        wallet, school_id = await self._wallet(session), session.school_id
        begun = await self._attempt_store.take(school_id, "compare", str(session.family_id))
        if begun is None:
            raise StartAgain
        subject, agrees = await ask(session.issuer, wallet.compare(begun["reference"], auth_code))
        self._require_own(session, subject)
        number = begun["number"]
        if not agrees or number is None:
            raise IdentityNotConfirmed

        async def work(unit: Unit) -> Candidate | None:
            await self._consents.record(unit, session, AuthMethod.REAL_NAME, consents)
            return await store.find_candidate(unit, session.issuer, number=number)

        candidate = await self._database.unit(school_id, work)
        if candidate is None or candidate.status != "ACTIVE":
            raise IdentityNotConfirmed
        return await self._ask(session, candidate)

    async def _ask(self, session: SessionRecord, candidate: Candidate) -> LinkResult:
        async def work(unit: Unit) -> LinkResult:
            evidence = await self._evidence.of(unit, session)
            sign_on = evidence.link.sign_on if evidence.link else None
            return await self._confirmations.ask(
                unit, session, candidate, AuthMethod.REAL_NAME, sign_on
            )

        return await self._database.unit(session.school_id, work)

    async def _wallet(self, session: SessionRecord) -> RealNameWallet:
        if session.cardholder_id is not None or session.staff_id is not None:
            raise AlreadyBound
        if AuthMethod.REAL_NAME not in (await self._read_policy(session.school_id)).auth.methods:
            raise MethodNotOffered
        door = await self._doors.find_door(session.school_id, Channel(session.channel))
        if door is None or door.real_name is None or door.issuer != session.issuer:
            raise ChannelNotOffered
        return door.real_name

    def _require_own(self, session: SessionRecord, subject: str) -> None:
        """A code of somebody else's wallet proves nothing about who signed in."""
        index = subject_index(self._sealer, session.school_id, session.issuer, subject)
        if index != session.subject_index:
            raise IdentityNotConfirmed

    async def _candidates(
        self, unit: Unit, session: SessionRecord, claims: Sequence[IdentityClaim]
    ) -> list[Candidate]:
        """The active cardholders with the wallet's ID number and its name."""
        indexed = [
            (each.kind.value, index)
            for each in claims
            if (index := claim_index(self._sealer, unit.school_id, each)) is not None
        ]
        numbers = [index for kind, index in indexed if kind == ClaimKind.ID_NUMBER]
        listed = [
            candidate
            for index in numbers
            for candidate in await store.candidates_of_id_number(unit, session.issuer, index)
        ]
        return [each for each in listed if wallet_of(indexed, each) is Wallet.SAME]
