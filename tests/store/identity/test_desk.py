"""The card office: a sign-on linked at the counter, and a register corrected by two persons."""

from typing import Any

import pytest

from core.audit.service import Audit
from core.identity.linking import NextStep
from core.identity.records import (
    AddressInvalid,
    AlreadyBound,
    CardholderUnknown,
    CorrectionInvalid,
    LinkCodeUnknown,
    SessionRecord,
)
from core.identity.service.desk import CORRECTION, Corrections, DeskLinks
from core.identity.service.links import Links
from core.kit.slow_hash import SlowHash
from core.ports.campus_sign_on import LinkMode
from core.school.records import (
    NewStaff,
    OwnCardExcluded,
    RequesterCannotApprove,
    Role,
    StaffCaller,
    StaffNotAllowed,
)
from core.school.service import FourEyes, Staff
from tests.factories.bound import FORM, OTHER, OWNER, enrol_people
from tests.factories.campus_attempts import mini, offer_sign_on, person
from tests.factories.chance import counted_entropy
from tests.factories.identity import NETWORK, SCHOOL, Identity
from tests.factories.registry import OPERATOR, PASSWORD

LIVE = "SELECT issuer FROM binding WHERE ended_at IS NULL ORDER BY issuer"


class Office:
    """Staff, their desks, and the services of the counter on an identity context."""

    def __init__(self, identity: Identity) -> None:
        i = identity
        audit = Audit(i.database, i.clock, i.ids, {1: bytes(32)})
        slow = SlowHash(counted_entropy("office"))
        self.identity = identity
        self.staff = Staff(i.database, i.clock, i.ids, i.sealer, slow, audit)
        self.corrections = Corrections(
            i.database, i.clock, i.sealer, audit, self.staff, i.cardholders
        )
        self.four_eyes = FourEyes(
            i.database, i.clock, i.ids, audit, self.staff, {CORRECTION: self.corrections}
        )
        links = Links(i.clock, i.ids, i.sessions, i.messages, i.cards, i.limits, audit)
        self.desk = DeskLinks(i.database, i.clock, i.sealer, self.staff, i.cardholders, links)
        self.people: dict[str, NewStaff] = {}

    async def add(self, login: str, *roles: Role, number: str | None = None) -> StaffCaller:
        made = await self.staff.create(
            SCHOOL, login, login, frozenset(roles), PASSWORD, OPERATOR, number
        )
        return StaffCaller(made.member.id, self.identity.clock.now())

    async def correct(self, caller: StaffCaller, number: str, **changes: str) -> Any:
        return await self.corrections.ask(
            self.four_eyes, SCHOOL, caller, number, changes, "shown at the counter"
        )


@pytest.fixture
async def office(identity: Identity) -> Office:
    """People, a school that links at the counter, and its office."""
    await enrol_people(identity)
    offer_sign_on(identity)
    identity.sign_ons.providers[0].link = LinkMode.MANUAL
    return Office(identity)


async def waiting(identity: Identity, subject: str = "u-1") -> tuple[SessionRecord, str]:
    session = await mini(identity, subject)
    result = await person(identity, subject).sign_on(session)
    assert result.step is NextStep.PROVE_CARD
    assert result.staff_code is not None
    return session, result.staff_code


async def test_counter_links_a_sign_on_that_waits(identity: Identity, office: Office) -> None:
    session, code = await waiting(identity)
    clerk = await office.add("clerk", Role.CLERK)
    await office.desk.approve(SCHOOL, clerk, f" {code[:4]}-{code[4:].lower()}", OWNER.number, "ID")
    live = [row["issuer"] for row in await identity.rows(LIVE)]
    assert live == ["alipay:app-1", "sso:https://sso.example"]
    assert await identity.sessions.find_by_id(SCHOOL, session.id) is None
    again = await mini(identity, "u-1")
    assert again.cardholder_id == await identity.id_of(OWNER.number)
    (row,) = await identity.rows(
        "SELECT actor_kind, reason, facts::text AS f FROM audit_event WHERE act = 'binding.add'"
    )
    assert (row["actor_kind"], row["reason"], '"method": "STAFF"' in row["f"]) == (
        "STAFF", "ID", True,
    )  # fmt: skip


async def test_counter_links_within_a_day_once_and_what_is_there(
    identity: Identity, office: Office
) -> None:
    _, code = await waiting(identity)
    clerk = await office.add("clerk", Role.CLERK)
    before = await identity.dump("binding", "session", "pending_link")
    with pytest.raises(CardholderUnknown):
        await office.desk.approve(SCHOOL, clerk, code, "S999999", "")
    with pytest.raises(LinkCodeUnknown):
        await office.desk.approve(SCHOOL, clerk, "22222222", OWNER.number, "")
    assert await identity.dump("binding", "session", "pending_link") == before
    await office.desk.approve(SCHOOL, clerk, code, OWNER.number, "")
    with pytest.raises(LinkCodeUnknown):
        await office.desk.approve(SCHOOL, clerk, code, OWNER.number, "")
    _, late = await waiting(identity, "u-2")
    identity.clock.advance(days=1)
    with pytest.raises(LinkCodeUnknown):
        await office.desk.approve(SCHOOL, clerk, late, OTHER.number, "")


