"""Cards: opened once, reported lost at once, released where the school says."""

import asyncio
from dataclasses import replace

import pytest

from core.card.records import (
    CardActImpossible,
    CardKind,
    CardState,
    CardUidTaken,
    CardUnknown,
    PinLocked,
    PinNotSet,
    PinRequired,
    PinWrong,
    ReleaseElsewhere,
)
from core.db.unit import Unit
from core.identity.records import CardholderUnknown, StepUpRequired
from core.ports.codes import PassKind
from core.ports.newcomers import Newcomer
from core.school.policy import Code, Loss, Policy
from core.school.policy_words import LossCredential, PinKind, Place
from tests.store.card.campus import OTHER_PIN, PIN, SCHOOL, Campus

UID = "A1B2C3D4"


async def test_newcomers_get_a_virtual_card_and_the_chip_the_roster_names(campus: Campus) -> None:
    person = await campus.admit("1001", uid=UID)
    temporary = await campus.admit("1002", kind="TEMPORARY")

    face = await campus.cards.face(SCHOOL, person)

    assert (face.name, face.number) == ("示例甲", "1001")
    assert face.virtual.state is CardState.NOT_OPENED
    assert face.physical is not None
    assert (face.physical.state, face.physical.uid) == (CardState.ACTIVE, UID)
    assert (await campus.cards.face(SCHOOL, temporary)).physical is None


async def test_cards_that_exist_are_left_alone(campus: Campus) -> None:
    person = await campus.admit_with_open_card("1001", uid=UID)
    before = await campus.everything()

    await campus.database.unit(
        SCHOOL,
        lambda unit: campus.cards.open_newcomers(
            unit, [Newcomer(person, "STUDENT", UID, 0)], campus.clock.now()
        ),
    )

    assert await campus.everything() == before


@pytest.mark.parametrize("uid", [UID, "0011AABB"])
async def test_a_chip_of_another_or_a_second_chip_is_refused(campus: Campus, uid: str) -> None:
    await campus.admit("1001", uid=UID)
    person = await campus.admit("1002", uid="99887766")
    before = await campus.everything()

    with pytest.raises(CardUidTaken):
        await campus.database.unit(
            SCHOOL,
            lambda unit: campus.cards.open_newcomers(
                unit, [Newcomer(person, "STUDENT", uid, 0)], campus.clock.now()
            ),
        )

    assert await campus.everything() == before


async def test_chips_are_found_by_their_owner_and_by_their_number(campus: Campus) -> None:
    person = await campus.admit("1001", uid=UID)

    async def owners(unit: Unit) -> object:
        return await campus.cards.owners(unit, [UID, "00000000"])

    assert await campus.database.unit(SCHOOL, owners) == {UID: person}
    found = await campus.cards.find_by_uid(SCHOOL, UID)
    assert found is not None
    assert (found.cardholder_id, found.kind) == (person, CardKind.PHYSICAL)
    assert await campus.cards.find_by_uid(SCHOOL, "00000000") is None


async def test_opening_asks_the_pin_once_and_again_answers_the_same(campus: Campus) -> None:
    person = await campus.admit_with_pin("1001")
    with pytest.raises(PinWrong):
        await campus.cards.open_virtual(SCHOOL, person, pin=OTHER_PIN)
    with pytest.raises(PinRequired):
        await campus.cards.open_virtual(SCHOOL, person, pin=None)
    assert (await campus.cards.face(SCHOOL, person)).virtual.state is CardState.NOT_OPENED

    opened = await campus.cards.open_virtual(SCHOOL, person, pin=PIN)
    campus.clock.advance(days=1)

    assert (opened.state, opened.lost_at) == (CardState.ACTIVE, None)
    assert await campus.cards.open_virtual(SCHOOL, person, pin=None) == opened


async def test_a_school_may_open_virtual_cards_without_a_pin(campus: Campus) -> None:
    campus.rules(code=replace(Code(), pin_at_first_open=False))
    person = await campus.admit("1001")

    card = await campus.cards.open_virtual(SCHOOL, person, pin=None)

    assert (card.state, card.opened_at) == (CardState.ACTIVE, campus.clock.now())


