"""What terminals ask an edge, read from the same signed bytes that the server would read."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from bff.body import read_request
from bff.guards import Head
from bff.refusal import Refused
from clients.endpoint import document_id
from core.entry.records import Direction
from core.kit.money import CURRENCY
from core.ports.journal import EdgeKey
from terminals.codes import strip
from terminals.message import NUMBER_MAXIMUM, BusinessFields, EntryFields, RequestKey
from terminals.signature import Request

_SIGNED = ("content-digest", "idempotency-key", "signature-input", "signature")

Number = Annotated[int, Field(ge=1, le=NUMBER_MAXIMUM)]
Version = Annotated[int, Field(ge=0, le=(1 << 32) - 1)]


class Operation(StrEnum):
    """What an edge can answer by itself; everything else needs the server."""

    AUTHORISE = "PurchaseAuthorise"
    VOID = "PurchaseVoid"
    STATUS = "PurchaseStatus"
    ENTRY = "EntryAuthorise"
    SYNC = "TerminalSyncParameters"


_OPERATIONS = {document_id(each): each for each in Operation}


class _Input(BaseModel):
    """Camel-case GraphQL input; members that an edge does not need are not looked at."""

    model_config = ConfigDict(alias_generator=to_camel, strict=True, frozen=True)


class KeyInput(_Input):
    """The key of a request, or what it refers to."""

    batch_no: Annotated[int, Field(ge=0, le=NUMBER_MAXIMUM)]
    seq_no: Number

    def of(self, terminal_no: int) -> EdgeKey:
        """The whole key."""
        return EdgeKey(terminal_no, self.batch_no, self.seq_no)


class Keyed(_Input):
    """Every input names the key that its signature names."""

    key: KeyInput


class Purchase(Keyed):
    """`purchaseAuthorise`; fen."""

    presented: str | None = None
    continuation: str | None = None
    challenge: str | None = None
    minor_amount: int
    currency_code: str = CURRENCY
    capture: str = "IMMEDIATE"
    scene: str
    pin_block: str | None = None

    def content_hash(self) -> bytes:
        """What a repeat of the key must ask for again."""
        return BusinessFields(
            operation="AUTHORISE",
            presented=self.continuation or (self.presented and strip(self.presented)),
            challenge=self.challenge and strip(self.challenge),
            minor_amount=self.minor_amount,
            currency=self.currency_code,
            scene=self.scene,
            capture=self.capture,
        ).content_hash()


class Void(Keyed):
    """`purchaseVoid`."""

    original: KeyInput

    def content_hash(self) -> bytes:
        """What a repeat of the key must ask for again; the terminal is that of the key."""
        original = RequestKey(0, self.original.batch_no, self.original.seq_no)
        return BusinessFields(operation="VOID", original=original).content_hash()


class Entry(Keyed):
    """`entryAuthorise`."""

    presented: str
    challenge: str | None = None
    door_no: int
    direction: Annotated[Direction, Field(strict=False)]

    def content_hash(self) -> bytes:
        """What a repeat of the key must ask for again."""
        challenge = None if self.challenge is None else strip(self.challenge)
        fields = strip(self.presented), challenge, self.door_no, self.direction.value
        return EntryFields("ENTRY", *fields).content_hash()


class Status(_Input):
    """`purchaseStatus`: its key is in the signature alone."""

    original: KeyInput


class Sync(Keyed):
    """`terminalSyncParameters`."""

    keys_version: Version
    parameters_version: Version | None = None
    deny_version: Version | None = None


Given = Purchase | Void | Entry | Status | Sync
_INPUTS: Mapping[Operation, type[Given]] = {
    Operation.AUTHORISE: Purchase,
    Operation.VOID: Void,
    Operation.ENTRY: Entry,
    Operation.STATUS: Status,
    Operation.SYNC: Sync,
}


@dataclass(frozen=True, slots=True)
class Question:
    """A request that an edge can answer; nothing of its signature is verified yet."""

    operation: Operation
    given: Given
    request: Request
    language: str

    @property
    def evidence(self) -> bytes:
        """The signed bytes, as a terminal's own proof should it die: headers, blank line, body."""
        lines = (f"{name}: {self.request.headers[name]}" for name in _SIGNED)
        return "\n".join((*lines, "", "")).encode() + self.request.body


def find_question(head: Head, body: bytes) -> Question | None:
    """The question in a body; None if only the server can answer it."""
    try:
        asked = read_request(body)
    except Refused:
        return None
    operation = _OPERATIONS.get(asked.document_id or "")
    if operation is None:
        return None
    try:
        given = _INPUTS[operation].model_validate(_input(operation, asked.variables))
    except ValidationError:
        return None
    headers = {name: head.text(name.encode()) for name in _SIGNED}
    language = "en" if head.text(b"accept-language").lower().startswith("en") else "zh"
    return Question(operation, given, Request("POST", head.path, headers, body), language)


def _input(operation: Operation, variables: Mapping[str, Any]) -> object:
    return variables if operation is Operation.STATUS else variables.get("input")
