"""What a terminal accepted alone: the claim, what the rows say of it, and what was decided."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from core.authorisation.records import Answer, Authorisation, Key


class Verdict(StrEnum):
    """What became of an offline record (terminals.md 6)."""

    DUPLICATE = "DUPLICATE"
    REJECTED = "REJECTED"
    SUSPECT = "SUSPECT"
    ACCEPTED = "ACCEPTED"


class Reason(StrEnum):
    """Why a record is not simply accepted; refusals of codes.md 7 stand beside these."""

    SAME_RECORD = "SAME_RECORD"
    KEY_CONFLICT = "KEY_CONFLICT"
    RECORD_SIGNATURE = "RECORD_SIGNATURE"
    AMOUNT_INVALID = "AMOUNT_INVALID"
    REVOKED_KNOWN = "REVOKED_KNOWN"
    CAP_EXCEEDED = "CAP_EXCEEDED"
    SITE_NOT_ALLOWED = "SITE_NOT_ALLOWED"
    STALE_DOCUMENTS = "STALE_DOCUMENTS"
    SAME_CODE = "SAME_CODE"
    CODE_USED_ELSEWHERE = "CODE_USED_ELSEWHERE"
    CLOCK = "CLOCK"
    TOO_OLD = "TOO_OLD"
    CARD_UNKNOWN = "CARD_UNKNOWN"
    CARD_NOT_PROVEN = "CARD_NOT_PROVEN"
    PASS_UNKNOWN = "PASS_UNKNOWN"  # noqa: S105 - the name of a reason
    RECEIPT_UNKNOWN = "RECEIPT_UNKNOWN"
    VOID_TOO_LATE = "VOID_TOO_LATE"


class Flag(StrEnum):
    """What is notable of an accepted record."""

    LATE = "LATE"
    AFTER_REPORT = "AFTER_REPORT"
    ARREARS = "ARREARS"
    ALREADY_POSTED = "ALREADY_POSTED"
    OVERRODE_DECLINE = "OVERRODE_DECLINE"
    CHAIN_GAP = "CHAIN_GAP"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its reason and flags. `first` is the one that a SAME_RECORD repeats."""

    verdict: Verdict
    reason: str | None = None
    flags: frozenset[Flag] = frozenset()
    first: "Judgement | None" = None

    @property
    def is_paid(self) -> bool:
        """Whether the merchant has the money by it."""
        return self.verdict in (Verdict.ACCEPTED, Verdict.SUSPECT)

    @property
    def school_pays(self) -> bool:
        """Whether that money is the school's loss and not the cardholder's."""
        return self.verdict is Verdict.SUSPECT or Flag.AFTER_REPORT in self.flags

    @property
    def is_kept(self) -> bool:
        """Whether the record takes its key: one nobody proved, or of a taken key, does not."""
        return self.reason not in (
            Reason.SAME_RECORD,
            Reason.KEY_CONFLICT,
            Reason.RECORD_SIGNATURE,
        )


@dataclass(frozen=True, slots=True)
class StoredItem:
    """A record that was judged before: its 94 bytes and its first judgement."""

    record: bytes
    judgement: Judgement
    retrieval_reference: str | None

    def told_again(self, key: Key, judgement: Judgement) -> "Settled":
        """What a record under its key hears: our reference only if it is the same record."""
        repeats = judgement.verdict is Verdict.DUPLICATE
        return Settled(key, judgement, self.retrieval_reference if repeats else None)


@dataclass(frozen=True, slots=True)
class CodeUse:
    """Who holds a replay key: the key it was spent under, or reserved by while a PIN is awaited."""

    key: Key
    is_reserved: bool


@dataclass(frozen=True, slots=True)
class PassFacts:
    """Whose pass or card it is, since when it was revoked, and the deny version that named it.

    Of a card, which may be found again: since when it was denied at the instant of the record, and
    the version that the terminal knew as the last word on it, if that denied it. `content` are the
    bytes of a pass.
    """

    cardholder_id: UUID
    card_id: UUID | None
    revoked_at: datetime | None
    denied_in: int | None
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What the rows under lock say of one record.

    `authorisation`, `answer` and `operation` are those of its key, `original` what a VOID
    undoes, with the operation that was answered under that key. `keys_published_at` is when the
    newest key document was published that the terminal had acknowledged when it made the record.
    `acknowledged_version` is the newest deny version the terminal had acknowledged when the record
    was made, `newest_version` the newest there is, `superseded_at` when the one that the record
    names was followed by the next. `spent_count` and `spent_minor` (fen) are what this terminal's
    earlier records took of the capTag, or of the card in its day. `is_same_code`: another record of
    this terminal used the code. `batch_began_at`: an earlier batch was in use until then.
    """

    stored: StoredItem | None = None
    authorisation: Authorisation | None = None
    answer: Answer | None = None
    operation: str | None = None
    original: Authorisation | None = None
    original_operation: str | None = None
    is_closed: bool = False
    code_use: CodeUse | None = None
    is_same_code: bool = False
    pass_facts: PassFacts | None = None
    acknowledged_version: int = 0
    keys_published_at: datetime | None = None
    newest_version: int = 0
    superseded_at: datetime | None = None
    spent_count: int = 0
    spent_minor: int = 0
    previous_is_known: bool = False
    batch_began_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """One record as the upload brought it; amounts in fen, `created_at` by the terminal's clock.

    `original_seq_no` is that of a VOID. `serial`, `cap_tag` and `replay_key` are those of the code,
    None where it cannot be read; `card_uid` is a chip's number in upper-case hex. `content_hash` is
    that of the online request of the same purchase, so a late original meets its answer.
    """

    key: Key
    kind: str
    record: bytes
    record_hash: bytes
    previous_hash: bytes
    created_at: datetime
    amount_minor: int
    deny_version: int
    parameters_version: int
    after_timeout: bool
    presented: str
    challenge: str
    signature: bytes
    is_signed: bool
    content_hash: bytes
    instrument: str
    scene: str
    merchant_account_id: UUID
    business_on: date
    answer_kid: int
    original_seq_no: int | None = None
    serial: bytes | None = None
    cap_tag: int | None = None
    card_uid: str | None = None
    replay_key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What a record was answered: its key, the judgement, and our reference where money moved."""

    key: Key
    judgement: Judgement
    retrieval_reference: str | None
    cardholder_id: UUID | None = None