async def test_unknown_people_and_closed_cards_are_told_apart(campus: Campus) -> None:
    nobody = campus.ids.new()

    async def bare(unit: Unit) -> None:
        await unit.execute("UPDATE card SET state = 'CLOSED' WHERE school_id = $1", SCHOOL)

    former = await campus.admit("1002")
    await campus.database.unit(SCHOOL, bare)

    with pytest.raises(CardholderUnknown):
        await campus.cards.face(SCHOOL, nobody)
    with pytest.raises(CardUnknown):
        await campus.cards.face(SCHOOL, former)
    with pytest.raises(CardUnknown):
        await campus.cards.open_virtual(SCHOOL, nobody, pin=PIN)
    with pytest.raises(CardUnknown):
        await campus.cards.report_loss(
            SCHOOL, await campus.admit("1001"), pin=None, step_up_at=campus.clock.now()
        )


async def test_loss_by_pin_or_fresh_login_leaves_the_virtual_card_and_its_passes(
    campus: Campus,
) -> None:
    person = await campus.admit_with_open_card("1001", uid=UID)
    device = await campus.enrol(person, 1)
    issue = await campus.codes.issue_passes(SCHOOL, person, device.id, [PassKind.VIRTUAL_CARD])

    lost = await campus.cards.report_loss(SCHOOL, person, pin=PIN, step_up_at=None)
    campus.clock.advance(minutes=10)
    again = await campus.cards.report_loss(SCHOOL, person, pin=None, step_up_at=campus.clock.now())

    assert lost.state is CardState.LOST
    assert again == lost
    holder = await campus.codes.find_pass(SCHOOL, issue.passes[0].serial)
    assert holder is not None
    assert not holder.is_revoked
    assert (await campus.cards.face(SCHOOL, person)).virtual.state is CardState.ACTIVE


async def test_loss_without_a_credential_changes_nothing(campus: Campus) -> None:
    person = await campus.admit_with_pin("1001", uid=UID)
    before = await campus.rows("card")

    with pytest.raises(PinRequired):
        await campus.cards.report_loss(SCHOOL, person, pin=None, step_up_at=None)
    with pytest.raises(PinWrong):
        await campus.cards.report_loss(SCHOOL, person, pin=OTHER_PIN, step_up_at=None)
    campus.rules(loss=replace(Loss(), credential=frozenset({LossCredential.FRESH_LOGIN})))
    with pytest.raises(StepUpRequired):
        await campus.cards.report_loss(SCHOOL, person, pin=PIN, step_up_at=None)
    campus.rules(loss=replace(Loss(), credential=frozenset({LossCredential.PIN})))
    with pytest.raises(PinRequired):
        await campus.cards.report_loss(SCHOOL, person, pin=None, step_up_at=campus.clock.now())

    assert await campus.rows("card") == before


async def test_a_locked_pin_never_blocks_a_loss_report(campus: Campus) -> None:
    campus.rules(loss=replace(Loss(), credential=frozenset({LossCredential.PIN})))
    person = await campus.admit_with_pin("1001", uid=UID)
    for _ in range(4):
        with pytest.raises(PinWrong):
            await campus.cards.report_loss(SCHOOL, person, pin=OTHER_PIN, step_up_at=None)
    with pytest.raises(PinLocked):
        await campus.cards.report_loss(SCHOOL, person, pin=OTHER_PIN, step_up_at=None)

    lost = await campus.cards.report_loss(SCHOOL, person, pin=None, step_up_at=campus.clock.now())

    assert lost.state is CardState.LOST


