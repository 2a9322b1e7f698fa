"""Use cases of bindings: prove a card by the form, and unbind."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import UUID

from core.db.unit import Database, Unit
from core.identity.form import FormRules, form_rules
from core.identity.lives import require_step_up
from core.identity.matching import name_form, number_form, proves_card
from core.identity.records import (
    AlreadyBound,
    BindForm,
    Binding,
    Candidate,
    IdentityNotConfirmed,
    NotBound,
    SessionEnded,
    SessionRecord,
    SessionTokens,
)
from core.identity.service.attempts import Attempts
from core.identity.service.messages import Messages
from core.identity.service.sessions import Sessions
from core.identity.store import bindings as store
from core.identity.store import cardholders, sessions
from core.kit.clock import Clock
from core.kit.ids import Ids
from core.kit.sealed import Sealer
from core.ports.messages import MessageTemplate
from core.ports.newcomers import CardDirectory, DeviceRevoker
from core.ports.pins import PinChecker, PinStanding
from core.school.policy import Policy

ReadPolicy = Callable[[int], Awaitable[Policy]]
"""The policy in force of a school, by its id."""


class Bindings:
    """Links between what signs in and a cardholder."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        sealer: Sealer,
        read_policy: ReadPolicy,
        attempts: Attempts,
        sessions_service: Sessions,
        messages: Messages,
        pins: PinChecker,
        cards: CardDirectory,
        devices: DeviceRevoker,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._sealer = sealer
        self._read_policy = read_policy
        self._attempts = attempts
        self._sessions = sessions_service
        self._messages = messages
        self._pins = pins
        self._cards = cards
        self._devices = devices

    async def bind_by_form(
        self, session: SessionRecord, form: BindForm, network: str
    ) -> SessionTokens:
        """Binds the session's subject to the cardholder the form proves; its tokens are replaced.

        One refusal, and one duration, for every form that proves nobody. A default PIN, or none,
        needs a session that proved an address of the roster. `network` is the caller's IP address.
        Raises: MethodNotOffered, AlreadyBound, IdentityNotConfirmed, SessionEnded, Overloaded.
        """
        school_id = session.school_id
        rules = form_rules((await self._read_policy(school_id)).auth)
        if session.cardholder_id is not None or session.staff_id is not None:
            raise AlreadyBound
        candidate = await self._database.unit(
            school_id, lambda unit: self._find_candidate(unit, session.channel, form, rules)
        )
        number = candidate.number if candidate else form.number[:64]
        is_open = await self._attempts.count_bind(
            school_id, session.subject_index, number, network, form.pin
        )
        compared = candidate.id if candidate and is_open else None
        standing = await self._pins.compare(school_id, compared, rules.pin_kind, form.pin)
        if not rules.asks_pin:
            standing = PinStanding.ABSENT
        if candidate is None or not self._proves(
            session, candidate, form, rules, standing, is_open=is_open
        ):
            raise IdentityNotConfirmed

        async def work(unit: Unit) -> SessionTokens:
            await cardholders.lock(unit, candidate.id)
            fresh = await cardholders.find_candidate(
                unit, session.channel, cardholder_id=candidate.id
            )
            if fresh is None or not self._proves(
                session, fresh, form, rules, standing, is_open=is_open
            ):
                raise IdentityNotConfirmed
            await self._attempts.bound(unit, session.subject_index, number, network)
            return await self._bind(unit, session, fresh)

        return await self._database.unit(school_id, work)

    async def list_live(self, school_id: int, cardholder_id: UUID) -> list[Binding]:
        """The live bindings of a cardholder, the newest first; one per channel."""
        return await self._database.unit(
            school_id, lambda unit: store.list_of_cardholder(unit, cardholder_id)
        )

    async def unbind(self, session: SessionRecord) -> None:
        """Ends the session's binding with all its sessions and code devices; money stays (M-016).

        Raises: NotBound, StepUpRequired.
        """
        binding_id, cardholder_id = session.binding_id, session.cardholder_id
        if binding_id is None or cardholder_id is None:
            raise NotBound
        require_step_up(session, self._clock.now())

        async def work(unit: Unit) -> None:
            await self._end(unit, cardholder_id, binding_id, "UNBOUND")

        await self._database.unit(session.school_id, work)

    async def _find_candidate(
        self, unit: Unit, channel: str, form: BindForm, rules: FormRules
    ) -> Candidate | None:
        number = number_form(form.number)
        if number is None:
            return None
        found = await cardholders.find_candidate(unit, channel, number=number)
        if found is None and rules.takes_card:
            owner = (await self._cards.owners(unit, [number.upper()])).get(number.upper())
            if owner is not None:
                found = await cardholders.find_candidate(unit, channel, cardholder_id=owner)
        return found

    def _proves(
        self,
        session: SessionRecord,
        candidate: Candidate,
        form: BindForm,
        rules: FormRules,
        standing: PinStanding,
        *,
        is_open: bool,
    ) -> bool:
        entered = self._sealer.blind_index(
            session.school_id, "cardholder.name", name_form(form.name)
        )
        named = hmac.compare_digest(entered, candidate.name_index)
        return proves_card(
            agrees=(named or not rules.asks_name)
            and candidate.kind in rules.kinds
            and candidate.status != "CLOSED",
            pin=standing,
            pin_open=is_open,
            registered=session.subject_index in candidate.address_indexes,
            bound_elsewhere=candidate.bound_to is not None,
        )

    async def _bind(
        self, unit: Unit, session: SessionRecord, candidate: Candidate
    ) -> SessionTokens:
        if await sessions.lock(unit, session.id) is None:
            raise SessionEnded
        if await store.find_of_subject(unit, session.issuer, session.subject_index) is not None:
            raise AlreadyBound
        if candidate.bound_to is not None:
            await self._end(unit, candidate.id, candidate.bound_to, "BINDING_REPLACED")
            await self._messages.write_notice(unit, candidate.id, MessageTemplate.BINDING_REPLACED)
        now, binding_id = self._clock.now(), self._ids.new()
        await store.add(
            unit, binding_id, session.issuer, session.subject_index, session.channel,
            candidate.id, now,
        )  # fmt: skip
        await self._sessions.revoke(unit, "BOUND", family_id=session.family_id)
        bound = replace(session, binding_id=binding_id, cardholder_id=candidate.id, step_up_at=now)
        return await self._sessions.open(unit, bound)

    async def _end(self, unit: Unit, cardholder_id: UUID, binding_id: UUID, reason: str) -> None:
        if await store.end(unit, binding_id, self._clock.now()):
            await self._devices.revoke_of_binding(unit, cardholder_id, binding_id)
            await self._sessions.revoke(unit, reason, binding_id=binding_id)
