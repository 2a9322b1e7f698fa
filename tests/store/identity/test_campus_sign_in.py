"""The hand-off of a campus sign-on: every attack on it is refused, and burns the attempt."""

from dataclasses import replace
from typing import Any

import pytest

from core.identity.records import (
    ChallengeInvalid,
    MethodNotOffered,
    ReturnNotListed,
    SignOnRefused,
    SignOnUnknown,
    StartAgain,
    TriesSpent,
)
from core.identity.service.campus_sign_in import Denied, Opened, Returned, Tried
from core.identity.subjects import challenge_of
from core.kit.errors import Overloaded
from core.ports.campus_sign_on import CampusIdentity, SignOnFailed, SignOnFlow
from core.school.policy import Auth, Policy
from core.school.policy_words import AuthMethod
from tests.factories.bound import OWNER, enrol_people
from tests.factories.campus_attempts import (
    CALLBACK,
    ISSUER,
    VERIFIER,
    mini,
    offer_sign_on,
    person,
)
from tests.factories.doors import RETURN_TO, PretendedSignOn
from tests.factories.identity import NETWORK, OTHER_SCHOOL, SCHOOL, Identity

ROWS = ("binding", "pending_link", "campus_session")


@pytest.fixture(autouse=True)
async def offered(identity: Identity) -> None:
    """People, and a school that offers its sign-on."""
    await enrol_people(identity)
    offer_sign_on(identity)


async def test_code_of_the_hand_off_names_provider_and_person_once(identity: Identity) -> None:
    session, alice = await mini(identity), person(identity, person_no=OWNER.number)
    returned = await alice.come_back(await alice.open(session))
    assert (returned.channel, returned.return_to) == ("ALIPAY_MINI", RETURN_TO)
    taken = await identity.campus.take(session, returned.code, VERIFIER)
    assert taken == ("cas", alice.said)
    assert identity.store.seconds == {"start": 120, "state": 600, "code": 60}


async def test_code_used_twice(identity: Identity) -> None:
    session, alice = await mini(identity), person(identity)
    returned = await alice.come_back(await alice.open(session))
    await identity.campus.take(session, returned.code, VERIFIER)
    with pytest.raises(SignOnRefused):
        await identity.campus.take(session, returned.code, VERIFIER)


async def test_code_in_other_session(identity: Identity) -> None:
    session, alice = await mini(identity), person(identity)
    returned = await alice.come_back(await alice.open(session))
    thief = await mini(identity, "thief")
    with pytest.raises(SignOnRefused):
        await identity.campus.take(thief, returned.code, VERIFIER)
    with pytest.raises(SignOnRefused):
        await identity.campus.take(session, returned.code, VERIFIER)


@pytest.mark.parametrize("verifier", ["", "w" * 43, challenge_of(VERIFIER)])
async def test_code_without_verifier(identity: Identity, verifier: str) -> None:
    session, alice = await mini(identity), person(identity)
    returned = await alice.come_back(await alice.open(session))
    with pytest.raises(SignOnRefused):
        await identity.campus.take(session, returned.code, verifier)
    with pytest.raises(SignOnRefused):
        await identity.campus.take(session, returned.code, VERIFIER)


async def test_victim_uses_attackers_link(identity: Identity) -> None:
    attacker, victim = await mini(identity, "attacker"), await mini(identity, "victim")
    alice = person(identity, person_no=OWNER.number)
    returned = await alice.come_back(await alice.open(attacker))
    before = await identity.dump(*ROWS)
    with pytest.raises(SignOnRefused):
        await identity.campus_links.complete(victim, returned.code, "x" * 43)
    assert await identity.dump(*ROWS) == before


async def test_attackers_callback_in_victims_browser(identity: Identity) -> None:
    attacker = await mini(identity, "attacker")
    alice = person(identity)
    opened = await alice.open(attacker)
    with pytest.raises(StartAgain):
        await alice.come_back(opened, cookie="the victim's browser has none of ours")
    with pytest.raises(StartAgain):
        await alice.come_back(opened)


async def test_callback_twice(identity: Identity) -> None:
    session, alice = await mini(identity), person(identity)
    opened = await alice.open(session)
    await alice.come_back(opened)
    with pytest.raises(StartAgain):
        await alice.come_back(opened)


async def test_start_url_reused(identity: Identity) -> None:
    session = await mini(identity)
    start = await identity.campus.begin(session, "cas", challenge_of(VERIFIER), RETURN_TO)
    await identity.campus.open(SCHOOL, "cas", start)
    with pytest.raises(StartAgain):
        await identity.campus.open(SCHOOL, "cas", start)