async def test_a_query_pin_reports_where_the_school_has_one(campus: Campus) -> None:
    kinds = frozenset({PinKind.PAY, PinKind.QUERY})
    campus.rules(
        pin=replace(Policy().pin, kinds=kinds),
        loss=replace(Loss(), credential=frozenset({LossCredential.QUERY_PIN})),
    )
    person = await campus.admit_with_pin("1001", uid=UID)
    with pytest.raises(PinNotSet):
        await campus.cards.report_loss(SCHOOL, person, pin=PIN, step_up_at=None)
    now = campus.clock.now()
    await campus.pins.choose_first(SCHOOL, person, "QUERY", pin=OTHER_PIN, step_up_at=now)

    lost = await campus.cards.report_loss(SCHOOL, person, pin=OTHER_PIN, step_up_at=None)

    assert lost.state is CardState.LOST


async def test_release_on_the_phone_only_where_the_school_says(campus: Campus) -> None:
    person = await campus.admit_with_pin("1001", uid=UID)
    lost = await campus.cards.report_loss(SCHOOL, person, pin=PIN, step_up_at=None)
    before = await campus.everything()

    with pytest.raises(ReleaseElsewhere):
        await campus.cards.release(SCHOOL, person, pin=PIN)
    assert await campus.everything() == before

    campus.rules(loss=replace(Loss(), release_via=frozenset({Place.APP})))
    with pytest.raises(PinRequired):
        await campus.cards.release(SCHOOL, person, pin=None)
    assert await campus.everything() == before
    released = await campus.cards.release(SCHOOL, person, pin=PIN)
    assert released == replace(lost, state=CardState.ACTIVE, lost_at=None)


async def test_staff_release_at_their_place(campus: Campus) -> None:
    person = await campus.admit_with_pin("1001", uid=UID)
    await campus.cards.report_loss(SCHOOL, person, pin=PIN, step_up_at=None)

    async def release(unit: Unit, place: Place) -> CardState:
        card = await campus.cards.release_at_desk(unit, campus.policy, person, place)
        return card.state

    with pytest.raises(ReleaseElsewhere):
        await campus.database.unit(SCHOOL, lambda unit: release(unit, Place.APP))
    reported = (await campus.cards.face(SCHOOL, person)).physical
    assert reported is not None
    assert reported.state is CardState.LOST
    state = await campus.database.unit(SCHOOL, lambda unit: release(unit, Place.WINDOW))
    assert state is CardState.ACTIVE


async def test_a_virtual_card_that_was_blocked_is_not_opened_again(campus: Campus) -> None:
    person = await campus.admit_with_open_card("1001")

    async def block(unit: Unit) -> None:
        await unit.execute("UPDATE card SET state = 'LOST' WHERE school_id = $1", SCHOOL)

    await campus.database.unit(SCHOOL, block)
    before = await campus.everything()

    with pytest.raises(CardActImpossible):
        await campus.cards.open_virtual(SCHOOL, person, pin=PIN)

    assert await campus.everything() == before


async def test_a_replaced_card_cannot_come_back(campus: Campus) -> None:
    person = await campus.admit_with_pin("1001", uid=UID)

    async def replace_card(unit: Unit) -> None:
        await unit.execute(
            "UPDATE card SET state = 'REPLACED' WHERE school_id = $1 AND uid = $2", SCHOOL, UID
        )

    await campus.database.unit(SCHOOL, replace_card)
    before = await campus.everything()

    with pytest.raises(CardUnknown):
        await campus.cards.report_loss(SCHOOL, person, pin=PIN, step_up_at=None)
    assert await campus.cards.find_by_uid(SCHOOL, UID) is None
    assert await campus.rows("card") == before["card"]


async def test_report_and_release_at_once_end_in_one_of_their_orders(campus: Campus) -> None:
    campus.rules(loss=replace(Loss(), release_via=frozenset({Place.APP})))
    person = await campus.admit_with_pin("1001", uid=UID)

    lost, released = await asyncio.gather(
        campus.cards.report_loss(SCHOOL, person, pin=PIN, step_up_at=None),
        campus.cards.release(SCHOOL, person, pin=PIN),
    )

    card = await campus.cards.find_by_uid(SCHOOL, UID)
    assert card in (lost, released)
