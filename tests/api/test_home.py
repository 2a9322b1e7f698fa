"""What a phone reads: home in one query, the statement, and things by their id."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bff.app import NotDurable
from bff.documents import document_id
from bff.trusted import FOLDER
from core.db.connection import PooledConnection
from core.db.lanes import Lane
from core.school.records import Role
from schema.node import node_id
from tests.api.campus import Campus, campus_on
from tests.api.devices import OTHER_SCHOOL, SCHOOL
from tests.api.sample import ALICE, BOB, CODE
from tests.servers.fixtures import DatabaseDsn

HOME = """query Home { viewer { kind cardholder {
  number name kind status
  virtualCard { state } physicalCard { state }
  balance { total { amount } available { amount } purses { kind balance { minorAmount } } asOf }
  limits { single { amount } daily { amount } spentToday { amount } }
  pins { kind state }
  lastPayment { merchantName amount { amount } outcome text }
  statement(first: 1) { nodes { kind amount { amount } merchantName } pageInfo { hasNextPage } }
} } schools { code name features } }"""


async def test_home_screen_is_one_query(campus: Campus) -> None:
    token, till = await campus.with_pin(), await campus.till()
    await till.sell(f"CARD:{ALICE.card_uid}", 1_250)
    answer = await campus.query(HOME, token)
    assert "errors" not in answer
    holder = answer["data"]["viewer"]["cardholder"]
    assert holder["balance"]["purses"] == [
        {"kind": "MAIN", "balance": {"minorAmount": 3_750}},
        {"kind": "SUBSIDY", "balance": {"minorAmount": 0}},
    ]
    assert holder["limits"] == {
        "single": {"amount": "30.00"},
        "daily": {"amount": "50.00"},
        "spentToday": {"amount": "12.50"},
    }
    assert holder["lastPayment"] == {
        "merchantName": "Sample Canteen",
        "amount": {"amount": "12.50"},
        "outcome": "APPROVED",
        "text": "Approved",
    }
    assert holder["statement"] == {
        "nodes": [
            {
                "kind": "PURCHASE",
                "amount": {"amount": "-12.50"},
                "merchantName": "Sample Canteen",
            }
        ],
        "pageInfo": {"hasNextPage": True},
    }
    assert "NEWS" not in answer["data"]["schools"][0]["features"]


async def test_home_screen_costs_three_round_trips_to_the_database(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await campus.with_pin()
    screen = (FOLDER / "HomeScreen.graphql").read_text(encoding="utf-8")
    await campus.query(screen, token)  # the school's policy is known now
    sent: list[str] = []
    fetch, execute = Lane.fetch, PooledConnection.execute

    async def listening(self: Lane, sql: str, *values: object) -> Any:
        sent.append(sql)
        return await fetch(self, sql, *values)

    async def listening_pool(self: PooledConnection, query: str, *values: object) -> Any:
        sent.append(query)
        return await execute(self, query, *values)

    monkeypatch.setattr(Lane, "fetch", listening)
    monkeypatch.setattr(PooledConnection, "execute", listening_pool)
    answer = await campus.query(screen, token)
    holder = answer["data"]["viewer"]["cardholder"]
    assert (holder["virtualCard"]["state"], len(holder["statement"]["nodes"])) == ("NOT_OPENED", 1)
    called = [re.findall(r"FROM (?!unnest)(\w+)\(", sql) for sql in sent]
    assert called == [["session_seen"], ["cardholder_of_id"], ["live_cards", "statement_lines"]]


async def test_anonymous_viewer_has_nothing(campus: Campus) -> None:
    answer = await campus.query(
        "{ viewer { kind session { id } cardholder { id } staff { roles } }"
        ' terminal { terminalNo } school(code: "sample-7") { name authMethods campuses { name } }'
        ' nowhere: school(code: "nowhere") { id } }'
    )
    assert answer["data"] == {
        "viewer": {"kind": "ANONYMOUS", "session": None, "cardholder": None, "staff": None},
        "terminal": None,
        "school": {
            "name": "Sample University",
            "authMethods": ["SSO", "REAL_NAME", "FORM", "WECOM_EMAIL"],
            "campuses": [{"name": "Sample North"}],
        },
        "nowhere": None,
    }


async def pages(campus: Campus, token: str, month: str) -> list[list[int]]:
    """The amounts of a month, in pages of two."""
    found, after = [], None
    while True:
        place = "" if after is None else f', after: "{after}"'
        page = (
            await campus.holder(
                f'statement(month: "{month}", first: 2{place}) {{'
                " nodes { amount { minorAmount } } pageInfo { hasNextPage endCursor } }",
                token,
            )
        )["statement"]
        found.append([node["amount"]["minorAmount"] for node in page["nodes"]])
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


async def test_statement_is_paged_by_month_in_the_schools_zone(campus: Campus) -> None:
    token, till = await campus.bind(), await campus.till()
    for minor in (100, 200, 300):
        campus.clock.advance(seconds=1)
        await till.sell(f"CARD:{ALICE.card_uid}", minor)
    assert await pages(campus, token, "2026-09") == [[-300, -200], [-100, 5_000]]
    assert await pages(campus, token, "2026-10") == [[]]
    totals = await campus.holder(
        'monthTotals(month: "2026-09") { month received { amount } spent { amount } }', token
    )
    assert totals["monthTotals"] == {
        "month": "2026-09",
        "received": {"amount": "50.00"},
        "spent": {"amount": "-6.00"},
    }


async def test_month_and_cursor_that_are_none_are_refused(campus: Campus) -> None:
    token = await campus.bind()
    for argument, reason in (
        ('month: "2026-13"', "MONTH_INVALID"),
        ('month: "2026-9"', "MONTH_INVALID"),
        ('after: "nonsense"', "CURSOR_INVALID"),
    ):
        query = f"{{ viewer {{ cardholder {{ statement({argument}) {{ asOf }} }} }} }}"
        answer = await campus.query(query, token)
        assert answer["errors"][0]["extensions"]["reason"] == reason


NODE = "query($id: ID!) { node(id: $id) { __typename id } }"


async def kind_of(campus: Campus, node: str, token: str | None) -> str | None:
    found = (await campus.query(NODE, token, id=node))["data"]["node"]
    return None if found is None else str(found["__typename"])


async def ids(campus: Campus, token: str) -> dict[str, str]:
    holder = await campus.holder(
        "id virtualCard { id } physicalCard { id } bindings { id } sessions { id }", token
    )
    return {
        "Cardholder": holder["id"],
        "Card": holder["physicalCard"]["id"],
        "Binding": holder["bindings"][0]["id"],
        "Session": holder["sessions"][0]["id"],
        "School": str(node_id("School", SCHOOL, SCHOOL)),
    }


async def test_own_things_are_loaded_by_id_and_others_are_null(campus: Campus) -> None:
    phone, bob = await campus.phone(ALICE), await campus.bind(BOB)
    clerk = await campus.staff_token("clerk", Role.CLERK)
    own = await ids(campus, phone.token) | {"CodeDevice": phone.device_id}
    for kind, node in own.items():
        assert await kind_of(campus, node, phone.token) == kind
        assert await kind_of(campus, node, None) is None
        assert await kind_of(campus, node, bob) == (kind if kind == "School" else None)
        assert await kind_of(campus, node, clerk) == (kind if kind == "School" else None)


async def test_node_id_of_other_school_is_null(campus: Campus) -> None:
    token = await campus.bind()
    for kind, node in (await ids(campus, token)).items():
        key = str(OTHER_SCHOOL) if kind == "School" else str(await campus.id_of("S001"))
        other = str(node_id(kind, OTHER_SCHOOL, key))
        assert await kind_of(campus, other, token) is None
        assert await kind_of(campus, node, token) == kind
    mixed = str(node_id("School", SCHOOL, OTHER_SCHOOL))
    assert await kind_of(campus, mixed, token) is None


async def test_terminal_is_loaded_by_itself_and_by_it_staff(campus: Campus) -> None:
    till, token = await campus.till(), await campus.bind()
    node = str(node_id("Terminal", SCHOOL, till.number))
    signed = await till.post(NODE, {"id": node}, till.next_key(0))
    assert signed["data"]["node"]["__typename"] == "Terminal"
    admin = await campus.staff_token("admin", Role.IT_ADMIN)
    clerk = await campus.staff_token("clerk", Role.CLERK)
    assert await kind_of(campus, node, admin) == "Terminal"
    assert await kind_of(campus, node, clerk) is None
    assert await kind_of(campus, node, token) is None
    assert await kind_of(campus, str(node_id("Terminal", SCHOOL, 99)), admin) is None


async def test_school_tells_what_its_form_and_top_up_page_show(campus: Campus) -> None:
    query = f'{{ school(code: "{CODE}") {{ formFields topUpPresets {{ amount }} }} }}'
    assert (await campus.query(query))["data"]["school"] == {
        "formFields": ["NAME", "NUMBER", "PIN"],
        "topUpPresets": [
            {"amount": amount}
            for amount in ("10.00", "20.00", "30.00", "50.00", "100.00", "200.00")
        ],
    }


async def test_process_says_that_it_lives_and_can_serve(campus: Campus) -> None:
    assert (await campus.http.get("/healthz")).json() == {"status": "ok"}
    assert (await campus.http.get("/readyz")).json() == {"status": "ok", "schools": 2}


async def test_production_refuses_a_database_that_may_forget(
    database_dsn: DatabaseDsn, redis_url: str, tmp_path: Path
) -> None:
    with pytest.raises(NotDurable, match="fsync"):
        async with campus_on(database_dsn, redis_url, tmp_path, production=True):
            pass


async def test_production_answers_trusted_documents_only(
    database_dsn: DatabaseDsn,
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def durable(_wired: object) -> None: ...

    monkeypatch.setattr("bff.app._require_durable", durable)
    text = "query Schools { schools { code } }"
    made = campus_on(database_dsn, redis_url, tmp_path, (text,), production=True)
    async with made as campus:
        body = json.dumps({"documentId": document_id(text)}).encode()
        trusted: Any = await campus.post(body)
        assert trusted["data"]["schools"] == [{"code": "sample-7"}, {"code": "sample-8"}]
        other = await campus.query(text)
        assert other["errors"][0]["extensions"]["reason"] == "DOCUMENT_NOT_TRUSTED"
