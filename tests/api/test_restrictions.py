"""Each restricted field as every kind of caller: nobody, another holder, staff, a terminal."""

from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
    get_nullable_type,
)

from core.school.records import Role
from schema.campus import SCHEMA
from schema.documents import graphql_schema
from schema.lint import restricted_fields
from tests.api.campus import Campus
from tests.api.devices import Till
from tests.api.sample import ALICE, BOB

CORE = graphql_schema(SCHEMA)
CLOSED = ("UNAUTHENTICATED", "FORBIDDEN")
TABLES = ("card", "pin", "binding", "code_device", "terminal", "terminal_answer", "leg",
          "four_eyes_request", "cardholder_limit", "authorisation", "water_reservation",
          "meter_run", "operator", "operator_shift")  # fmt: skip
SESSIONS = "SELECT id, step_up_at, revoked_at FROM session ORDER BY id"
_SAMPLES = {
    "String": "sample", "ID": "sample", "Int": 1, "Boolean": False, "MinorAmount": 1,
    "Base64Bytes": "AA==", "CurrencyCode": "CNY", "DateTime": "2026-09-01T05:00:00Z",
}  # fmt: skip
MUTATIONS = {name: to for kind, name, to in restricted_fields(CORE) if kind == "Mutation"}
INNER = {
    "StaffMember.operators": (
        "viewer { staff { operators(merchantNo: 1) { operatorNo } } }", "staff",
    ),
    "StaffMember.offlineLoss": ("viewer { staff { offlineLoss { isOn } } }", "staff"),
    "StaffMember.trialBalance": ("viewer { staff { trialBalance { transfers } } }", "staff"),
    "StaffMember.fourEyesRequests": ("viewer { staff { fourEyesRequests { id } } }", "staff"),
    "StaffMember.entryTags": ("viewer { staff { entryTags { tag } } }", "staff"),
    "StaffMember.cardReviews": ("viewer { staff { cardReviews { number } } }", "staff"),
    "StaffMember.offlineSuspects": ("viewer { staff { offlineSuspects { number } } }", "staff"),
    "StaffMember.doorPassages": (
        'viewer { staff { doorPassages(terminalNo: 1, doorNo: 1, reason: "lost") { number } } }',
        "staff",
    ),
    "StaffMember.feesOwed": ("viewer { staff { feesOwed { terminalNo } } }", "staff"),
    "StaffMember.cardholder": (
        'viewer { staff { cardholder(number: "S001") { number } } }', "staff",
    ),
    "Terminal.purchaseStatus": (
        "terminal { purchaseStatus(original: {batchNo: 1, seqNo: 1}) { known } }",
        "terminal",
    ),
}  # fmt: skip


def sample(kind: Any) -> Any:
    """A value that is good enough to reach the resolver."""
    bare = get_nullable_type(kind)
    if isinstance(bare, GraphQLList):
        return [sample(bare.of_type)]
    if isinstance(bare, GraphQLInputObjectType):
        needed = {n: f for n, f in bare.fields.items() if isinstance(f.type, GraphQLNonNull)}
        return {name: sample(field.type) for name, field in needed.items()}
    if isinstance(bare, GraphQLEnumType):
        return next(iter(bare.values))
    return _SAMPLES[get_named_type(kind).name]


def document(name: str) -> tuple[str, dict[str, Any]]:
    """A mutation with an input that is complete."""
    assert CORE.mutation_type is not None
    kind = CORE.mutation_type.fields[name].args["input"].type
    text = f"mutation($input: {kind}) {{ {name}(input: $input) {{ __typename }} }}"
    return text, {"input": sample(kind)}


async def callers(campus: Campus) -> dict[str, Any]:
    """One caller of each kind and role, by what the contract calls it."""
    till = await campus.till()
    assert BOB.email is not None
    return {
        "ANONYMOUS": None,
        "UNBOUND": (await campus.sign_in(BOB.email))["accessToken"],
        "CARDHOLDER": await campus.bind(ALICE),
        "TERMINAL": till,
        **{role: await campus.staff_token(role.lower(), role) for role in Role},
    }


async def ask(campus: Campus, caller: Any, text: str, variables: dict[str, Any]) -> Any:
    """The answer to a caller; a terminal signs the very key in the input."""
    if isinstance(caller, Till):
        given = variables.get("input", {})
        key = given.get("key", caller.next_key(0))
        return await caller.post(text, variables, key)
    return await campus.query(text, caller, **variables)


def codes(answer: Any) -> list[str]:
    return [error["extensions"]["code"] for error in answer.get("errors", [])]


def is_open(caller: str, permitted: list[str]) -> bool:
    return caller in permitted or ("STAFF" in permitted and caller in set(Role))


async def test_restricted_mutation_is_closed_to_all_others_and_changes_nothing(
    campus: Campus,
) -> None:
    everybody = await callers(campus)
    before, sessions = await campus.dump(*TABLES), await campus.rows(SESSIONS)
    answered = {
        (name, who): codes(await ask(campus, caller, *document(name)))
        for name, permitted in MUTATIONS.items()
        for who, caller in everybody.items()
        if not is_open(who, permitted)
    }
    expected = {
        (name, who): ["UNAUTHENTICATED" if who == "ANONYMOUS" else "FORBIDDEN"]
        for name, who in answered
    }
    assert answered == expected
    assert len({name for name, _ in answered}) == len(MUTATIONS) >= 25
    assert await campus.dump(*TABLES) == before
    assert await campus.rows(SESSIONS) == sessions


async def test_restricted_mutation_is_open_to_its_own(campus: Campus) -> None:
    everybody = await callers(campus)
    closed = [
        (name, who)
        for name, permitted in MUTATIONS.items()
        for who, caller in everybody.items()
        if is_open(who, permitted) and name != "sessionRevoke"
        if set(codes(await ask(campus, caller, *document(name)))) & set(CLOSED)
    ]
    assert closed == []


def test_every_restricted_field_inside_a_type_is_known_here() -> None:
    inner = {f"{kind}.{name}" for kind, name, _ in restricted_fields(CORE) if kind != "Mutation"}
    pushed = {"Subscription.paymentResult", "Subscription.balanceChanged"}  # test_push.py
    assert inner == set(INNER) | pushed


@pytest.mark.parametrize("field", sorted(INNER))
async def test_restricted_field_shows_nothing_to_others(campus: Campus, field: str) -> None:
    everybody = await callers(campus)
    permitted = next(to for k, n, to in restricted_fields(CORE) if f"{k}.{n}" == field)
    text, parent = INNER[field]
    name = field.partition(".")[2]
    for who, caller in everybody.items():
        answer = await ask(campus, caller, f"{{ {text} }}", {})
        data = answer["data"]
        held = (data.get("viewer") or data)[parent] if data else None
        shown = None if held is None else held[name]
        if is_open(who, permitted):
            assert shown is not None, who
        else:
            assert shown is None, who
            assert set(codes(answer)) <= {"FORBIDDEN"}, who
