"""`offlineBatchUpload`: verdicts over the wire, and who may send how much."""

import json
from base64 import b64decode
from typing import Any

import pytest

from bff.trusted import FOLDER, read_documents
from clients.endpoint import document_id
from core.school.records import Role
from terminals import cc1
from terminals.keys import signer
from tests.api.alone import VERDICTS, Alone, open_offline
from tests.api.campus import Campus, campus_on
from tests.api.devices import SCHOOL, Phone, mutation
from tests.api.sample import ALICE, BOB
from tests.servers.fixtures import DatabaseDsn

MONEY = ("transfer", "leg", "account", "authorisation", "code_use", "offline_item",
         "cardholder_limit")  # fmt: skip


async def alone(campus: Campus) -> Alone:
    """A till that lost its network; the pass of its customer is made for offline money."""
    till = await campus.till()
    await open_offline(campus)
    return Alone(till)


async def balance(campus: Campus) -> int:
    found = await campus.wired.services.ledger.balances(SCHOOL, await campus.id_of("S001"))
    return found.balance_minor


async def test_offline_sale_is_paid_once_and_its_repeat_hears_the_first_verdict(
    campus: Campus,
) -> None:
    lane = await alone(campus)
    phone = await campus.phone()
    lane.write(phone.show(), 1_250)
    (first,) = await lane.upload()
    assert first["judgement"] == {"verdict": "ACCEPTED", "reason": None, "flags": []}
    assert (first["seqNo"], first["first"]) == (1, None)
    assert await balance(campus) == 3_750
    before = await campus.dump(*MONEY)
    (again,) = await lane.upload()
    assert again["judgement"] == {"verdict": "DUPLICATE", "reason": "SAME_RECORD", "flags": []}
    assert again["first"] == first["judgement"]
    assert again["retrievalReference"] == first["retrievalReference"]
    assert await campus.dump(*MONEY) == before
    status = await lane.till.status({"batchNo": 1, "seqNo": 1})
    assert (status["state"], status["authorisation"]["outcome"]) == ("CAPTURED", "APPROVED")
    holder = await campus.holder(
        "statement(first: 1) { edges { node { amount { minorAmount } } } }", phone.token
    )
    assert holder["statement"]["edges"][0]["node"]["amount"]["minorAmount"] == -1_250


async def test_unanswered_sale_is_matched_with_its_record(campus: Campus) -> None:
    lane = await alone(campus)
    text, key = (await campus.phone()).show(), lane.till.next_key()
    assert (await lane.till.sell(text, 700, key=key))["outcome"] == "APPROVED"
    lane.write(text, 700, key=key, afterTimeout=True)
    (settled,) = await lane.upload()
    assert settled["judgement"]["flags"] == ["ALREADY_POSTED"]
    assert await balance(campus) == 4_300


async def test_original_that_comes_late_meets_the_answer_of_its_record(campus: Campus) -> None:
    lane = await alone(campus)
    text, key = (await campus.phone()).show(), lane.till.next_key()
    lane.write(text, 700, key=key)
    await lane.upload()
    answer = await lane.till.sell(text, 700, key=key)
    assert (answer["outcome"], answer["replayed"]) == ("APPROVED", True)
    assert await balance(campus) == 4_300


async def test_what_lacks_is_owed_and_ends_the_next_pass_offline(campus: Campus) -> None:
    lane = await alone(campus)
    phone = await campus.phone()
    assert (await lane.till.sell(f"CARD:{ALICE.card_uid}", 3_000))["outcome"] == "APPROVED"
    for minor in (1_900, 1_900):
        campus.clock.advance(seconds=30)
        lane.write(phone.show(), minor)
    verdicts = await lane.upload()
    assert [v["judgement"]["flags"] for v in verdicts] == [[], ["ARREARS"]]
    owed = await campus.wired.services.ledger.arrears_minor(SCHOOL, await campus.id_of("S001"))
    assert (owed, await balance(campus)) == (1_800, 0)
    before = await asked_pass(campus, phone)
    assert before.cap_class == 0
    desk = await campus.staff_token("cashier", Role.CASHIER)
    debt = {"arrears": {"amount": {"minorAmount": 1_800}}}
    own = await campus.holder("arrears { amount { minorAmount } notice }", phone.token)
    assert own["arrears"]["amount"] == debt["arrears"]["amount"]
    assert own["arrears"]["notice"].startswith("You owe money.")
    seen = (
        '{ viewer { staff { cardholder(number: "S001") { arrears { amount { minorAmount } } } } } }'
    )
    answer = await campus.query(seen, desk)
    assert answer["data"]["viewer"]["staff"]["cardholder"] == debt
    cash = {"idempotencyKey": "key-1", "number": "S001", "minorAmount": 9_800, "reason": "sample"}
    paid = await campus.do("cashTopUp", cash, "topUp { balance { minorAmount } }", desk)
    assert paid["topUp"]["balance"] == {"minorAmount": 8_000}
    after = await campus.holder(
        "arrears { notice } statement(first: 2) { edges { node { kind amount { minorAmount } } } }",
        phone.token,
    )
    assert after["arrears"] is None
    assert [edge["node"] for edge in after["statement"]["edges"]] == [
        {"kind": "ARREARS_RECOVERY", "amount": {"minorAmount": -1_800}},
        {"kind": "CASH_TOP_UP", "amount": {"minorAmount": 9_800}},
    ]
    again = await asked_pass(campus, phone)
    assert again.cap_class == 1
    assert len({again.serial, before.serial, phone.content[4:10]}) == 3, "what was denied stays so"


