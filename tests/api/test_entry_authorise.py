"""Doors through the real application: `entryAuthorise`."""

import asyncio
from dataclasses import replace
from datetime import time
from typing import Any

import pytest

from core.entry.records import DoorScene, Groups, Pair, Passback
from core.identity.records import CardholderKind
from terminals import ccr
from terminals.cc1 import Intent
from terminals.message import RequestKey
from tests.api.campus import Campus
from tests.api.devices import SCHOOL, mutation
from tests.api.gates import ENTRY, ROWS, enter, gate_at
from tests.api.sample import ALICE, BOB, OPERATOR, PIN

TAP = f"CARD:{ALICE.card_uid}"
CAROL = replace(
    ALICE, row=4, number="T001", name="示例丙", kind=CardholderKind.TEMPORARY, phone=None,
    email="carol@people.example", card_uid="00000000000003", old_balance_minor=0,
)  # fmt: skip
NOBODY = {"maskedName": None, "name": None, "number": None, "holderClass": None}


async def test_shown_code_opens_a_gate_and_is_in_the_holders_log(campus: Campus) -> None:
    phone, gate = await campus.phone(), await gate_at(campus)
    entry = await enter(gate, phone.show(Intent.ENTRY))
    assert (entry["outcome"], entry["responseCode"], entry["action"]) == ("GRANTED", "00", "DONE")
    assert (entry["textZh"], entry["textEn"], entry["reason"]) == ("请通行", "Please pass", None)
    signed = ccr.read(entry["signedAnswer"])
    assert isinstance(signed, ccr.SignedAnswer)
    assert (signed.answer.outcome, signed.answer.minor_amount) == (ccr.Outcome.APPROVED, 0)
    assert signed.answer.key == RequestKey(gate.number, 1, 1)
    log = await campus.holder(
        "passages { nodes { passedAt doorName scene direction offline } pageInfo { hasNextPage } }",
        phone.token,
    )
    assert log["passages"] == {
        "nodes": [
            {
                "passedAt": entry["answeredAt"],
                "doorName": "North gate",
                "scene": "GATE",
                "direction": "IN",
                "offline": False,
            }
        ],
        "pageInfo": {"hasNextPage": False},
    }


async def test_every_instrument_of_a_student_opens_a_gate(campus: Campus) -> None:
    phone, gate = await campus.phone(), await gate_at(campus)
    drawn = await campus.do(
        "codeTokenIssue", {"deviceId": phone.device_id}, "token { text }", phone.token
    )
    for presented in (TAP, phone.show(Intent.ANY), drawn["token"]["text"]):
        assert (await enter(gate, presented))["responseCode"] == "00"


async def test_one_screen_opens_a_gate_and_pays_once_each(campus: Campus) -> None:
    phone, gate, till = await campus.phone(), await gate_at(campus), await campus.till()
    code = phone.show(Intent.ANY)
    assert (await enter(gate, code))["responseCode"] == "00"
    assert (await till.sell(code))["responseCode"] == "00"
    assert (await enter(gate, code))["responseCode"] == "C1"
    assert (await till.sell(code))["responseCode"] == "C1"


async def test_repeat_gets_the_stored_answer(campus: Campus) -> None:
    phone, gate = await campus.phone(), await gate_at(campus, DoorScene.LIBRARY)
    key, code = gate.next_key(), phone.show(Intent.ENTRY)
    first = await enter(gate, code, key=key)
    before = await campus.dump(*ROWS)
    campus.clock.advance(hours=3)
    second = await enter(gate, code, key=key)
    assert second == {**first, "replayed": True}
    assert await campus.dump(*ROWS) == before


async def test_repeat_of_a_refusal_is_the_refusal(campus: Campus) -> None:
    gate = await gate_at(campus)
    key = gate.next_key()
    first = await enter(gate, "nonsense", key=key)
    assert (first["outcome"], first["responseCode"]) == ("DENIED", "C2")
    campus.clock.advance(hours=3)
    assert await enter(gate, "nonsense", key=key) == {**first, "replayed": True}


async def test_same_key_other_content_conflicts(campus: Campus) -> None:
    gate = await gate_at(campus)
    key = gate.next_key()
    await enter(gate, TAP, key=key)
    before = await campus.dump(*ROWS)
    for changes in ({"direction": "OUT"}, {"doorNo": 2}, {"presented": "CARD:00000000000002"}):
        given = {"key": key, "presented": TAP, "doorNo": 1, "direction": "IN", **changes}
        payload = await gate.ask("entryAuthorise", given, ENTRY)
        assert payload["entry"] is None
        assert [each["code"] for each in payload["userErrors"]] == ["IDEMPOTENCY_CONFLICT"]
    assert await campus.dump(*ROWS) == before


