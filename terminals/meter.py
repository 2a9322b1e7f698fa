"""Meters: from typed digits or a scan to a hold, and from a reading to what it costs.

Whose code it is and whether the meter is free is the core's to say; what the terminal may do, the
scan and the price of a reading are decided here. Either way the answer is stored under the key.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from core.authorisation.lifecycle import is_overridden
from core.authorisation.records import Answer, CodeUsed, FollowUp, Key, PurchaseRequest
from core.kit.clock import Clock, business_day, unix_seconds
from core.kit.errors import Refusal
from core.kit.ids import Ids
from core.utility import slots
from core.utility.records import (
    LATE,
    MeterBusy,
    MeterGroup,
    MeterKind,
    PlacedMeter,
    Reading,
    Run,
    Slot,
    SlotClosed,
    Tariff,
)
from terminals.answers import signing
from terminals.codes import Use, strip
from terminals.guesses import Reader
from terminals.instruments import Declined, Found, Owner
from terminals.message import PROOF_SECONDS, RequestKey, hash_of
from terminals.meter_messages import (
    Bookings,
    GroupKey,
    Registry,
    Runs,
    Started,
    StartFields,
    StartMessage,
    StopMessage,
    Stopped,
)
from terminals.payments import Payments, SchoolKeys, Terms, Till
from terminals.response import response_to
from terminals.scanning import scan_of
from terminals.scenes import Scene
from terminals.water import WATER, seal_key

_CODE8 = re.compile(r"[0-9]{8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Places:
    """What meters are looked up in."""

    meters: Registry
    bookings: Bookings
    find_card: Callable[[int, UUID], Awaitable[UUID]]
    """The card that a payment of this cardholder is booked to."""
    is_offered: Callable[[int, MeterGroup], Awaitable[bool]]
    """Whether the school offers such a group on its campus."""
    needs_pin: Callable[[int, UUID, int], Awaitable[bool]]
    """Whether an amount (fen) is above this cardholder's limits: a meter asks for no PIN."""
    group_key: Callable[[int, int, int], bytes]
    """School, group, version of its key."""


@dataclass(frozen=True, slots=True)
class _Payer:
    """Who pays, by what, and what that spends."""

    owner: Owner
    instrument: str
    replay_key: bytes | None
    serial: bytes | None
    slot: Slot
    tariff: Tariff
    reservation_id: UUID | None


