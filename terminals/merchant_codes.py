"""Codes that payers scan: reading a CCQ, and paying it from the payer's purses (codes.md 5).

The payment stands under the key in the code, so the terminal that shows it learns of it, voids it
and refunds it as any purchase of its own. A printed code names its print; each payment by it has a
key of its own there: the virtual terminal, the print's number as batch, its count as seq.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from core.authorisation.records import (
    AmountMismatch,
    Answer,
    ChallengeExpired,
    CodeUsed,
    Format,
    IssuerNotAccepted,
    Key,
    KeyUnknown,
    Malformed,
    PurchaseRequest,
    ScanKey,
    Signature,
    Version,
)
from core.card.records import PinRequired
from core.kit.clock import Clock, business_day, from_unix, unix_seconds
from core.kit.errors import IdempotencyConflict, Refusal
from core.kit.ids import Ids
from core.kit.money import CURRENCY, is_amount
from core.school.records import (
    EnrolledTerminal,
    Merchant,
    PrintedCode,
    TerminalState,
    TerminalUnknown,
)
from core.top_up.records import AmountInvalid
from terminals import ccq
from terminals.answers import signing
from terminals.ccq import Purpose, SignedChallenge
from terminals.ccr import NO_REFERENCE
from terminals.codes import CodeRefusal, Instrument, Use, strip
from terminals.message import BusinessFields
from terminals.payments import ScanPayments, SchoolKeys, Terms

_REFUSALS: dict[CodeRefusal, type[Refusal]] = {
    CodeRefusal.FORMAT: Format,
    CodeRefusal.VERSION: Version,
    CodeRefusal.MALFORMED: Malformed,
    CodeRefusal.ISSUER_NOT_ACCEPTED: IssuerNotAccepted,
    CodeRefusal.TERMINAL_UNKNOWN: TerminalUnknown,
    CodeRefusal.KEY_UNKNOWN: KeyUnknown,
    CodeRefusal.SIGNATURE: Signature,
    CodeRefusal.CHALLENGE_EXPIRED: ChallengeExpired,
}


@dataclass(frozen=True, slots=True)
class ScannedCode:
    """What a payer learns of a code: `amount_minor` is fen, None where the payer types it.

    `expires_at` is the last instant it can be paid, None for a print.
    """

    merchant: Merchant
    amount_minor: int | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class ScanMessage:
    """What a payer sends: the text as scanned, the amount typed (fen), and the PIN if any."""

    idempotency_key: str
    text: str
    minor_amount: int | None = None
    pin: str | None = None


@dataclass(frozen=True, slots=True)
class ScanPayment:
    """What came of it. The answer is signed where it is kept: APPROVED or VOIDED.

    `state` is where the purchase stands now: its terminal may have voided what it was answered.
    """

    merchant: Merchant
    answer: Answer
    state: str | None


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays, at which school."""

    school_id: int
    cardholder_id: UUID


@dataclass(frozen=True, slots=True)
class Registry:
    """What the codes are looked up in."""

    find_terminal: Callable[[int, int], Awaitable[EnrolledTerminal | None]]
    """School and terminal number."""
    find_print: Callable[[int, int, int], Awaitable[PrintedCode | None]]
    """School, virtual terminal, number of the print."""
    find_card: Callable[[int, UUID], Awaitable[UUID]]
    """The card that a payment of this cardholder is booked to."""
    prove_pin: Callable[[int, UUID, str], Awaitable[None]]
    """Counts a try of the PIN that pays, and compares."""
    terms: Callable[[int], Awaitable[Terms]]
    keys: Callable[[int], SchoolKeys]


@dataclass(frozen=True, slots=True)
class _Seen:
    """A code that passed every check up to CHALLENGE_EXPIRED."""

    signed: SignedChallenge
    enrolled: EnrolledTerminal
    at: datetime
    """When it was seen: its payment is of the same instant, so its receipt lies in its life."""

    @property
    def is_printed(self) -> bool:
        return self.signed.challenge.purpose == Purpose.PRINTED

    @property
    def key(self) -> Key:
        return Key(*self.signed.challenge.key)

    def content_hash(self, payer: Payer, amount_minor: int) -> bytes:
        """What the key stands for: this code, paid by this payer and by nobody else."""
        return BusinessFields(
            operation="AUTHORISE",
            presented=f"HOLDER:{payer.cardholder_id}",
            challenge=self.signed.text,
            minor_amount=amount_minor,
            currency=CURRENCY,
        ).content_hash()


