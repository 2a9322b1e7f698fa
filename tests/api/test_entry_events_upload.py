"""Events of gates through the real application: `entryEventsUpload`."""

import json
from pathlib import Path
from typing import Any

import pytest

from bff.documents import document_id
from bff.guards import BODY_MAXIMUM, UPLOAD_MAXIMUM
from bff.trusted import FOLDER, read_documents
from core.entry.records import Passback
from terminals.cc1 import Intent
from tests.api.campus import Campus, campus_on
from tests.api.devices import Till, mutation
from tests.api.gates import RESULTS, ROWS, enter, event, gate_at, told, upload
from tests.api.sample import ALICE, BOB
from tests.servers.fixtures import DatabaseDsn

TAP = f"CARD:{ALICE.card_uid}"
ACCEPTED, SAME = ("ACCEPTED", None), ("DUPLICATE", "SAME_RECORD")


async def test_events_are_judged_one_by_one_and_stand_in_the_log(campus: Campus) -> None:
    phone, gate = await campus.phone(), await gate_at(campus)
    shown = event(gate, phone.show(Intent.ENTRY))
    campus.clock.advance(minutes=10)
    items = [
        shown,
        event(gate, "nonsense"),
        event(gate, TAP, direction="OUT"),
        event(gate, TAP, doorNo=9),
        event(gate, shown["presented"], createdAt=shown["createdAt"] + 1),
    ]
    assert await told(gate, *items) == [
        ACCEPTED,
        ("REJECTED", "FORMAT"),
        ACCEPTED,
        ("REJECTED", "DOOR_UNKNOWN"),
        ("DUPLICATE", "SAME_CODE"),
    ]
    log = await campus.holder("passages { nodes { direction offline } }", phone.token)
    assert log["passages"]["nodes"] == [
        {"direction": "OUT", "offline": True}, {"direction": "IN", "offline": True}
    ]  # fmt: skip


async def test_upload_is_safe_to_send_again_whole_cut_and_in_another_order(
    campus: Campus,
) -> None:
    phone, gate = await campus.phone(), await gate_at(campus)
    items = [event(gate, phone.show(Intent.ENTRY)), event(gate, "nonsense"), event(gate, TAP)]
    assert await told(gate, *items[:2]) == [ACCEPTED, ("REJECTED", "FORMAT")]
    assert await told(gate, *items) == [SAME, ("REJECTED", "FORMAT"), ACCEPTED]
    before = await campus.dump(*ROWS)
    campus.clock.advance(days=30)
    assert await told(gate, *reversed(items)) == [SAME, ("REJECTED", "FORMAT"), SAME]
    assert await campus.dump(*ROWS) == before


async def test_lost_answer_then_an_event_passes_once(campus: Campus) -> None:
    phone, gate = await campus.phone(), await gate_at(campus)
    code = phone.show(Intent.ENTRY)
    happened = event(gate, code)
    await enter(gate, code, key={"batchNo": 1, "seqNo": happened["seqNo"]})
    assert await told(gate, happened) == [SAME]
    later = event(gate, TAP)
    assert await told(gate, later) == [ACCEPTED]
    entry = await enter(gate, TAP, key={"batchNo": 1, "seqNo": later["seqNo"]})
    assert entry["outcome"] == "GRANTED"
    assert len(await campus.rows("SELECT 1 FROM passage")) == 2


async def test_flags_tell_what_is_worth_knowing(campus: Campus) -> None:
    gate = await gate_at(campus, passback=Passback.HARD)
    first, second = event(gate, TAP), event(gate, TAP)
    campus.clock.advance(days=2)
    payload = await upload(gate, first, second)
    assert [each["flags"] for each in payload["results"]] == [["LATE"], ["LATE", "PASSBACK"]]


async def test_pass_on_the_deny_list_that_the_gate_held_is_rejected(campus: Campus) -> None:
    gate, phone = await gate_at(campus), await campus.phone()
    campus.clock.advance(seconds=5)
    await campus.do("codeDeviceRevoke", {"deviceId": phone.device_id}, "device { id }", phone.token)
    campus.clock.advance(seconds=1)
    told_before = event(gate, phone.show(Intent.ENTRY), denyVersion=0)
    campus.clock.advance(seconds=1)
    told_after = event(gate, phone.show(Intent.ENTRY), denyVersion=1)
    assert await told(gate, told_before, told_after) == [
        ("ACCEPTED", None), ("REJECTED", "REVOKED_KNOWN"),
    ]  # fmt: skip
    assert len(await campus.rows("SELECT 1 FROM passage")) == 1


