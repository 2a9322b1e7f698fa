"""The edge as the one offline authority of its site: decides, writes, and only then answers."""

from dataclasses import replace
from typing import Any

from bff.edge import answers
from bff.edge.answers import Json
from bff.edge.questions import Entry, Operation, Purchase, Question, Status, Sync, Void
from clients.terminal.journal import Journal
from clients.terminal.offline_store import DENY_HEARD
from clients.terminal.protocol import Line
from core.entry.records import Direction
from core.ports.journal import EdgeAnswer, EdgeJournal, EdgeKey
from core.school.records import DocumentKind
from terminals import cc1, ccr, signature
from terminals.authority import Held, Memory, Sale
from terminals.cc1 import Presentation
from terminals.ccr import Answer, Outcome
from terminals.codes import CodeRefusal, Use, strip
from terminals.edge import Decision, EntryAsked, PurchaseAsked, decide_entry, decide_purchase
from terminals.keys import PublicKey
from terminals.message import RequestKey
from terminals.roll import TerminalLine, find_key
from terminals.signature import Nonces, SignatureRefusal, SignedHeaders
from terminals.verification import Spent

KEPT_SECONDS = 30 * 86_400
"""How long answers and the signed requests behind them stay: thrice what a record may take."""


class Undecided(Exception):
    """The edge may not or cannot decide this; the terminal asks again later."""


