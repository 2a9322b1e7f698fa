"""What a campus sign-on comes to: a binding, a card still to prove, or a stronger session."""

from collections.abc import Sequence
from datetime import timedelta

from core.db.unit import Database, Unit
from core.identity.consents import ConsentGiven
from core.identity.linking import (
    LinkResult,
    NextStep,
    masked,
    name_index_of,
    number_index,
    vouches_for,
)
from core.identity.lives import REFRESH_SECONDS
from core.identity.records import (
    Candidate,
    IdentityNotConfirmed,
    SessionRecord,
    SignOnRefused,
    SignOnSubject,
    SignOnUnknown,
)
from core.identity.service.campus_sign_in import CampusSignIn
from core.identity.service.confirmations import Confirmations
from core.identity.service.consents import Consents
from core.identity.service.evidence import MANUAL
from core.identity.service.links import Links, staff_code_index
from core.identity.service.sessions import Sessions
from core.identity.service.step_up import note_step_up
from core.identity.store import bindings
from core.identity.store import cardholders as store
from core.identity.store import links as link_store
from core.identity.subjects import CAMPUS_ISSUER, subject_index
from core.kit.clock import Clock
from core.kit.ids import Ids
from core.kit.sealed import Sealer
from core.ports.campus_sign_on import (
    CampusIdentity,
    CampusSignOns,
    LinkMode,
    SignOnFailed,
    SignOnFlow,
)
from core.school.policy_words import AuthMethod

_STAFF_CODE = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


