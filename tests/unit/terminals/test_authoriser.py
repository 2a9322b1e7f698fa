"""Purchases: what is decided before the database is asked, and what it is asked."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from core.authorisation.records import PurchaseRequest
from terminals import cc1, ccr, token, totp
from terminals.cc1 import Intent
from terminals.ccr import Outcome
from terminals.codes import Use
from terminals.funding import Network
from terminals.instruments import AliasOwner
from terminals.keys import verifies
from terminals.message import RequestKey, seal_pin
from terminals.payments import PinVerdict, PurchaseMessage
from terminals.scenes import Scene
from tests.unit.terminals import samples, tills
from tests.unit.terminals.samples import SHOWN
from tests.unit.terminals.tills import (
    CARD_OWNER,
    MEAL,
    OWNER,
    PIN_KEY,
    TERMS,
    TILL,
    ScriptedCore,
    make_authoriser,
)
from tests.unit.terminals.verdicts import bound, challenge, shown

SERIAL = bytes.fromhex("a1b2c3d40001")
KEY = RequestKey(42, 12, 345)
TAP = replace(MEAL, presented="CARD:0a1b2c3d")


def make_core(**changes: Any) -> ScriptedCore:
    owners = {SERIAL: OWNER, "0A1B2C3D": CARD_OWNER}
    return ScriptedCore(owners=owners | changes.pop("owners", {}), **changes)


def sealed(digits: str, key: RequestKey = KEY) -> str:
    return seal_pin(digits, key, SHOWN, bytes(PIN_KEY.public_key))


async def ask(core: ScriptedCore, message: PurchaseMessage, now: int = SHOWN) -> tuple[str, str]:
    answer = (await make_authoriser(core, now).authorise(TILL, message)).answer
    assert answer.signed_answer is not None
    read = ccr.read(answer.signed_answer)
    assert isinstance(read, ccr.SignedAnswer)
    assert verifies(
        samples.public(samples.ANSWER_SEED), b"ccr1" + read.answer.body(), read.signature
    )
    assert (read.answer.key, read.answer.response_code) == (KEY, answer.response_code)
    return answer.response_code, answer.reason or ""


def asked_purchase(core: ScriptedCore) -> PurchaseRequest:
    assert isinstance(core.asked[-1], PurchaseRequest)
    return core.asked[-1]


async def test_a_good_code_is_put_to_the_database_with_its_replay_key() -> None:
    core = make_core()
    assert await ask(core, replace(MEAL, presented=samples.VECTOR_1 + "\r\n")) == ("00", "")
    request = asked_purchase(core)
    assert request.replay_key == b"\x02" + bytes(2) + SERIAL + bytes.fromhex("000e1000") + b"P"
    assert (request.serial, request.card_id, request.device_id) == (
        SERIAL, OWNER.card_id, OWNER.device_id,
    )  # fmt: skip
    assert (request.single_minor, request.daily_minor, request.pin_proven) == (3000, 5000, False)
    assert (request.manual, request.expires_at, len(request.transfer_ids)) == (False, None, 2)


async def test_a_manual_capture_holds_until_the_policy_says() -> None:
    core = make_core()
    await ask(core, replace(MEAL, manual=True))
    request = asked_purchase(core)
    assert request.expires_at is not None
    assert (request.expires_at - request.answered_at).total_seconds() == 86_400


async def test_the_approval_is_signed_before_it_is_true_and_names_the_request() -> None:
    core = make_core()
    await ask(core, MEAL)
    read = ccr.read(asked_purchase(core).signed_answer)
    assert isinstance(read, ccr.SignedAnswer)
    assert (read.answer.outcome, read.answer.minor_amount) == (Outcome.APPROVED, 1250)


async def test_a_tap_pays_from_the_physical_card_and_spends_no_code() -> None:
    core = make_core()
    assert await ask(core, TAP) == ("00", "")
    request = asked_purchase(core)
    assert (request.card_id, request.replay_key, request.instrument) == (
        CARD_OWNER.card_id, None, "CARD",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        (replace(MEAL, scene=Scene.LIBRARY), ("58", "TERMINAL_NOT_ALLOWED")),
        (replace(MEAL, minor_amount=0), ("13", "AMOUNT_INVALID")),
        (replace(MEAL, currency="USD"), ("13", "AMOUNT_INVALID")),
        (replace(MEAL, presented=None), ("30", "FORMAT_ERROR")),
        (replace(MEAL, continuation=UUID(int=9)), ("30", "FORMAT_ERROR")),
        (replace(MEAL, presented="hello"), ("C2", "FORMAT")),
        (replace(MEAL, presented="134567890123456789"), ("40", "NOT_SUPPORTED")),
        (replace(MEAL, presented="CARD:FFFFFFFF"), ("14", "CARD_UNKNOWN")),
        (replace(MEAL, presented=shown(issuer=9)), ("15", "ISSUER_NOT_ACCEPTED")),
        (replace(MEAL, presented=shown(pass_no=2)), ("C3", "REVOKED")),
        (replace(MEAL, presented=shown(intent=Intent.ENTRY)), ("57", "USE_NOT_ALLOWED")),
        (replace(MEAL, minor_amount=5001), ("C5", "CHALLENGE_REQUIRED")),
        (replace(MEAL, presented=bound(challenge())), ("C5", "CHALLENGE_UNEXPECTED")),
    ],
)
async def test_what_needs_no_rows_is_refused_without_a_purchase(
    message: PurchaseMessage, answer: tuple[str, str]
) -> None:
    core = make_core()
    assert await ask(core, message) == answer
    assert [kind for kind, _ in core.asked] == ["AUTHORISE"]


async def test_wallet_code_is_refused_by_the_server_in_an_outage() -> None:
    core, terms = make_core(), replace(TERMS, network=Network.OUTAGE)
    authoriser = make_authoriser(core, terms=terms)
    answered = await authoriser.authorise(TILL, replace(MEAL, presented="134567890123456789"))
    assert (answered.answer.response_code, answered.answer.reason) == ("91", "PROVIDER_UNAVAILABLE")
    assert [kind for kind, _ in core.asked] == ["AUTHORISE"]  # stored as a refusal, nothing posted
    assert (await authoriser.authorise(TILL, MEAL)).answer.outcome == "APPROVED"


async def test_a_merchant_that_is_not_active_sells_nothing() -> None:
    core = make_core()
    till = replace(TILL, merchant_is_active=False)
    answered = await make_authoriser(core).authorise(till, MEAL)
    assert (answered.answer.response_code, answered.holder) == ("03", None)


async def test_a_revoked_pass_is_said_before_its_use_is() -> None:
    core = make_core(owners={SERIAL: replace(OWNER, is_revoked=True)})
    assert await ask(core, replace(MEAL, presented=shown(intent=Intent.ENTRY))) == ("C3", "REVOKED")


async def test_a_spent_code_is_said_before_its_missing_challenge() -> None:
    message = replace(MEAL, minor_amount=5001)
    assert await ask(make_core(spent=True), message) == ("C1", "CODE_USED")


async def test_a_bound_code_pays_at_its_own_terminal_and_key_only() -> None:
    asked = challenge()
    message = replace(MEAL, presented=bound(asked), challenge=asked.text + "\n")
    assert await ask(make_core(), message) == ("00", "")
    other = replace(message, minor_amount=1251)
    assert await ask(make_core(), other) == ("C5", "CHALLENGE_UNEXPECTED")


async def test_an_online_token_is_looked_up_by_its_digest() -> None:
    text = "91" + "3" * 18
    core = make_core(owners={token.digest(text): OWNER})
    assert await ask(core, replace(MEAL, presented=text)) == ("00", "")
    assert asked_purchase(core).replay_key == token.replay_key(text, Use.PAY)
    assert await ask(make_core(), replace(MEAL, presented=text)) == ("C0", "CODE_EXPIRED")
    revoked = make_core(owners={token.digest(text): replace(OWNER, is_revoked=True)})
    assert await ask(revoked, replace(MEAL, presented=text)) == ("C3", "REVOKED")


async def test_offline_digits_pay_and_a_wrong_guess_is_counted_and_says_nothing() -> None:
    key = b"\x66" * 32
    known = AliasOwner(OWNER, key, 0, date(2027, 1, 15))
    core = make_core(owners={"1234567": known})
    assert await ask(core, replace(MEAL, presented=totp.show(0, "1234567", key, SHOWN))) == (
        "00",
        "",
    )
    wrong = replace(MEAL, presented="90000123456700000000")
    assert await ask(core, wrong) == ("C0", "CODE_EXPIRED")
    assert ("wrong", "1234567", date(2027, 1, 15)) in core.asked
    assert await ask(make_core(), wrong) == ("C0", "CODE_EXPIRED")
    other_school = replace(MEAL, presented="90001123456700000000")
    assert await ask(core, other_school) == ("15", "ISSUER_NOT_ACCEPTED")


async def test_pin_block_proves_the_pin_to_the_database() -> None:
    core = make_core()
    assert await ask(core, replace(TAP, pin_block=sealed("246810"))) == ("00", "")
    assert core.asked[0] == ("pin", OWNER.cardholder_id, "246810")
    assert asked_purchase(core).pin_proven


async def test_a_wrong_pin_is_answered_with_the_tries_left() -> None:
    core = make_core(pin=PinVerdict(ok=False, response_code="55", tries_left=4, reason="PIN_WRONG"))
    answered = await make_authoriser(core).authorise(TILL, replace(TAP, pin_block=sealed("000000")))
    assert (answered.answer.response_code, answered.answer.tries_left) == ("55", 4)
    assert answered.holder == tills.HOLDER


async def test_a_pin_block_of_another_key_is_never_compared() -> None:
    core = make_core()
    block = sealed("246810", RequestKey(42, 12, 346))
    assert await ask(core, replace(TAP, pin_block=block)) == ("63", "PIN_BLOCK")
    assert [entry[0] for entry in core.asked] == ["AUTHORISE"]


async def test_a_repeat_with_a_pin_costs_no_further_try() -> None:
    core = make_core(stored=tills.blank())
    answered = await make_authoriser(core).authorise(TILL, replace(TAP, pin_block=sealed("1")))
    assert answered.answer == tills.blank()
    assert core.asked == []


async def test_a_continuation_stands_for_the_scan() -> None:
    core = make_core(waiting=tills.waiting())
    message = replace(MEAL, presented=None, continuation=UUID(int=9), pin_block=sealed("246810"))
    assert await ask(core, message) == ("00", "")
    request = asked_purchase(core)
    assert (request.continuation_id, request.replay_key) == (UUID(int=9), b"\x02" * 14)


async def test_a_tap_that_waited_may_be_continued_once() -> None:
    core = make_core(waiting=tills.waiting(device_id=None, replay_key=None, instrument="CARD"))
    message = replace(MEAL, presented=None, continuation=UUID(int=9), pin_block=sealed("246810"))
    await ask(core, message)
    request = asked_purchase(core)
    assert (request.continuation_id, request.replay_key) == (None, b"\x10" + UUID(int=9).bytes)


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"terminal_no": 43}, ("25", "CONTINUATION_UNKNOWN")),
        ({"amount_minor": 1249}, ("64", "AMOUNT_MISMATCH")),
        ({"expires_at": samples.FixedClock(SHOWN - 1).now()}, ("C0", "CODE_EXPIRED")),
    ],
)
async def test_a_continuation_is_bound_to_terminal_amount_and_time(
    changes: dict[str, Any], answer: tuple[str, str]
) -> None:
    core = make_core(waiting=tills.waiting(**changes))
    message = replace(MEAL, presented=None, continuation=UUID(int=9), pin_block=sealed("246810"))
    assert await ask(core, message) == answer


async def test_a_continuation_without_its_pin_or_unknown_is_refused() -> None:
    message = replace(MEAL, presented=None, continuation=UUID(int=9))
    assert await ask(make_core(waiting=tills.waiting()), message) == ("30", "PIN_MISSING")
    assert await ask(make_core(), message) == ("25", "CONTINUATION_UNKNOWN")


async def test_content_is_the_business_fields_and_never_the_pin() -> None:
    core = make_core()
    await ask(core, replace(TAP, pin_block=sealed("246810")))
    await ask(core, TAP)
    await ask(core, replace(TAP, scene=Scene.SHOP))
    hashes = [entry.content_hash for entry in core.asked if isinstance(entry, PurchaseRequest)]
    assert hashes[0] == hashes[1] != hashes[2]


async def test_a_code_shown_too_long_ago_is_refused() -> None:
    text = cc1.show(shown_pass(), 3600, Intent.ANY, samples.sign_device)
    assert await ask(make_core(), replace(MEAL, presented=text), SHOWN + 61) == (
        "C0",
        "CODE_EXPIRED",
    )


def shown_pass() -> bytes:
    read = cc1.read(samples.VECTOR_1)
    assert isinstance(read, cc1.Presentation)
    return read.raw[: cc1.PASS_BYTES]
