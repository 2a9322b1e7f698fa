"""Selling without the server: the till goes by its own documents, and writes before it shows."""

from dataclasses import replace

from clients.endpoint import NoAnswer
from clients.terminal.journal import Entry, Journal, Operation
from clients.terminal.offline_store import DENY_HEARD, Taken
from clients.terminal.protocol import Line
from clients.terminal.receipt import Receipt
from clients.terminal.wire_format import key_input
from terminals import cc1, taps
from terminals.authority import Held, Memory, Sale, authority_of, judge_sale
from terminals.cc1 import Presentation
from terminals.ccr import Outcome
from terminals.codes import CodeRefusal, Use
from terminals.deny import DenyList
from terminals.documents import DocumentKind
from terminals.offline import ClockState, Record, RecordKind
from terminals.parameters import Parameters
from terminals.taps import Tap
from terminals.verification import Verified

_RECENT = 90
"""Requests looked at for codes sent online: more than a till takes in the life of a code."""


class Alone:
    """The till as its own authority (codes.md 13), or as the one that an edge decided for."""

    def __init__(self, journal: Journal, line: Line) -> None:
        self._journal = journal
        self._line = line
        self._store = line.store

    def accept(self, entry: Entry, *, by_edge: bool = False) -> CodeRefusal | None:
        """Takes the sale of a request that got no answer, under the same key; why not, if not.

        A till whose site has an edge is no authority: it only writes what its edge has approved
        (`by_edge`), and only what its own documents allow, for the server judges it by those.
        When this answers None the record is on the disk.
        """
        parameters = self._store.parameters()
        if parameters is None or (self._line.has_edge and not by_edge):
            return CodeRefusal.OFFLINE_OFF
        sale = Sale(
            terminal_no=entry.key.terminal_no,
            presented=entry.given.get("presented"),
            minor_amount=entry.minor_amount,
            is_captured=entry.given.get("capture") == "IMMEDIATE",
            challenge=entry.given.get("challenge", ""),
        )
        now = self._line.now()
        count, total = self._store.waiting()
        deny = self._store.deny_list(now)
        held = self._held(parameters, deny.serials(), now)
        memory = Memory(self._store.spent(), self._seen(entry), count, total)
        tap = taps.read(sale.presented or "")
        if tap is not None and sale.is_captured:
            return self._accept_tap(entry, tap, sale, held, memory, deny)
        verdict = judge_sale(sale, held, memory)
        if isinstance(verdict, CodeRefusal):
            return verdict
        self._write(entry, verdict, deny.version, now)
        return None

    def _accept_tap(
        self, entry: Entry, tap: Tap, sale: Sale, held: Held, memory: Memory, deny: DenyList
    ) -> CodeRefusal | None:
        """Takes a physical card; its own number is all that this till can know of it."""
        site = held.parameters.site_of(entry.key.terminal_no)
        if site is None:
            return CodeRefusal.SITE_NOT_ALLOWED
        refusal = taps.refusal_of(
            entry.minor_amount,
            is_denied=deny.has_card(tap.uid),
            cap=held.parameters.tap_cap,
            spent=self._store.spent_by_card(tap.name, held.now - taps.CAPS_SECONDS),
            authority=authority_of(sale, held, memory, site),
        )
        if refusal is None:
            record = self._record(entry, RecordKind.PURCHASE, held.now)._replace(
                deny_version=deny.version, presented=entry.given["presented"]
            )
            self._store.accept(entry, record, Taken(), self._journal.identity.sign)
        return refusal

    def keep_receipt(self, shown: Entry, text: str, challenge: str) -> None:
        """Writes the record of a phone's verified receipt for a challenge of ours, and ends it."""
        record = self._record(shown, RecordKind.RECEIPT, self._line.now())._replace(
            deny_version=self._store.version(DocumentKind.DENY),
            presented=text,
            challenge=challenge,
        )
        sign = self._journal.identity.sign
        self._store.accept(shown, record, Taken(signed_answer=text), sign)

    def undo(self, original: Entry) -> Entry | None:
        """Undoes by a record a sale that was taken alone and has no verdict; its void, once.

        The record goes out after the sale's own, so the server never hears of one without the
        other. None for whatever the server has to be asked for: a sale that it knows or has judged,
        one of another batch (a record names its original by the number alone), and every sale of a
        site whose edge has to know, too.
        """
        key = original.key
        if original.outcome is Outcome.VOIDED:
            return self._journal.find_void_alone(key)
        is_ours = original.outcome is Outcome.APPROVED and self._store.is_unjudged_sale(key)
        if not is_ours or self._line.has_edge:
            return None
        given = {"original": key_input(key), "reason": "CASHIER"}
        try:
            with self._journal.unit():
                void = self._journal.write(Operation.VOID, given, original.minor_amount, key)
                self._write_void(void)
        except NoAnswer:
            return None
        return self._journal.get(void.key)

    def note_edges(self, receipt: Receipt) -> Receipt:
        """The same, with what the edge decided written as our own record before it is shown.

        Raises: NoAnswer, for a void that no record of ours can tell the server.
        """
        entry, answer = receipt.entry, receipt.answer
        assert answer is not None
        match entry.operation, answer.outcome:
            case Operation.AUTHORISE, Outcome.APPROVED:
                refusal = self.accept(entry, by_edge=True)
                if refusal is not None:
                    return replace(receipt, answer=None, refusal=refusal)
                return replace(receipt, is_offline=True)
            case Operation.VOID, Outcome.VOIDED:
                self._write_void(entry)
            case Operation.ENTRY, _:
                self._journal.end(entry, answer.outcome, receipt.shown["signedAnswer"])
        return receipt

    def _write_void(self, void: Entry) -> None:
        """Writes what the edge has undone, under the void's own key.

        A record names its original by the number alone, so both are of one batch; the void of
        another one waits for the server.
        """
        original = void.named
        if original.batch_no != void.key.batch_no:
            raise NoAnswer("the original is of another batch")
        now = self._line.now()
        record = self._record(void, RecordKind.VOID, now)._replace(
            presented=f"VOID:{original.seq_no}",
            deny_version=self._store.deny_list(now).version,
        )
        self._store.accept(void, record, Taken(), self._journal.identity.sign)

    def has_taken(self, presented: str) -> bool:
        """Whether a record holds this code: the server, which may not know of it, would take it."""
        code = cc1.read(presented)
        if not isinstance(code, Presentation):
            return False
        return code.replay_key(Use.PAY) in self._store.used_codes()

    def _write(self, entry: Entry, verdict: Verified, deny_version: int, now: int) -> None:
        record = self._record(entry, RecordKind.PURCHASE, now)._replace(
            deny_version=deny_version,
            presented=entry.given["presented"],
            challenge=entry.given.get("challenge", ""),
        )
        taken = Taken(verdict.presentation.cap_tag, verdict.replay_key)
        self._store.accept(entry, record, taken, self._journal.identity.sign)

    def _record(self, entry: Entry, kind: RecordKind, now: int) -> Record:
        return Record(
            issuer=self._journal.identity.issuer,
            key=entry.key,
            kind=kind,
            created_at=now,
            minor_amount=entry.minor_amount,
            parameters_version=self._store.version(DocumentKind.PARAMETERS),
            deny_version=0,
            clock_state=ClockState.TRUSTED,
            presented="",
        )

    def _held(self, parameters: Parameters, denied: frozenset[bytes], now: int) -> Held:
        heard_at = self._store.heard_at(DENY_HEARD)
        return Held(
            issuer=self._journal.identity.issuer,
            ring=self._journal.identity.ring,
            parameters=parameters,
            denied=denied,
            deny_is_fresh=heard_at is not None and now - heard_at <= parameters.deny_age_seconds,
            clock_is_trusted=self._line.is_clock_trusted,
            now=now,
        )

    def _seen(self, entry: Entry) -> set[bytes]:
        """Codes that were taken here, or sent online and not certainly refused."""
        seen = self._store.used_codes()
        for other in self._journal.list_newest(_RECENT):
            is_sale = other.operation is Operation.AUTHORISE
            if is_sale and other.key != entry.key and other.outcome is not Outcome.DECLINED:
                code = cc1.read(other.given.get("presented", ""))
                if isinstance(code, Presentation):
                    seen.add(code.replay_key(Use.PAY))
        return seen