class Metering:
    """Answers `meterStart`, `meterStop` and `meterSync` (terminals.md 3 and 9)."""

    def __init__(
        self,
        payments: Payments,
        runs: Runs,
        places: Places,
        reader: Reader,
        terms: Callable[[int], Awaitable[Terms]],
        keys: Callable[[int], SchoolKeys],
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._payments = payments
        self._runs = runs
        self._places = places
        self._reader = reader
        self._terms = terms
        self._keys = keys
        self._clock = clock
        self._ids = ids

    async def start(self, till: Till, message: StartMessage) -> Started:
        """Whether water may run; a repeat of the key hears the stored answer.

        Water that ran already is charged whatever its answer was: a decline that the meter never
        heard is repeated with the run. Raises: IdempotencyConflict, DatabaseUnavailable.
        """
        now, keys = self._clock.now(), self._keys(till.issuer)
        terms, key = await self._terms(till.issuer), message.key(till.terminal_no)
        sign, content = signing(keys.answers), _content(message)
        stored = await self._payments.repeated(till.issuer, key, content, sign)
        begun = None if stored is None else await self._runs.find(till.issuer, key)
        is_late = message.started_at is not None
        if stored is not None and (begun is not None or not is_late or not is_overridden(stored)):
            return Started(stored, begun)
        placed = await self._places.meters.find(till.issuer, till.terminal_no, message.meter_no)
        payer = await self._payer(till, message, placed, terms, keys, now)
        if not isinstance(payer, Declined):
            assert placed is not None  # or it was declined
            run = _run(message, placed, payer, key, now)
            request = self._request(till, run, payer, content, terms, keys, now)
            try:
                answer = await self._runs.start(till.issuer, terms.purses, request, run, sign)
                begins = answer.outcome == "APPROVED" or (is_late and is_overridden(answer))
                return Started(answer, run if begins else None)
            except (MeterBusy, CodeUsed) as refused:
                payer = Declined(None, refused.code())
        if stored is not None:
            return Started(stored, None)
        answer = await self._payments.refuse(
            till.issuer, "AUTHORISE", content, self._declined(key, payer, keys, now), sign
        )
        return Started(answer, None)

    async def stop(self, till: Till, message: StopMessage) -> Stopped:
        """Takes what ran and releases the rest; a repeat of the key hears the stored answer.

        Raises: IdempotencyConflict, DatabaseUnavailable.
        """
        keys, follow = self._keys(till.issuer), await self._follow(till, message)
        is_free = follow.operation == "VOID"
        named = RequestKey(
            till.terminal_no, follow.original.batch_no, follow.original.seq_no
        )  # as of every void
        sign = signing(keys.answers, named if is_free else None)
        run = await self._runs.find(till.issuer, follow.original)
        code = _stop_code(run, message)
        if code is not None:
            refused = follow.answer("DECLINED", code)
            answer = await self._payments.refuse(
                till.issuer, follow.operation, follow.content_hash, refused, sign
            )
            return Stopped(answer, run)
        reading = Reading(message.units, message.minor_amount, message.reason)
        answer = await self._runs.stop(till.issuer, follow, reading, sign)
        return Stopped(answer, run)

    async def sync(self, till: Till) -> list[GroupKey]:
        """The meters of this terminal, with what they need to take codes without a network."""
        zone, now = (await self._terms(till.issuer)).zone, self._clock.now()
        newest = till.public_keys[max(till.public_keys)]
        listed = await self._places.meters.list_all(till.issuer, till.terminal_no)
        made = []
        for placed in listed:
            group = placed.group
            key = self._places.group_key(till.issuer, group.number, group.key_version)
            today = slots.slots_of(group, business_day(now, zone), zone)
            first = unix_seconds(today[0].starts_at) if today else 0
            made.append(GroupKey(placed, first, len(today), seal_key(key, newest)))
        return made

    async def _payer(
        self,
        till: Till,
        message: StartMessage,
        placed: PlacedMeter | None,
        terms: Terms,
        keys: SchoolKeys,
        now: datetime,
    ) -> _Payer | Declined:
        refused = _terminal_refusal(till, message, placed, now)
        if refused is not None:
            return refused
        assert placed is not None  # or it was refused
        is_late = message.started_at is not None
        if not is_late and not await self._places.is_offered(till.issuer, placed.group):
            return Declined("40", "NOT_SUPPORTED")
        try:
            if message.code8 is not None:
                payer: _Payer | Declined = await self._typed(till, message, placed, now)
            else:
                payer = await self._scanned(till, message, placed, terms, keys, now)
        except Refusal as refusal:
            return Declined(None, refusal.code())
        if isinstance(payer, Declined):
            return payer
        amount, cardholder_id = payer.tariff.maximum_minor, payer.owner.cardholder_id
        if not is_late and await self._places.needs_pin(till.issuer, cardholder_id, amount):
            # Not asked of the books, where it would reserve the code for a PIN that never comes.
            return Declined("61", "PIN_REQUIRED")
        return payer

    async def _typed(
        self, till: Till, message: StartMessage, placed: PlacedMeter, now: datetime
    ) -> _Payer:
        assert message.code8 is not None
        counted = message.key(till.terminal_no) if message.started_at is None else None
        reservation = await self._places.bookings.match(
            till.issuer, placed, message.code8, message.started_at or now, counted
        )
        card_id = await self._places.find_card(till.issuer, reservation.cardholder_id)
        owner = Owner(reservation.cardholder_id, card_id, None, is_revoked=False, holder=None)
        slot, tariff = reservation.slot, reservation.tariff
        spent = _replay_key(reservation.id, message.key(till.terminal_no))
        return _Payer(owner, WATER, spent, None, slot, tariff, reservation.id)

    async def _scanned(
        self,
        till: Till,
        message: StartMessage,
        placed: PlacedMeter,
        terms: Terms,
        keys: SchoolKeys,
        now: datetime,
    ) -> _Payer | Declined:
        group = placed.group
        scan = scan_of(
            till, message.presented or "", Use.PAY, terms, keys, now,
            minor_amount=group.tariff.maximum_minor,
        )  # fmt: skip
        found = await self._reader.read(till.terminal_no, scan)
        if isinstance(found, Declined):
            return found
        if group.kind is MeterKind.DORMITORY_WATER:
            if not slots.is_open_now(group, now, terms.zone):
                raise SlotClosed
            slot = Slot(now, now + timedelta(minutes=group.slot_minutes))
            return _payer(found, slot, group.tariff, None)
        own = await self._places.bookings.find_own(
            till.issuer, placed, found.owner.cardholder_id, now
        )
        return _payer(found, own.slot, own.tariff, own.id)

    def _request(
        self,
        till: Till,
        run: Run,
        payer: _Payer,
        content: bytes,
        terms: Terms,
        keys: SchoolKeys,
        now: datetime,
    ) -> PurchaseRequest:
        reference, amount = self._ids.retrieval_reference(), run.tariff.maximum_minor
        kid = keys.answer.kid
        approval = Answer.bare(run.key, "APPROVED", "00", amount, reference, kid, now)
        continuation_id, *transfer_ids = self._ids.several(1 + len(terms.purses))
        return PurchaseRequest(
            terminal_no=run.key.terminal_no,
            batch_no=run.key.batch_no,
            seq_no=run.key.seq_no,
            content_hash=content,
            cardholder_id=run.cardholder_id,
            card_id=payer.owner.card_id,
            serial=payer.serial,
            device_id=payer.owner.device_id,
            instrument=payer.instrument,
            scene=Scene.METER,
            replay_key=payer.replay_key,
            continuation_id=None,
            new_continuation_id=continuation_id,
            continuation_until=now,  # a meter asks for no PIN
            amount_minor=amount,
            manual=True,
            expires_at=run.hold_until,
            pin_proven=False,
            single_minor=terms.single_minor,
            daily_minor=terms.daily_minor,
            merchant_account_id=till.merchant_account_id,
            transfer_ids=tuple(transfer_ids),
            retrieval_reference=reference,
            answer_kid=kid,
            answered_at=now,
            business_on=business_day(now, terms.zone),
            signed_answer=signing(keys.answers)(approval),
        )

    def _declined(self, key: Key, declined: Declined, keys: SchoolKeys, now: datetime) -> Answer:
        code = declined.response_code or response_to(declined.reason).code
        reference = self._ids.retrieval_reference()
        bare = Answer.bare(key, "DECLINED", code, 0, reference, keys.answer.kid, now)
        holder = declined.found.owner.cardholder_id if declined.found else None
        return replace(bare, reason=declined.reason, cardholder_id=holder)

    async def _follow(self, till: Till, message: StopMessage) -> FollowUp:
        now, terms = self._clock.now(), await self._terms(till.issuer)
        return FollowUp(
            operation="CAPTURE" if message.minor_amount else "VOID",
            key=Key(till.terminal_no, message.batch_no, message.seq_no),
            original=Key(till.terminal_no, message.original_batch_no, message.original_seq_no),
            content_hash=message.content_hash(till.terminal_no),
            amount_minor=message.minor_amount,
            reason=message.reason,
            retrieval_reference=self._ids.retrieval_reference(),
            answer_kid=self._keys(till.issuer).answer.kid,
            answered_at=now,
            business_on=business_day(now, terms.zone),
        )


def _replay_key(reservation_id: UUID, key: Key) -> bytes:
    """What a start by digits spends, in the form of codes.md 8: `04`, 16 bytes, use P.

    Of the reservation and the key of its start: that no reservation runs twice is for the rows to
    say, so that a start which was undone can be made again with the same digits.
    """
    packed = RequestKey(key.terminal_no, key.batch_no, key.seq_no).packed()
    return b"\x04" + sha256(reservation_id.bytes + packed).digest()[:16] + Use.PAY.encode()


def _payer(found: Found, slot: Slot, tariff: Tariff, reservation_id: UUID | None) -> _Payer:
    return _Payer(
        found.owner, found.instrument, found.replay_key, found.serial, slot, tariff, reservation_id
    )


def _run(message: StartMessage, placed: PlacedMeter, payer: _Payer, key: Key, now: datetime) -> Run:
    return Run(
        key=key,
        meter_no=placed.meter.number,
        group_no=placed.group.number,
        cardholder_id=payer.owner.cardholder_id,
        reservation_id=payer.reservation_id,
        tariff=payer.tariff,
        started_at=message.started_at or now,
        ends_at=payer.slot.ends_at,
        is_late=message.started_at is not None,
    )


def _content(message: StartMessage) -> bytes:
    presented = None if message.presented is None else strip(message.presented)
    return hash_of(StartFields("METER_START", message.meter_no, presented, message.code8))


def _terminal_refusal(
    till: Till, message: StartMessage, placed: PlacedMeter | None, now: datetime
) -> Declined | None:
    """What the terminal itself may not do, or asked for wrongly."""
    if not till.merchant_is_active:
        return Declined("03", "MERCHANT_INVALID")
    if Scene.METER not in till.scenes:
        return Declined("58", "TERMINAL_NOT_ALLOWED")
    if placed is None:
        return Declined("58", "METER_UNKNOWN")
    code8 = message.code8
    if (message.presented is None) == (code8 is None):
        return Declined("30", "FORMAT_ERROR")
    if code8 is not None and not _CODE8.fullmatch(code8):
        return Declined("30", "FORMAT_ERROR")
    if message.started_at is None:
        return None
    if code8 is None:
        return Declined("C8", "OFFLINE_NOT_ALLOWED")
    if message.started_at > now + timedelta(seconds=PROOF_SECONDS):
        return Declined("C9", "CLOCK_UNTRUSTED")
    if now - message.started_at > LATE:
        return Declined("M2", "TOO_LATE")
    return None


def _stop_code(run: Run | None, message: StopMessage) -> str | None:
    """Why a reading is not taken; None if it may be."""
    if run is None:
        return "25"
    if message.units < 0:
        return "13"
    return None if run.tariff.amount_minor(message.units) == message.minor_amount else "64"