class EdgeAuthority:
    """Decides by the documents in the edge's journal; one request at a time."""

    def __init__(self, journal: Journal, line: Line, kept: EdgeJournal) -> None:
        self._journal = journal
        self._line = line
        self._kept = kept
        self._nonces = Nonces()

    @property
    def is_ready(self) -> bool:
        """Whether the school lists this edge, and it has what it decides by."""
        store, own = self._line.store, self._journal.identity.own_edge_key(self._line.now())
        return None not in (own, store.roll(), store.parameters())

    def signer_of(self, question: Question) -> SignedHeaders | SignatureRefusal:
        """Who signed a question, or why it is nobody of this site (terminals.md 2)."""
        signed = signature.read(question.request)
        if isinstance(signed, SignatureRefusal):
            return signed
        now = self._line.now()
        key = None
        if signed.key_id.issuer == self._journal.identity.issuer:
            key = find_key(self._terminal(signed.key_id.terminal_no), signed.key_id, now)
        checked_at = now if self._line.is_clock_trusted else None
        refusal = signature.refusal(question.request, signed, key, self._nonces, checked_at)
        if refusal is None and not isinstance(question.given, Status):
            named = question.given.key.of(signed.key.terminal_no)
            refusal = None if named == tuple(signed.key) else SignatureRefusal.KEY_MISMATCH
        return refusal or signed

    def note_sent(self, question: Question, signed: SignedHeaders) -> None:
        """Notes the code of a question that goes to the server: it is good once for both."""
        given = question.given
        if isinstance(given, Purchase | Entry) and given.presented is not None:
            code = cc1.read(strip(given.presented))
            if isinstance(code, Presentation):
                use = Use.PAY if isinstance(given, Purchase) else Use.ENTRY
                key = given.key.of(signed.key.terminal_no)
                self._kept.note_sent(key, code.replay_key(use), self._line.now())

    def answer(self, question: Question, signed: SignedHeaders) -> Json:
        """The answer to a verified question; what it decides is on the disk by then.

        Raises: Undecided.
        """
        given, terminal_no = question.given, signed.key.terminal_no
        match given:
            case Sync():
                return answers.documents(self._relayed(given))
            case Status():
                return self._status(given.original.of(terminal_no), question.language)
            case Purchase() | Void():
                field = "purchaseVoid" if isinstance(given, Void) else "purchaseAuthorise"
                return self._answered(question, given, terminal_no, field, "authorisation")
            case Entry():
                return self._answered(question, given, terminal_no, "entryAuthorise", "entry")

    def forget_old(self) -> None:
        """Deletes what is too old to matter."""
        self._kept.forget(self._line.now() - KEPT_SECONDS)

    def _answered(
        self,
        question: Question,
        given: Purchase | Void | Entry,
        terminal_no: int,
        field: str,
        answered: str,
    ) -> Json:
        shape = answers.entry if isinstance(given, Entry) else answers.authorisation
        key = given.key.of(terminal_no)
        with self._kept.unit():
            kept, replayed = self._kept.find(key), True
            if kept is None:
                kept, replayed = self._decided(given, key), False
                # What was refused proves nothing, and may hold a PIN block.
                is_refused = kept.outcome == Outcome.DECLINED.name
                self._kept.keep(kept, b"" if is_refused else question.evidence)
        if kept.content_hash != given.content_hash():
            return answers.conflict(field, answered, question.language)
        return answers.payload(field, answered, shape(kept, question.language, replayed=replayed))

    def _decided(self, given: Purchase | Void | Entry, key: EdgeKey) -> EdgeAnswer:
        """The answer to a key that is new here."""
        own = self._journal.identity.own_edge_key(self._line.now())
        terminal = self._terminal(key.terminal_no)
        if own is None or terminal is None or self._journal.is_locked or key.batch_no == 0:
            raise Undecided
        match given:
            case Purchase():
                return self._purchase(given, key, terminal, own)
            case Entry():
                return self._entry(given, key, terminal, own)
            case Void():
                return self._void(given, key, own)

    def _purchase(
        self, given: Purchase, key: EdgeKey, terminal: TerminalLine, own: PublicKey
    ) -> EdgeAnswer:
        presented = None if given.presented is None else strip(given.presented)
        asked = PurchaseAsked(
            sale=Sale(
                terminal_no=key.terminal_no,
                presented=presented,
                minor_amount=given.minor_amount,
                is_captured=given.capture == "IMMEDIATE",
                challenge=strip(given.challenge or ""),
            ),
            scene=given.scene,
            currency=given.currency_code,
            has_pin=given.pin_block is not None or given.continuation is not None,
        )
        is_voided = self._kept.find_void(key) is not None
        memory = self._memory(presented, key, Use.PAY)
        decision = decide_purchase(asked, terminal, self._held(), memory, is_voided=is_voided)
        amount = max(0, min(given.minor_amount, (1 << 32) - 1))
        return self._made(Operation.AUTHORISE, given, key, own, decision, amount)

    def _entry(
        self, given: Entry, key: EdgeKey, terminal: TerminalLine, own: PublicKey
    ) -> EdgeAnswer:
        presented = strip(given.presented)
        asked = EntryAsked(presented, given.door_no, given.direction, strip(given.challenge or ""))
        door, code = terminal.find_door(given.door_no), cc1.read(presented)
        came_in_at = None
        if door is not None and isinstance(code, Presentation):
            came_in_at = self._kept.came_in_at(door.zone, code.serial)
        memory = self._memory(presented, key, Use.ENTRY)
        decision = decide_entry(asked, terminal, self._held(), memory, came_in_at=came_in_at)
        made = self._made(Operation.ENTRY, given, key, own, decision, 0)
        return made if door is None else _at_door(made, door.zone, given.direction)

    def _void(self, given: Void, key: EdgeKey, own: PublicKey) -> EdgeAnswer:
        """A terminal's record of it names its original by the number alone: of the same batch."""
        original = given.original.of(key.terminal_no)
        if original.batch_no != key.batch_no:
            raise Undecided
        undone = self._kept.find(original)
        amount = 0 if undone is None else undone.minor_amount
        decision = Decision(Outcome.VOIDED, "00")
        return self._made(Operation.VOID, given, key, own, decision, amount, original)

    def _made(
        self,
        operation: Operation,
        given: Purchase | Void | Entry,
        key: EdgeKey,
        own: PublicKey,
        decision: Decision,
        minor_amount: int,
        original: EdgeKey | None = None,
    ) -> EdgeAnswer:
        now, verified = self._line.now(), decision.verified
        answer = Answer(
            outcome=decision.outcome,
            issuer=own.issuer,
            kid=own.kid,
            key=RequestKey(*(original or key)),
            minor_amount=minor_amount,
            answered_at=now,
            response_code=decision.response_code,
        )
        code = None if verified is None else verified.presentation
        return EdgeAnswer(
            key=key,
            operation=operation.name,
            content_hash=given.content_hash(),
            outcome=decision.outcome.name,
            response_code=decision.response_code,
            reason=decision.reason,
            minor_amount=minor_amount,
            answered_at=now,
            signed_answer=ccr.make(answer, self._journal.identity.sign),
            original=original,
            replay_key=None if verified is None else verified.replay_key,
            serial=None if code is None else code.serial,
            issuer=None if code is None else code.issuer,
            cap_tag=None if code is None else code.cap_tag,
        )

    def _status(self, original: EdgeKey, language: str) -> Json:
        void, kept = self._kept.find_void(original), self._kept.find(original)
        if void is not None:
            return answers.status(void, "VOIDED", language)
        is_paid = kept is not None and kept.outcome == "APPROVED"
        return answers.status(kept, "CAPTURED" if is_paid else None, language)

    def _relayed(self, asked: Sync) -> list[Any]:
        versions = {
            DocumentKind.KEYS: asked.keys_version,
            DocumentKind.PARAMETERS: asked.parameters_version,
            DocumentKind.DENY: asked.deny_version,
        }
        held = {kind: version for kind, version in versions.items() if version is not None}
        return self._line.store.newer(held)

    def _terminal(self, number: int) -> TerminalLine | None:
        """A terminal of this edge's site."""
        own, roll = self._journal.identity.own_edge_key(self._line.now()), self._line.store.roll()
        return None if own is None or roll is None else roll.at(own.site_no).get(number)

    def _held(self) -> Held:
        """Raises: Undecided."""
        store, now = self._line.store, self._line.now()
        parameters, heard_at = store.parameters(), store.heard_at(DENY_HEARD)
        if parameters is None:
            raise Undecided
        return Held(
            issuer=self._journal.identity.issuer,
            ring=self._journal.identity.ring,
            parameters=parameters,
            denied=store.deny_list(now).serials(),
            deny_is_fresh=heard_at is not None and now - heard_at <= parameters.deny_age_seconds,
            clock_is_trusted=self._line.is_clock_trusted,
            now=now,
        )

    def _memory(self, presented: str | None, key: EdgeKey, use: Use) -> Memory:
        """What this site took of a code's pass, and whether the code itself was seen."""
        code = cc1.read(presented or "")
        if isinstance(code, CodeRefusal):
            return Memory({}, ())
        replay_key = code.replay_key(use)
        is_used = self._kept.is_used(replay_key, by_other_than=key)
        spent = Spent(*self._kept.spent(code.issuer, code.cap_tag))
        return Memory(
            {(code.issuer, code.cap_tag): spent}, {replay_key} if is_used else frozenset()
        )


def _at_door(made: EdgeAnswer, zone: str, direction: Direction) -> EdgeAnswer:
    return replace(made, zone=zone, direction=direction.value)
