"""Sessions: rotation, reuse, revocation, idle staff, fresh proofs."""

import asyncio
from uuid import UUID

import pytest

from bff.sample_people import sample_people
from core.db.unit import Unit
from core.identity.lives import require_step_up, token_hash
from core.identity.records import (
    BindForm,
    NotBound,
    SessionEnded,
    SessionTokens,
    SignInNotConfirmed,
    StaffNotConfirmed,
    StepUpRequired,
    StepUpTargetMissing,
)
from core.ports.messages import MessageTemplate
from core.ports.pins import PinStanding
from core.school.policy import Auth, Policy
from core.school.policy_words import AuthMethod
from tests.factories.identity import NETWORK, OTHER_SCHOOL, SCHOOL, Identity, person_like

OWNER, OTHER = sample_people(2)
PIN = "480613"
PHONE = "sample phone"


async def _bound(identity: Identity) -> SessionTokens:
    identity.policies[SCHOOL] = Policy(auth=Auth(methods=(AuthMethod.FORM,)))
    await identity.enrol(OWNER, OTHER)
    identity.pins.known[await identity.id_of(OWNER.number)] = (PIN, PinStanding.SET)
    assert OWNER.email is not None
    tokens = await identity.signed_in(OWNER.email, PHONE)
    form = BindForm(OWNER.name, OWNER.number, PIN)
    return await identity.bindings.bind_by_form(tokens.session, form, NETWORK)


async def _refreshed(
    identity: Identity, tokens: SessionTokens, label: str = PHONE
) -> SessionTokens:
    assert tokens.refresh_token is not None
    return await identity.sessions.refresh(tokens.refresh_token, label)


async def _is_live(identity: Identity, tokens: SessionTokens) -> bool:
    return await identity.sessions.find_session(tokens.access_token) is not None


@pytest.mark.parametrize(("seconds", "live"), [(899, True), (900, False)])
async def test_an_access_token_lives_fifteen_minutes(
    identity: Identity, seconds: int, live: bool
) -> None:
    tokens = await _bound(identity)
    identity.clock.advance(seconds=seconds)
    assert await _is_live(identity, tokens) == live


async def _seen_seconds_ago(identity: Identity, tokens: SessionTokens) -> int:
    async def work(unit: Unit) -> int:
        seen_at = await unit.value("SELECT last_seen_at FROM session WHERE token_hash = $1",
                                   token_hash(tokens.access_token))  # fmt: skip
        assert seen_at is not None
        return int((identity.clock.now() - seen_at).total_seconds())

    return await identity.database.unit(SCHOOL, work)


@pytest.mark.parametrize(("seconds", "seen"), [(59, 59), (60, 0), (899, 0), (900, 900)])
async def test_a_live_session_is_noted_as_seen_once_a_minute(
    identity: Identity, seconds: int, seen: int
) -> None:
    tokens = await _bound(identity)
    identity.clock.advance(seconds=seconds)
    await asyncio.gather(_is_live(identity, tokens), _is_live(identity, tokens))
    assert await _seen_seconds_ago(identity, tokens) == seen


async def test_a_session_that_is_being_changed_is_read_without_waiting(
    identity: Identity,
) -> None:
    tokens = await _bound(identity)
    identity.clock.advance(seconds=60)

    async def work(unit: Unit) -> None:
        await unit.execute("SELECT 1 FROM session WHERE school_id = $1 FOR UPDATE", SCHOOL)
        async with asyncio.timeout(2):
            assert await _is_live(identity, tokens)

    await identity.database.unit(SCHOOL, work)
    assert await _seen_seconds_ago(identity, tokens) == 60


async def test_a_refresh_keeps_person_and_proof_and_ends_the_old_token(
    identity: Identity,
) -> None:
    tokens = await _bound(identity)
    identity.clock.advance(seconds=60)
    fresh = await _refreshed(identity, tokens)
    assert fresh.session.cardholder_id == tokens.session.cardholder_id
    assert fresh.session.step_up_at == tokens.session.step_up_at
    assert await _is_live(identity, fresh)
    identity.clock.advance(seconds=10)
    assert not await _is_live(identity, tokens)
    assert len(await identity.sessions.list_devices(fresh.session)) == 1


