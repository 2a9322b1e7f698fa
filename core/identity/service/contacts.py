"""Use cases of the holder's own telephone and e-mail (M-015)."""

from typing import Literal
from uuid import UUID

from core.audit.records import Actor, ActorKind
from core.audit.service import Audit
from core.db.unit import Database, Unit
from core.identity.addresses import Address, addresses_of, registered_address
from core.identity.lives import require_step_up
from core.identity.one_time import LIFE_SECONDS, RESEND_SECONDS, Purpose
from core.identity.records import NotBound, SessionRecord, SignInBegun
from core.identity.service.cardholders import Cardholders
from core.identity.service.messages import Messages
from core.identity.service.sign_in import OneTimeCodes
from core.identity.store import cardholders as store
from core.kit.clock import Clock
from core.kit.sealed import Sealer
from core.ports.messages import AddressKind, MessageTemplate


class Contacts:
    """An address becomes the register's once a code sent to it came back."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        sealer: Sealer,
        cardholders: Cardholders,
        one_time_codes: OneTimeCodes,
        messages: Messages,
        audit: Audit,
    ) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer
        self._cardholders = cardholders
        self._codes = one_time_codes
        self._messages = messages
        self._audit = audit

    async def masked(self, school_id: int, cardholder_id: UUID) -> dict[AddressKind, str | None]:
        """The register's addresses as a screen may show them."""
        facts = await self._database.unit(
            school_id, lambda unit: self._cardholders.personal_facts(unit, cardholder_id)
        )
        found = addresses_of(facts).items()
        return {kind: address.masked() if address else None for kind, address in found}

    async def change_begin(
        self, session: SessionRecord, kind: AddressKind, text: str
    ) -> SignInBegun:
        """Sends a code to the new address; the holder has just proven more than the token.

        Raises: NotBound, StepUpRequired, AddressInvalid.
        """
        self._require_holder(session)
        address = Address.parse(kind, text)

        async def work(unit: Unit) -> None:
            await self._codes.send(unit, Purpose.NEW_CONTACT, address, str(session.family_id))

        await self._database.unit(session.school_id, work)
        return SignInBegun(LIFE_SECONDS, RESEND_SECONDS)

    async def change(self, session: SessionRecord, kind: AddressKind, text: str, code: str) -> str:
        """Takes the new address over, and tells the old one; the new one, masked.

        The next roster leaves it alone.
        Raises: NotBound, StepUpRequired, AddressInvalid, SignInNotConfirmed.
        """
        cardholder_id, school_id = self._require_holder(session), session.school_id
        address = Address.parse(kind, text)
        code_id = await self._codes.check(
            self._database, school_id, Purpose.NEW_CONTACT, address, code, str(session.family_id)
        )

        async def work(unit: Unit) -> None:
            await self._codes.use(unit, code_id)
            await store.lock(unit, cardholder_id)
            facts = await self._cardholders.personal_facts(unit, cardholder_id)
            old = addresses_of(facts)[kind] or registered_address(facts)
            if old is not None:
                await self._messages.write_to(unit, old, MessageTemplate.CONTACT_CHANGED)
            column: Literal["phone", "email"] = "phone" if kind is AddressKind.PHONE else "email"
            sealed = self._sealer.seal(
                school_id, f"cardholder.{column}", cardholder_id, address.text
            )
            index = address.index(self._sealer, school_id)
            await store.change_contact(
                unit, cardholder_id, column, sealed, index, self._clock.now()
            )
            actor = Actor(ActorKind.CARDHOLDER, str(cardholder_id))
            await self._audit.append(
                unit, actor, "contact.change", f"cardholder:{cardholder_id}", {"columns": column}
            )

        await self._database.unit(school_id, work)
        return address.masked()

    def _require_holder(self, session: SessionRecord) -> UUID:
        if session.cardholder_id is None:
            raise NotBound
        require_step_up(session, self._clock.now())
        return session.cardholder_id
