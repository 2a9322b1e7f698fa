"""A terminal comes in and stays known: `terminalEnrol` and its family."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from nacl.signing import SigningKey

from core.kit.clock import unix_seconds
from core.school.records import TerminalState
from terminals.keys import KeyUse, signer, verifies
from terminals.message import KeyId, rotation_message, time_message
from tests.api.campus import Campus, b64, campus_on
from tests.api.devices import SCHOOL, mutation
from tests.api.sample import ALICE
from tests.servers.fixtures import DatabaseDsn

ENROLMENT = (
    "enrolment { issuer terminalNo keyNo state fingerprint keys { use kid } pinPublicKey"
    " roots { kid publicKey } }"
)


async def test_enrolment_waits_for_the_school(campus: Campus) -> None:
    number, code = await campus.activation()
    key = SigningKey(campus.entropy(32))
    payload = await campus.do("terminalEnrol", campus.enrol_input(code, key), ENROLMENT)
    assert payload["userErrors"] == []
    made = payload["enrolment"]
    assert (made["issuer"], made["terminalNo"], made["keyNo"]) == (SCHOOL, number, 1)
    assert made["state"] == TerminalState.PENDING
    assert {each["use"] for each in made["keys"]} == {"PASS", "ANSWER", "DOCUMENT"}
    assert made["roots"] == [{"kid": 1, "publicKey": b64(campus.root.public_key)}]


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


@pytest.mark.parametrize(
    "wrong",
    [
        {"activationCode": "no code"},
        {"activationCode": "SAMPLE000000"},
        {"issuer": -1},
        {"issuer": 1 << 16},
        {"issuer": 99},
        {"serialNumber": "S" * 65},
    ],
)
async def test_whatever_is_wrong_with_an_activation_is_one_refusal(
    campus: Campus, wrong: dict[str, Any]
) -> None:
    _, code = await campus.activation()
    given = campus.enrol_input(code, SigningKey(campus.entropy(32))) | wrong
    before = await campus.dump("terminal", "terminal_key")
    payload = await campus.do("terminalEnrol", given, ENROLMENT)
    assert payload["enrolment"] is None
    assert [error["code"] for error in payload["userErrors"]] == ["ACTIVATION_INVALID"]
    assert await campus.dump("terminal", "terminal_key") == before


async def test_confirmed_terminal_rotates_its_key(campus: Campus) -> None:
    till = await campus.till()
    fresh = SigningKey(campus.entropy(32))
    public = bytes(fresh.verify_key)
    proof = fresh.sign(rotation_message(KeyId(SCHOOL, till.number, 2), public)).signature

    async def rotate() -> Any:
        given = {"key": till.next_key(0), "newPublicKey": b64(public), "proof": b64(proof)}
        return await till.ask("terminalRotateKey", given, "keyNo")

    assert await rotate() == {"keyNo": 2, "userErrors": []}
    assert (await rotate())["keyNo"] == 2
    assert (await till.sell(f"CARD:{ALICE.card_uid}"))["outcome"] == "APPROVED"
    campus.clock.advance(hours=24)
    old = await till.post("{ terminal { terminalNo } }", {}, till.next_key(0))
    assert old["errors"][0]["extensions"]["reason"] == "KEY_UNKNOWN"
    new = KeyId(SCHOOL, till.number, 2)
    answer = await till.post(
        "{ terminal { terminalNo state merchantName scenes keysVersion } }", {}, till.next_key(0),
        key_id=new, sign=signer(bytes(fresh)),
    )  # fmt: skip
    assert answer["data"]["terminal"] == {
        "terminalNo": till.number,
        "state": "ACTIVE",
        "merchantName": "示例食堂",
        "scenes": ["MEAL"],
        "keysVersion": 0,
    }


async def test_key_without_its_proof_is_not_rotated_in(campus: Campus) -> None:
    till = await campus.till()
    public = bytes(SigningKey(campus.entropy(32)).verify_key)
    given = {"key": till.next_key(0), "newPublicKey": b64(public), "proof": b64(bytes(64))}
    payload = await till.ask("terminalRotateKey", given, "keyNo")
    assert [error["code"] for error in payload["userErrors"]] == ["KEY_ROTATION_INVALID"]
    assert len(await campus.rows("SELECT 1 FROM terminal_key")) == 1


BEAT = "heartbeat { signedTime time nonce directives keysVersion }"


async def test_heartbeat_tells_the_signed_time(campus: Campus) -> None:
    till = await campus.till()
    given = {"key": till.next_key(0), "clock": 1, "clockLost": False, "queue": 0}
    beat = (await till.ask("terminalHeartbeat", given, BEAT))["heartbeat"]
    assert beat["time"] == unix_seconds(campus.clock.now())
    assert (beat["directives"], beat["keysVersion"]) == ([], 0)
    message = time_message(SCHOOL, till.number, b64decode(beat["nonce"]), beat["time"])
    keys = campus.wired.services.terminal_keys.published(SCHOOL)
    answer_key = next(key for key in keys if key.use is KeyUse.ANSWER)
    assert verifies(answer_key.public_key, message, b64decode(beat["signedTime"]))
    assert await campus.rows("SELECT 1 FROM terminal WHERE last_seen_at IS NOT NULL") != []


async def test_terminal_with_a_lost_clock_hears_the_time_and_nothing_else(campus: Campus) -> None:
    till = await campus.till()
    key = till.next_key(0)
    given = {"key": key, "clock": 0, "clockLost": True, "queue": 0}
    body = json.dumps(
        {"query": mutation("terminalHeartbeat", BEAT), "variables": {"input": given}}
    ).encode()
    headers = till.headers(body, key, created_at=5) | {"x-operation": "terminalHeartbeat"}
    beat = (await campus.post(body, headers))["data"]["terminalHeartbeat"]["heartbeat"]
    assert (beat["time"], beat["keysVersion"]) == (unix_seconds(campus.clock.now()), None)
    key = till.next_key()
    sale = {"key": key, "presented": f"CARD:{ALICE.card_uid}", "minorAmount": 1, "scene": "MEAL"}
    body = json.dumps(
        {
            "query": mutation("purchaseAuthorise", "authorisation { outcome }"),
            "variables": {"input": sale},
        }
    ).encode()
    headers = till.headers(body, key, created_at=5) | {"x-operation": "terminalHeartbeat"}
    refused = await campus.post(body, headers)
    assert refused["errors"][0]["extensions"]["reason"] == "CLOCK_SKEW"
    assert await campus.rows("SELECT 1 FROM terminal_answer") == []


async def test_network_enrols_twenty_terminals_a_minute(
    database_dsn: DatabaseDsn, redis_url: str, tmp_path: Path
) -> None:
    async with campus_on(database_dsn, redis_url, tmp_path, monotonic=lambda: 0.0) as campus:
        given = campus.enrol_input("SAMPLE000000", SigningKey(campus.entropy(32)))
        body = json.dumps(
            {"query": mutation("terminalEnrol", ENROLMENT), "variables": {"input": given}}
        ).encode()
        head = {"content-type": "application/json"}
        statuses = [
            (await campus.http.post("/graphql", content=body, headers=head)).status_code
            for _ in range(21)
        ]
        assert statuses == [200] * 20 + [429]
