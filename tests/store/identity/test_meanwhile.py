"""Sign-ins, refreshes and bindings that meet an end, or one another, half-way."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from bff.sample_people import sample_people
from core.db.unit import Unit
from core.identity.records import AlreadyBound, BindForm, SessionRecord, SessionTokens
from core.identity.service.sessions import Sessions
from core.identity.store import bindings
from core.ports.messages import AddressKind
from core.ports.pins import PinStanding
from core.school.policy import Auth, Policy
from core.school.policy_words import AuthMethod, Channel
from tests.factories.identity import NETWORK, SCHOOL, Identity, person_like

(OWNER,) = sample_people(1)
OTHER = person_like(
    OWNER, number=f"{OWNER.number}B", id_number=None, email=None, phone=None, card_uid=None
)
PIN = "480613"
PHONE = "sample phone"
SUBJECT = b"1" * 32
WAITED_SECONDS = 0.2
"""Time enough for the other unit to come as far as it can."""


async def _bound(identity: Identity) -> SessionTokens:
    identity.policies[SCHOOL] = Policy(auth=Auth(methods=(AuthMethod.FORM,)))
    await identity.enrol(OWNER)
    identity.pins.known[await identity.id_of(OWNER.number)] = (PIN, PinStanding.SET)
    assert OWNER.email is not None
    tokens = await identity.signed_in(OWNER.email, PHONE)
    return await identity.bindings.bind_by_form(
        tokens.session, BindForm(OWNER.name, OWNER.number, PIN), NETWORK
    )


async def _half_way(
    monkeypatch: pytest.MonkeyPatch,
    opening: Awaitable[SessionTokens],
    ending: Callable[[], Awaitable[None]],
) -> SessionTokens:
    """The tokens that were opened, and not yet committed, when the end began."""
    whole, opened, may_go_on = Sessions.open, asyncio.Event(), asyncio.Event()

    async def held(self: Sessions, unit: Unit, session: SessionRecord) -> SessionTokens:
        tokens = await whole(self, unit, session)
        opened.set()
        await may_go_on.wait()
        return tokens

    monkeypatch.setattr(Sessions, "open", held)
    task = asyncio.ensure_future(opening)
    await opened.wait()
    ended = asyncio.ensure_future(ending())
    await asyncio.sleep(WAITED_SECONDS)
    may_go_on.set()
    tokens, _ = await asyncio.gather(task, ended)
    return tokens


async def test_no_session_outlives_the_binding_it_was_opened_under(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = await _bound(identity)
    assert OWNER.email is not None
    code = await identity.code_for(OWNER.email)
    signing_in = identity.sign_in.sign_in_complete(
        SCHOOL, AddressKind.EMAIL, OWNER.email, code, PHONE
    )
    tokens = await _half_way(
        monkeypatch, signing_in, lambda: identity.bindings.unbind(bound.session)
    )
    assert tokens.session.cardholder_id is not None
    assert await identity.sessions.find_session(tokens.access_token) is None


@pytest.mark.parametrize("everywhere", [False, True])
async def test_no_refresh_outlives_a_sign_out(
    identity: Identity, monkeypatch: pytest.MonkeyPatch, everywhere: bool
) -> None:
    bound = await _bound(identity)
    assert bound.refresh_token is not None
    sign_out = identity.sessions.revoke_all if everywhere else identity.sessions.sign_out
    tokens = await _half_way(
        monkeypatch,
        identity.sessions.refresh(bound.refresh_token, PHONE),
        lambda: sign_out(bound.session),
    )
    assert await identity.sessions.find_session(tokens.access_token) is None


async def test_of_two_bindings_of_one_sign_in_at_once_one_is_told_so(identity: Identity) -> None:
    await identity.enrol(OWNER, OTHER)
    holders = [await identity.id_of(person.number) for person in (OWNER, OTHER)]
    both_looked, looks = asyncio.Barrier(2), iter((True, True))

    async def bind(holder_id: UUID) -> None:
        async def work(unit: Unit) -> None:
            if await bindings.find_of_subject(unit, "wechat:1", SUBJECT) is not None:
                raise AlreadyBound
            if next(looks, False):
                async with asyncio.timeout(5):
                    await both_looked.wait()
            now, channel = identity.clock.now(), Channel.WECHAT_MINI
            await bindings.add(unit, holder_id, "wechat:1", SUBJECT, channel, holder_id, now)

        await identity.database.unit(SCHOOL, work)

    results = await asyncio.gather(*(bind(each) for each in holders), return_exceptions=True)
    assert {type(each) for each in results} == {AlreadyBound, type(None)}
