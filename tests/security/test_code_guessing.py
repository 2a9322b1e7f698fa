"""Guessing codes and PINs at a terminal, through the whole application."""

from core.school.records import Guess
from tests.api.campus import Campus
from tests.api.devices import Till
from tests.api.sample import ALICE


async def drawn(campus: Campus, token: str, device_id: str) -> str:
    """A good T0 code."""
    campus.clock.advance(seconds=5)
    payload = await campus.do("codeTokenIssue", {"deviceId": device_id}, "token { text }", token)
    text: str = payload["token"]["text"]
    return text


async def guessed(till: Till, count: int) -> set[str]:
    """The answers to codes that nobody has."""
    return {
        (await till.sell(f"{90 + n % 2}00700000{n:010d}"))["responseCode"] for n in range(count)
    }


async def test_code_guessing_locks(campus: Campus) -> None:
    phone, till, other = await campus.phone(), await campus.till(), await campus.till()
    assert await guessed(till, 29) == {"C0"}
    good = await till.sell(await drawn(campus, phone.token, phone.device_id))
    assert good["responseCode"] == "00"
    assert await guessed(till, 1) == {"C0"}
    text = await drawn(campus, phone.token, phone.device_id)
    books = ("authorisation", "transfer", "leg", "account", "code_use", "attempt_counter")
    before = await campus.dump(*books)
    locked = await till.sell(text)
    assert (locked["outcome"], locked["responseCode"]) == ("DECLINED", "C0")
    assert await campus.dump(*books) == before
    assert (await till.sell(phone.show()))["responseCode"] == "00"
    assert (await till.sell(f"CARD:{ALICE.card_uid}"))["responseCode"] == "00"
    assert (await other.sell(text))["responseCode"] == "00"
    campus.clock.advance(seconds=600)
    text = await drawn(campus, phone.token, phone.device_id)
    assert (await till.sell(text))["responseCode"] == "00"


async def test_look_ups_are_guesses_as_purchases_are(campus: Campus) -> None:
    till = await campus.till()
    given = {"key": till.next_key(0), "presented": "91000000000000000001", "scene": "MEAL"}
    shown = await till.ask("holderLookUp", given, "responseCode")
    assert shown["responseCode"] == "C0"
    counted = await campus.wired.services.terminals.count_guess(7, till.number, Guess.CODE)
    assert counted == 2


async def test_redis_flush_gives_no_new_guesses(campus: Campus) -> None:
    till = await campus.till()
    await guessed(till, 29)
    await campus.wired.redis.flushall()
    counted = await campus.wired.services.terminals.count_guess(7, till.number, Guess.CODE)
    assert counted == 30