@pytest.mark.parametrize(
    "return_to", [RETURN_TO + "?x=//evil.example", "https://evil.example", RETURN_TO + "/", ""]
)
async def test_return_to_not_listed_or_with_query(identity: Identity, return_to: str) -> None:
    session = await mini(identity)
    with pytest.raises(ReturnNotListed):
        await identity.campus.begin(session, "cas", challenge_of(VERIFIER), return_to)
    assert identity.store.values == {}


async def test_challenge_has_43_characters(identity: Identity) -> None:
    with pytest.raises(ChallengeInvalid):
        await identity.campus.begin(await mini(identity), "cas", "short", RETURN_TO)


async def test_school_comes_from_attempt(identity: Identity) -> None:
    session, alice = await mini(identity), person(identity)
    start = await identity.campus.begin(session, "cas", challenge_of(VERIFIER), RETURN_TO)
    with pytest.raises(StartAgain):
        await identity.campus.open(OTHER_SCHOOL, "cas", start)
    opened = await alice.open(session)
    identity.sign_ons.providers[0].people["ST-1"] = alice.said
    with pytest.raises(StartAgain):
        await identity.campus.finish(
            OTHER_SCHOOL, "cas", opened.state, opened.cookie, CALLBACK, {"ticket": "ST-1"}, {}
        )
    assert "ST-1" in identity.sign_ons.providers[0].people, "no server was asked"


async def test_callback_of_another_provider_is_refused(identity: Identity) -> None:
    session, alice = await mini(identity), person(identity)
    identity.sign_ons.providers.append(PretendedSignOn("portal"))
    opened = await alice.open(session)
    with pytest.raises(StartAgain):
        await identity.campus.finish(
            SCHOOL, "portal", opened.state, opened.cookie, CALLBACK, {"ticket": "ST-1"}, {}
        )
    with pytest.raises(StartAgain):
        await alice.come_back(opened)


async def test_flush_fails_closed(identity: Identity) -> None:
    session, alice = await mini(identity), person(identity)
    opened = await alice.open(session)
    identity.store.values.clear()
    with pytest.raises(StartAgain):
        await alice.come_back(opened)
    returned = await alice.come_back(await alice.open(session))
    identity.store.values.clear()
    with pytest.raises(SignOnRefused):
        await identity.campus.take(session, returned.code, VERIFIER)


async def test_a_store_that_does_not_answer_begins_nothing(identity: Identity) -> None:
    session = await mini(identity)
    identity.store.down = True
    with pytest.raises(Overloaded):
        await identity.campus.begin(session, "cas", challenge_of(VERIFIER), RETURN_TO)


async def test_nothing_in_the_store_names_anybody(identity: Identity) -> None:
    session = await mini(identity)
    alice = person(identity, "u-canary", person_no=OWNER.number, name=OWNER.name)
    returned = await alice.come_back(await alice.open(session))
    kept = str(identity.store.values)
    for secret in ("u-canary", OWNER.number, OWNER.name, returned.code, ISSUER):
        assert secret not in kept


async def test_a_school_that_vouches_for_nobody_leaves_no_code(identity: Identity) -> None:
    session, alice = await mini(identity), person(identity)
    opened = await alice.open(session)
    before = dict(identity.store.values)
    with pytest.raises(SignOnFailed):
        await identity.campus.finish(
            SCHOOL, "cas", opened.state, opened.cookie, CALLBACK, {"ticket": "unknown"}, {}
        )
    assert len(identity.store.values) == len(before) - 1
    with pytest.raises(StartAgain):
        await alice.come_back(opened)


async def test_what_a_channel_does_not_show_cannot_be_begun(identity: Identity) -> None:
    native = (await identity.signed_in("aside@people.example")).session
    identity.sign_ons.providers[0].channels = frozenset({"WECHAT_MINI"})
    for session in (native, await mini(identity)):
        with pytest.raises(SignOnUnknown):
            await identity.campus.begin(session, "cas", challenge_of(VERIFIER), RETURN_TO)
    assert [each.id for each in await identity.campus.list_offered(SCHOOL, "NATIVE")] == []
    assert [each.id for each in await identity.campus.list_offered(SCHOOL, "WECHAT_MINI")] == [
        "cas"
    ]
    with pytest.raises(SignOnUnknown):
        await identity.campus.begin_test(SCHOOL, "nowhere")


