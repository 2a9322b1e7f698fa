"""Guardians: what a cardholder lets somebody else do, and what nobody may be let do."""

from dataclasses import replace

import pytest

from core.identity.guardians import GuardianRight
from core.identity.records import (
    GuardianCodeInvalid,
    GuardianLimitReached,
    GuardianNotOffered,
    GuardianUnknown,
    NotBound,
    SessionRecord,
    StepUpRequired,
)
from core.ports.messages import MessageTemplate
from core.school.policy import Auth, Guardian, Policy
from core.school.policy_words import AuthMethod
from tests.factories.bound import bind_owner, enrol_people
from tests.factories.campus_attempts import mini
from tests.factories.identity import OTHER_SCHOOL, SCHOOL, Identity

VIEW, REPORT = GuardianRight.VIEW_STATEMENT, GuardianRight.REPORT_LOSS


@pytest.fixture(autouse=True)
async def offered(identity: Identity) -> None:
    """People, and a school that knows guardians."""
    await enrol_people(identity)
    for school in (SCHOOL, OTHER_SCHOOL):
        auth = Auth(methods=(AuthMethod.FORM,))
        identity.policies[school] = Policy(auth=auth, guardian=Guardian(enabled=True))


async def holder(identity: Identity) -> SessionRecord:
    return (await bind_owner(identity)).session


async def test_a_guardian_takes_an_offer_and_has_its_rights_only(identity: Identity) -> None:
    session = await holder(identity)
    grant, code = await identity.guardians.offer(session, " 妈妈 ", [VIEW])
    assert (grant.label, len(code), code.isdigit()) == ("妈妈", 12, True)
    parent = await mini(identity, "parent")
    taken = await identity.guardians.accept(parent, f"{code[:4]} {code[4:8]}-{code[8:]}")
    assert taken.cardholder_id == session.cardholder_id
    found = await identity.guardians.require(parent, grant.id, VIEW)
    assert (found.id, found.rights) == (grant.id, frozenset({VIEW}))
    with pytest.raises(GuardianUnknown):
        await identity.guardians.require(parent, grant.id, REPORT)
    await identity.deliver()
    told = [each.template for each in identity.inbox.messages]
    assert told.count(MessageTemplate.GUARDIAN_ADDED) == 1
    acts = {row["act"] for row in await identity.rows("SELECT act FROM audit_event")}
    assert acts >= {"guardian.offer", "guardian.accept"}
    assert code not in str(await identity.dump("guardian_grant"))


async def test_an_offer_is_taken_once_within_a_day_and_not_by_the_holder(
    identity: Identity,
) -> None:
    session, parent = await holder(identity), await mini(identity, "parent")
    _, code = await identity.guardians.offer(session, "x", [VIEW])
    for wrong in ("", "123", "0" * 12, code[:-1] + "x"):
        with pytest.raises(GuardianCodeInvalid):
            await identity.guardians.accept(parent, wrong)
    with pytest.raises(GuardianCodeInvalid):
        await identity.guardians.accept(session, code)
    await identity.guardians.accept(parent, code)
    other = await mini(identity, "other")
    with pytest.raises(GuardianCodeInvalid):
        await identity.guardians.accept(other, code)
    _, late = await identity.guardians.offer(session, "x", [VIEW])
    identity.clock.advance(days=1)
    with pytest.raises(GuardianCodeInvalid):
        await identity.guardians.accept(other, late)
    assert await identity.guardians.list_taken(other) == []


async def test_either_side_ends_a_grant_and_nobody_else(identity: Identity) -> None:
    session, parent = await holder(identity), await mini(identity, "parent")
    stranger = await mini(identity, "stranger")
    for ender in (session, parent):
        grant, code = await identity.guardians.offer(session, "x", [VIEW])
        await identity.guardians.accept(parent, code)
        with pytest.raises(GuardianUnknown):
            await identity.guardians.end(stranger, grant.id)
        assert [each.id for each in await identity.guardians.list_own(session)] == [grant.id]
        await identity.guardians.end(ender, grant.id)
        assert await identity.guardians.list_own(session) == []
        with pytest.raises(GuardianUnknown):
            await identity.guardians.require(parent, grant.id, VIEW)


async def test_five_grants_at_most_each_by_a_fresh_proof(identity: Identity) -> None:
    session = await holder(identity)
    for _ in range(5):
        await identity.guardians.offer(session, "x", [VIEW, REPORT])
    with pytest.raises(GuardianLimitReached):
        await identity.guardians.offer(session, "x", [VIEW])
    identity.clock.advance(seconds=301)
    with pytest.raises(StepUpRequired):
        await identity.guardians.offer(session, "x", [VIEW])
    with pytest.raises(NotBound):
        await identity.guardians.offer(await mini(identity), "x", [VIEW])
    assert len(await identity.rows("SELECT 1 FROM guardian_grant")) == 5
    assert await identity.guardians.list_own(await mini(identity)) == []


async def test_a_school_without_guardians_has_none_left(identity: Identity) -> None:
    session, parent = await holder(identity), await mini(identity, "parent")
    grant, code = await identity.guardians.offer(session, "x", [VIEW])
    await identity.guardians.accept(parent, code)
    identity.policies[SCHOOL] = replace(identity.policies[SCHOOL], guardian=Guardian())
    with pytest.raises(GuardianNotOffered):
        await identity.guardians.offer(session, "x", [VIEW])
    with pytest.raises(GuardianNotOffered):
        await identity.guardians.accept(parent, code)
    with pytest.raises(GuardianUnknown):
        await identity.guardians.require(parent, grant.id, VIEW)
    assert await identity.guardians.list_taken(parent) == []
