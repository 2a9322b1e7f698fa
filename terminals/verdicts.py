"""The verdict on an offline record: one pure rule, the first match from top to bottom.

It is the table of terminals.md 6. A purchase that stands in our books under the record's own key
and with its content is matched before the policy is asked: no money moves by it any more.
"""

from collections.abc import Container, Mapping
from dataclasses import astuple, dataclass
from datetime import datetime
from functools import cached_property

from core.authorisation.offline import Flag, Judgement, Known, Reason, Verdict
from core.kit.clock import unix_seconds
from core.kit.money import is_amount
from terminals import ccq, ccr, taps
from terminals.cc1 import Flags, Kind, Presentation
from terminals.ccr import Outcome, Outstanding
from terminals.codes import LIFE_SECONDS, SKEW_SECONDS, CodeRefusal, Use, strip
from terminals.keys import Evidence
from terminals.offline import ClockState, Linked, RecordKind, first_link
from terminals.parameters import Parameters
from terminals.taps import ChipCheck, Tap, identifier_only
from terminals.verification import (
    OfflineAuthority,
    Refused,
    Spent,
    VerificationContext,
    verify,
)

CLOCK_SECONDS = 120
"""How far a terminal's clock may be ahead of ours, or behind its own batch."""
_DUE_SECONDS = 86_400
_PAID = ("CAPTURED", "REFUNDED_PART", "REFUNDED")
_OVERRIDDEN = ("DECLINED", "PIN_REQUIRED")
_AFTER_ROW_13 = (CodeRefusal.KIND_NOT_ACCEPTED, CodeRefusal.USE_NOT_ALLOWED)


@dataclass(frozen=True)
class Case:
    """A record with what is fixed about it: no row changes these.

    `public_keys` are all the terminal ever had, `parameters` those the record names (None: the
    school never published that version), `siblings` the hashes of the signed records beside it.
    `chip_check` tells whether a physical card is what it says.
    """

    linked: Linked
    is_signed: bool
    now: datetime
    public_keys: Mapping[int, bytes]
    evidence: Evidence
    parameters: Parameters | None
    siblings: Container[bytes] = ()
    chip_check: ChipCheck = identifier_only

    @cached_property
    def tap(self) -> Tap | None:
        """What a physical card said; None for a code."""
        return taps.read(strip(self.linked.item.record.presented))

    @cached_property
    def code(self) -> Presentation | CodeRefusal:
        """The code of a purchase, read and verified once: no row changes it."""
        return read_code(self)

    @property
    def created_at(self) -> int:
        """By the terminal's clock, in Unix seconds."""
        return self.linked.item.record.created_at


def judge(case: Case, known: Known) -> Judgement:
    """The verdict on one record."""
    if known.stored is not None:
        if known.stored.record == case.linked.packed:
            return Judgement(Verdict.DUPLICATE, Reason.SAME_RECORD, first=known.stored.judgement)
        return _rejected(Reason.KEY_CONFLICT)
    if _is_taken(case, known):
        return _rejected(Reason.KEY_CONFLICT)
    if not case.is_signed:
        return _rejected(Reason.RECORD_SIGNATURE)
    if not is_amount(case.linked.item.record.minor_amount):
        return _rejected(Reason.AMOUNT_INVALID)
    match case.linked.item.record.kind:
        case RecordKind.PURCHASE:
            return _purchase(case, known)
        case RecordKind.VOID:
            return _void(case, known)
        case _:
            return _receipt(case, known)


