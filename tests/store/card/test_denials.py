"""Which chips are on the deny list: the lost, and those of whoever is frozen or gone."""

from core.card.service.denials import GONE_FOR
from core.kit.clock import unix_seconds
from core.school.policy import Loss
from core.school.policy_words import Place
from core.school.records import DeniedKind
from tests.store.card.campus import PIN, SCHOOL, Campus

UID, OTHER = "A1B2C3D4", "0011AA00"
NEVER = (1 << 32) - 1


async def lines(campus: Campus, held: int = 0) -> list[tuple[str, int, bool]]:
    """What the list says of chips to whoever holds a version of it."""
    _, found = await campus.deny.changes(SCHOOL, held)
    assert {line.kind for line in found} <= {DeniedKind.UID}
    return [(line.id.hex().upper(), line.until, line.is_removed) for line in found]


async def test_lost_card_is_denied_at_once_and_comes_off_when_it_is_found(campus: Campus) -> None:
    person = await campus.admit_with_pin("1001", uid=UID)
    await campus.admit("1002", uid=OTHER)
    campus.rules(loss=Loss(release_via=frozenset({Place.APP})))
    await campus.cards.report_loss(SCHOOL, person, pin=PIN, step_up_at=None)
    await campus.cards.report_loss(SCHOOL, person, pin=PIN, step_up_at=None)
    assert (await campus.deny.changes(SCHOOL, 0))[0] == 1, "reporting again changes nothing"
    assert await lines(campus) == [(UID, NEVER, False)]
    await campus.cards.release(SCHOOL, person, pin=PIN)
    assert await lines(campus) == []
    assert await lines(campus, held=1) == [(UID, 1, True)]
    await campus.cards.report_loss(SCHOOL, person, pin=PIN, step_up_at=None)
    assert await lines(campus, held=2) == [(UID, NEVER, False)]


async def test_opening_the_virtual_card_denies_nothing(campus: Campus) -> None:
    await campus.admit_with_open_card("1001", uid=UID)
    assert await lines(campus) == []


async def test_cards_of_the_frozen_and_gone_are_found_by_looking(campus: Campus) -> None:
    frozen = await campus.admit("1001", uid=UID)
    gone = await campus.admit("1002", uid=OTHER)
    assert await campus.cards.refresh_denials(SCHOOL) == 0
    await campus.freeze(frozen)
    await campus.freeze(gone, "CLOSED")
    campus.clock.advance(seconds=299)
    assert await campus.cards.refresh_denials(SCHOOL) == 0, "not yet due"
    campus.clock.advance(seconds=1)
    assert await campus.cards.refresh_denials(SCHOOL) == 2
    forgotten = unix_seconds(campus.clock.now() + GONE_FOR)
    assert await lines(campus) == [(OTHER, forgotten, False), (UID, NEVER, False)]
    await campus.freeze(frozen, "ACTIVE")
    campus.clock.advance(seconds=300)
    assert await campus.cards.refresh_denials(SCHOOL) == 1
    assert await lines(campus) == [(OTHER, forgotten, False)]
