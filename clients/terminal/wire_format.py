"""What the wire carries, as a terminal reads and writes it."""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64

from clients.endpoint import Json, NoAnswer
from clients.terminal.journal import Operation
from terminals.documents import DocumentKind, SignedDocument
from terminals.message import RequestKey

DOCUMENTS = {
    Operation.AUTHORISE: ("PurchaseAuthorise", "purchaseAuthorise", "authorisation"),
    Operation.CAPTURE: ("PurchaseCapture", "purchaseCapture", "authorisation"),
    Operation.VOID: ("PurchaseVoid", "purchaseVoid", "authorisation"),
    Operation.REFUND: ("PurchaseRefund", "purchaseRefund", "authorisation"),
    Operation.METER_START: ("MeterStart", "meterStart", "authorisation"),
    Operation.METER_STOP: ("MeterStop", "meterStop", "authorisation"),
    Operation.ENTRY: ("EntryAuthorise", "entryAuthorise", "entry"),
    Operation.LOAD_CLAIM: ("LoadClaim", "loadClaim", "load"),
    Operation.LOAD_CONFIRM: ("LoadConfirm", "loadConfirm", "load"),
    Operation.CARD_REFRESH: ("CardRefresh", "cardRefresh", "card"),
    Operation.CARD_RELEASE: ("KioskRelease", "kioskRelease", "card"),
    Operation.CARD_REPLACE: ("KioskReplace", "kioskReplace", "job"),
    Operation.VEND_REPORT: ("KioskVendReport", "kioskVendReport", "job"),
}
"""Of each operation: its document, its mutation, and what that answers."""

SAID_BY_SERVER = {
    Operation.METER_START, Operation.LOAD_CLAIM, Operation.LOAD_CONFIRM, Operation.CARD_REFRESH,
    Operation.CARD_RELEASE,
    Operation.CARD_REPLACE, Operation.VEND_REPORT,
}  # fmt: skip
"""Holds of meters and cards: how much it is, the server says and never the terminal."""


class DocumentRefused(NoAnswer):
    """A signed document is not to be believed; we keep what we have."""


class AnswerForged(NoAnswer):
    """The answer is not signed by our school's server for this very request."""


def key_input(key: RequestKey) -> Json:
    """A key as GraphQL input."""
    return {"batchNo": key.batch_no, "seqNo": key.seq_no}


def stated_amount(shown: Json) -> int:
    """What the server says of a load or a fee; its signed answer must say the same."""
    money = shown.get("amount") or shown.get("fee") or {"minorAmount": 0}
    amount: int = money["minorAmount"]
    return amount


def base64_text(raw: bytes) -> str:
    """Bytes as GraphQL input."""
    return b64encode(raw).decode()


def base64_bytes(text: str) -> bytes:
    """The bytes of an answer's text; none if it is no base64."""
    try:
        return b64decode(text, validate=True)
    except NotBase64:
        return b""


def document_of(given: Json) -> SignedDocument:
    """A document as answered; nothing of it is verified yet."""
    return SignedDocument(
        kind=DocumentKind[given["kind"]],
        issuer=int(given["issuer"]),
        version=int(given["version"]),
        kid=int(given["kid"]),
        content=base64_bytes(given["content"]),
        signature=base64_bytes(given["signature"]),
    )