def read_code(case: Case) -> Presentation | CodeRefusal:
    """The code of a purchase, or the refusal of rows 1 to 13, 15 and 16 at createdAt."""
    record, parameters = case.linked.item.record, case.parameters
    context = VerificationContext(
        now=record.created_at,
        use=Use.PAY,
        issuers=(record.issuer,),
        keys=case.evidence.ring,
        amount_minor=record.minor_amount,
        challenge=_challenge(case, record.created_at),
        skew_seconds=parameters.skew_seconds if parameters else SKEW_SECONDS,
        life_seconds=parameters.life_seconds if parameters else LIFE_SECONDS,
        pay_kinds=parameters.pay_kinds if parameters else (1, 2, 4),
        offline=OfflineAuthority(clock_is_trusted=record.clock_state == ClockState.TRUSTED),
    )
    verdict = verify(strip(record.presented), context)
    if isinstance(verdict, Refused) and verdict.presentation is None:
        return verdict.refusal
    assert verdict.presentation is not None
    # Row 14 and those after 16 depend on documents and rows; they have their own place below.
    if isinstance(verdict, Refused) and verdict.refusal in _AFTER_ROW_13:
        return verdict.refusal
    return verdict.presentation


def _challenge(case: Case, at: int) -> ccq.SignedChallenge | None:
    """The terminal's own challenge of this very record, outstanding at that second."""
    record = case.linked.item.record
    if not record.challenge:
        return None
    verified = ccq.verify(
        strip(record.challenge),
        use=Use.PAY,
        now=at,
        issuers=(record.issuer,),
        terminals={(record.issuer, record.key.terminal_no): case.public_keys},
        keys=case.evidence.ring,
        skew_seconds=case.parameters.skew_seconds if case.parameters else SKEW_SECONDS,
    )
    return ccq.find_for_request(verified, record.issuer, record.key, record.minor_amount)


def _is_taken(case: Case, known: Known) -> bool:
    """Whether the key holds something else: a void, another operation, another content."""
    record = case.linked.item.record
    if known.operation not in (None, "AUTHORISE"):
        return True
    if record.kind == RecordKind.VOID:
        return known.operation is not None or known.authorisation is not None
    found, answer = known.authorisation, known.answer
    if found is not None:
        return found.state not in _PAID or found.held_minor != record.minor_amount
    payer = known.pass_facts.cardholder_id if known.pass_facts else None
    return answer is not None and (
        answer.outcome not in _OVERRIDDEN
        or answer.amount_minor != record.minor_amount
        or (answer.cardholder_id != payer and None not in (answer.cardholder_id, payer))
    )


def _purchase(case: Case, known: Known) -> Judgement:
    if known.authorisation is not None:
        return _posted_before(case, known)
    code = case.code if case.tap is None else None
    if isinstance(code, CodeRefusal):
        return _rejected(code)
    refusal = _refusal(case, known, code)
    if refusal is not None:
        return _rejected(refusal)
    # A code that only waits for its PIN is not used yet; this record takes it over.
    used = known.code_use if known.code_use and not known.code_use.is_reserved else None
    own = case.linked.item.record.key
    if known.is_same_code or (used is not None and used.key.terminal_no == own.terminal_no):
        return Judgement(Verdict.DUPLICATE, Reason.SAME_CODE)
    doubt = _doubt(case, known, code) if used is None else Reason.CODE_USED_ELSEWHERE
    if doubt is not None:
        return Judgement(Verdict.SUSPECT, doubt, _gap(case, known))
    flags = _gap(case, known) | _lateness(case)
    revoked_at = known.pass_facts.revoked_at if known.pass_facts else None
    if revoked_at is not None and unix_seconds(revoked_at) <= case.created_at:
        flags |= {Flag.AFTER_REPORT}
    if known.answer is not None:
        flags |= {Flag.OVERRODE_DECLINE}
    return Judgement(Verdict.ACCEPTED, None, flags)


def _knew_of_withdrawal(case: Case, known: Known, kid: int) -> bool:
    """Whether the terminal held a key document without the key, which had leaked."""
    withdrawn_at, held_since = case.evidence.withdrawn_at.get(kid), known.keys_published_at
    if withdrawn_at is None or held_since is None:
        return False
    return withdrawn_at <= unix_seconds(held_since)


