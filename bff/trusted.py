"""The trusted documents on disk, and what each of them is to the guards."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from graphql import FieldNode, OperationDefinitionNode

from bff.documents import Documents, TrustedDocument
from bff.ratelimit import (
    CARDHOLDER_MONEY,
    CODE_DRAW,
    SIGN_IN_BEGIN,
    TERMINAL_ENROLMENT,
    Limit,
)
from bff.seats import SeatClass
from schema.documents import Prepared

FOLDER = Path(__file__).parents[1] / "clients" / "documents"
HEARTBEAT = "terminalHeartbeat"

_SEATS = {
    "purchaseAuthorise": SeatClass.TERMINAL,
    "holderLookUp": SeatClass.TERMINAL,
    "purchaseCapture": SeatClass.TERMINAL,
    "purchaseRefund": SeatClass.TERMINAL,
    "purchaseVoid": SeatClass.URGENT,
    "terminal": SeatClass.URGENT,
    HEARTBEAT: SeatClass.URGENT,
    "cashTopUp": SeatClass.MONEY,
    "codeTokenIssue": SeatClass.MONEY,
}
FIELD_LIMITS: Mapping[str, Limit] = {
    "signInBegin": SIGN_IN_BEGIN,
    "terminalEnrol": TERMINAL_ENROLMENT,
    "codeTokenIssue": CODE_DRAW,
    "cashTopUp": CARDHOLDER_MONEY,
}
"""Root fields with a limit of their own beside the caller's (security.md 13)."""


def read_documents(folder: Path) -> list[str]:
    """The texts of a folder's `*.graphql` files, by name; none where there is no folder."""
    return [path.read_bytes().decode() for path in sorted(folder.glob("*.graphql"))]


def root_fields(prepared: Prepared, name: str | None = None) -> list[str]:
    """The names of the root fields that an operation selects directly."""
    operation: OperationDefinitionNode = prepared.operation(name)
    selections = operation.selection_set.selections
    return [each.name.value for each in selections if isinstance(each, FieldNode)]


def seat_classes(documents: Iterable[TrustedDocument]) -> dict[str, SeatClass]:
    """The seats of each document, by the name that its clients send."""
    return {
        document.name: _SEATS[field]
        for document in documents
        for field in root_fields(document.prepared)[:1]
        if field in _SEATS
    }


def heartbeats(documents: Documents) -> frozenset[str]:
    """The names of the documents that hold a heartbeat and nothing else."""
    found = {each.name for each in documents if root_fields(each.prepared) == [HEARTBEAT]}
    return frozenset({HEARTBEAT, *found})