@pytest.mark.parametrize("items", [500, 501])
async def test_upload_holds_at_most_500_events(campus: Campus, items: int) -> None:
    gate = await gate_at(campus)
    before = await campus.dump(*ROWS)
    many = [event(gate, "no") for _ in range(items)]
    payload = await upload(gate, *many)
    if items == 500:
        assert len(payload["results"]) == 500
        return
    (error,) = payload["userErrors"]
    assert (error["code"], error["path"]) == ("ITEM_LIMIT", ["items"])
    assert payload["results"] is None
    assert await campus.dump(*ROWS) == before


async def test_number_out_of_range_judges_nothing(campus: Campus) -> None:
    gate = await gate_at(campus)
    key = gate.next_key(0)
    for batch_no, seq_no in ((0, 1), (1, 0), (1_000_000, 1), (1, 1_000_000)):
        items = [event(gate, TAP), event(gate, TAP, seqNo=seq_no)]
        given = {"key": key, "batchNo": batch_no, "items": items}
        answer = await gate.post(mutation("entryEventsUpload", RESULTS), {"input": given}, key)
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["BAD_DOCUMENT"]
    assert await campus.rows("SELECT 1 FROM entry_event") == []


async def test_only_terminals_tell_of_events(campus: Campus) -> None:
    holder, gate = await campus.bind(), await gate_at(campus)
    key = {"batchNo": 0, "seqNo": 9}
    given = {"key": key, "batchNo": 1, "items": [event(gate, TAP)]}
    query = mutation("entryEventsUpload", RESULTS)
    for token, code in ((None, "UNAUTHENTICATED"), (holder, "FORBIDDEN")):
        answer = await campus.query(query, token, input=given)
        assert [each["extensions"]["code"] for each in answer["errors"]] == [code]
    other = {"batchNo": 0, "seqNo": 8}
    answer = await gate.post(query, {"input": given}, other)
    assert [each["extensions"]["reason"] for each in answer["errors"]] == ["KEY_MISMATCH"]
    assert await campus.rows("SELECT 1 FROM entry_event") == []


class TestSize:
    """The upload document of a verified terminal may be as long as 256 KiB, nothing else may."""

    async def send(self, gate: Till, document: str, length: int, items: list[Any]) -> Any:
        key = gate.next_key(0)
        given = {"input": {"key": key, "batchNo": 1, "items": items}}
        body = json.dumps({"documentId": document_id(document), "variables": given}).encode()
        body += b" " * (length - len(body))
        headers = gate.headers(body, key)
        sent = {"content-type": "application/json", **headers}
        return await gate.campus.http.post("/graphql", content=body, headers=sent)

    async def test_upload_of_half_a_thousand_shown_codes_fits(
        self, database_dsn: DatabaseDsn, redis_url: str, tmp_path: Path
    ) -> None:
        texts = tuple(read_documents(FOLDER))
        by_name = {text.split("(")[0].split()[-1]: text for text in texts}
        async with campus_on(database_dsn, redis_url, tmp_path, texts) as campus:
            gate = await gate_at(campus)
            phone = await campus.phone()
            shown = phone.show(Intent.ENTRY)
            items = [event(gate, shown) for _ in range(500)]
            document = by_name["EntryEventsUpload"]
            answer = await self.send(gate, document, UPLOAD_MAXIMUM, items)
            results = answer.json()["data"]["entryEventsUpload"]["results"]
            said = [each["verdict"] for each in results]
            assert (said[0], set(said[1:])) == ("ACCEPTED", {"DUPLICATE"})
            for name, length in (
                ("EntryEventsUpload", UPLOAD_MAXIMUM + 1), ("EntryAuthorise", BODY_MAXIMUM + 1)
            ):  # fmt: skip
                refused = await self.send(gate, by_name[name], length, [])
                assert refused.status_code == 413


async def test_code_at_two_gates_is_suspect_at_the_second(campus: Campus) -> None:
    phone = await campus.phone()
    north, south = await gate_at(campus), await gate_at(campus)
    code = phone.show(Intent.ENTRY)
    assert await told(north, event(north, code)) == [ACCEPTED]
    assert await told(south, event(south, code)) == [("SUSPECT", "CODE_USED_ELSEWHERE")]
    assert await told(south, event(south, f"CARD:{BOB.card_uid}")) == [ACCEPTED]