async def test_refresh_reuse_revokes_family(identity: Identity) -> None:
    tokens = await _bound(identity)
    fresh = await _refreshed(identity, tokens)
    identity.clock.advance(seconds=11)
    with pytest.raises(SessionEnded):
        await _refreshed(identity, tokens)
    assert not await _is_live(identity, fresh)
    with pytest.raises(SessionEnded):
        await _refreshed(identity, fresh)
    reasons = await identity.rows(
        "SELECT DISTINCT revoke_reason FROM session WHERE revoke_reason <> 'BOUND'"
    )
    assert [row["revoke_reason"] for row in reasons] == ["REFRESH_REUSED"]
    await identity.deliver()
    notice = identity.inbox.messages[-1]
    assert (notice.template, notice.to) == (MessageTemplate.SESSION_REUSED, OWNER.email)


async def test_the_same_device_may_ask_again_within_ten_seconds(identity: Identity) -> None:
    tokens = await _bound(identity)
    lost = await _refreshed(identity, tokens)
    identity.clock.advance(seconds=10)
    again = await _refreshed(identity, tokens)
    assert await _is_live(identity, again)
    assert not await _is_live(identity, lost)


async def test_another_device_has_no_grace(identity: Identity) -> None:
    tokens = await _bound(identity)
    fresh = await _refreshed(identity, tokens)
    with pytest.raises(SessionEnded):
        await _refreshed(identity, tokens, "thief's phone")
    assert not await _is_live(identity, fresh)


async def test_ten_refreshes_at_once_leave_one_live_token(identity: Identity) -> None:
    tokens = await _bound(identity)
    results = await asyncio.gather(*(_refreshed(identity, tokens) for _ in range(10)))
    identity.clock.advance(seconds=11)
    live = [await _is_live(identity, result) for result in results]
    assert sum(live) == 1


async def test_a_refresh_token_lives_thirty_days(identity: Identity) -> None:
    tokens = await _bound(identity)
    identity.clock.advance(seconds=30 * 86_400)
    with pytest.raises(SessionEnded):
        await _refreshed(identity, tokens)


@pytest.mark.parametrize(
    ("head", "length"), [("", 0), ("cc_1_", 0), ("cc_1_", 43), ("cc_99999_", 43), ("cc_١_", 43)]
)
async def test_what_is_no_token_of_ours_is_no_session(
    identity: Identity, head: str, length: int
) -> None:
    text = head + "A" * length
    assert await identity.sessions.find_session(text) is None
    with pytest.raises(SessionEnded):
        await identity.sessions.refresh(text, PHONE)


async def test_a_token_is_good_for_its_own_purpose_and_school_only(identity: Identity) -> None:
    tokens = await _bound(identity)
    assert tokens.refresh_token is not None
    assert await identity.sessions.find_session(tokens.refresh_token) is None
    moved = tokens.access_token.replace(f"cc_{SCHOOL}_", f"cc_{OTHER_SCHOOL}_")
    assert await identity.sessions.find_session(moved) is None


async def test_signing_one_device_out_leaves_the_others(identity: Identity) -> None:
    tokens = await _bound(identity)
    assert OWNER.email is not None
    second = await identity.signed_in(OWNER.email, "second phone")
    assert await identity.sessions.revoke_device(tokens.session, second.session.id)
    assert await _is_live(identity, tokens)
    assert not await _is_live(identity, second)


async def test_nobody_signs_out_another_persons_device(identity: Identity) -> None:
    tokens = await _bound(identity)
    stranger = await identity.signed_in("aside@people.example")
    assert not await identity.sessions.revoke_device(stranger.session, tokens.session.id)
    assert not await identity.sessions.revoke_device(tokens.session, UUID(int=7))
    await identity.sessions.revoke_all(stranger.session)
    assert await _is_live(identity, tokens)


async def test_signing_out_everywhere_ends_every_device(identity: Identity) -> None:
    tokens = await _bound(identity)
    assert OWNER.email is not None
    second = await identity.signed_in(OWNER.email, "second phone")
    await identity.sessions.revoke_all(second.session)
    assert not await _is_live(identity, tokens)
    assert not await _is_live(identity, second)
    with pytest.raises(SessionEnded):
        await _refreshed(identity, tokens)


async def test_step_up_is_fresh(identity: Identity) -> None:
    tokens = await _bound(identity)
    require_step_up(tokens.session, identity.clock.now())
    identity.clock.advance(seconds=301)
    with pytest.raises(StepUpRequired):
        require_step_up(tokens.session, identity.clock.now())
    begun = await identity.step_up.begin(tokens.session)
    assert begun.target == "s***@people.example"
    await identity.deliver()
    code = identity.inbox.messages[-1].facts["code"]
    proven = await identity.step_up.by_code(tokens.session, code)
    require_step_up(proven, identity.clock.now())
    assert await identity.sessions.find_session(tokens.access_token) == proven


