"""A terminal comes in: `terminalEnrol`."""

from nacl.signing import SigningKey

from core.school.records import TerminalState
from tests.api.campus import SCHOOL, Campus

ENROLMENT = "enrolment { issuer terminalNo keyNo state fingerprint keys { use kid } pinPublicKey }"


async def test_enrolment_waits_for_the_school(campus: Campus) -> None:
    number, code = await campus.activation()
    key = SigningKey(campus.entropy(32))
    payload = await campus.do("terminalEnrol", campus.enrol_input(code, key), ENROLMENT)
    assert payload["userErrors"] == []
    made = payload["enrolment"]
    assert (made["issuer"], made["terminalNo"], made["keyNo"]) == (SCHOOL, number, 1)
    assert made["state"] == TerminalState.PENDING
    assert {each["use"] for each in made["keys"]} == {"PASS", "ANSWER", "DOCUMENT"}


async def test_code_is_good_once(campus: Campus) -> None:
    _, code = await campus.activation()
    given = campus.enrol_input(code, SigningKey(campus.entropy(32)))
    await campus.do("terminalEnrol", given, ENROLMENT)
    before = await campus.dump("terminal", "terminal_key")
    given = campus.enrol_input(code, SigningKey(campus.entropy(32)))
    payload = await campus.do("terminalEnrol", given, ENROLMENT)
    assert payload["enrolment"] is None
    assert [error["code"] for error in payload["userErrors"]] == ["ACTIVATION_INVALID"]
    assert await campus.dump("terminal", "terminal_key") == before
