"""What the school's single logout ends here: a hint that ends sessions and nothing else."""

import pytest

from core.ports.campus_sign_on import LogoutNotice
from tests.factories.bound import enrol_people
from tests.factories.campus_attempts import mini, offer_sign_on, person
from tests.factories.identity import SCHOOL, Identity


@pytest.fixture(autouse=True)
async def offered(identity: Identity) -> None:
    """People, and a school that offers its sign-on."""
    await enrol_people(identity)
    offer_sign_on(identity)


async def test_known_ticket_ends_that_session_only(identity: Identity) -> None:
    first, second = await mini(identity, "one"), await mini(identity, "two")
    tokens = {}
    for session, ref in ((first, "ST-first"), (second, "ST-second")):
        alice = person(identity, ref, person_no=None, session_ref=ref)
        await alice.sign_on(session)
        tokens[ref] = session
    identity.sign_ons.providers[0].notices[b"logout"] = LogoutNotice("ST-first", None)
    assert await identity.campus_links.logout(SCHOOL, "cas", b"logout") == 1
    assert await identity.sessions.find_by_id(SCHOOL, first.id) is None
    assert await identity.sessions.find_by_id(SCHOOL, second.id) is not None
    assert await identity.rows("SELECT 1 FROM card WHERE state <> 'ACTIVE'") == []


async def test_unknown_ticket_ignored(identity: Identity) -> None:
    session = await mini(identity)
    await person(identity, session_ref="ST-1").sign_on(session)
    notices = identity.sign_ons.providers[0].notices
    notices[b"other"], notices[b"empty"] = LogoutNotice("ST-9", None), LogoutNotice(None, None)
    for raw in (b"other", b"empty", b"nonsense"):
        assert await identity.campus_links.logout(SCHOOL, "cas", raw) == 0
    assert await identity.campus_links.logout(SCHOOL, "nowhere", b"other") == 0
    assert await identity.sessions.find_by_id(SCHOOL, session.id) is not None


async def test_a_logout_of_the_person_ends_all_their_sessions(identity: Identity) -> None:
    sessions = [await mini(identity, each) for each in ("one", "two")]
    for session in sessions:
        await person(identity, "u-1").sign_on(session)
    identity.sign_ons.providers[0].notices[b"all"] = LogoutNotice(None, "u-1")
    assert await identity.campus_links.logout(SCHOOL, "cas", b"all") == 2
    for session in sessions:
        assert await identity.sessions.find_by_id(SCHOOL, session.id) is None