async def test_one_code_two_gates_online(campus: Campus) -> None:
    phone = await campus.phone()
    north, south = await gate_at(campus), await gate_at(campus)
    code = phone.show(Intent.ENTRY)
    entries = await asyncio.gather(enter(north, code), enter(south, code))
    assert sorted(each["responseCode"] for each in entries) == ["00", "C1"]
    assert sorted(each["outcome"] for each in entries) == ["DENIED", "GRANTED"]
    assert len(await campus.rows("SELECT 1 FROM passage")) == 1


@pytest.mark.parametrize(
    ("scene", "holder", "balance", "photo"),
    [
        (DoorScene.CLASSROOM, {"holderClass": "STUDENT"}, None, None),
        (DoorScene.ATTENDANCE, {"holderClass": "STUDENT"}, None, None),
        (DoorScene.DORMITORY, {"holderClass": "STUDENT"}, None, False),
        (DoorScene.LIBRARY, {"name": "示例甲", "number": "S001"}, None, None),
        (DoorScene.BUS, {}, {"minorAmount": 5_000}, None),
    ],
)
async def test_door_learns_what_its_scene_needs(
    campus: Campus, scene: DoorScene, holder: Any, balance: Any, photo: Any
) -> None:
    entry = await enter(await gate_at(campus, scene), TAP)
    assert (entry["outcome"], entry["holder"]) == ("GRANTED", NOBODY | holder)
    assert (entry["balance"], entry["hasPhoto"]) == (balance, photo)


async def test_gate_learns_no_name(campus: Campus) -> None:
    gate = await gate_at(campus)
    key = gate.next_key()
    given = {"key": key, "presented": TAP, "doorNo": 1, "direction": "IN"}
    answer = await gate.post(mutation("entryAuthorise", ENTRY), {"input": given}, key)
    assert answer["data"]["entryAuthorise"]["entry"]["holder"] == NOBODY | {
        "holderClass": "STUDENT"
    }
    told = str(answer)
    for secret in (ALICE.name, ALICE.number, str(await campus.id_of(ALICE.number))):
        assert secret not in told


async def test_refused_person_stays_unknown_in_every_scene(campus: Campus) -> None:
    for scene in DoorScene:
        gate = await gate_at(campus, scene, opens_at=time(1), closes_at=time(2))
        entry = await enter(gate, TAP)
        assert (entry["outcome"], entry["responseCode"], entry["textEn"]) == (
            "DENIED", "E2", "Closed",
        )  # fmt: skip
        assert (entry["holder"], entry["balance"], entry["hasPhoto"]) == (None, None, None)
    assert await campus.rows("SELECT 1 FROM passage") == []


async def test_temporary_staff_pay_and_open_no_door(campus: Campus) -> None:
    await campus.enrol(ALICE, BOB, CAROL)
    gate, till = await gate_at(campus), await campus.till()
    phone = await campus.phone(CAROL)
    drawn = await campus.do(
        "codeTokenIssue", {"deviceId": phone.device_id}, "token { text }", phone.token
    )
    tables = ("passage", "zone_presence", "entry_event")
    before = await campus.dump(*tables)
    codes = (phone.show(Intent.ANY), drawn["token"]["text"], f"CARD:{CAROL.card_uid}")
    for presented in codes:
        entry = await enter(gate, presented)
        assert (entry["responseCode"], entry["reason"]) == ("E0", "USE_NOT_ALLOWED")
    assert await campus.dump(*tables) == before
    assert (await till.sell(phone.show(Intent.PAY), 1))["responseCode"] == "51"  # an empty purse


async def test_dormitory_opens_to_those_it_was_granted_to(campus: Campus) -> None:
    gate = await gate_at(campus, DoorScene.DORMITORY, common=False, pairs=(Pair(7, 2),))
    entry = await enter(gate, TAP)
    assert (entry["responseCode"], entry["reason"]) == ("E0", "DOOR_NOT_ALLOWED")
    await campus.wired.services.doors.put_groups(
        SCHOOL, ALICE.number, Groups(7, 0b100), "moves in", OPERATOR
    )
    assert (await enter(gate, TAP))["responseCode"] == "00"
    assert (await enter(gate, f"CARD:{BOB.card_uid}"))["responseCode"] == "E0"
    (granted,) = await campus.rows(
        "SELECT subject, reason FROM audit_event WHERE act = 'door.grant'"
    )
    assert tuple(granted) == (f"cardholder:{await campus.id_of(ALICE.number)}", "moves in")


