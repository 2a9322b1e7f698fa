"""What the money messages of terminals carry, and what they ask of the core."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from core.authorisation.records import (
    Answer,
    Continuation,
    FollowUp,
    Key,
    PurchaseRequest,
    ScanKey,
    Status,
)
from core.kit.money import CURRENCY
from terminals.answers import AnswerKey
from terminals.funding import FundingPlan, Network
from terminals.keys import Evidence, KeyRing
from terminals.scenes import Holder, Scene


@dataclass(frozen=True, slots=True)
class Terms:
    """What the school's policy says about purchases and passages at this instant.

    `purses` are those of cards; what pays for an instrument now is in `plan`, under `network`.
    Where `needs_operator`, only who is signed on with the right refunds.
    Where `is_on_card`, chips hold money of their own; `claim_via` names where it gets onto them.
    """

    purses: tuple[str, ...]
    single_minor: int
    daily_minor: int
    zone: str
    hold_seconds: int
    challenge_above_minor: int | None
    skew_seconds: int
    life_seconds: int
    upload_days: int
    plan: FundingPlan
    network: Network = Network.ONLINE
    is_on_card: bool = False
    claim_via: frozenset[str] = frozenset()
    needs_operator: bool = False


@dataclass(frozen=True, slots=True)
class Till:
    """The terminal that asks, as its registry entry and signature say."""

    issuer: int
    terminal_no: int
    public_keys: dict[int, bytes]
    merchant_account_id: UUID
    merchant_is_active: bool
    scenes: frozenset[Scene]
    registered_keys: dict[int, bytes] = field(default_factory=dict)
    """All it ever had: what it signed alone stays verifiable."""


@dataclass(frozen=True, slots=True)
class PurchaseMessage:
    """The parsed input of `purchaseAuthorise`; `presented` is as scanned, amounts in fen."""

    batch_no: int
    seq_no: int
    minor_amount: int
    scene: Scene
    manual: bool = False
    presented: str | None = None
    continuation: UUID | None = None
    challenge: str | None = None
    pin_block: str | None = None
    currency: str = CURRENCY


@dataclass(frozen=True, slots=True)
class Authorised:
    """An answer and, where the code was read, whose it was.

    `expires_at` is the end of an approved hold, `continuation_until` that of a scan waiting for
    its PIN.
    """

    answer: Answer
    holder: Holder | None
    expires_at: datetime | None = None
    continuation_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PinVerdict:
    """What came of a PIN: `ok`, or the response code and how many tries are left."""

    ok: bool
    response_code: str = "55"
    tries_left: int | None = None
    reason: str | None = None


class Payments(Protocol):
    """The core's purchases, as `core.authorisation` answers them."""

    async def authorise(
        self,
        school_id: int,
        purses: Sequence[str],
        request: PurchaseRequest,
        sign: Callable[[Answer], str],
    ) -> Answer:
        """Decides and posts a purchase."""
        ...

    async def refuse(
        self,
        school_id: int,
        operation: str,
        content_hash: bytes,
        answer: Answer,
        sign: Callable[[Answer], str],
    ) -> Answer:
        """Stores a refusal, or repeats the stored answer."""
        ...

    async def capture(
        self, school_id: int, follow: FollowUp, sign: Callable[[Answer], str]
    ) -> Answer:
        """Posts a hold."""
        ...

    async def void(self, school_id: int, follow: FollowUp, sign: Callable[[Answer], str]) -> Answer:
        """Undoes a purchase."""
        ...

    async def refund(
        self,
        school_id: int,
        follow: FollowUp,
        merchant_account_id: UUID,
        sign: Callable[[Answer], str],
    ) -> Answer:
        """Gives captured money back."""
        ...

    async def status(self, school_id: int, original: Key) -> Status:
        """What is known of a key."""
        ...

    async def repeated(
        self, school_id: int, key: Key, content_hash: bytes, sign: Callable[[Answer], str]
    ) -> Answer | None:
        """The stored answer of a key that was used before."""
        ...

    async def is_spent(self, school_id: int, replay_key: bytes) -> bool:
        """Whether a code was used."""
        ...

    async def continuation(self, school_id: int, id_: UUID) -> Continuation | None:
        """The scan that waits for its PIN."""
        ...


class ScanPayments(Protocol):
    """The core's payments of scanned codes."""

    async def repeated_scan(self, school_id: int, own: ScanKey) -> Answer | None:
        """What a payer's key was answered before."""
        ...

    async def pay_scan(
        self,
        school_id: int,
        purses: Sequence[str],
        own: ScanKey,
        key: Key,
        make: Callable[[Key], PurchaseRequest],
        sign: Callable[[Answer], str],
    ) -> Answer:
        """Pays the code of a key, or repeats what this payer was answered for it."""
        ...

    async def status(self, school_id: int, original: Key) -> Status:
        """What is known of a key."""
        ...

    async def repeated(
        self, school_id: int, key: Key, content_hash: bytes, sign: Callable[[Answer], str]
    ) -> Answer | None:
        """The stored answer of a key that was used before."""
        ...


class Pins(Protocol):
    """The core's PIN check."""

    async def check_to_pay(self, school_id: int, cardholder_id: UUID, digits: str) -> PinVerdict:
        """Counts, compares, and answers; a default PIN never pays."""
        ...


@dataclass(frozen=True, slots=True)
class SchoolKeys:
    """The keys of one school that a purchase needs."""

    ring: KeyRing
    answer: AnswerKey
    answers: Callable[[int], AnswerKey]
    pin_private_key: bytes = field(repr=False)
    evidence: Evidence