async def test_who_may_link_and_whose_card(identity: Identity, office: Office) -> None:
    _, code = await waiting(identity)
    cashier = await office.add("cashier", Role.CASHIER)
    own = await office.add("own", Role.CLERK, number=OWNER.number)
    with pytest.raises(StaffNotAllowed):
        await office.desk.approve(SCHOOL, cashier, code, OWNER.number, "")
    with pytest.raises(OwnCardExcluded):
        await office.desk.approve(SCHOOL, own, code, OWNER.number, "")
    assert await identity.rows(LIVE) == []


async def test_a_sign_in_that_bound_itself_meanwhile_is_not_linked(
    identity: Identity, office: Office
) -> None:
    session, code = await waiting(identity)
    clerk = await office.add("clerk", Role.CLERK)
    await identity.bindings.bind_by_form(session, FORM, NETWORK)
    with pytest.raises((AlreadyBound, LinkCodeUnknown)):
        await office.desk.approve(SCHOOL, clerk, code, OTHER.number, "")
    assert [row["issuer"] for row in await identity.rows(LIVE)] == ["alipay:app-1"]


NEW_ID = "110101190001010006"


async def test_two_persons_correct_the_register_and_the_person_binds(
    identity: Identity, office: Office
) -> None:
    clerk = await office.add("clerk", Role.CLERK)
    manager = await office.add("manager", Role.CARD_MANAGER)
    request = await office.correct(clerk, OWNER.number, name=" 示例改 ", id_number=NEW_ID.lower())
    shown = office.corrections.describe(SCHOOL, request)
    assert shown == [("name", "示例改"), ("id_number", "*" * 14 + NEW_ID[-4:])]
    stored = str(await identity.dump("four_eyes_request", "audit_event"))
    assert NEW_ID not in stored
    assert "示例改" not in stored
    with pytest.raises((RequesterCannotApprove, StaffNotAllowed)):
        await office.four_eyes.approve(SCHOOL, clerk, request.id, request.content_hash)
    await office.four_eyes.approve(SCHOOL, manager, request.id, request.content_hash)
    person_ = await identity.cardholders.get(SCHOOL, await identity.id_of(OWNER.number))
    assert person_.name == "示例改"
    session = await mini(identity, "open-9")
    form = type(FORM)("示例改", OWNER.number, FORM.pin)
    bound = await identity.bindings.bind_by_form(session, form, NETWORK)
    assert bound.session.cardholder_id == person_.id
    (row,) = await identity.rows(
        "SELECT facts::text AS f, reason FROM audit_event WHERE act = 'cardholder.correct'"
    )
    assert '"columns": "name,id_number"' in row["f"]
    assert row["reason"] == "shown at the counter"


async def test_corrected_addresses_are_the_registers(identity: Identity, office: Office) -> None:
    clerk = await office.add("clerk", Role.CLERK)
    manager = await office.add("manager", Role.CARD_MANAGER)
    request = await office.correct(
        clerk, OWNER.number, phone="+86 138-0000-0999", email="New@People.Example"
    )
    await office.four_eyes.approve(SCHOOL, manager, request.id, request.content_hash)
    holder = await identity.id_of(OWNER.number)
    masked = await identity.contacts.masked(SCHOOL, holder)
    assert set(masked.values()) == {"*******0999", "n***@people.example"}


@pytest.mark.parametrize(
    ("changes", "refusal", "path"),
    [
        ({}, CorrectionInvalid, ()),
        ({"name": " "}, CorrectionInvalid, ("name",)),
        ({"name": "x" * 61}, CorrectionInvalid, ("name",)),
        ({"id_number": "110101190001010007"}, CorrectionInvalid, ("idNumber",)),
        ({"id_number": "12"}, CorrectionInvalid, ("idNumber",)),
        ({"phone": "12"}, AddressInvalid, ("phone",)),
        ({"email": "x"}, AddressInvalid, ("email",)),
    ],
)
async def test_what_cannot_be_a_correction_asks_nobody(
    identity: Identity, office: Office, changes: dict[str, str],
    refusal: type[Exception], path: tuple[str, ...],
) -> None:  # fmt: skip
    clerk = await office.add("clerk", Role.CLERK)
    with pytest.raises(refusal) as raised:
        await office.correct(clerk, OWNER.number, **changes)
    assert getattr(raised.value, "path", None) == path
    assert await identity.rows("SELECT 1 FROM four_eyes_request") == []


async def test_own_and_unknown_cards_are_not_corrected(identity: Identity, office: Office) -> None:
    own = await office.add("own", Role.CLERK, number=OWNER.number)
    cashier = await office.add("cashier", Role.CASHIER)
    with pytest.raises(OwnCardExcluded):
        await office.correct(own, OWNER.number, name="示例改")
    with pytest.raises(StaffNotAllowed):
        await office.correct(cashier, OTHER.number, name="示例改")
    with pytest.raises(CardholderUnknown):
        await office.correct(own, "S999999", name="示例改")
    assert await identity.rows("SELECT 1 FROM four_eyes_request") == []
