"""Use cases of bindings: prove a card by the form, merge two sign-ins, unbind."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from core.db.unit import Database, Unit
from core.identity.consents import ConsentGiven
from core.identity.form import FormRules, asks_own_wallet, form_rules
from core.identity.linking import (
    Wallet,
    contradicts,
    names_same_person,
    number_index,
    proves_address,
    wallet_of,
)
from core.identity.lives import is_fresh, is_live, require_step_up
from core.identity.matching import name_form, number_form, proves_card
from core.identity.records import (
    AlreadyBound,
    BindForm,
    Binding,
    Candidate,
    IdentityNotConfirmed,
    MergeImpossible,
    NotBound,
    RealNameNotOwn,
    SessionRecord,
    SessionTokens,
)
from core.identity.service.attempts import Attempts
from core.identity.service.consents import Consents
from core.identity.service.evidence import Evidence, EvidenceReader
from core.identity.service.links import Links
from core.identity.service.sessions import Sessions
from core.identity.store import bindings as store
from core.identity.store import cardholders
from core.kit.clock import Clock
from core.kit.sealed import Sealer
from core.ports.newcomers import CardDirectory
from core.ports.pins import PinChecker, PinStanding
from core.school.policy import Policy, PolicyOf
from core.school.policy_words import AuthMethod

MERGE = "MERGE"
"""What proved a card that another sign-in of the same person had proven before."""


@dataclass(frozen=True, slots=True)
class _Form:
    """A form as far as it was looked at before the unit that binds."""

    entered: BindForm
    rules: FormRules
    own_wallet: bool
    standing: PinStanding
    is_open: bool


class Bindings:
    """Links between what signs in and a cardholder."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        sealer: Sealer,
        read_policy: PolicyOf,
        attempts: Attempts,
        sessions: Sessions,
        pins: PinChecker,
        cards: CardDirectory,
        links: Links,
        consents: Consents,
        evidence: EvidenceReader,
    ) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer
        self._read_policy = read_policy
        self._attempts = attempts
        self._sessions = sessions
        self._pins = pins
        self._cards = cards
        self._links = links
        self._consents = consents
        self._evidence = evidence

    async def bind_by_form(
        self,
        session: SessionRecord,
        form: BindForm,
        network: str,
        consents: Sequence[ConsentGiven] = (),
    ) -> SessionTokens:
        """Binds the session's subject to the cardholder the form proves; its tokens are replaced.

        One refusal, and one duration, for every form that proves nobody. A default PIN, or none,
        needs a sign-in that showed this person besides: an address of the roster, the wallet's
        real name, or a campus sign-on that names them. `network` is the caller's IP address.
        Raises: MethodNotOffered, AlreadyBound, RealNameNotOwn, IdentityNotConfirmed,
        ConsentMissing, SessionEnded, Overloaded.
        """
        school_id = session.school_id
        policy = await self._read_policy(school_id)
        rules = form_rules(policy.auth)
        if session.cardholder_id is not None or session.staff_id is not None:
            raise AlreadyBound
        candidate = await self._database.unit(
            school_id, lambda unit: self._look_up(unit, session, form, rules, policy)
        )
        number = candidate.number if candidate else form.number[:64]
        is_open = await self._attempts.count_bind(
            school_id, session.subject_index, number, network, form.pin
        )
        compared = candidate.id if candidate and is_open else None
        standing = await self._pins.compare(school_id, compared, rules.pin_kind, form.pin)
        if not rules.asks_pin:
            standing = PinStanding.ABSENT
        if candidate is None:
            raise IdentityNotConfirmed
        own_wallet = asks_own_wallet(policy.auth, session.channel)
        seen = _Form(form, rules, own_wallet, standing, is_open)

        async def work(unit: Unit) -> SessionTokens:
            await cardholders.lock(unit, candidate.id)
            fresh = await cardholders.find_candidate(
                unit, session.issuer, cardholder_id=candidate.id
            )
            evidence = await self._evidence.of(unit, session)
            if fresh is None or not self._proves(session, fresh, seen, evidence):
                raise IdentityNotConfirmed
            await self._attempts.bound(unit, session.subject_index, number, network)
            await self._consents.record(unit, session, AuthMethod.FORM, consents, fresh.id)
            return await self._links.bind(unit, session, fresh, AuthMethod.FORM, evidence.link)

        return await self._database.unit(school_id, work)

    async def list_live(self, school_id: int, cardholder_id: UUID) -> list[Binding]:
        """The live bindings of a cardholder, the newest first; one per issuer."""
        return await self._database.unit(
            school_id, lambda unit: store.list_of_cardholder(unit, cardholder_id)
        )

    async def unbind(self, session: SessionRecord, binding_id: UUID | None = None) -> None:
        """Ends a binding of the session's cardholder, with its sessions and code devices (M-016).

        None is the session's own. Money stays.
        Raises: NotBound, StepUpRequired.
        """
        cardholder_id, ended = session.cardholder_id, binding_id or session.binding_id
        if ended is None or cardholder_id is None:
            raise NotBound("bindingId")
        require_step_up(session, self._clock.now())

        async def work(unit: Unit) -> None:
            listed = await store.list_of_cardholder(unit, cardholder_id)
            if ended == session.binding_id or ended in {each.id for each in listed}:
                await self._links.end(unit, cardholder_id, ended, "UNBOUND")
            else:
                raise NotBound("bindingId")

        await self._database.unit(session.school_id, work)

    async def merge(self, session: SessionRecord, other_token: str) -> SessionTokens:
        """Lets another sign-in of the same person be one of this cardholder's, too (M-005).

        `session` has the card and proved itself lately; the other was opened within 5 minutes and
        has none. The other's tokens are replaced by the ones answered.
        Raises: NotBound, StepUpRequired, MergeImpossible.
        """
        cardholder_id = session.cardholder_id
        if cardholder_id is None:
            raise NotBound
        now = self._clock.now()
        require_step_up(session, now)
        other = await self._sessions.find_session(other_token)
        if (
            other is None
            or other.school_id != session.school_id
            or other.cardholder_id is not None
            or other.staff_id is not None
            or not (is_live(other, now) and is_fresh(other.created_at, now))
        ):
            raise MergeImpossible("accessToken")

        async def work(unit: Unit) -> SessionTokens:
            await cardholders.lock(unit, cardholder_id)
            owner = await cardholders.find_candidate(
                unit, other.issuer, cardholder_id=cardholder_id
            )
            if owner is None or owner.bound_to is not None:
                raise MergeImpossible("accessToken")
            return await self._links.bind(unit, other, owner, MERGE)

        return await self._database.unit(session.school_id, work)

    async def _look_up(
        self, unit: Unit, session: SessionRecord, form: BindForm, rules: FormRules, policy: Policy
    ) -> Candidate | None:
        """Whom the form names; a wallet that has to be the holder's own has told its name before.

        Raises: RealNameNotOwn.
        """
        evidence = await self._evidence.of(unit, session)
        if asks_own_wallet(policy.auth, session.channel) and not evidence.tells_name:
            raise RealNameNotOwn
        number = number_form(form.number)
        if number is None:
            return None
        found = await cardholders.find_candidate(unit, session.issuer, number=number)
        if found is None and rules.takes_card:
            owner = (await self._cards.owners(unit, [number.upper()])).get(number.upper())
            if owner is not None:
                found = await cardholders.find_candidate(unit, session.issuer, cardholder_id=owner)
        return found

    def _proves(
        self, session: SessionRecord, candidate: Candidate, form: _Form, evidence: Evidence
    ) -> bool:
        school_id = session.school_id
        entered = self._sealer.blind_index(
            school_id, "cardholder.name", name_form(form.entered.name)
        )
        named = hmac.compare_digest(entered, candidate.name_index)
        wallet = wallet_of(evidence.claims, candidate)
        sign_on = evidence.link.sign_on if evidence.link else None
        own = number_index(self._sealer, school_id, candidate.number)
        by_school = sign_on is not None and names_same_person(sign_on, candidate, own)
        address = proves_address(evidence.claims, session.subject_index, candidate)
        return proves_card(
            agrees=(named or not form.rules.asks_name)
            and candidate.kind in form.rules.kinds
            and candidate.status != "CLOSED"
            and not (form.own_wallet and wallet is Wallet.OTHER)
            and not (evidence.link is not None and contradicts(evidence.link, candidate)),
            pin=form.standing,
            pin_open=form.is_open,
            second_proof=address or by_school or wallet is Wallet.SAME,
            owner_shown=address or (by_school and form.standing is PinStanding.SET),
            bound_elsewhere=candidate.bound_to is not None,
        )
