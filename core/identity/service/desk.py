"""Use cases of the card office: link a sign-on at the counter, correct what the register says."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from core.audit.service import Audit
from core.db.unit import Database, Unit
from core.identity.addresses import Address
from core.identity.id_number import is_valid
from core.identity.linking import masked
from core.identity.matching import name_form
from core.identity.records import (
    AddressInvalid,
    CardholderUnknown,
    CorrectionInvalid,
    LinkCodeUnknown,
)
from core.identity.service.cardholders import Cardholders
from core.identity.service.links import Links, staff_code_index
from core.identity.store import cardholders as store
from core.identity.store import links as link_store
from core.identity.store import sessions
from core.kit.clock import Clock
from core.kit.sealed import Sealer
from core.ports.messages import AddressKind
from core.school.records import Content, FourEyesRequest, Role, StaffCaller
from core.school.service import FourEyes, Staff
from core.school.service.staff import staff_actor
from core.school.staff_rules import check_not_own_card

CORRECTION = "CARDHOLDER_CORRECTION"
STAFF_METHOD = "STAFF"
REASON_MAXIMUM = 200
NAME_MAXIMUM = 60
_PLACE = "four_eyes.content"
_COLUMNS = ("name", "id_number", "phone", "email")


class DeskLinks:
    """A sign-on whose card the counter proves: the person shows a document and 8 characters."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        sealer: Sealer,
        staff: Staff,
        cardholders: Cardholders,
        links: Links,
    ) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer
        self._staff = staff
        self._cardholders = cardholders
        self._links = links

    async def approve(
        self, school_id: int, caller: StaffCaller, code: str, number: str, reason: str
    ) -> UUID:
        """Binds the sign-in that waits under a code to the cardholder of a number.

        The person signs in once more and is bound.
        Raises: StaffNotAllowed, LinkCodeUnknown, CardholderUnknown, OwnCardExcluded, AlreadyBound,
        SessionEnded.
        """

        async def work(unit: Unit) -> UUID:
            member = await self._staff.require(unit, caller, Role.CLERK, Role.CARD_MANAGER)
            index, now = staff_code_index(self._sealer, unit.school_id, code), self._clock.now()
            link = await link_store.find_for_staff(unit, index, now)
            session = await sessions.find_of_family(unit, link.family_id) if link else None
            if link is None or session is None:
                raise LinkCodeUnknown("code")
            found = await store.find_candidate(unit, session.issuer, number=number)
            if found is None or found.status != "ACTIVE":
                raise CardholderUnknown("number")
            check_not_own_card(member, found.number)
            await store.lock(unit, found.id)
            await self._links.attach(
                unit, session, found, STAFF_METHOD, link, staff_actor(member),
                reason.strip()[:REASON_MAXIMUM],
            )  # fmt: skip
            return found.id

        return await self._database.unit(school_id, work)