class MerchantCodes:
    """Reads and pays what a payer scanned."""

    def __init__(self, payments: ScanPayments, registry: Registry, clock: Clock, ids: Ids) -> None:
        self._payments = payments
        self._registry = registry
        self._clock = clock
        self._ids = ids

    async def read(self, payer: Payer, text: str) -> ScannedCode:
        """What a code asks for; nothing is promised and nothing is kept.

        Raises: Format, Version, Malformed, IssuerNotAccepted, TerminalUnknown, KeyUnknown,
        Signature, ChallengeExpired, CodeUsed.
        """
        terms = await self._registry.terms(payer.school_id)
        seen = await self._see(payer, strip(text), terms)
        challenge = seen.signed.challenge
        if not seen.is_printed and await self._kept(payer, seen) is None:
            status = await self._payments.status(payer.school_id, seen.key)
            if status.state is not None:  # its void came first
                raise ChallengeExpired("text")
        lasts = challenge.life_seconds + terms.skew_seconds
        return ScannedCode(
            merchant=seen.enrolled.merchant,
            amount_minor=challenge.minor_amount or None,
            expires_at=None if seen.is_printed else from_unix(challenge.created_at + lasts),
        )

    async def pay(self, payer: Payer, message: ScanMessage) -> ScanPayment:
        """Pays a code; the same key of the payer again hears the same, however late.

        Raises: IdempotencyConflict, what `read` raises, AmountMismatch, AmountInvalid,
        PinRequired, what the registry raises of card and PIN, Overloaded, DatabaseUnavailable.
        """
        text = strip(message.text)
        own = ScanKey(payer.cardholder_id, message.idempotency_key, text, message.minor_amount)
        repeated = await self._payments.repeated_scan(payer.school_id, own)
        if repeated is not None:
            enrolled = await self._registry.find_terminal(payer.school_id, repeated.terminal_no)
            assert enrolled is not None  # it has been paid; terminals are never deleted
            return await self._paid(payer, enrolled.merchant, repeated)
        terms = await self._registry.terms(payer.school_id)
        seen = await self._see(payer, text, terms)
        amount_minor = _amount(seen.signed, message.minor_amount)
        kept = None if seen.is_printed else await self._kept(payer, seen)
        if not seen.enrolled.merchant.active and kept is None:
            declined = self._declined(payer, seen, amount_minor)
            return await self._paid(payer, seen.enrolled.merchant, declined)
        card_id = await self._registry.find_card(payer.school_id, payer.cardholder_id)
        pin = message.pin if kept is None else None  # a repeat costs no try of the PIN
        if pin is not None:
            await self._registry.prove_pin(payer.school_id, payer.cardholder_id, pin)
        make = self._maker(payer, seen, amount_minor, card_id, terms, pin_proven=pin is not None)
        answer = await self._payments.pay_scan(
            payer.school_id,
            terms.purses,
            own,
            seen.key,
            make,
            signing(self._registry.keys(payer.school_id).answers),
        )
        if answer.outcome == "PIN_REQUIRED":
            raise PinRequired("pin")
        return await self._paid(payer, seen.enrolled.merchant, answer)

    async def _see(self, payer: Payer, text: str, terms: Terms) -> _Seen:
        """The code, in the server's order of codes.md 5."""
        school_id, now = payer.school_id, self._clock.now()
        read = ccq.read(text)
        enrolled = None
        if isinstance(read, SignedChallenge) and read.challenge.issuer == school_id:
            number = read.challenge.key.terminal_no
            enrolled = await self._registry.find_terminal(school_id, number)
        if enrolled is not None and enrolled.terminal.state is not TerminalState.ACTIVE:
            enrolled = None  # locked or retired: it sells nothing, so its codes ask for nothing
        known = {}
        if enrolled is not None:
            own_keys = {k.number: k.public_key for k in enrolled.keys if k.is_valid_at(now)}
            known[school_id, enrolled.terminal.number] = own_keys
        verified = ccq.verify(
            text,
            use=Use.PAY,
            now=unix_seconds(now),
            issuers=(school_id,),
            terminals=known,
            keys=self._registry.keys(school_id).ring,
            skew_seconds=terms.skew_seconds,
        )
        if isinstance(verified, CodeRefusal):
            raise _REFUSALS[verified]("text")
        assert enrolled is not None  # verified against its keys
        seen = _Seen(verified, enrolled, now)
        if seen.is_printed:
            key = seen.key
            printed = await self._registry.find_print(school_id, key.terminal_no, key.seq_no)
            if printed is None or printed.revoked_at is not None:
                raise ChallengeExpired("text")
        return seen

    async def _kept(self, payer: Payer, seen: _Seen) -> Answer | None:
        """What this payer was answered for a till's code before.

        Raises: CodeUsed, if somebody else was.
        """
        content_hash = seen.content_hash(payer, seen.signed.challenge.minor_amount)
        sign = signing(self._registry.keys(payer.school_id).answers)
        try:
            return await self._payments.repeated(payer.school_id, seen.key, content_hash, sign)
        except IdempotencyConflict:
            raise CodeUsed("text") from None

    async def _paid(self, payer: Payer, merchant: Merchant, answer: Answer) -> ScanPayment:
        if answer.signed_answer is None:
            return ScanPayment(merchant, answer, None)
        key = Key(answer.terminal_no, answer.batch_no, answer.seq_no)
        status = await self._payments.status(payer.school_id, key)
        return ScanPayment(merchant, answer, status.state)

    def _declined(self, payer: Payer, seen: _Seen, amount_minor: int) -> Answer:
        """Nothing is kept of it: the merchant may be let in again while the code is good."""
        kid, reference = self._registry.keys(payer.school_id).answer.kid, NO_REFERENCE
        bare = Answer.bare(seen.key, "DECLINED", "03", amount_minor, reference, kid, seen.at)
        return replace(bare, reason="MERCHANT_INVALID")

    def _maker(
        self,
        payer: Payer,
        seen: _Seen,
        amount_minor: int,
        card_id: UUID,
        terms: Terms,
        *,
        pin_proven: bool,
    ) -> Callable[[Key], PurchaseRequest]:
        """Makes the request under a key; everything random in it is drawn here, once."""
        now, keys = seen.at, self._registry.keys(payer.school_id)
        reference = self._ids.retrieval_reference()
        continuation_id, *transfer_ids = self._ids.several(1 + len(terms.purses))
        sign = signing(keys.answers)

        def make(key: Key) -> PurchaseRequest:
            approval = Answer.bare(
                key, "APPROVED", "00", amount_minor, reference, keys.answer.kid, now
            )
            return PurchaseRequest(
                terminal_no=key.terminal_no,
                batch_no=key.batch_no,
                seq_no=key.seq_no,
                content_hash=seen.content_hash(payer, amount_minor),
                cardholder_id=payer.cardholder_id,
                card_id=card_id,
                serial=None,
                device_id=None,
                instrument=Instrument.CHALLENGE,
                scene=seen.enrolled.terminal.scenes[0],
                replay_key=_replay_key(payer.school_id, key),
                continuation_id=None,
                new_continuation_id=continuation_id,
                continuation_until=now,
                amount_minor=amount_minor,
                manual=False,
                expires_at=None,
                pin_proven=pin_proven,
                single_minor=terms.single_minor,
                daily_minor=terms.daily_minor,
                merchant_account_id=seen.enrolled.merchant.account_id,
                transfer_ids=tuple(transfer_ids),
                retrieval_reference=reference,
                answer_kid=keys.answer.kid,
                answered_at=now,
                business_on=business_day(now, terms.zone),
                signed_answer=sign(approval),
            )

        return make


def _amount(signed: SignedChallenge, typed_minor: int | None) -> int:
    """What is to be paid, in fen.

    Raises: AmountMismatch, AmountInvalid.
    """
    asked_minor = signed.challenge.minor_amount or typed_minor
    if asked_minor is None or typed_minor not in (None, asked_minor):
        raise AmountMismatch("minorAmount")
    if not is_amount(asked_minor):  # a code may say four times as much as may be paid
        raise AmountInvalid("minorAmount")
    return asked_minor


def _replay_key(school_id: int, key: Key) -> bytes:
    """What a payment by a scanned code spends, in the form of codes.md 8.

    `03`, issuer u16, terminalNo u32, batchNo u24, seqNo u24, use P: 14 bytes.
    """
    number = (key.terminal_no << 48 | key.batch_no << 24 | key.seq_no).to_bytes(10)
    return b"\x03" + school_id.to_bytes(2) + number + Use.PAY.encode()