def _posted_before(case: Case, known: Known) -> Judgement:
    """The purchase came online under the same key: if it was of the same code, it stays.

    A tap spends no code: it is the same if its card is the payer's.
    """
    used, facts, paid = known.code_use, known.pass_facts, known.authorisation
    is_same = (
        used is not None and not used.is_reserved and tuple(astuple(used.key)) == _own(case)
        if case.tap is None
        else facts is not None and paid is not None and facts.cardholder_id == paid.cardholder_id
    )
    if not is_same:
        return _rejected(Reason.KEY_CONFLICT)
    flags = _gap(case, known) | _lateness(case) | {Flag.ALREADY_POSTED}
    return Judgement(Verdict.ACCEPTED, None, flags)


def _refusal(case: Case, known: Known, code: Presentation | None) -> str | None:
    """What the terminal should have refused by the documents it held itself."""
    if code is not None:
        return _code_refusal(case, known, code)
    assert case.tap is not None
    return _tap_refusal(case, known, case.tap)


def _tap_refusal(case: Case, known: Known, tap: Tap) -> str | None:
    """The same of a card."""
    record, parameters = case.linked.item.record, case.parameters
    if known.pass_facts is None:
        return Reason.CARD_UNKNOWN
    if not case.chip_check(tap):
        return Reason.CARD_NOT_PROVEN
    if record.clock_state != ClockState.TRUSTED:
        return CodeRefusal.CLOCK_UNTRUSTED
    if known.pass_facts.denied_in is not None:
        return Reason.REVOKED_KNOWN
    if parameters is None:
        return Reason.STALE_DOCUMENTS
    cap, spent = parameters.tap_cap, Spent(known.spent_count, known.spent_minor)
    if cap is None or cap.refusal_of(record.minor_amount, spent) is not None:
        return Reason.CAP_EXCEEDED
    if parameters.site_of(record.key.terminal_no) is None:
        return Reason.SITE_NOT_ALLOWED
    return Reason.STALE_DOCUMENTS if _is_stale(case, known, parameters) else None


def _code_refusal(case: Case, known: Known, code: Presentation) -> str | None:
    """The same of a code."""
    record, parameters, facts = case.linked.item.record, case.parameters, known.pass_facts
    if _knew_of_withdrawal(case, known, code.kid):
        return CodeRefusal.KEY_UNKNOWN
    held = max(record.deny_version, known.acknowledged_version)
    if facts is not None and facts.denied_in is not None and facts.denied_in <= held:
        return Reason.REVOKED_KNOWN
    if parameters is None:
        return Reason.STALE_DOCUMENTS
    if _is_over_cap(record.minor_amount, known, code, parameters):
        return Reason.CAP_EXCEEDED
    above = parameters.offline_challenge_above_minor
    if above is not None and record.minor_amount > above and not code.is_bound:
        return CodeRefusal.CHALLENGE_REQUIRED
    site = parameters.site_of(record.key.terminal_no)
    if site is None or not code.mask >> site & 1:
        return Reason.SITE_NOT_ALLOWED
    return Reason.STALE_DOCUMENTS if _is_stale(case, known, parameters) else None


def _is_over_cap(
    minor_amount: int, known: Known, code: Presentation, parameters: Parameters
) -> bool:
    """Rows 18 and 21: a class that may not pay offline has a cap of nothing."""
    cap = parameters.caps_by_class().get(code.cap_class)
    if cap is None or (cap.is_high and not code.flags & Flags.HIGH):
        return True
    if code.kind == Kind.CAMPUS_CODE and not code.flags & Flags.WITHHOLD:
        return True
    spent = Spent(known.spent_count, known.spent_minor)
    return cap.refusal_of(minor_amount, spent) is not None


def _is_stale(case: Case, known: Known, parameters: Parameters) -> bool:
    """Whether the deny list it names never was, or had long been followed by a newer one."""
    if case.linked.item.record.deny_version > known.newest_version:
        return True
    if known.superseded_at is None:
        return False
    last = unix_seconds(known.superseded_at) + parameters.deny_age_seconds
    return last < case.created_at


