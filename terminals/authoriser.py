"""Purchases: from what a terminal read to the question it puts to the core, and back.

Everything that does not depend on rows under lock is decided here, before the one round trip to
the database: the code and its signatures, the terminal's rights, the PIN, the order of purses. A
refusal decided here is stored under the key like any other answer, so a repeat hears it again.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

from core.authorisation.records import Answer, Key, PurchaseRequest
from core.kit.clock import Clock, business_day
from core.kit.ids import Ids
from core.kit.money import CURRENCY, is_amount
from core.ports.chips import ChipScheme
from terminals import funding
from terminals.answers import signing
from terminals.chips import proven_debit
from terminals.codes import Instrument, Use, strip
from terminals.guesses import Guesses, Reader
from terminals.instruments import Declined, Found, Owner
from terminals.message import BusinessFields, RequestKey
from terminals.payments import (
    Authorised,
    Payments,
    Pins,
    PinVerdict,
    PurchaseMessage,
    SchoolKeys,
    Terms,
    Till,
)
from terminals.pin_pad import PinPad
from terminals.response import response_to
from terminals.scanning import find_challenge, scan_of
from terminals.scenes import Holder

CONTINUATION_SECONDS = 90
_CONTINUED_TAP = b"\x10"
"""What stands for a tap that spends no code of its own, before the id of its continuation."""


class Authoriser:
    """Answers purchases."""

    def __init__(
        self,
        payments: Payments,
        reader: Reader,
        pins: Pins,
        guesses: Guesses,
        chips: ChipScheme,
        terms: Callable[[int], Awaitable[Terms]],
        keys: Callable[[int], SchoolKeys],
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._payments = payments
        self._reader = reader
        self._pad = PinPad(pins, guesses)
        self._chips = chips
        self._terms = terms
        self._keys = keys
        self._clock = clock
        self._ids = ids

    async def authorise(self, till: Till, message: PurchaseMessage) -> Authorised:
        """The answer to a purchase (terminals.md 3 to 5).

        Raises: IdempotencyConflict, Overloaded, DatabaseUnavailable.
        """
        now = self._clock.now()
        keys = self._keys(till.issuer)
        terms = await self._terms(till.issuer)
        content_hash = _content(message).content_hash()
        continued = await self._continued(till, message, now)
        found = _terminal_refusal(till, message) or (
            await self._read(till, message, terms, keys, now) if continued is None else continued
        )
        pin: PinVerdict | None = None
        if isinstance(found, Found) and message.pin_block is not None:
            stored = await self._stored(till, message, content_hash, keys)
            if stored is not None:
                return _authorised(stored, found.owner.holder, message, terms)
            pin = await self._check_pin(till, message, found, keys)
            if not pin.ok:
                found = Declined(pin.response_code, pin.reason or "PIN", found)
        if isinstance(found, Declined):
            refused = self._refused(till, message, found, pin, keys, now)
            answer = await self._payments.refuse(
                till.issuer, "AUTHORISE", content_hash, refused, signing(keys.answers)
            )
            return Authorised(answer, found.found.owner.holder if found.found else None)
        purses = _purses(found, terms)
        request = self._request(till, message, found, terms, keys, content_hash, now, pin)
        answer = await self._payments.authorise(till.issuer, purses, request, signing(keys.answers))
        return _authorised(answer, found.owner.holder, message, terms)

    async def _stored(
        self, till: Till, message: PurchaseMessage, content_hash: bytes, keys: SchoolKeys
    ) -> Answer | None:
        """The answer this key has already: a repeat must not cost another try of the PIN."""
        key = Key(till.terminal_no, message.batch_no, message.seq_no)
        return await self._payments.repeated(till.issuer, key, content_hash, signing(keys.answers))

    async def _read(
        self, till: Till, message: PurchaseMessage, terms: Terms, keys: SchoolKeys, now: datetime
    ) -> Found | Declined:
        presented = funding.instrument_of(strip(message.presented or ""))
        refusal = funding.refusal(presented, terms.plan, terms.network)
        if refusal is not None:
            return Declined(None, refusal)
        challenge = find_challenge(
            till, message.challenge, Use.PAY, (message.batch_no, message.seq_no), terms, keys, now,
            message.minor_amount,
        )  # fmt: skip
        scan = scan_of(
            till, message.presented or "", Use.PAY, terms, keys, now,
            minor_amount=message.minor_amount, challenge=challenge,
        )  # fmt: skip
        found = await self._reader.read(till.terminal_no, scan)
        if isinstance(found, Declined) and found.found and found.reason == "CHALLENGE_REQUIRED":
            replay_key = found.found.replay_key
            if replay_key and await self._payments.is_spent(till.issuer, replay_key):
                return Declined(None, "CODE_USED", found.found)
        if isinstance(found, Found) and found.instrument is Instrument.PHYSICAL_CARD:
            key = RequestKey(till.terminal_no, message.batch_no, message.seq_no)
            return proven_debit(
                found, scan.text, message.minor_amount, key.packed(),
                school_id=till.issuer, scheme=self._chips, is_on_card=terms.is_on_card,
            )  # fmt: skip
        return found

    async def _continued(
        self, till: Till, message: PurchaseMessage, now: datetime
    ) -> Found | Declined | None:
        """The scan that a continuation stands for; None when the message has no continuation."""
        if message.continuation is None:
            return None
        waiting = await self._payments.continuation(till.issuer, message.continuation)
        if waiting is None or waiting.terminal_no != till.terminal_no:
            return Declined("25", "CONTINUATION_UNKNOWN")
        if waiting.expires_at < now:
            return Declined("C0", "CODE_EXPIRED")
        if waiting.amount_minor != message.minor_amount:
            return Declined("64", "AMOUNT_MISMATCH")
        if message.pin_block is None:
            return Declined("30", "PIN_MISSING")
        owner = Owner(
            waiting.cardholder_id, waiting.card_id, waiting.device_id, is_revoked=False, holder=None
        )
        # A tap spends no code; its continuation itself is what may be used only once.
        replay_key = waiting.replay_key or _CONTINUED_TAP + waiting.id.bytes
        return Found(owner, Instrument(waiting.instrument), replay_key, waiting.serial)

    async def _check_pin(
        self, till: Till, message: PurchaseMessage, found: Found, keys: SchoolKeys
    ) -> PinVerdict:
        key = RequestKey(till.terminal_no, message.batch_no, message.seq_no)
        return await self._pad.check(
            till, key, message.pin_block or "", found.owner.cardholder_id, keys
        )

    def _refused(
        self,
        till: Till,
        message: PurchaseMessage,
        declined: Declined,
        pin: PinVerdict | None,
        keys: SchoolKeys,
        now: datetime,
    ) -> Answer:
        return replace(
            _answer(till, message, keys, now, self._ids.retrieval_reference()),
            outcome="DECLINED",
            response_code=declined.response_code or response_to(declined.reason).code,
            reason=declined.reason,
            cardholder_id=declined.found.owner.cardholder_id if declined.found else None,
            tries_left=pin.tries_left if pin else None,
        )

    def _request(
        self,
        till: Till,
        message: PurchaseMessage,
        found: Found,
        terms: Terms,
        keys: SchoolKeys,
        content_hash: bytes,
        now: datetime,
        pin: PinVerdict | None,
    ) -> PurchaseRequest:
        reference = self._ids.retrieval_reference()
        approval = _answer(till, message, keys, now, reference)
        is_tap = found.replay_key is None or found.replay_key[:1] == _CONTINUED_TAP
        is_tap = is_tap and found.owner.device_id is None
        continuation_id, *transfer_ids = self._ids.several(1 + len(_purses(found, terms)))
        return PurchaseRequest(
            terminal_no=till.terminal_no,
            batch_no=message.batch_no,
            seq_no=message.seq_no,
            content_hash=content_hash,
            cardholder_id=found.owner.cardholder_id,
            card_id=found.owner.card_id,
            serial=found.serial,
            device_id=found.owner.device_id,
            instrument=found.instrument,
            scene=message.scene,
            replay_key=found.replay_key,
            continuation_id=None if is_tap else message.continuation,
            new_continuation_id=continuation_id,
            continuation_until=now + timedelta(seconds=CONTINUATION_SECONDS),
            amount_minor=message.minor_amount,
            manual=message.manual,
            expires_at=now + timedelta(seconds=terms.hold_seconds) if message.manual else None,
            pin_proven=pin is not None,
            single_minor=terms.single_minor,
            daily_minor=terms.daily_minor,
            merchant_account_id=till.merchant_account_id,
            transfer_ids=tuple(transfer_ids),
            retrieval_reference=reference,
            answer_kid=keys.answer.kid,
            answered_at=now,
            business_on=business_day(now, terms.zone),
            signed_answer=signing(keys.answers)(approval),
        )


def _purses(found: Found, terms: Terms) -> tuple[str, ...]:
    """What pays now; a CC1 was refused by its kind already if nothing pays for it."""
    instrument = funding.pays_as(found.instrument)
    return terms.purses if instrument is None else terms.plan.purses(instrument, terms.network)


def _authorised(
    answer: Answer, holder: Holder | None, message: PurchaseMessage, terms: Terms
) -> Authorised:
    """The answer with the ends that follow from it, the same for a repeat."""
    is_held = message.manual and answer.outcome == "APPROVED"
    is_waiting = answer.outcome == "PIN_REQUIRED"
    return Authorised(
        answer,
        holder,
        answer.answered_at + timedelta(seconds=terms.hold_seconds) if is_held else None,
        answer.answered_at + timedelta(seconds=CONTINUATION_SECONDS) if is_waiting else None,
    )


def _answer(
    till: Till, message: PurchaseMessage, keys: SchoolKeys, now: datetime, reference: str
) -> Answer:
    """The approval of this message, should it come true."""
    key = Key(till.terminal_no, message.batch_no, message.seq_no)
    return Answer.bare(key, "APPROVED", "00", message.minor_amount, reference, keys.answer.kid, now)


def _content(message: PurchaseMessage) -> BusinessFields:
    """What a repeat of the key must ask for again: never the PIN block (terminals.md 1)."""
    presented = message.continuation or (message.presented and strip(message.presented))
    return BusinessFields(
        operation="AUTHORISE",
        presented=presented and str(presented),
        challenge=message.challenge and strip(message.challenge),
        minor_amount=message.minor_amount,
        currency=message.currency,
        scene=message.scene,
        capture="MANUAL" if message.manual else "IMMEDIATE",
    )


def _terminal_refusal(till: Till, message: PurchaseMessage) -> Declined | None:
    """What the terminal itself may not do, or asked for wrongly."""
    if not till.merchant_is_active:
        return Declined("03", "MERCHANT_INVALID")
    if message.scene not in till.scenes:
        return Declined("58", "TERMINAL_NOT_ALLOWED")
    if not is_amount(message.minor_amount) or message.currency != CURRENCY:
        return Declined("13", "AMOUNT_INVALID")
    if (message.presented is None) == (message.continuation is None):
        return Declined("30", "FORMAT_ERROR")
    return None
