"""A school's server as terminals meet it, in memory, with a network that fails on command."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import httpx2

from clients.device_key import public_key
from clients.endpoint import DOCUMENTS, document_id
from terminals import ccq, ccr, signature
from terminals.ccr import Answer, Outcome
from terminals.directives import directives
from terminals.documents import DocumentKind, SignedDocument
from terminals.keys import signer, verifies
from terminals.message import KeyId, RequestKey, enrolment_message, find_pin, time_message
from terminals.signature import Nonces, Request, SignedHeaders, TerminalKey
from tests.unit.clients.pretend_keys import (
    ANSWER_SEED,
    PIN_PRIVATE,
    PIN_PUBLIC,
    PUBLISHED,
    ROOT_SEED,
)

NOW = 1_800_000_000
ISSUER = 7
ACTIVATION_CODE = "0123456789AB"
OPERATIONS = {document_id(path.stem): path.stem for path in DOCUMENTS.glob("*.graphql")}
LIMIT_MINOR = 5_000
"""Above it the pretended holder has to enter a PIN, which is 314159."""
BALANCE_MINOR = 100_000
CONTINUATION = "01a05b1f-b600-7e81-8ffe-238e848cb4bf"

Json = dict[str, Any]
Fault = Callable[[str], str | None]
"""What happens to an operation: LOSE_REQUEST, LOSE_ANSWER, FORGE, OVERLOADED or nothing."""


class PretendServer(httpx2.AsyncBaseTransport):
    """Answers by the contract, once for each key; `paid` is what it would have in its books."""

    def __init__(self) -> None:
        self.now = NOW
        self.sign, self.answer_kid = signer(ANSWER_SEED), 2
        self.document: SignedDocument | None = None
        self.documents: list[SignedDocument] = []
        self.records: dict[RequestKey, tuple[str, Json]] = {}
        self.settled: dict[int, int] = {}
        self.is_locked = self.is_close_due = False
        self.fault: Fault = lambda operation: None
        self.paid: dict[RequestKey, int] = {}
        self.held: dict[RequestKey, int] = {}
        self.answers: dict[RequestKey, tuple[str, Json]] = {}
        self.voided: set[RequestKey] = set()
        self.passed: list[str] = []
        self.opened: set[RequestKey] = set()
        self.events: dict[RequestKey, str] = {}
        self.asked: list[str] = []
        self.bodies: list[bytes] = []
        self._terminal: bytes | None = None
        self._nonces = Nonces()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One question, if the network lets it through."""
        body = await request.aread()
        asked = json.loads(body)
        operation = OPERATIONS[asked["documentId"]]
        assert request.headers["x-operation"] == operation
        self.asked.append(operation)
        self.bodies.append(body)
        fault = self.fault(operation)
        if fault == "LOSE_REQUEST":
            raise httpx2.ConnectError("no route", request=request)
        if fault == "OVERLOADED":
            errors = [{"message": "busy", "extensions": {"code": "OVERLOADED"}}]
            return httpx2.Response(503, json={"errors": errors}, headers={"retry-after": "0"})
        answered = self._answer(request, body, operation, asked["variables"])
        if fault == "LOSE_ANSWER":
            raise httpx2.ReadTimeout("nothing came", request=request)
        if fault == "FORGE":
            answered = _forged(answered)
        return httpx2.Response(200, json=answered)

    def scan(self, text: str) -> str:
        """A phone that is online pays a shown challenge; the receipt that it shows then."""
        signed = ccq.read(text)
        assert isinstance(signed, ccq.SignedChallenge)
        challenge = signed.challenge
        if challenge.key in self.voided:
            shown = self._shown(Outcome.VOIDED, challenge.key, "22", challenge.minor_amount)
        else:
            shown = self._shown(Outcome.APPROVED, challenge.key, "00", challenge.minor_amount)
            self.paid[challenge.key] = challenge.minor_amount
        self.answers[challenge.key] = ("scanned", shown)
        receipt: str = shown["signedAnswer"]
        return receipt

    def _answer(
        self, request: httpx2.Request, body: bytes, operation: str, variables: Json
    ) -> Json:
        given = variables.get("input", {})
        if operation == "TerminalEnrol":
            return self._enrolled(given)
        signed = signature.verify(
            Request(request.method, request.url.path, request.headers, body),
            self._find_key,
            self._nonces,
            None if given.get("clockLost") else self.now,
        )
        if not isinstance(signed, SignedHeaders):
            facts = {"code": "UNAUTHENTICATED", "reason": signed.value}
            return {"errors": [{"message": "no", "extensions": facts}]}
        if operation == "TerminalHeartbeat":
            return self._beat(signed, given)
        if operation == "TerminalSyncParameters":
            return {"data": {"terminalSyncParameters": {"documents": self._newer(given)}}}
        if operation == "OfflineBatchUpload":
            verdicts = [self._judged(given["batchNo"], item) for item in given["items"]]
            return {"data": {"offlineBatchUpload": {"verdicts": verdicts}}}
        if operation == "EntryEventsUpload":
            results = [self._told(given["batchNo"], item) for item in given["items"]]
            return {"data": {"entryEventsUpload": {"results": results}}}
        if operation == "BatchClose":
            return {"data": {"batchClose": {"batch": self._closed(given)}}}
        if operation == "PurchaseStatus":
            return {"data": {"terminal": {"purchaseStatus": self._status(signed, variables)}}}
        field = operation[0].lower() + operation[1:]
        if operation == "PurchaseVoid" and _key(given["original"]).batch_no in self.settled:
            late = {"code": "VOID_TOO_LATE", "message": "批次已结算", "path": ["input"]}
            return {"data": {field: {"authorisation": None, "userErrors": [late]}}}
        answered = "entry" if operation == "EntryAuthorise" else "authorisation"
        return {"data": {field: {answered: self._money(operation, signed.key, given)}}}

    def _find_key(self, key_id: KeyId) -> TerminalKey | None:
        return TerminalKey(self._terminal) if self._terminal and key_id == (ISSUER, 42, 1) else None

    def _enrolled(self, given: Json) -> Json:
        key = _bytes(given["publicKey"])
        message = enrolment_message(ACTIVATION_CODE, key, given["serialNumber"])
        if not verifies(key, message, _bytes(given["proof"])):
            error = {"code": "ACTIVATION_INVALID", "message": "激活码无效", "path": ["input"]}
            return {"data": {"terminalEnrol": {"enrolment": None, "userErrors": [error]}}}
        self._terminal = key
        enrolment = {
            "issuer": ISSUER, "terminalNo": 42, "keyNo": 1, "state": "PENDING",
            "roots": [{"kid": 1, "publicKey": b64encode(public_key(ROOT_SEED)).decode()}],
            "fingerprint": "00000000", "pinPublicKey": b64encode(PIN_PUBLIC).decode(),
            "keys": [{
                "issuer": ISSUER, "kid": kid, "use": use, "siteNo": 0, "signFrom": 0,
                "publicKey": b64encode(public_key(seed)).decode(), "signUntil": NOW * 2,
                "dropAfter": NOW * 2,
            } for kid, use, seed in PUBLISHED],
        }  # fmt: skip
        return {"data": {"terminalEnrol": {"enrolment": enrolment, "userErrors": []}}}

    def _beat(self, signed: SignedHeaders, given: Json) -> Json:
        proof = self.sign(time_message(ISSUER, 42, signed.nonce, self.now))
        told = [] if given["clockLost"] else directives(
            is_locked=self.is_locked,
            held={
                DocumentKind.KEYS: given["keysVersion"],
                DocumentKind.PARAMETERS: given["parametersVersion"],
                DocumentKind.DENY: given["denyVersion"],
                DocumentKind.RIGHTS: given["rightsVersion"],
            },
            newest=self._versions(),
            queue=given["queue"],
            is_close_due=self.is_close_due,
        )  # fmt: skip
        beat = {"signedTime": b64encode(proof).decode(), "time": self.now, "directives": told,
                "denyVersion": self._versions().get(DocumentKind.DENY, 0)}  # fmt: skip
        return {"data": {"terminalHeartbeat": {"heartbeat": beat, "userErrors": []}}}

    def _published(self) -> list[SignedDocument]:
        return [*([self.document] if self.document else []), *self.documents]

    def _versions(self) -> dict[DocumentKind, int]:
        return {each.kind: each.version for each in self._published()}

    def _newer(self, given: Json) -> list[Json]:
        held = {
            DocumentKind.KEYS: given["keysVersion"],
            DocumentKind.PARAMETERS: given["parametersVersion"],
            DocumentKind.DENY: given["denyVersion"],
            DocumentKind.RIGHTS: given["rightsVersion"],
        }
        newest = {each.kind: each for each in self.documents}
        newer = [
            each
            for each in newest.values()
            if held[each.kind] is not None and each.version > held[each.kind]
        ]
        # The key document is sent whatever is held: the terminal itself refuses an old one.
        return [_document(each) for each in (*newer, *filter(None, [self.document]))]

    def _judged(self, batch_no: int, item: Json) -> Json:
        """The verdict on a record: its purchase is paid once, under its own key."""
        key, content = RequestKey(42, batch_no, item["seqNo"]), json.dumps(item, sort_keys=True)
        told = {"seqNo": item["seqNo"], "retrievalReference": None, "first": None}
        if key in self.records:
            first = self.records[key]
            assert first[0] == content, "the terminal wrote two records under one key"
            again = {"verdict": "DUPLICATE", "reason": "SAME_RECORD", "flags": []}
            return {**told, "judgement": again, "first": first[1]}
        if key in self.voided:
            conflict = {"verdict": "REJECTED", "reason": "KEY_CONFLICT", "flags": []}
            return {**told, "judgement": conflict}
        flags = ["ALREADY_POSTED"] if key in self.paid else []
        minor = int(item["minorAmount"])
        if item["kind"] == "VOID":
            original = key._replace(seq_no=int(item["presented"].removeprefix("VOID:")))
            assert self.paid[original] == minor, "a void follows its sale, and once"
            self.paid[original] = 0
        else:
            assert self.paid.setdefault(key, minor) == minor
        judgement = {"verdict": "ACCEPTED", "reason": None, "flags": flags}
        self.records[key] = content, judgement
        return {**told, "judgement": judgement}

    def _told(self, batch_no: int, item: Json) -> Json:
        """The verdict on an event: under one key somebody passes once, online or not."""
        key, content = RequestKey(42, batch_no, item["seqNo"]), json.dumps(item, sort_keys=True)
        told = {"seqNo": item["seqNo"], "verdict": "DUPLICATE", "reason": "SAME_RECORD",
                "flags": []}  # fmt: skip
        assert self.events.setdefault(key, content) == content, "two events under one key"
        if key in self.opened:
            return told
        self.passed.append(item["direction"])
        self.opened.add(key)
        return {**told, "verdict": "ACCEPTED", "reason": None}

    def _closed(self, given: Json) -> Json:
        """Balanced, if every number is known and the sum is that of our books."""
        batch_no = given["batchNo"]
        known = {k.seq_no for k in (*self.answers, *self.records, *self.voided)
                 if k.batch_no == batch_no}  # fmt: skip
        numbers = set(range(1, given["lastSeq"] + 1)) - set(given["unused"])
        owed = sum(minor for k, minor in self.paid.items() if k.batch_no == batch_no)
        claimed = sum(
            total["minorAmount"] * (-1 if total["kind"] == "REFUND" else 1)
            for total in given["totals"]
        )
        balanced = numbers <= known and owed == claimed
        if balanced:
            self.settled.setdefault(batch_no, owed)
        return {"balanced": balanced, "missing": sorted(numbers - known),
                "net": {"minorAmount": owed} if balanced else None}  # fmt: skip

    def _status(self, signed: SignedHeaders, variables: Json) -> Json:
        original = _key(variables["original"])
        kept = self.answers.get(original)
        state = "CAPTURED" if original in self.paid else None
        return {
            "known": kept is not None,
            "state": state,
            "authorisation": kept[1] if kept else None,
        }

    def _money(self, operation: str, key: RequestKey, given: Json) -> Json:
        assert _key(given["key"]) == key
        content = json.dumps({name: given[name] for name in sorted(given) if name != "pinBlock"})
        kept = self.answers.get(key)
        if kept is not None:
            assert kept[0] == content, "the terminal used one key for two requests"
            return {**kept[1], "replayed": True}
        shown = self._decided(operation, key, given)
        self.answers[key] = (content, shown)
        return shown

    def _decided(self, operation: str, key: RequestKey, given: Json) -> Json:
        if operation == "PurchaseVoid":
            original = _key(given["original"])
            self.voided.add(original)
            self.paid.pop(original, None)
            self.held.pop(original, None)
            return self._shown(Outcome.VOIDED, original, "00", 0)
        if operation == "EntryAuthorise":
            return self._entered(key, given)
        amount = given["minorAmount"]
        if operation == "PurchaseAuthorise":
            return self._authorised(key, given, amount)
        original = _key(given["original"])
        books = self.held if operation == "PurchaseCapture" else self.paid
        if books.get(original, 0) < amount:
            return self._shown(Outcome.DECLINED, key, "64", amount)
        if operation == "PurchaseCapture":
            del self.held[original]
            self.paid[original] = amount
        else:
            self.paid[original] -= amount
        return self._shown(Outcome.APPROVED, key, "00", amount)

    def _entered(self, key: RequestKey, given: Json) -> Json:
        if given["doorNo"] != 1:
            return self._shown(Outcome.DECLINED, key, "58", 0)
        self.passed.append(given["direction"])
        self.opened.add(key)
        seen = {"name": None, "number": None, "holderClass": "STUDENT"}
        return {**self._shown(Outcome.APPROVED, key, "00", 0), "holder": seen}

    def _authorised(self, key: RequestKey, given: Json, amount: int) -> Json:
        if key in self.voided:
            return self._shown(Outcome.DECLINED, key, "22", amount)
        assert ("presented" in given) != ("continuation" in given)
        assert given.get("continuation", CONTINUATION) == CONTINUATION
        pin = find_pin(given["pinBlock"], key, PIN_PRIVATE) if given.get("pinBlock") else None
        if amount > LIMIT_MINOR and pin is None:
            asked = self._shown(Outcome.PIN_REQUIRED, key, "70", amount)
            return {**asked, "continuation": CONTINUATION}
        if pin is not None and pin.digits != "314159":
            return {**self._shown(Outcome.DECLINED, key, "55", amount), "triesLeft": 4}
        if sum(self.paid.values()) + sum(self.held.values()) + amount > BALANCE_MINOR:
            return self._shown(Outcome.DECLINED, key, "51", amount)
        books = self.held if given["capture"] == "MANUAL" else self.paid
        books[key] = amount
        return self._shown(Outcome.APPROVED, key, "00", amount)

    def _shown(self, outcome: Outcome, named: RequestKey, code: str, amount: int) -> Json:
        answer = Answer(outcome, ISSUER, self.answer_kid, named, amount, self.now, code)
        return {"outcome": outcome.name, "responseCode": code, "replayed": False,
                "signedAnswer": ccr.make(answer, self.sign)}  # fmt: skip


def _document(document: SignedDocument) -> Json:
    return {
        "kind": document.kind.name,
        "issuer": document.issuer,
        "version": document.version,
        "kid": document.kid,
        "content": b64encode(document.content).decode(),
        "signature": b64encode(document.signature).decode(),
    }


def _forged(answered: Json) -> Json:
    """What somebody on the same network would say: paid, signed with a key of their own."""
    text = json.dumps(answered)
    start = text.find("CCR:")
    if start < 0:
        return answered
    answer = ccr.read(json.loads(f'"{text[start : start + 154]}"'))
    assert isinstance(answer, ccr.SignedAnswer)
    paid = answer.answer._replace(outcome=Outcome.APPROVED, response_code="00")
    return json.loads(text[:start] + ccr.make(paid, signer(b"\x99" * 32)) + text[start + 154 :])  # type: ignore[no-any-return]  # JSON


def _key(given: Json) -> RequestKey:
    return RequestKey(42, given["batchNo"], given["seqNo"])


def _bytes(text: str) -> bytes:
    return b64decode(text)
