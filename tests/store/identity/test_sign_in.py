"""Sign-in by one-time code: uniform, bounded, and nothing secret kept in clear."""

import asyncio
import hashlib
from uuid import UUID

import pytest

from bff.sample_people import sample_people
from core.db.unit import Unit
from core.identity import one_time
from core.identity.records import AddressInvalid, SignInNotConfirmed
from core.identity.service.sign_in import OneTimeCodes
from core.ports.messages import AddressKind, MessageTemplate
from tests.factories.identity import NETWORK, OTHER_SCHOOL, SCHOOL, Identity

EMAIL = "s000001@people.example"
STRANGER = "nobody@people.example"
PERSON = next(sample_people(1))
TABLES = ("session", "binding", "one_time_code")


async def _complete(identity: Identity, email: str, code: str, school: int = SCHOOL) -> None:
    await identity.sign_in.sign_in_complete(school, AddressKind.EMAIL, email, code, "phone")


async def test_the_code_of_the_mail_opens_an_unbound_session(identity: Identity) -> None:
    tokens = await identity.signed_in(EMAIL)
    assert tokens.session.cardholder_id is None
    assert tokens.session.step_up_at is None
    assert tokens.access_token.startswith(f"cc_{SCHOOL}_")
    assert len(tokens.access_token) == len("cc_1_") + 43
    assert await identity.sessions.find_session(tokens.access_token) == tokens.session
    assert identity.inbox.messages[-1].template is MessageTemplate.ONE_TIME_CODE


async def test_uniform_answers_to_known_and_unknown_addresses(identity: Identity) -> None:
    await identity.enrol(PERSON)
    answers, steps = [], []
    for email in (EMAIL, STRANGER):
        answers.append(
            await identity.sign_in.sign_in_begin(SCHOOL, AddressKind.EMAIL, email, NETWORK)
        )
        before = len(await identity.intents())
        steps.append((before, len(await identity.rows("SELECT 1 FROM one_time_code"))))
    assert answers[0] == answers[1]
    assert steps == [(1, 1), (2, 2)]


async def test_neither_code_nor_address_is_in_any_table_in_clear(identity: Identity) -> None:
    await identity.sign_in.sign_in_begin(SCHOOL, AddressKind.EMAIL, EMAIL, NETWORK)
    waiting = str(await identity.intents()) + str(await identity.dump("one_time_code"))
    await identity.deliver()
    code = identity.inbox.messages[-1].facts["code"]
    assert len(code) == 6
    assert code not in waiting
    assert EMAIL not in waiting
    assert await identity.rows("SELECT 1 FROM outbox WHERE payload <> '{}'") == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (AddressKind.EMAIL, "no address"),
        (AddressKind.EMAIL, "a@b"),
        (AddressKind.EMAIL, f"{'a' * 65}@people.example"),
        (AddressKind.EMAIL, "a@people.example\r\nBcc: b@people.example"),
        (AddressKind.PHONE, "+4915112345678"),
        (AddressKind.PHONE, "23800000000"),
        (AddressKind.PHONE, "١٣٨٠٠٠٠٠٠٠٠"),
    ],
)
async def test_what_is_no_address_is_refused(
    identity: Identity, kind: AddressKind, text: str
) -> None:
    with pytest.raises(AddressInvalid):
        await identity.sign_in.sign_in_begin(SCHOOL, kind, text, NETWORK)
    with pytest.raises(AddressInvalid):
        await identity.sign_in.sign_in_complete(SCHOOL, kind, text, "000000", "phone")
    assert await identity.intents() == []
    assert await identity.dump("one_time_code") == {"one_time_code": []}


async def test_a_wrong_code_is_refused_and_opens_nothing(identity: Identity) -> None:
    code = await identity.code_for(EMAIL)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    with pytest.raises(SignInNotConfirmed):
        await _complete(identity, EMAIL, wrong)
    assert await identity.dump("session") == {"session": []}


async def test_a_code_works_once(identity: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    code = await identity.code_for(EMAIL)
    use, all_compared = OneTimeCodes.use, asyncio.Barrier(3)

    async def use_together(codes: OneTimeCodes, unit: Unit, code_id: UUID) -> None:
        await all_compared.wait()
        await use(codes, unit, code_id)

    monkeypatch.setattr(OneTimeCodes, "use", use_together)
    results = await asyncio.gather(
        *(_complete(identity, EMAIL, code) for _ in range(3)), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, SignInNotConfirmed)]
    assert len(refused) == 2
    assert len(await identity.rows("SELECT 1 FROM session")) == 1


