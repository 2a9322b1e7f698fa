"""What each operation does to the books, and what it answers."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

from bff.conformance.books import Books, Kept, Purchase, instrument_of
from bff.conformance.contract import Json
from bff.conformance.device_keys import DeviceKeys
from bff.conformance.doors import Doors
from bff.conformance.evidence import Event
from bff.conformance.follow_ups import FollowUps, content_of
from bff.conformance.forgery import EARLIER, forged_answer
from bff.conformance.meters import MAXIMUM_MINOR, Meters, content_of_start, content_of_stop
from bff.conformance.passages import Passages
from bff.conformance.school import (
    ISSUER,
    NEWEST,
    NEXT,
    OLDER,
    PIN,
    TERMINAL_NO,
    School,
    document_json,
    reference_of,
)
from bff.conformance.script import LIE_SECONDS
from bff.conformance.steps import Do, Fault, Step
from bff.conformance.uploads import item_of, judgement_json
from bff.settings import Language
from core.school.records import DocumentKind
from schema.catalogue import REFUSALS
from terminals.ccr import NO_REFERENCE, Outcome
from terminals.codes import strip
from terminals.directives import Directive, directives
from terminals.keys import is_registrable, verifies
from terminals.message import RequestKey, enrolment_message, find_activation_code, find_pin
from terminals.response import RESPONSES

_TEXTS = {response.code: response for response in RESPONSES}
_UNKNOWN_TEXT = ("本窗口暂停服务", "This counter is closed")
_SCANNED = (Do.SELL, Do.HOLD, Do.LOOK_UP, Do.PASS, Do.METER)
_PROGRESS_POLLS = 2
_TRIES = 4

Answered = tuple[Json, Event]


class Operations:
    """Reads and writes the books; every method answers the payload and the event of it."""

    def __init__(self, school: School, books: Books, language: Language) -> None:
        self.keys = DeviceKeys()
        self.newest = dict(NEWEST)
        self.steps: dict[str, Step] = {}
        """What the script wants with each code, by its text."""
        self._doors = Doors(school, books, self.steps, language)
        self._follow_ups = FollowUps(school, books)
        self._passages = Passages(school, books)
        self._meters = Meters(school, books, self.steps, self.keys)
        self._school = school
        self._books = books
        self._language = language
        self._step: Step | None = None
        self._continuations: dict[str, str] = {}
        self._polls: dict[RequestKey, int] = {}
        self._first_sale = EARLIER

    def begin(self, step: Step, code: str | None) -> None:
        """From now on this step's code is known, and its documents are the newest."""
        self._step = step
        if code is not None and step.do in _SCANNED:
            self.steps.setdefault(code, step)
        if step.id == "old":
            self.newest = dict(NEXT)
        if step.id == "rotate.late":
            self.keys.end_older()

    def answer(self, event: Event, now: int) -> Answered:
        """The payload of an operation, and its event with what came of it."""
        handlers: dict[str, Callable[[Event, int], Answered]] = {
            "TerminalEnrol": self._enrol,
            "TerminalHeartbeat": self._beat,
            "TerminalSyncParameters": self._sync,
            "PurchaseAuthorise": self._authorise,
            "EntryAuthorise": self._enter,
            "PurchaseStatus": self._status,
            "PurchaseVoid": self._void,
            "PurchaseCapture": self._follow,
            "PurchaseRefund": self._follow,
            "TerminalRotateKey": self._rotate,
            "MeterSync": self._meters.sync,
            "MeterStart": self._meter,
            "MeterStop": self._meter,
            "EntryEventsUpload": self._passages.judge,
            "OfflineBatchUpload": self._upload,
            "BatchClose": self._close,
            "HolderLookUp": self._look_up,
        }
        return handlers[event.operation](event, now)

    def _enrol(self, event: Event, _now: int) -> Answered:
        given = event.given
        code, key = find_activation_code(given["activationCode"]), given["publicKey"]
        expected = self._school.activation_code
        message = enrolment_message(expected, key, given["serialNumber"])
        proves = is_registrable(key) and verifies(key, message, given["proof"])
        if code != expected or not proves or given["issuer"] != ISSUER:
            return self._user_error(event, "ACTIVATION_INVALID", {"enrolment": None})
        self.keys.enrol(key)
        return {"enrolment": self._school.enrolment(key), "userErrors": []}, event

    def _rotate(self, event: Event, _now: int) -> Answered:
        given = event.given
        key_no = self.keys.rotate(given["newPublicKey"], given["proof"])
        if key_no is None:
            return self._user_error(event, "KEY_ROTATION_INVALID", {"keyNo": None})
        return {"keyNo": key_no, "userErrors": []}, replace(event, told={"keyNo": key_no})

    def _beat(self, event: Event, now: int) -> Answered:
        given, nonce = event.given, event.nonce
        assert nonce is not None
        is_locked, is_lost = event.fault is Fault.LOCKED, given["clockLost"]
        held = {
            DocumentKind.KEYS: given["keysVersion"],
            DocumentKind.PARAMETERS: given["parametersVersion"],
            DocumentKind.DENY: given["denyVersion"],
        }
        told: list[Directive] = []
        if not is_lost:
            told = directives(is_locked=is_locked, held=held, newest=self.newest)
        time, sign = now, self._school.signed_time
        if event.fault is Fault.LIED_TIME:
            time, sign = now + LIE_SECONDS, self._school.lied_time
        beat: Json = {
            "signedTime": sign(TERMINAL_NO, nonce, time),
            "nonce": b64encode(nonce).decode(),
            "time": time,
            "directives": [each.value for each in told],
        }
        if not is_lost:
            beat |= {
                "keysVersion": self.newest[DocumentKind.KEYS],
                "parametersVersion": self.newest[DocumentKind.PARAMETERS],
                "denyVersion": self.newest[DocumentKind.DENY],
            }
        told_event = replace(event, told={"directives": beat["directives"], "time": time})
        return {"heartbeat": beat, "userErrors": []}, told_event

    def _sync(self, event: Event, _now: int) -> Answered:
        given, school = event.given, self._school
        if event.fault is Fault.OLD_DOCUMENTS:
            found = [
                school.key_document(OLDER[DocumentKind.KEYS]),
                school.parameters_document(OLDER[DocumentKind.PARAMETERS]),
                school.deny_document(OLDER[DocumentKind.DENY]),
            ]
        elif event.fault is Fault.FORGED_DOCUMENTS:
            newest = self.newest[DocumentKind.PARAMETERS]
            found = [school.parameters_document(newest, is_forged=True)]
        elif event.fault is Fault.FORGED_KEYS:
            found = [school.key_document(self.newest[DocumentKind.KEYS], is_forged=True)]
        else:
            held = {
                DocumentKind.KEYS: given["keysVersion"],
                DocumentKind.PARAMETERS: given["parametersVersion"],
                DocumentKind.DENY: given["denyVersion"],
            }
            makers = {
                DocumentKind.KEYS: school.key_document,
                DocumentKind.PARAMETERS: school.parameters_document,
                DocumentKind.DENY: school.deny_document,
            }
            found = [
                makers[kind](self.newest[kind])
                for kind, version in held.items()
                if version is not None and version < self.newest[kind]
            ]
        return {"documents": [document_json(each) for each in found], "userErrors": []}, event

    def _authorise(self, event: Event, now: int) -> Answered:
        given, key = event.given, event.key
        assert key is not None
        presented = strip(given["presented"] or "") or None
        said = given["continuation"], given["challenge"], given["minorAmount"], given["capture"]
        content = ("AUTHORISE", presented, *said, given["scene"])
        if self._books.is_taken(key, content):
            return self._user_error(event, "IDEMPOTENCY_CONFLICT", {"authorisation": None})
        kept = self._books.answers.get(key)
        is_repeat = kept is not None
        if kept is None:
            kept = self._decided(key, given, presented, now)
            self._books.answers[key] = kept
        return self._authorisation(event, kept, now, is_repeat=is_repeat)

    def _decided(self, key: RequestKey, given: Json, presented: str | None, now: int) -> Kept:
        minor: int = given["minorAmount"]
        if key in self._books.voided:
            return self._kept(Outcome.DECLINED, key, minor, "22", now)
        if given["continuation"] is not None:
            presented = self._continuations.get(given["continuation"])
            pin = find_pin(given["pinBlock"] or "", key, self._school.pin_private)
            if presented is None or pin is None:
                return self._kept(Outcome.DECLINED, key, minor, "63", now)
            if pin.digits != PIN:
                return self._kept(Outcome.DECLINED, key, minor, "55", now, triesLeft=_TRIES)
            return self._paid(key, minor, presented, now)
        step = self.steps.get(presented or "")
        if step is None or presented is None:
            return self._kept(Outcome.DECLINED, key, minor, "C2", now)
        if self._books.is_spent(presented, key):
            return self._kept(Outcome.DECLINED, key, minor, "C1", now)
        if step.answer == "70":
            name = sha256(presented.encode()).hexdigest()[:32]
            self._continuations[name] = presented
            return self._kept(Outcome.PIN_REQUIRED, key, minor, "70", now, continuation=name)
        if step.answer == "09":
            return self._kept(Outcome.IN_PROGRESS, key, minor, "09", now, presented=presented)
        if step.answer != "00":
            return self._kept(Outcome.DECLINED, key, minor, step.answer, now)
        if given["capture"] == "MANUAL":
            kind = instrument_of(presented)
            self._books.purchases[key] = Purchase(key, minor, presented, kind, is_held=True)
            return self._kept(Outcome.APPROVED, key, minor, "00", now)
        return self._paid(key, minor, presented, now)

    def _paid(self, key: RequestKey, minor: int, presented: str, now: int) -> Kept:
        kind = instrument_of(presented)
        self._books.purchases[key] = Purchase(key, minor, presented, kind, is_paid=True)
        step = self.steps.get(presented)
        if step is not None and step.id == "sale":
            self._first_sale = key
        return self._kept(Outcome.APPROVED, key, minor, "00", now)

    def pay_challenge(self, key: RequestKey, minor: int, text: str, now: int) -> str:
        """What a phone does that pays the terminal's own code: it gets a receipt."""
        self._books.contents.setdefault(key, text)
        kept = self._paid(key, minor, text, now)
        self._books.answers[key] = kept
        return kept.signed

    def _enter(self, event: Event, now: int) -> Answered:
        answered = self._doors.answer(event, now)
        return answered or self._user_error(event, "IDEMPOTENCY_CONFLICT", {"entry": None})

    def _status(self, event: Event, now: int) -> Answered:
        original = event.original
        assert original is not None
        kept = self._books.answers.get(original)
        if kept is not None and kept.outcome is Outcome.IN_PROGRESS:
            polls = self._polls[original] = self._polls.get(original, 0) + 1
            if polls > _PROGRESS_POLLS:
                kept = self._paid(original, kept.minor_amount, kept.more["presented"], now)
                self._books.answers[original] = kept
        if kept is None:
            is_dead = original in self._books.voided
            status: Json = {"known": False, "state": "TOMBSTONE" if is_dead else None}
            return {"purchaseStatus": status}, replace(event, told=status)
        shown, heard = self._authorisation(event, kept, now, is_repeat=True)
        purchase = self._books.purchases.get(original)
        state = None if purchase is None else purchase.state
        status = {"known": True, "state": state, "authorisation": shown["authorisation"]}
        return {"purchaseStatus": status}, heard

    def _void(self, event: Event, now: int) -> Answered:
        original, key = event.original, event.key
        assert original is not None
        assert key is not None
        if self._books.is_taken(key, ("VOID", original)):
            return self._user_error(event, "IDEMPOTENCY_CONFLICT", {"authorisation": None})
        if original.batch_no in self._books.settled:
            return self._user_error(event, "VOID_TOO_LATE", {"authorisation": None})
        kept = self._books.answers.get(key)
        is_repeat = kept is not None
        if kept is None:
            purchase = self._books.purchases.get(original)
            minor = purchase.minor_amount if purchase else 0
            self._books.void(original)
            kept = self._kept(Outcome.VOIDED, original, minor, "00", now)
            self._books.answers[key] = kept
        return self._authorisation(event, kept, now, is_repeat=is_repeat)

    def _upload(self, event: Event, now: int) -> Answered:
        given, keys = event.given, self.keys.by_number
        items = [item_of(given["batchNo"], each) for each in given["items"]]
        wanted = {code: step.record for code, step in self.steps.items()}
        judged = self._books.judge_all(given["previousHash"], items, keys, now, wanted)
        verdicts: list[Json] = [
            {
                "seqNo": seq_no,
                "judgement": judgement_json(judgement),
                "first": None if judgement.first is None else judgement_json(judgement.first),
            }
            for seq_no, judgement in judged
        ]
        told = verdicts[: len(verdicts) // 2] if event.fault is Fault.HALF_JUDGED else verdicts
        return {"verdicts": told, "userErrors": []}, replace(event, told={"verdicts": told})

    def _close(self, event: Event, _now: int) -> Answered:
        if event.fault is Fault.FORGOTTEN_RECORD:
            self._books.forget_a_record()
            event = replace(event, fault=None)
        known = {key.batch_no for key in (*self._books.contents, *self._books.records)}
        if event.given["batchNo"] not in known:
            return self._user_error(event, "BATCH_UNKNOWN", {"batch": None})
        counted = self._books.totals(event.given["batchNo"])
        result = self._books.close(event.given["batchNo"], event.given)
        told = replace(event, told={**result, "counted": counted})
        return {"batch": result, "userErrors": []}, told

    def _look_up(self, event: Event, now: int) -> Answered:
        step = self.steps.get(strip(event.given["presented"]))
        told, heard = self._follow_ups.look_up(event, step, now)
        return {**told, "text": self._text(told["responseCode"])}, heard

    def _follow(self, event: Event, now: int) -> Answered:
        """A capture or a refund."""
        is_capture = event.operation == "PurchaseCapture"
        decide = self._follow_ups.capture if is_capture else self._follow_ups.refund
        return self._once(event, content_of(event), decide, now)

    def _meter(self, event: Event, now: int) -> Answered:
        """A start or a stop; a start that is approved, by whomever, tells what may run by it."""
        if event.operation == "MeterStop":
            return self._once(event, content_of_stop(event), self._meters.stop, now)
        told, heard = self._once(event, content_of_start(event), self._meters.start, now)
        shown = told["authorisation"]
        if shown is not None:
            shown["amount"] = {"minorAmount": MAXIMUM_MINOR}
            told["run"] = self._meters.run(now) if shown["responseCode"] == "00" else None
        return told, heard

    def _once(
        self,
        event: Event,
        content: tuple[object, ...],
        decide: Callable[[Event, int], Kept | None],
        now: int,
    ) -> Answered:
        """What is decided under a key the first time, and repeated ever after."""
        key = event.key
        assert key is not None
        if self._books.is_taken(key, content):
            return self._user_error(event, "IDEMPOTENCY_CONFLICT", {"authorisation": None})
        kept = self._books.answers.get(key)
        is_repeat = kept is not None
        if kept is None:
            kept = decide(event, now)
            if kept is None:
                return self._user_error(event, "REFERENCE_UNKNOWN", {"authorisation": None})
            self._books.answers[key] = kept
        return self._authorisation(event, kept, now, is_repeat=is_repeat)

    def _kept(
        self, outcome: Outcome, key: RequestKey, minor: int, code: str, now: int, **more: object
    ) -> Kept:
        signed = self._school.answer(outcome, key, minor, code, now)
        reference = reference_of(key) if code == "00" else NO_REFERENCE
        return Kept(outcome, code, minor, signed, reference, dict(more))

    def _authorisation(self, event: Event, kept: Kept, now: int, *, is_repeat: bool) -> Answered:
        """The answer as JSON; a forger's, where the script has one come first."""
        signed, outcome, code = kept.signed, kept.outcome, kept.code
        fault = event.fault
        if fault is not None and not fault.is_silent:
            key = event.key if fault is not Fault.PURCHASE_FOR_VOID else event.original
            assert key is not None
            given = event.given.get("minorAmount") or kept.minor_amount
            earlier = self._first_sale
            signed = forged_answer(fault, self._school, key, given, earlier, now)
            outcome, code = Outcome.APPROVED, "00"
        shown = {
            "outcome": outcome.name,
            "responseCode": code,
            "text": self._text(code),
            "retrievalReference": kept.reference,
            "replayed": is_repeat,
            "signedAnswer": signed,
            "continuation": kept.more.get("continuation"),
            "triesLeft": kept.more.get("triesLeft"),
        }
        heard = replace(event, outcome=kept.outcome, response=kept.code)
        return {"authorisation": shown, "userErrors": []}, heard

    def _text(self, code: str) -> str:
        zh, en = _UNKNOWN_TEXT
        if code in _TEXTS:
            zh, en = _TEXTS[code].zh, _TEXTS[code].en
        return (zh if self._language == "zh" else en).format(tries=_TRIES)

    def _user_error(self, event: Event, code: str, empty: Json) -> Answered:
        message = REFUSALS[code]
        text = message.zh if self._language == "zh" else message.en
        error = {"code": code, "message": text, "path": [], "retryable": False}
        return {**empty, "userErrors": [error]}, replace(event, refusal=code)