async def test_hard_zone_lets_nobody_in_twice_and_everybody_out(campus: Campus) -> None:
    gate = await gate_at(campus, passback=Passback.HARD)
    assert (await enter(gate, TAP))["responseCode"] == "00"
    twice = await enter(gate, TAP)
    assert (twice["responseCode"], twice["textZh"]) == ("E1", "请勿重复通行")
    assert (await enter(gate, TAP, "OUT"))["responseCode"] == "00"
    assert (await enter(gate, TAP))["responseCode"] == "00"


async def test_lost_card_opens_no_door_once_the_report_is_acknowledged(campus: Campus) -> None:
    token, gate = await campus.with_pin(), await gate_at(campus)
    assert (await enter(gate, TAP))["responseCode"] == "00"
    card = await campus.holder("physicalCard { id }", token)
    given = {"cardId": card["physicalCard"]["id"], "pin": PIN}
    payload = await campus.do("cardReportLost", given, "card { state }", token)
    assert payload["card"] == {"state": "LOST"}
    entry = await enter(gate, TAP)
    assert (entry["outcome"], entry["responseCode"]) == ("DENIED", "41")
    assert len(await campus.rows("SELECT 1 FROM passage")) == 1


async def test_revoked_phone_opens_no_door(campus: Campus) -> None:
    phone, gate = await campus.phone(), await gate_at(campus)
    assert (await enter(gate, phone.show(Intent.ENTRY)))["responseCode"] == "00"
    campus.clock.advance(seconds=30)
    await campus.do("codeDeviceRevoke", {"deviceId": phone.device_id}, "userErrors { code }",
                    phone.token)  # fmt: skip
    entry = await enter(gate, phone.show(Intent.ENTRY))
    assert (entry["responseCode"], entry["reason"]) == ("C3", "REVOKED")


async def test_code_of_another_schools_person_opens_nothing(campus: Campus) -> None:
    entry = await enter(await gate_at(campus), "90" + "008" + "0" * 15)
    assert entry["responseCode"] == "15"


async def test_log_is_the_holders_own_and_pages(campus: Campus) -> None:
    token, gate = await campus.bind(), await gate_at(campus)
    await enter(gate, f"CARD:{BOB.card_uid}")
    for _ in range(3):
        campus.clock.advance(seconds=1)
        await enter(gate, TAP)
    selection = "passages(first: 2{after}) {{ edges {{ cursor node {{ id passedAt }} }}"
    selection += " pageInfo {{ hasNextPage endCursor }} }}"
    first = (await campus.holder(selection.format(after=""), token))["passages"]
    assert (len(first["edges"]), first["pageInfo"]["hasNextPage"]) == (2, True)
    after = f', after: "{first["pageInfo"]["endCursor"]}"'
    rest = (await campus.holder(selection.format(after=after), token))["passages"]
    assert (len(rest["edges"]), rest["pageInfo"]["hasNextPage"]) == (1, False)
    ids = {edge["node"]["id"] for edge in first["edges"] + rest["edges"]}
    assert len(ids) == 3


async def test_nobody_else_reads_a_log_or_asks_a_door(campus: Campus) -> None:
    staff = await campus.staff_token("manager")
    holder = await campus.bind()
    log = "{ viewer { cardholder { passages { nodes { id } } } } }"
    for token in (None, staff):
        assert (await campus.query(log, token))["data"]["viewer"]["cardholder"] is None
    given = {"key": {"batchNo": 1, "seqNo": 1}, "presented": TAP, "doorNo": 1, "direction": "IN"}
    ask = "mutation($input: EntryAuthoriseInput!) { entryAuthorise(input: $input) { __typename } }"
    for token, code in ((None, "UNAUTHENTICATED"), (holder, "FORBIDDEN"), (staff, "FORBIDDEN")):
        answer = await campus.query(ask, token, input=given)
        assert [each["extensions"]["code"] for each in answer["errors"]] == [code]
    assert await campus.rows("SELECT 1 FROM entry_answer") == []