@pytest.mark.parametrize(("seconds", "is_good"), [(299, True), (300, False)])
async def test_a_code_lives_five_minutes(identity: Identity, seconds: int, is_good: bool) -> None:
    code = await identity.code_for(EMAIL)
    identity.clock.advance(seconds=seconds)
    if is_good:
        await _complete(identity, EMAIL, code)
    else:
        with pytest.raises(SignInNotConfirmed):
            await _complete(identity, EMAIL, code)


async def test_only_the_newest_code_counts(identity: Identity) -> None:
    old = await identity.code_for(EMAIL)
    new = await identity.code_for(EMAIL)
    with pytest.raises(SignInNotConfirmed):
        await _complete(identity, EMAIL, old)
    await _complete(identity, EMAIL, new)


async def test_a_code_is_good_at_its_own_school_and_address_only(identity: Identity) -> None:
    code = await identity.code_for(EMAIL)
    await identity.code_for(STRANGER)
    with pytest.raises(SignInNotConfirmed):
        await _complete(identity, STRANGER, code)
    with pytest.raises(SignInNotConfirmed):
        await _complete(identity, EMAIL, code, school=OTHER_SCHOOL)


async def test_two_hundred_parallel_wrong_codes_evaluate_five(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = await identity.code_for(EMAIL)
    evaluated: list[bytes] = []
    is_right = one_time.is_right

    def counted(kept: bytes, entered: bytes) -> bool:
        evaluated.append(entered)
        return is_right(kept, entered)

    monkeypatch.setattr(one_time, "is_right", counted)
    guesses = [f"{(int(code) + step) % 1_000_000:06d}" for step in range(1, 201)]
    results = await asyncio.gather(
        *(_complete(identity, EMAIL, guess) for guess in guesses), return_exceptions=True
    )
    assert all(isinstance(result, SignInNotConfirmed) for result in results)
    assert len(evaluated) == 5
    with pytest.raises(SignInNotConfirmed):
        await _complete(identity, EMAIL, code)
    assert await identity.dump("session") == {"session": []}


async def test_messages_to_one_address_are_limited_in_silence(identity: Identity) -> None:
    for _ in range(8):
        identity.clock.advance(seconds=61)
        answer = await identity.sign_in.sign_in_begin(SCHOOL, AddressKind.EMAIL, EMAIL, NETWORK)
    assert answer.resend_after_seconds == 60
    assert len(await identity.intents()) == 5


async def test_a_second_code_within_a_minute_is_not_sent(identity: Identity) -> None:
    for _ in range(2):
        await identity.sign_in.sign_in_begin(SCHOOL, AddressKind.EMAIL, EMAIL, NETWORK)
        identity.clock.advance(seconds=58)
    assert len(await identity.intents()) == 1


async def test_messages_asked_for_by_one_network_are_limited(identity: Identity) -> None:
    for place in range(33):
        await identity.sign_in.sign_in_begin(
            SCHOOL, AddressKind.EMAIL, f"p{place}@people.example", f"198.51.100.{place}"
        )
    assert len(await identity.intents()) == 30
    await identity.sign_in.sign_in_begin(SCHOOL, AddressKind.EMAIL, EMAIL, "203.0.113.1")
    assert len(await identity.intents()) == 31


async def test_a_code_that_ran_out_in_the_outbox_is_dropped(identity: Identity) -> None:
    await identity.sign_in.sign_in_begin(SCHOOL, AddressKind.EMAIL, EMAIL, NETWORK)
    identity.clock.advance(seconds=301)
    await identity.deliver()
    assert identity.inbox.messages == []


async def test_token_is_stored_hashed(identity: Identity) -> None:
    tokens = await identity.signed_in(EMAIL)
    row = (await identity.rows("SELECT * FROM session"))[0]
    assert tokens.refresh_token is not None
    assert row["token_hash"] == hashlib.sha256(tokens.access_token.encode()).digest()
    assert row["refresh_hash"] == hashlib.sha256(tokens.refresh_token.encode()).digest()
    text = str(tuple(row))
    assert tokens.access_token[5:] not in text
    assert tokens.refresh_token[5:] not in text
    assert EMAIL not in text