async def asked_pass(campus: Campus, phone: Phone) -> cc1.Presentation:
    """The pass that the phone gets now, as a terminal reads it."""
    issued = await campus.do(
        "codePassIssue",
        {"deviceId": phone.device_id, "kinds": ["VIRTUAL_CARD"]},
        "issue { passes { content } }",
        phone.token,
    )
    content = b64decode(issued["issue"]["passes"][0]["content"])
    read = cc1.read(cc1.show(content, 0, cc1.Intent.PAY, signer(bytes(phone.key))))
    assert isinstance(read, cc1.Presentation)
    return read


async def test_revoked_device_is_on_the_deny_list_at_once(campus: Campus) -> None:
    lane = await alone(campus)
    phone = await campus.phone()
    text = phone.show()
    campus.clock.advance(seconds=5)
    revoked = await campus.do(
        "codeDeviceRevoke", {"deviceId": phone.device_id}, "device { id }", phone.token
    )
    assert revoked["userErrors"] == []
    campus.clock.advance(seconds=1)
    lane.write(text, 500)
    lane.deny_version = 1
    lane.write(phone.show(), 600)
    first, second = await lane.upload()
    assert first["judgement"]["flags"] == ["AFTER_REPORT"]
    assert (second["judgement"]["verdict"], second["judgement"]["reason"]) == (
        "REJECTED", "REVOKED_KNOWN",
    )  # fmt: skip
    assert await balance(campus) == 5_000


@pytest.mark.parametrize("changed", [
    {"minorAmount": "501"}, {"createdAt": 1}, {"clockState": "LOST"}, {"kind": "VOID"},
    {"signature": "AAAA"}, {"signature": ""}, {"previousHash": "AAAA"}, {"seqNo": 0},
    {"minorAmount": "-1"}, {"presented": "x" * 1_001},
])  # fmt: skip
async def test_record_that_its_terminal_did_not_sign_is_rejected(
    campus: Campus, changed: dict[str, Any]
) -> None:
    lane = await alone(campus)
    lane.items.append(lane.write((await campus.phone()).show(), 500) | changed)
    before = await campus.dump(*MONEY)
    (settled,) = await lane.upload(lane.items[-1])
    assert (settled["judgement"]["verdict"], settled["judgement"]["reason"]) == (
        "REJECTED", "RECORD_SIGNATURE",
    )  # fmt: skip
    assert await campus.dump(*MONEY) == before


async def test_more_than_two_hundred_records_are_refused(campus: Campus) -> None:
    lane = await alone(campus)
    item = lane.write("CC1:", 500, signature="", previousHash=None)
    before = await campus.dump(*MONEY)
    payload = await lane.till.ask("offlineBatchUpload", lane.request(*[item] * 201), VERDICTS)
    assert [error["code"] for error in payload["userErrors"]] == ["ITEM_LIMIT"]
    assert payload["verdicts"] is None
    assert await campus.dump(*MONEY) == before


async def test_only_a_terminal_under_its_own_key_uploads(campus: Campus) -> None:
    lane = await alone(campus)
    lane.write((await campus.phone(BOB)).show(), 500)
    query, given = mutation("offlineBatchUpload", VERDICTS), lane.request()
    before = await campus.dump(*MONEY)
    tokens = [None, await campus.bind(), await campus.staff_token("it", Role.IT_ADMIN)]
    for token, code in zip(tokens, ("UNAUTHENTICATED", "FORBIDDEN", "FORBIDDEN"), strict=True):
        answer = await campus.query(query, token, input=given)
        assert [e["extensions"]["code"] for e in answer["errors"]] == [code]
    other = await lane.till.post(query, {"input": given}, lane.till.next_key(0))
    assert other["errors"][0]["extensions"]["reason"] == "KEY_MISMATCH"
    assert await campus.dump(*MONEY) == before


async def test_upload_may_be_as_large_as_its_two_hundred_records(
    database_dsn: DatabaseDsn, redis_url: str, tmp_path: Any
) -> None:
    texts = tuple(read_documents(FOLDER))
    async with campus_on(database_dsn, redis_url, tmp_path, texts) as campus:
        lane = await alone(campus)
        text = (await campus.phone()).show()
        for _ in range(199):
            lane.write(text, 500, challenge="C" * 135)
        asked = lane.request()
        for name, status in (("OfflineBatchUpload", 200), ("BatchClose", 413)):
            body = json.dumps({"documentId": document_id(name), "variables": {"input": asked}})
            assert 64 * 1024 < len(body) < 256 * 1024
            headers = lane.till.headers(body.encode(), asked["key"])
            sent = {"content-type": "application/json", "x-operation": name, **headers}
            answer = await campus.http.post("/graphql", content=body.encode(), headers=sent)
            assert answer.status_code == status
            if status == 200:
                verdicts = answer.json()["data"]["offlineBatchUpload"]["verdicts"]
                assert {v["judgement"]["reason"] for v in verdicts} == {"RECORD_SIGNATURE"}
        unsigned = {"content-type": "application/json", "x-operation": "OfflineBatchUpload"}
        answer = await campus.http.post("/graphql", content=body.encode(), headers=unsigned)
        assert answer.status_code == 413
