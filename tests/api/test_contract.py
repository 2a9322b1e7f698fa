"""The committed contract: what the code says, shaped by the rules, breaking nobody."""

from pathlib import Path
from typing import Any

import pytest
from graphql import REMOVE, Visitor, build_schema, parse, print_ast, visit

from bff.documents import Documents
from bff.trusted import FOLDER, heartbeats, read_documents, seat_classes
from schema.campus import SCHEMA
from schema.changes import breaking
from schema.documents import graphql_schema
from schema.lint import problems, untested_mutations
from schema.sdl import sdl

ROOM = Path(__file__).parents[2] / "schema"


def test_committed_contract_is_what_the_code_says() -> None:
    committed = (ROOM / "schema.graphql").read_text(encoding="utf-8")
    assert committed == sdl(SCHEMA), "write it anew: python -m bff sdl > schema/schema.graphql"


def test_contract_keeps_every_rule_of_its_shape() -> None:
    assert problems(graphql_schema(SCHEMA)) == []


def test_contract_breaks_no_client_of_the_last_release() -> None:
    released = (ROOM / "released.graphql").read_text(encoding="utf-8")
    assert breaking(released, sdl(SCHEMA)) == []


@pytest.mark.parametrize(
    ("kind", "part"),
    [("Query", "viewer"), ("Cardholder", "lastPayment"), ("VoidReason", "TIMEOUT")],
)
def test_removal_from_the_contract_is_noticed(kind: str, part: str) -> None:
    released = (ROOM / "released.graphql").read_text(encoding="utf-8")

    class Without(Visitor):
        def enter(self, node: Any, _key: Any, _parent: Any, _path: Any, ancestors: Any) -> Any:
            owners = [each.name.value for each in ancestors if getattr(each, "name", None)]
            named = getattr(getattr(node, "name", None), "value", None)
            return REMOVE if owners == [kind] and named == part else None

    shorter = print_ast(visit(parse(released), Without()))
    assert breaking(released, shorter) != []


def test_every_mutation_is_tested_through_the_application() -> None:
    assert untested_mutations(graphql_schema(SCHEMA), Path(__file__).parent) == []


def test_root_holds_few_fields() -> None:
    query = build_schema((ROOM / "schema.graphql").read_text(encoding="utf-8")).query_type
    assert query is not None
    assert sorted(query.fields) == ["node", "school", "schools", "terminal", "viewer"]


def test_every_document_of_our_clients_is_valid_and_has_its_seat() -> None:
    documents = Documents(SCHEMA, read_documents(FOLDER), ad_hoc=False)
    seats = seat_classes(documents)
    assert set(seats) <= {document.name for document in documents}
    assert heartbeats(documents) >= {"terminalHeartbeat"}