async def test_a_step_up_code_is_good_for_its_own_device_only(identity: Identity) -> None:
    tokens = await _bound(identity)
    assert OWNER.email is not None
    second = await identity.signed_in(OWNER.email, "second phone")
    identity.clock.advance(seconds=61)
    await identity.step_up.begin(tokens.session)
    await identity.deliver()
    code = identity.inbox.messages[-1].facts["code"]
    before = await identity.dump("session")
    with pytest.raises(SignInNotConfirmed):
        await identity.step_up.by_code(second.session, code)
    assert await identity.dump("session") == before


async def test_a_step_up_code_signs_nobody_in_and_the_other_way_round(
    identity: Identity,
) -> None:
    tokens = await _bound(identity)
    assert OWNER.email is not None
    sign_in_code = await identity.code_for(OWNER.email)
    with pytest.raises(SignInNotConfirmed):
        await identity.step_up.by_code(tokens.session, sign_in_code)


async def test_a_pin_is_a_fresh_proof(identity: Identity) -> None:
    tokens = await _bound(identity)
    identity.clock.advance(seconds=301)
    with pytest.raises(StepUpRequired):
        require_step_up(tokens.session, identity.clock.now())
    proven = await identity.step_up.by_pin(tokens.session, "PAY", PIN)
    assert proven.step_up_at == identity.clock.now()
    require_step_up(proven, identity.clock.now())


async def test_who_is_not_bound_or_has_no_address_cannot_step_up(identity: Identity) -> None:
    tokens = await _bound(identity)
    unbound = await identity.signed_in("aside@people.example")
    with pytest.raises(NotBound):
        await identity.step_up.begin(unbound.session)
    with pytest.raises(NotBound):
        await identity.step_up.by_pin(unbound.session, "PAY", PIN)
    await identity.enrol(person_like(OWNER, email=None), OTHER)
    before = await identity.dump("one_time_code", "outbox")
    with pytest.raises(StepUpTargetMissing):
        await identity.step_up.begin(tokens.session)
    assert await identity.dump("one_time_code", "outbox") == before


async def test_a_session_signed_out_meanwhile_takes_no_proof(identity: Identity) -> None:
    tokens = await _bound(identity)
    await identity.sessions.sign_out(tokens.session)
    with pytest.raises(SessionEnded):
        await identity.step_up.by_pin(tokens.session, "PAY", PIN)


async def _staff_session(identity: Identity) -> SessionTokens:
    staff_id = identity.staff.staff_id = UUID(int=5)

    async def add(unit: Unit) -> None:
        await unit.execute(
            "INSERT INTO staff (school_id, id, login, display_name, password_hash, totp_sealed,"
            " roles, created_at) VALUES ($1, $2, 'sample', 'Sample', '', '', '{}', $3)",
            unit.school_id, staff_id, identity.clock.now(),
        )  # fmt: skip

    await identity.database.unit(SCHOOL, add)
    return await identity.staff_sign_in.sign_in(
        SCHOOL, "sample", "correct sample phrase", "123456", "desk 1"
    )


async def test_staff_session_expires_when_idle(identity: Identity) -> None:
    tokens = await _staff_session(identity)
    assert tokens.refresh_token is None
    for _ in range(3):
        identity.clock.advance(seconds=1_799)
        assert await _is_live(identity, tokens)
    identity.clock.advance(seconds=1_800)
    for _ in range(2):  # asking for it does not wake it
        assert not await _is_live(identity, tokens)


async def test_staff_session_expires_after_eight_hours(identity: Identity) -> None:
    tokens = await _staff_session(identity)
    for _ in range(8 * 3):
        identity.clock.advance(seconds=1_199)
        assert await _is_live(identity, tokens)
    identity.clock.advance(seconds=24)
    assert not await _is_live(identity, tokens)


async def test_staff_who_prove_nothing_get_one_answer_and_no_session(
    identity: Identity,
) -> None:
    with pytest.raises(StaffNotConfirmed):
        await identity.staff_sign_in.sign_in(SCHOOL, "sample", "wrong", "123456", "desk 1")
    assert await identity.dump("session") == {"session": []}