async def test_a_school_without_sign_on_says_so(identity: Identity) -> None:
    session = await mini(identity)
    identity.policies[SCHOOL] = Policy(auth=Auth(methods=(AuthMethod.FORM,)))
    with pytest.raises(MethodNotOffered):
        await identity.campus.begin(session, "cas", challenge_of(VERIFIER), RETURN_TO)
    assert await identity.campus.list_offered(SCHOOL, "ALIPAY_MINI") == []


async def test_a_provider_removed_meanwhile_ends_the_attempt(identity: Identity) -> None:
    session, alice = await mini(identity), person(identity)
    opened = await alice.open(session)
    identity.sign_ons.forgotten.add(1)
    with pytest.raises(StartAgain):
        await alice.come_back(opened)


async def test_a_posted_callback_is_kept_for_a_minute_and_taken_once(identity: Identity) -> None:
    key = await identity.campus.hold_form(SCHOOL, {"SAMLResponse": "x"})
    assert identity.store.seconds["form"] == 60
    assert await identity.campus.take_form(SCHOOL, key) == {"SAMLResponse": "x"}
    with pytest.raises(StartAgain):
        await identity.campus.take_form(SCHOOL, key)


def by_password(identity: Identity, said: CampusIdentity) -> None:
    provider = identity.sign_ons.providers[0]
    provider.flow, provider.people["u:right"] = SignOnFlow.PASSWORD, said


async def verify(identity: Identity, opened: Opened, password: str, name: str = "u") -> Any:
    return await identity.campus.verify(
        SCHOOL, "cas", opened.state, opened.cookie, (name, password), NETWORK
    )


async def test_a_password_goes_to_the_directory_of_a_password_kind_only(
    identity: Identity,
) -> None:
    session, alice = await mini(identity), person(identity)
    opened = await alice.open(session)
    with pytest.raises(StartAgain):
        await verify(identity, opened, "right")
    by_password(identity, alice.said)
    opened = await alice.open(session)
    assert opened.begun is None
    assert isinstance(await verify(identity, opened, "right"), Returned)
    assert "right" not in str(identity.store.values)


async def test_a_wrong_password_may_be_tried_again_under_a_new_state(identity: Identity) -> None:
    session, alice = await mini(identity), person(identity)
    by_password(identity, alice.said)
    opened = await alice.open(session)
    denied = await verify(identity, opened, "wrong")
    assert isinstance(denied, Denied)
    with pytest.raises(StartAgain):
        await verify(identity, opened, "right")
    returned = await verify(identity, denied.again, "right")
    taken = await identity.campus.take(session, returned.code, VERIFIER)
    assert taken == ("cas", alice.said)


async def test_passwords_are_tried_five_times_an_hour(identity: Identity) -> None:
    session, alice = await mini(identity), person(identity)
    by_password(identity, alice.said)
    opened = await alice.open(session)
    for _ in range(5):
        denied = await verify(identity, opened, "wrong")
        opened = denied.again
    with pytest.raises(TriesSpent):
        await verify(identity, opened, "right")
    assert "u:right" in identity.sign_ons.providers[0].people, "the directory was not asked"


async def test_a_directory_that_does_not_answer_is_told(identity: Identity) -> None:
    session, alice = await mini(identity), person(identity)
    by_password(identity, alice.said)
    identity.sign_ons.providers[0].fault = SignOnFailed("UPSTREAM", "no answer")
    opened = await alice.open(session)
    with pytest.raises(SignOnFailed, match="UPSTREAM"):
        await verify(identity, opened, "right")


async def test_test_login_makes_no_session(identity: Identity) -> None:
    before = await identity.dump("session", *ROWS)
    start = await identity.campus.begin_test(SCHOOL, "cas")
    opened = await identity.campus.open(SCHOOL, "cas", start)
    said = CampusIdentity(ISSUER, "u-1")
    identity.sign_ons.providers[0].people["ST-1"] = said
    tried = await identity.campus.finish(
        SCHOOL, "cas", opened.state, opened.cookie, CALLBACK, {"ticket": "ST-1"}, {}
    )
    assert tried == Tried({"uid": ("u",)}, said)
    assert tried.mapped()["subject"] == "u-1"
    shown = await identity.campus_links.would_be(SCHOOL, "cas", said)
    assert shown.endswith("The person would have to prove the card once")
    named = replace(said, person_no=OWNER.number)
    assert OWNER.number[-3:] in await identity.campus_links.would_be(SCHOOL, "cas", named)
    assert "prove" in await identity.campus_links.would_be(SCHOOL, "nowhere", named)
    assert await identity.dump("session", *ROWS) == before
    assert identity.store.values == {}
