"""The trusted documents on disk, and what each of them is to the guards."""

from collections.abc import Iterable
from pathlib import Path

from bff.documents import Documents, TrustedDocument
from bff.seats import SeatClass

FOLDER = Path(__file__).parents[1] / "clients" / "documents"
HEARTBEAT = "terminalHeartbeat"

_SEATS = {
    "purchaseAuthorise": SeatClass.TERMINAL,
    "holderLookUp": SeatClass.TERMINAL,
    "entryAuthorise": SeatClass.TERMINAL,
    "entryEventsUpload": SeatClass.TERMINAL,
    "loadClaim": SeatClass.TERMINAL,
    "loadConfirm": SeatClass.TERMINAL,
    "cardRefresh": SeatClass.TERMINAL,
    "kioskRelease": SeatClass.TERMINAL,
    "kioskReplace": SeatClass.TERMINAL,
    "kioskVendReport": SeatClass.TERMINAL,
    "purchaseCapture": SeatClass.TERMINAL,
    "purchaseRefund": SeatClass.TERMINAL,
    "purchaseVoid": SeatClass.URGENT,
    "terminal": SeatClass.URGENT,
    HEARTBEAT: SeatClass.URGENT,
    "offlineBatchUpload": SeatClass.TERMINAL,
    "batchClose": SeatClass.TERMINAL,
    "cashTopUp": SeatClass.MONEY,
    "codeTokenIssue": SeatClass.MONEY,
    "merchantCodePay": SeatClass.MONEY,
}

_UPLOADS = ("entryEventsUpload", "offlineBatchUpload")
"""What terminals send in bulk."""


def read_documents(folder: Path) -> list[str]:
    """The texts of a folder's `*.graphql` files, by name; none where there is no folder."""
    return [path.read_bytes().decode() for path in sorted(folder.glob("*.graphql"))]


def seat_classes(documents: Iterable[TrustedDocument]) -> dict[str, SeatClass]:
    """The seats of each document, by the name that its clients send."""
    return {
        document.name: _SEATS[field]
        for document in documents
        for field in document.prepared.root_fields(None)[:1]
        if field in _SEATS
    }


def heartbeats(documents: Documents) -> frozenset[str]:
    """The names of the documents that hold a heartbeat and nothing else."""
    found = {each.name for each in documents if each.prepared.root_fields(None) == [HEARTBEAT]}
    return frozenset({HEARTBEAT, *found})


def upload_ids(documents: Iterable[TrustedDocument]) -> frozenset[str]:
    """The ids of the documents that are one upload and nothing else: their bodies may be larger."""
    roots = {each.id: each.prepared.root_fields(None) for each in documents}
    return frozenset(id_ for id_, fields in roots.items() if fields in [[up] for up in _UPLOADS])
