"""What gates know of physical cards: a list of what cards, people and rights are, by versions."""

import asyncio
import logging
from typing import Any

import pytest

from core.entry.records import CardRight, RightsChange
from core.entry.service.rights import CardRights
from core.school.policy import Policy
from terminals.rights import Change, Rights, card_name
from tests.factories.canteen import SCHOOL, Holder
from tests.factories.gates import Gates


async def policy_of(_school_id: int) -> Policy:
    return Policy()


def listing(gates: Gates) -> CardRights:
    made = gates.canteen
    return CardRights(made.database, made.clock, made.ids, policy_of)


def uid_of(holder: Holder) -> bytes:
    return bytes.fromhex(holder.physical_id.hex[-8:])


async def changes(listed: CardRights, held: int) -> RightsChange:
    found = await listed.changes(SCHOOL, held)
    assert found is not None
    return found


def line(found: RightsChange, holder: Holder, profile: int, mask: int | None) -> CardRight:
    return CardRight(card_name(found.salt, uid_of(holder)), profile, mask)


async def test_every_card_that_may_pass_is_listed_with_what_it_opens(gates: Gates) -> None:
    plain, dweller = await gates.canteen.holder(), await gates.canteen.holder()
    await gates.grant(dweller, 7, 0b101)
    await gates.grant(dweller, 9, 1)
    await gates.grant(plain, 9, 0)
    listed = listing(gates)
    assert (await listed.newest_version(SCHOOL), await listed.changes(SCHOOL, 0)) == (0, None)
    assert await listed.refresh(SCHOOL) == 1
    found = await changes(listed, 0)
    assert (found.version, found.base_version, len(found.salt)) == (1, 0, 16)
    assert set(found.lines) == {
        line(found, plain, 0, 0), line(found, dweller, 7, 0b101), line(found, dweller, 9, 1),
    }  # fmt: skip
    assert await listed.refresh(SCHOOL) is None
    assert (await listed.newest_version(SCHOOL), await listed.changes(SCHOOL, 1)) == (1, None)
    assert await gates.count("rights_entry") == 3


@pytest.mark.parametrize("what", ["FREEZE", "CLOSE", "LOSE"])
async def test_card_that_ended_leaves_the_list(gates: Gates, what: str) -> None:
    holder, other = await gates.canteen.holder(), await gates.canteen.holder()
    listed = listing(gates)
    await listed.refresh(SCHOOL)
    await gates.end(what, holder)
    assert await listed.refresh(SCHOOL) == 2
    found = await changes(listed, 1)
    assert (found.base_version, found.lines) == (1, (line(found, holder, 0, None),))
    whole = await changes(listed, 0)
    assert whole.lines == (line(whole, other, 0, 0),)
    assert await changes(listed, 9) == whole  # a version that never was: all of it
    back = "UPDATE cardholder SET status = 'ACTIVE' WHERE school_id = $1 AND id = $2"
    if what != "LOSE":
        await gates.canteen.rows(back, SCHOOL, holder.id)
        assert await listed.refresh(SCHOOL) == 3
        assert (await changes(listed, 2)).lines == (line(found, holder, 0, 0),)


async def test_changes_of_any_age_lead_to_the_whole_list(gates: Gates) -> None:
    people = [await gates.canteen.holder() for _ in range(4)]
    listed = listing(gates)
    steps: list[Any] = [
        lambda: gates.grant(people[0], 7, 1),
        lambda: gates.end("FREEZE", people[1]),
        lambda: gates.grant(people[0], 7, 3),
        lambda: gates.grant(people[0], 7, 0),
        lambda: gates.grant(people[2], 255, 0xFFFF),
    ]
    await listed.refresh(SCHOOL)
    held = [_following(Rights(), await changes(listed, 0))]
    for step in steps:
        await step()
        await listed.refresh(SCHOOL)
        held = [_following(each, await changes(listed, each.version)) for each in held]
        held.append(_following(Rights(), await changes(listed, 0)))
        assert [each.masks for each in held] == [held[0].masks] * len(held)
    assert len(held[0].masks) == 3


def _following(held: Rights, found: RightsChange) -> Rights:
    change = Change(found.base_version, found.salt, found.lines)
    return held.following(found.version, change)


async def test_who_may_enter_nowhere_is_not_listed(gates: Gates) -> None:
    temporary = await gates.canteen.holder()
    sql = "UPDATE cardholder SET kind = 'TEMPORARY' WHERE school_id = $1 AND id = $2"
    await gates.canteen.rows(sql, SCHOOL, temporary.id)
    assert await listing(gates).refresh(SCHOOL) is None
    assert await gates.count("rights_entry") == 0


async def test_a_school_without_doors_has_no_list(gates: Gates) -> None:
    await gates.canteen.holder()
    assert await listing(gates).refresh(SCHOOL + 1) is None
    assert await gates.count("rights_list") == 0


async def test_two_workers_make_one_version(gates: Gates) -> None:
    await gates.canteen.holder()
    made = await asyncio.gather(*(listing(gates).refresh(SCHOOL) for _ in range(4)))
    assert sorted(str(each) for each in made) == ["1", "None", "None", "None"]


async def test_beyond_the_maximum_who_was_granted_comes_first(
    gates: Gates, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("core.entry.service.rights.ENTRIES_MAXIMUM", 2)
    made = [await gates.canteen.holder() for _ in range(3)]
    people = sorted(made, key=lambda each: each.physical_id)
    await gates.grant(people[2], 7, 1)
    listed = listing(gates)
    with caplog.at_level(logging.WARNING, "core.entry.alarm"):
        await listed.refresh(SCHOOL)
    found = await changes(listed, 0)
    assert set(found.lines) == {line(found, people[2], 7, 1), line(found, people[0], 0, 0)}
    assert caplog.messages == [f"school={SCHOOL} cards_left_out=1"]
    for mask in (2, 3):
        await gates.grant(people[2], 7, mask)
        await gates.grant(people[1], 8, mask)
        await gates.end("FREEZE" if mask == 3 else "LOSE", people[0])
        await listed.refresh(SCHOOL)
    assert (await changes(listed, 1)).base_version == 0  # more changes than there are lines
