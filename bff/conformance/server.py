"""The server's part: every request is read, checked and answered as a school's server would.

What goes wrong on the way is the script's to say; the books stay true whatever the network does.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bff.body import read_request
from bff.conformance.books import Books
from bff.conformance.contract import Contract, InputInvalid, Json
from bff.conformance.evidence import Event
from bff.conformance.operations import Operations
from bff.conformance.school import ISSUER, TERMINAL_NO, School
from bff.conformance.steps import Fault, Rule, Step
from bff.refusal import STATUSES, Refused
from bff.settings import Language
from schema.catalogue import ERRORS
from terminals import signature
from terminals.codes import strip
from terminals.message import NUMBER_MAXIMUM, KeyId, RequestKey
from terminals.signature import Nonces, Request, SignatureRefusal, SignedHeaders, TerminalKey

HEARTBEAT = "TerminalHeartbeat"
_HEARTBEATS = (HEARTBEAT, "terminalHeartbeat")
_REFUND = "PurchaseRefund"
_OF_A_CODE = ("PurchaseAuthorise", "EntryAuthorise", "MeterStart")
_BODY_MAXIMUM = 256 * 1024
RETRY_AFTER_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Server:
    """`now()` is the present in Unix seconds; `language` is that of the texts it answers with."""

    def __init__(
        self, school: School, contract: Contract, now: Callable[[], float], language: Language
    ) -> None:
        self.books = Books(school)
        self.events: list[Event] = []
        self.clock_jump_seconds = 0
        self._school = school
        self._contract = contract
        self._now = now
        self._language = language
        self._nonces = Nonces()
        self._step: Step | None = None
        self._code: str | None = None
        self._left: dict[Rule, int] = {}
        self.operations = Operations(school, self.books, language)

    @property
    def now(self) -> float:
        """The school's time in Unix seconds."""
        return self._now() + self.clock_jump_seconds

    def begin(self, step: Step, code: str | None) -> None:
        """From now on requests belong to this step, whose sale presents `code`."""
        self.clock_jump_seconds += step.clock_jump_seconds
        self._step, self._code = step, code
        self._left = {rule: rule.times for rule in step.rules if rule.times is not None}
        self.operations.begin(step, code)

    def answer(self, request: Request) -> Reply | None:
        """What comes back; None is silence. The request is in `events` afterwards."""
        asked = self._read(request)
        reply = self._replied(request, asked)
        self.events.append(asked.event)
        return None if asked.event.fault and asked.event.fault.is_silent else reply

    def _read(self, request: Request) -> "_Asked":
        step = self._step
        event = Event(
            number=len(self.events),
            step=step.id if step else "",
            at=self.now,
            operation="",
            named=request.headers.get("x-operation", ""),
            body=request.body,
        )
        try:
            read = read_request(request.body)
        except Refused as refused:
            return _Asked(event, {}, refused.code)
        operation = self._contract.operation(read.document_id)
        return _Asked(replace(event, operation=operation or ""), dict(read.variables))

    def _replied(self, request: Request, asked: "_Asked") -> Reply:
        event = asked.event
        signed = self._signed(request, asked)
        if isinstance(signed, Reply):
            return signed
        if asked.unreadable is not None:
            asked.event = replace(asked.event, refusal=asked.unreadable)
            return self._error(STATUSES[asked.unreadable], asked.unreadable, None)
        if not event.operation:
            return self._refused(asked, "BAD_DOCUMENT", "DOCUMENT_UNKNOWN")
        try:
            read = self._contract.read(event.operation, asked.variables)
        except InputInvalid as invalid:
            return self._refused(asked, "BAD_DOCUMENT", str(invalid))
        given = read.get("input", read)
        asked.event = event = replace(asked.event, given=given)
        if not _are_numbers(given):
            return self._refused(asked, "BAD_DOCUMENT", "Variable with a number out of range")
        if event.operation == _REFUND and (given["original"] is None) == (
            given["retrievalReference"] is None
        ):
            return self._refused(asked, "BAD_DOCUMENT", "ORIGINAL_OR_REFERENCE")
        own = given.get("key")
        if signed is not None and own is not None and _key(own) != signed.key:
            return self._refused(asked, "UNAUTHENTICATED", SignatureRefusal.KEY_MISMATCH)
        fault = self._fault(event)
        asked.event = event = replace(event, fault=fault)
        if fault is Fault.REQUEST_LOST:
            return Reply(504, b"")
        if fault is Fault.BUSY:
            headers = {"retry-after": str(RETRY_AFTER_SECONDS)}
            return self._error(503, "OVERLOADED", headers)
        if fault is Fault.LOCKED and event.operation != HEARTBEAT:
            return self._refused(asked, "FORBIDDEN", SignatureRefusal.TERMINAL_LOCKED)
        payload, asked.event = self.operations.answer(event, int(self.now))
        data = self._contract.write(event.operation, payload, asked.variables)
        return _reply(200, {"data": data})

    def _signed(self, request: Request, asked: "_Asked") -> SignedHeaders | Reply | None:
        """The signature of a request; None for the one that needs none."""
        event = asked.event
        if event.operation == "TerminalEnrol":
            return None
        signed = signature.read(request, _BODY_MAXIMUM)
        if isinstance(signed, SignatureRefusal):
            return self._refused(asked, "UNAUTHENTICATED", signed)
        asked.event = replace(
            event,
            key=signed.key,
            key_no=signed.key_id.key_no,
            created_at=signed.created_at,
            nonce=signed.nonce,
            fault=Fault.KEY_OVER if self.operations.keys.is_ended(signed.key_id.key_no) else None,
        )
        is_heartbeat = event.named in _HEARTBEATS
        refusal = signature.refusal(
            request,
            signed,
            self._find_key(signed.key_id),
            self._nonces,
            None if is_heartbeat else int(self.now),
        )
        if refusal is None:
            return signed
        facts: dict[str, Any] = {}
        if refusal is SignatureRefusal.CLOCK_SKEW:
            at = int(self.now)
            told = self._school.signed_time(signed.key_id.terminal_no, signed.nonce, at)
            facts = {"time": at, "signedTime": told}
        return self._refused(asked, "UNAUTHENTICATED", refusal, **facts)

    def _find_key(self, key_id: KeyId) -> TerminalKey | None:
        if (key_id.issuer, key_id.terminal_no) != (ISSUER, TERMINAL_NO):
            return None
        public_key = self.operations.keys.find(key_id.key_no)
        return None if public_key is None else TerminalKey(public_key)

    def _fault(self, event: Event) -> Fault | None:
        """What the step does to this request."""
        assert self._step is not None
        for rule in self._step.rules:
            if rule.operation not in (None, event.operation) or self._left.get(rule) == 0:
                continue
            is_of_code = self._code is not None and rule.operation in _OF_A_CODE
            if is_of_code and not self._is_own(event):
                continue
            if rule.times is not None:
                self._left[rule] -= 1
            return rule.fault
        return None

    def _is_own(self, event: Event) -> bool:
        given = event.given
        return (given.get("code8") or strip(given.get("presented") or "")) == self._code

    def _refused(self, asked: "_Asked", code: str, reason: str, **facts: object) -> Reply:
        asked.event = replace(asked.event, refusal=str(reason))
        return self._error(200, code, None, reason=str(reason), **facts)

    def _error(
        self, status: int, code: str, headers: Mapping[str, str] | None, **facts: object
    ) -> Reply:
        message = ERRORS.get(code)
        text = code if message is None else message.text(self._language, {})
        error = {"message": text, "extensions": {"code": code, **facts}}
        return _reply(status, {"data": None, "errors": [error]}, headers)


@dataclass(slots=True)
class _Asked:
    """A request on its way; `variables` are as they came, `unreadable` why its body is none."""

    event: Event
    variables: Json
    unreadable: str | None = None


def _reply(status: int, body: Json, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, json.dumps(body, ensure_ascii=False).encode(), headers or {})


def _are_numbers(given: Json) -> bool:
    """Whether the keys that it names are such as terminals make."""
    keys = [given[name] for name in ("key", "original") if given.get(name) is not None]
    numbers = [key[name] for key in keys for name in ("batchNo", "seqNo")]
    return all(0 <= n <= NUMBER_MAXIMUM for n in (*numbers, given.get("lastSeq", 0)))


def _key(given: Json) -> RequestKey:
    return RequestKey(TERMINAL_NO, given["batchNo"], given["seqNo"])