def _doubt(case: Case, known: Known, code: Presentation | None) -> Reason | None:
    """Why the merchant is paid, but not by the cardholder.

    Who has a PASS key can sign a pass with anybody's serial, for a phone of their own.
    """
    facts = known.pass_facts
    if facts is None or (code is not None and facts.content != code.signed_pass):
        return Reason.PASS_UNKNOWN
    began = known.batch_began_at
    if case.created_at > unix_seconds(case.now) + CLOCK_SECONDS:
        return Reason.CLOCK
    if began is not None and case.created_at < unix_seconds(began) - CLOCK_SECONDS:
        return Reason.CLOCK
    assert case.parameters is not None  # else its documents were stale
    return Reason.TOO_OLD if _age(case) > case.parameters.upload_seconds else None


def _void(case: Case, known: Known) -> Judgement:
    """An undoing in the same batch, which leaves a tombstone where there is nothing to undo."""
    record, original = case.linked.item.record, known.original
    if record.original_seq_no is None:
        return _rejected(CodeRefusal.MALFORMED)
    if known.original_operation not in (None, "AUTHORISE"):
        return _rejected(Reason.KEY_CONFLICT)
    if original is not None and original.state not in ("TOMBSTONE", "VOIDED"):
        if original.held_minor != record.minor_amount:
            return _rejected(Reason.AMOUNT_INVALID)
        if known.is_closed or original.state not in ("CAPTURED", "PENDING", "EXPIRED"):
            return _rejected(Reason.VOID_TOO_LATE)
    return Judgement(Verdict.ACCEPTED, None, _gap(case, known) | _lateness(case))


def _receipt(case: Case, known: Known) -> Judgement:
    """A purchase that a phone paid online while the terminal had no network: its proof is ours.

    It names one key of one terminal, so it is good for one record. The challenge is what the phone
    was asked by: the receipt is from its life, and none that our books lack is paid without it.
    """
    record = case.linked.item.record
    waiting = Outstanding(record.issuer, record.key, record.minor_amount, record.created_at, 0)
    answer = ccr.verify(strip(record.presented), keys=case.evidence.ring, outstanding=waiting)
    if isinstance(answer, CodeRefusal):
        return _rejected(answer)
    if answer.outcome is not Outcome.APPROVED:
        return _rejected(CodeRefusal.NOT_OUTSTANDING)
    is_asked = _challenge(case, answer.answered_at) is not None
    if record.challenge and not is_asked:
        return _rejected(CodeRefusal.RECEIPT_EXPIRED)
    if known.authorisation is None:
        if not is_asked:
            return _rejected(CodeRefusal.NOT_OUTSTANDING)
        return Judgement(Verdict.SUSPECT, Reason.RECEIPT_UNKNOWN, _gap(case, known))
    if known.authorisation.retrieval_reference != answer.retrieval_reference:
        return _rejected(Reason.KEY_CONFLICT)
    flags = _gap(case, known) | _lateness(case) | {Flag.ALREADY_POSTED}
    return Judgement(Verdict.ACCEPTED, None, flags)


def _gap(case: Case, known: Known) -> frozenset[Flag]:
    """An alarm: what this record follows never came."""
    linked, key = case.linked, case.linked.item.record.key
    first = first_link(linked.item.record.issuer, key.terminal_no, key.batch_no)
    known_before = known.previous_is_known or linked.previous in case.siblings
    return frozenset() if known_before or linked.previous == first else frozenset({Flag.CHAIN_GAP})


def _lateness(case: Case) -> frozenset[Flag]:
    due = case.parameters.upload_due_seconds if case.parameters else _DUE_SECONDS
    return frozenset({Flag.LATE}) if _age(case) > due else frozenset()


def _age(case: Case) -> int:
    return unix_seconds(case.now) - case.created_at


def _own(case: Case) -> tuple[int, ...]:
    return tuple(case.linked.item.record.key)


def _rejected(reason: str) -> Judgement:
    return Judgement(Verdict.REJECTED, reason)