class Corrections:
    """Name, ID number and addresses as a document shows them: two persons, then bind again (M-027).

    Implements `core.school.service.FourEyesAct`. What waits for the second person is sealed.
    """

    requesters = frozenset({Role.CLERK, Role.CARD_MANAGER})
    approvers = frozenset({Role.CARD_MANAGER})

    def __init__(
        self,
        database: Database,
        clock: Clock,
        sealer: Sealer,
        audit: Audit,
        staff: Staff,
        cardholders: Cardholders,
    ) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer
        self._audit = audit
        self._staff = staff
        self._cardholders = cardholders

    async def ask(
        self,
        four_eyes: FourEyes,
        school_id: int,
        caller: StaffCaller,
        number: str,
        changes: Mapping[str, str],
        reason: str,
    ) -> FourEyesRequest:
        """Asks for a second person; `changes` are any of name, id_number, phone and email.

        Raises: StaffNotAllowed, SecondFactorStale, OwnCardExcluded, CardholderUnknown,
        CorrectionInvalid, AddressInvalid.
        """
        checked = _checked(changes)

        async def work(unit: Unit) -> FourEyesRequest:
            person = await self._cardholders.find_by_number(unit, number)
            if person is None:
                raise CardholderUnknown("number")
            sealed = self._sealer.seal(
                school_id, _PLACE, person.id, json.dumps(checked, ensure_ascii=False)
            )
            content: Content = {
                "cardholder_id": str(person.id),
                "sealed": sealed.hex(),
                "reason": reason.strip()[:REASON_MAXIMUM],
            }
            return await four_eyes.open(unit, caller, CORRECTION, content)

        return await self._database.unit(school_id, work)

    def describe(self, school_id: int, request: FourEyesRequest) -> list[tuple[str, str]]:
        """(Column, new value masked) of a request, for whoever decides; empty for other acts."""
        if request.act != CORRECTION:
            return []
        shown = self._open(school_id, request.content)
        return [(name, shown[name] if name == "name" else masked(shown[name], 4)) for name in shown]

    async def cardholder_number(self, unit: Unit, content: Content) -> str | None:
        """Whose card it is about: nobody corrects their own."""
        standing = await self._cardholders.find_standing(unit, UUID(str(content["cardholder_id"])))
        return standing.number if standing else None

    async def run(self, unit: Unit, request: FourEyesRequest) -> Content:
        """Writes the corrected columns, in the unit that closes the request."""
        cardholder_id = UUID(str(request.content["cardholder_id"]))
        changes = self._open(unit.school_id, request.content)
        await store.lock(unit, cardholder_id)
        columns = self._columns(unit.school_id, cardholder_id, changes)
        await store.correct(unit, cardholder_id, columns, self._clock.now())
        requester = await self._staff.require(
            unit, StaffCaller(request.requester_id, None), *self.requesters
        )
        facts = {"columns": ",".join(changes), "four_eyes_id": str(request.id)}
        await self._audit.append(
            unit, staff_actor(requester), "cardholder.correct", f"cardholder:{cardholder_id}",
            facts, str(request.content["reason"]),
        )  # fmt: skip
        return {"cardholder_id": str(cardholder_id)}

    def _open(self, school_id: int, content: Content) -> dict[str, str]:
        cardholder_id, sealed = UUID(str(content["cardholder_id"])), str(content["sealed"])
        text = self._sealer.open(school_id, _PLACE, cardholder_id, bytes.fromhex(sealed))
        found: dict[str, str] = json.loads(text)
        return found

    def _columns(
        self, school_id: int, cardholder_id: UUID, changes: Mapping[str, str]
    ) -> dict[str, Any]:
        columns: dict[str, Any] = {}
        for name, text in changes.items():
            sealed = self._sealer.seal(school_id, f"cardholder.{name}", cardholder_id, text)
            columns[f"{name}_sealed"] = sealed
            columns[f"{name}_index"] = self._index(school_id, name, text)
        if "id_number" in changes:
            columns["id_type"] = "ID_CARD"
        return columns

    def _index(self, school_id: int, name: str, text: str) -> bytes:
        if name in {"phone", "email"}:
            return Address.parse(AddressKind(name.upper()), text).index(self._sealer, school_id)
        form = name_form(text) if name == "name" else text
        return self._sealer.blind_index(school_id, f"cardholder.{name}", form)


def _checked(changes: Mapping[str, str]) -> dict[str, str]:
    """The changes in their one form.

    Raises: CorrectionInvalid, AddressInvalid.
    """
    checked: dict[str, str] = {}
    for name in _COLUMNS:
        text = changes.get(name, "").strip()
        if name not in changes:
            continue
        if name in {"phone", "email"}:
            try:
                text = Address.parse(AddressKind(name.upper()), text).text
            except AddressInvalid:
                raise AddressInvalid(name) from None
        elif name == "id_number":
            text = text.upper()
            if not is_valid(text):
                raise CorrectionInvalid("idNumber")
        elif not text or len(text) > NAME_MAXIMUM or not text.isprintable():
            raise CorrectionInvalid("name")
        checked[name] = text
    if not checked:
        raise CorrectionInvalid
    return checked
