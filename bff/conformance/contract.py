"""The trusted documents as the contract reads them: their input, and the shape of their answers.

The answers are made by executing the documents over plain facts, so they cannot drift from what a
school's server sends.
"""

from functools import cache
from pathlib import Path
from typing import Any

from graphql import DocumentNode, GraphQLSchema, OperationDefinitionNode, build_schema, parse
from graphql.execution import execute_sync
from graphql.execution.values import get_variable_values

import schema
from clients.endpoint import DOCUMENTS, document_id
from schema.scalars import SCALARS

Json = dict[str, Any]
TERMINAL_DOCUMENTS = (
    "BatchClose",
    "EntryAuthorise",
    "EntryEventsUpload",
    "HolderLookUp",
    "MeterStart",
    "MeterStop",
    "MeterSync",
    "OfflineBatchUpload",
    "PurchaseAuthorise",
    "PurchaseCapture",
    "PurchaseRefund",
    "PurchaseStatus",
    "PurchaseVoid",
    "TerminalEnrol",
    "TerminalHeartbeat",
    "TerminalRotateKey",
    "TerminalSyncParameters",
)


class InputInvalid(Exception):
    """The variables do not fit the document; the message says which."""


@cache
def contract() -> "Contract":
    """The contract of this version, read once."""
    return Contract()


class Contract:
    """What terminals may ask."""

    def __init__(self) -> None:
        text = Path(schema.__file__).with_name("schema.graphql").read_text("utf-8")
        self._schema: GraphQLSchema = build_schema(text, assume_valid=True)
        for scalar in SCALARS.values():
            self._schema.type_map[scalar.name].coerce_input_value = scalar.parse_value  # type: ignore[attr-defined]  # scalars
        self._documents: dict[str, DocumentNode] = {
            name: parse((DOCUMENTS / f"{name}.graphql").read_text("utf-8"))
            for name in TERMINAL_DOCUMENTS
        }
        self._names = {document_id(name): name for name in TERMINAL_DOCUMENTS}

    def operation(self, id_: object) -> str | None:
        """The operation of a trusted document; None if terminals have none of this id."""
        return self._names.get(id_) if isinstance(id_, str) else None

    def read(self, operation: str, variables: Json) -> Json:
        """The variables with their defaults.

        Raises: InputInvalid.
        """
        definition = self._definition(operation)
        found = get_variable_values(
            self._schema, definition.variable_definitions or (), variables, max_errors=1
        )
        if isinstance(found, list):
            raise InputInvalid(found[0].message)
        return dict(found.coerced)

    def write(self, operation: str, field: Json, variables: Json) -> Json:
        """The data of an operation whose one root field answers `field`."""
        root = self._definition(operation).selection_set.selections[0]
        named = root.name.value  # type: ignore[attr-defined]  # a field, as all our documents have
        done = execute_sync(
            self._schema,
            self._documents[operation],
            root_value={named: field},
            variable_values=variables,
        )
        assert not done.errors, done.errors
        assert done.data is not None
        return done.data

    def _definition(self, operation: str) -> OperationDefinitionNode:
        (definition,) = self._documents[operation].definitions
        assert isinstance(definition, OperationDefinitionNode)
        return definition
