"""Selling without a network: the till decides by its own documents, and writes before it shows."""

from clients.terminal.journal import Entry, Journal, Operation
from clients.terminal.offline_store import DENY_HEARD, Taken
from clients.terminal.protocol import Line
from terminals import cc1, ccq, taps
from terminals.cc1 import Presentation
from terminals.ccr import Outcome
from terminals.codes import CodeRefusal, Use
from terminals.deny import DenyList
from terminals.documents import DocumentKind
from terminals.offline import ClockState, Record, RecordKind
from terminals.parameters import Parameters
from terminals.taps import Tap
from terminals.verification import (
    DENY_LIST_SECONDS,
    OfflineAuthority,
    Refused,
    VerificationContext,
    Verified,
    verify,
)

_RECENT = 90
"""Requests looked at for codes sent online: more than a till takes in the life of a code."""


class Alone:
    """The till as its own authority (codes.md 13)."""

    def __init__(self, journal: Journal, line: Line) -> None:
        self._journal = journal
        self._line = line
        self._store = line.store

    def accept(self, entry: Entry) -> CodeRefusal | None:
        """Takes the sale of a request that got no answer, under the same key; why not, if not.

        When this answers None the record is on the disk.
        """
        now, parameters = self._line.now(), self._store.parameters()
        text = entry.given.get("presented")
        if parameters is None or text is None or entry.given.get("capture") != "IMMEDIATE":
            return CodeRefusal.OFFLINE_OFF
        site = parameters.site_of(entry.key.terminal_no)
        if site is None:
            return CodeRefusal.SITE_NOT_ALLOWED
        deny = self._store.deny_list(now)
        authority = self._authority(entry, parameters, site, now)
        tap = taps.read(text)
        if tap is not None:
            return self._accept_tap(entry, tap, parameters, deny, authority, now)
        verdict = verify(text, self._context(entry, parameters, authority, deny.serials(), now))
        if isinstance(verdict, Refused):
            return verdict.refusal
        self._write(entry, verdict, deny.version)
        return None

    def _accept_tap(
        self,
        entry: Entry,
        tap: Tap,
        parameters: Parameters,
        deny: DenyList,
        authority: OfflineAuthority,
        now: int,
    ) -> CodeRefusal | None:
        """Takes a physical card; its own number is all that this till can know of it."""
        refusal = taps.refusal_of(
            entry.minor_amount,
            is_denied=deny.has_card(tap.uid),
            cap=parameters.tap_cap,
            spent=self._store.spent_by_card(tap.name, now - taps.CAPS_SECONDS),
            authority=authority,
        )
        if refusal is None:
            record = self._record(
                entry, RecordKind.PURCHASE, entry.given["presented"], "", deny.version
            )
            self._store.accept(entry, record, Taken(), self._journal.identity.sign)
        return refusal

    def keep_receipt(self, shown: Entry, text: str, challenge: str) -> None:
        """Writes the record of a phone's verified receipt for a challenge of ours, and ends it."""
        deny_version = self._store.version(DocumentKind.DENY)
        record = self._record(shown, RecordKind.RECEIPT, text, challenge, deny_version)
        sign = self._journal.identity.sign
        self._store.accept(shown, record, Taken(signed_answer=text), sign)

    def _write(self, entry: Entry, verdict: Verified, deny_version: int) -> None:
        given = entry.given
        record = self._record(
            entry, RecordKind.PURCHASE, given["presented"], given.get("challenge", ""), deny_version
        )
        taken = Taken(verdict.presentation.cap_tag, verdict.replay_key)
        self._store.accept(entry, record, taken, self._journal.identity.sign)

    def _record(
        self, entry: Entry, kind: RecordKind, presented: str, challenge: str, deny_version: int
    ) -> Record:
        is_trusted = self._line.is_clock_trusted
        return Record(
            issuer=self._journal.identity.issuer,
            key=entry.key,
            kind=kind,
            created_at=self._line.now(),
            minor_amount=entry.minor_amount,
            parameters_version=self._store.version(DocumentKind.PARAMETERS),
            deny_version=deny_version,
            clock_state=ClockState.TRUSTED if is_trusted else ClockState.LOST,
            presented=presented,
            challenge=challenge,
        )

    def _context(
        self,
        entry: Entry,
        parameters: Parameters,
        authority: OfflineAuthority,
        denied: frozenset[bytes],
        now: int,
    ) -> VerificationContext:
        challenge = ccq.read(entry.given.get("challenge", ""))
        return VerificationContext(
            now=now,
            use=Use.PAY,
            issuers=(self._journal.identity.issuer,),
            keys=self._journal.identity.ring,
            amount_minor=entry.minor_amount,
            challenge=None if isinstance(challenge, CodeRefusal) else challenge,
            challenge_above_minor=parameters.offline_challenge_above_minor,
            skew_seconds=parameters.skew_seconds,
            life_seconds=parameters.life_seconds,
            pay_kinds=parameters.pay_kinds,
            denied=denied,
            seen=self._seen(entry),
            offline=authority,
        )

    def _authority(
        self,
        entry: Entry,
        parameters: Parameters,
        site: int,
        now: int,
    ) -> OfflineAuthority:
        count, total = self._store.waiting()
        heard_at = self._store.heard_at(DENY_HEARD)
        is_fresh = heard_at is not None and now - heard_at <= parameters.deny_age_seconds
        return OfflineAuthority(
            clock_is_trusted=self._line.is_clock_trusted,
            # The school's own bound stands for the usual one.
            deny_list_age_seconds=0 if is_fresh else DENY_LIST_SECONDS + 1,
            store_is_full=count + 1 > parameters.stored_records
            or total + entry.minor_amount > parameters.stored_total_minor,
            money_is_on=parameters.offline_money,
            site=site,
            caps=parameters.caps_by_class(),
            spent=self._store.spent(),
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
