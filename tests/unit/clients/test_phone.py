"""What the reference phone asks, in which words, and what it makes of the answers."""

import json
from base64 import b64decode
from typing import Any

import httpx2
import pytest

from clients.endpoint import Endpoint, NoAnswer, NotAllowed, QuestionRefused
from clients.phone.phone import Phone
from clients.phone.wallet import Wallet
from terminals.message import proves_device
from tests.unit.clients.conftest import entropy
from tests.unit.clients.pretend_server import NOW, OPERATIONS

Json = dict[str, Any]


class Script(httpx2.AsyncBaseTransport):
    """Gives prepared answers in turn and keeps the questions."""

    def __init__(self, *answers: httpx2.Response | Json) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, Json, str | None]] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The next answer."""
        question = json.loads(await request.aread())
        operation = OPERATIONS[question["documentId"]]
        assert request.headers["x-operation"] == operation
        bearer = request.headers.get("authorization")
        self.asked.append((operation, question["variables"], bearer))
        answer = self._answers.pop(0)
        if isinstance(answer, httpx2.Response):
            return answer
        return httpx2.Response(200, json={"data": answer})


def phone_of(script: Script, wallet: Wallet | None = None) -> Phone:
    """A phone that talks to the script."""
    http = httpx2.AsyncClient(transport=script, base_url="http://school.example")
    return Phone(Endpoint(http), wallet or Wallet("sample"), lambda: NOW, entropy)


def tokens(name: str) -> Json:
    """Tokens as answered."""
    return {"accessToken": f"{name}-access", "refreshToken": f"{name}-refresh"}


def refused(code: str, status: int = 200) -> httpx2.Response:
    """A top-level refusal."""
    errors = [{"message": "no", "extensions": {"code": code, "reason": "WHY"}}]
    return httpx2.Response(status, json={"errors": errors})


async def test_signs_in_and_binds_with_the_newest_tokens() -> None:
    script = Script(
        {"signInBegin": {"resendAfterSeconds": 60, "userErrors": []}},
        {"signInComplete": {"tokens": tokens("a"), "viewerKind": "UNBOUND", "userErrors": []}},
        {
            "bindingCreate": {
                "cardholder": {"number": "S000001"},
                "tokens": tokens("b"),
                "userErrors": [],
            }
        },
    )
    phone = phone_of(script)
    assert await phone.sign_in_begin("s000001@people.example") == 60
    assert await phone.sign_in_complete("123456") == "UNBOUND"
    assert (await phone.bind("示甲子", "S000001", "101234"))["number"] == "S000001"
    assert phone.wallet.access_token == "b-access"
    begin, complete, bind = script.asked
    address = {
        "schoolCode": "sample",
        "addressKind": "EMAIL",
        "address": "s000001@people.example",
    }
    assert begin == ("SignInBegin", {"input": address}, None)
    assert complete[1]["input"] == {**address, "code": "123456", "deviceLabel": "参考手机"}
    assert bind[2] == "Bearer a-access"


async def test_old_tokens_are_refreshed_once_and_the_question_asked_again() -> None:
    script = Script(
        refused("UNAUTHENTICATED"),
        {"sessionRefresh": {"tokens": tokens("new"), "userErrors": []}},
        {"viewer": {"cardholder": {"number": "S000001"}}},
    )
    phone = phone_of(
        script, Wallet("sample", access_token="old-access", refresh_token="old-refresh")
    )
    assert (await phone.home())["number"] == "S000001"
    assert [asked[0] for asked in script.asked] == ["Home", "SessionRefresh", "Home"]
    assert script.asked[1][1]["input"]["refreshToken"] == "old-refresh"
    assert script.asked[2][2] == "Bearer new-access"


async def test_refusal_that_is_not_about_tokens_is_told() -> None:
    phone = phone_of(Script(refused("FORBIDDEN")), Wallet("sample", refresh_token="old-refresh"))
    with pytest.raises(NotAllowed, match="FORBIDDEN WHY no"):
        await phone.home()


async def test_viewer_without_a_card_has_no_home_screen() -> None:
    with pytest.raises(NotAllowed, match="NOT_BOUND"):
        await phone_of(Script({"viewer": {"cardholder": None}})).home()


async def test_device_key_is_proven_and_stays_on_the_phone() -> None:
    script = Script({"codeDeviceEnrol": {"device": {"id": "D1"}, "userErrors": []}})
    phone = phone_of(script)
    await phone.enrol_device("394857")
    given = script.asked[0][1]["input"]
    key, proof = b64decode(given["devicePublicKey"]), b64decode(given["proof"])
    assert proves_device(key, given["createdAt"], proof, NOW)
    assert phone.wallet.device_id == "D1"
    assert phone.wallet.seed not in json.dumps(given)


async def test_refused_device_leaves_the_old_key() -> None:
    error = {"code": "PIN_WRONG", "message": "密码错误", "path": ["input", "pin"]}
    script = Script({"codeDeviceEnrol": {"device": None, "userErrors": [error]}})
    phone = phone_of(script, Wallet("sample", seed="33" * 32, device_id="D1"))
    with pytest.raises(QuestionRefused, match="PIN_WRONG: 密码错误"):
        await phone.enrol_device("000000")
    assert (phone.wallet.seed, phone.wallet.device_id) == ("33" * 32, "D1")


async def test_statement_is_of_this_month_by_the_servers_clock() -> None:
    script = Script({"viewer": {"cardholder": {"statement": {"nodes": []}}}})
    phone = phone_of(script)
    phone.wallet.clock_offset_seconds = 30 * 86_400
    await phone.statement()
    assert script.asked[0][1] == {"month": "2027-02", "first": 20, "after": None}


@pytest.mark.parametrize(
    ("answer", "reason", "retry_after_seconds"),
    [
        (httpx2.Response(200, content=b"<html>"), "HTTP 200", 0),
        (httpx2.Response(502, content=b""), "HTTP 502", 0),
        (httpx2.Response(200, json=[1]), "HTTP 200", 0),
        (httpx2.Response(200, json={"data": None}), "the data are missing", 0),
        (httpx2.Response(200, json={"data": {"virtualCardOpen": None}}), "the payload is", 0),
        (httpx2.Response(503, json={}, headers={"retry-after": "2"}), "HTTP 503", 2),
        (httpx2.Response(503, json={}, headers={"retry-after": "-1"}), "HTTP 503", 0),
    ],
)
async def test_what_is_no_answer(
    answer: httpx2.Response, reason: str, retry_after_seconds: float
) -> None:
    with pytest.raises(NoAnswer, match=reason) as failure:
        await phone_of(Script(answer)).open_virtual_card("394857")
    assert failure.value.retry_after_seconds == retry_after_seconds
    assert type(failure.value) is NoAnswer


async def test_overload_says_when_to_come_again() -> None:
    busy = refused("RATE_LIMITED", 429)
    busy.headers["retry-after"] = "7"
    with pytest.raises(NoAnswer, match="RATE_LIMITED") as failure:
        await phone_of(Script(busy)).draw_token()
    assert failure.value.retry_after_seconds == 7