class CampusLinks:
    """Takes what the school vouched for, and decides by sso.md section 7."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        sealer: Sealer,
        sign_ons: CampusSignOns,
        campus: CampusSignIn,
        sessions: Sessions,
        links: Links,
        confirmations: Confirmations,
        consents: Consents,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._sealer = sealer
        self._sign_ons = sign_ons
        self._campus = campus
        self._sessions = sessions
        self._links = links
        self._confirmations = confirmations
        self._consents = consents

    async def begin(
        self,
        session: SessionRecord,
        provider_id: str,
        challenge: str,
        return_to: str,
        consents: Sequence[ConsentGiven] = (),
    ) -> str:
        """A start id for the browser, once the documents of this way are agreed to.

        Raises: MethodNotOffered, SignOnUnknown, ReturnNotListed, ChallengeInvalid, ConsentMissing,
        Overloaded.
        """
        start_id = await self._campus.begin(session, provider_id, challenge, return_to)
        await self._agree(session, consents)
        return start_id

    async def complete(self, session: SessionRecord, code: str, verifier: str) -> LinkResult:
        """What the code of a hand-off comes to, in the very session that began it.

        Raises: SignOnRefused, SignOnUnknown, IdentityNotConfirmed, AlreadyBound, SessionEnded,
        Overloaded.
        """
        provider_id, identity = await self._campus.take(session, code, verifier)
        return await self._link(session, provider_id, identity)

    async def by_code(
        self,
        session: SessionRecord,
        provider_id: str,
        code: str,
        consents: Sequence[ConsentGiven] = (),
    ) -> LinkResult:
        """The same for a provider that takes a code of the channel and needs no browser.

        Raises: MethodNotOffered, SignOnUnknown, SignOnRefused, ConsentMissing,
        IdentityNotConfirmed, AlreadyBound, SessionEnded.
        """
        _, provider = await self._campus.offered(session, provider_id)
        if provider.flow is not SignOnFlow.CODE:
            raise SignOnUnknown("provider")
        await self._agree(session, consents)
        try:
            identity = await provider.exchange(code)
        except SignOnFailed:
            raise SignOnRefused("code") from None
        return await self._link(session, provider_id, identity)

    async def would_be(self, school_id: int, provider_id: str, identity: CampusIdentity) -> str:
        """Whose card a test log-in would have been linked to, for school IT, in both languages."""
        found = await self._sign_ons.find(school_id, provider_id)
        sign_on = self._sign_on(school_id, provider_id, identity)

        async def work(unit: Unit) -> Candidate | None:
            mode = found[1].link if found is not None else LinkMode.MANUAL
            return await self._owner(unit, sign_on.issuer, sign_on, identity, mode)

        owner = await self._database.unit(school_id, work)
        if owner is None:
            return "需要本人再证明一次校园卡 The person would have to prove the card once"
        return f"将绑定学工号 It would be linked to number {masked(owner.number, 3)}"

    async def logout(self, school_id: int, provider_id: str, raw: bytes) -> int:
        """Ends the sign-ins that stand on a session the school ended; how many there were.

        A logout without a signature is a hint: it ends sessions and touches nothing else.
        """
        found = await self._sign_ons.find(school_id, provider_id)
        notice = await found[1].logout_notice(raw) if found is not None else None
        if notice is None:
            return 0
        if notice.session_ref is not None:
            ref = self._ref(school_id, provider_id, "session", notice.session_ref)
        elif notice.subject is not None:
            ref = self._ref(school_id, provider_id, "subject", notice.subject)
        else:
            return 0

        async def work(unit: Unit) -> int:
            families = await link_store.families_of(unit, provider_id, ref)
            for family_id in families:
                await self._sessions.revoke(unit, "SCHOOL_LOGOUT", family_id=family_id)
            return len(families)

        return await self._database.unit(school_id, work)

    async def expire(self, school_id: int) -> None:
        """Forgets proofs and sessions of the school that no longer count."""
        now = self._clock.now()

        async def work(unit: Unit) -> None:
            await link_store.expire(unit, now - timedelta(days=1))
            await link_store.expire_campus_sessions(unit, now - timedelta(seconds=REFRESH_SECONDS))

        await self._database.unit(school_id, work)

    async def _agree(self, session: SessionRecord, consents: Sequence[ConsentGiven]) -> None:
        if session.cardholder_id is None:
            await self._database.unit(
                session.school_id,
                lambda unit: self._consents.record(unit, session, AuthMethod.SSO, consents),
            )

    async def _link(
        self, session: SessionRecord, provider_id: str, identity: CampusIdentity
    ) -> LinkResult:
        found = await self._sign_ons.find(session.school_id, provider_id)
        if found is None:
            raise SignOnUnknown("provider")
        mode = found[1].link
        sign_on = self._sign_on(session.school_id, provider_id, identity)

        async def work(unit: Unit) -> LinkResult:
            await self._note_campus_session(unit, session, provider_id, identity)
            owner = await self._owner(unit, session.issuer, sign_on, identity, mode)
            if session.cardholder_id is not None:
                return await self._strengthen(unit, session, sign_on, owner)
            if owner is None:
                return await self._wait_for_card(unit, session, sign_on, mode)
            if owner.bound_to is not None:
                return await self._confirmations.ask(unit, session, owner, AuthMethod.SSO, sign_on)
            await store.lock(unit, owner.id)
            link = await self._links.pend(
                unit, session, AuthMethod.SSO, cardholder_id=owner.id, sign_on=sign_on
            )
            tokens = await self._links.bind(unit, session, owner, AuthMethod.SSO, link)
            return LinkResult(NextStep.NONE, tokens)

        return await self._database.unit(session.school_id, work)

    async def _owner(
        self,
        unit: Unit,
        issuer: str,
        sign_on: SignOnSubject,
        identity: CampusIdentity,
        mode: LinkMode,
    ) -> Candidate | None:
        """Whose card it is: the one linked before, else the one that the school's word names.

        Once linked, a number that changed or vanished changes nothing.
        """
        bound = await bindings.find_of_subject(unit, sign_on.issuer, sign_on.subject_index)
        if bound is not None:
            return await store.find_candidate(unit, issuer, cardholder_id=bound[1])
        if identity.person_no is None:
            return None
        named = await store.find_candidate(unit, issuer, number=identity.person_no)
        return named if vouches_for(mode, named, sign_on.name_index) else None

    async def _strengthen(
        self, unit: Unit, session: SessionRecord, sign_on: SignOnSubject, owner: Candidate | None
    ) -> LinkResult:
        """A bound session proves itself anew, by a sign-on of the same person only."""
        if owner is None or owner.id != session.cardholder_id:
            raise IdentityNotConfirmed
        await self._links.add_sign_on(unit, sign_on, owner.id)
        await note_step_up(unit, session, self._clock.now())
        return LinkResult(NextStep.NONE)

    async def _wait_for_card(
        self, unit: Unit, session: SessionRecord, sign_on: SignOnSubject, mode: LinkMode
    ) -> LinkResult:
        code = self._staff_code()
        await self._links.pend(
            unit,
            session,
            MANUAL if mode is LinkMode.MANUAL else AuthMethod.SSO,
            sign_on=sign_on,
            staff_code_index=staff_code_index(self._sealer, unit.school_id, code),
        )
        return LinkResult(NextStep.PROVE_CARD, staff_code=code)

    async def _note_campus_session(
        self, unit: Unit, session: SessionRecord, provider_id: str, identity: CampusIdentity
    ) -> None:
        named = {"session": identity.session_ref, "subject": identity.subject}
        for kind, text in named.items():
            if text is not None:
                ref = self._ref(unit.school_id, provider_id, kind, text)
                await link_store.add_campus_session(
                    unit, provider_id, ref, session.family_id, self._clock.now()
                )

    def _sign_on(self, school_id: int, provider_id: str, identity: CampusIdentity) -> SignOnSubject:
        issuer, number = CAMPUS_ISSUER + identity.issuer, identity.person_no
        return SignOnSubject(
            provider_id,
            issuer,
            subject_index(self._sealer, school_id, issuer, identity.subject),
            number_index(self._sealer, school_id, number) if number else None,
            name_index_of(self._sealer, school_id, identity.name),
        )

    def _ref(self, school_id: int, provider_id: str, kind: str, text: str) -> bytes:
        return subject_index(self._sealer, school_id, f"campus.{provider_id}.{kind}", text)

    def _staff_code(self) -> str:
        value = int.from_bytes(self._ids.bytes(8))
        return "".join(_STAFF_CODE[value >> 5 * place & 31] for place in range(8))
