"""Kiosks: a card released, a card handed out for a fee, and what became of it (M-078, M-082)."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from core.card.answers import CardAnswer, CardAsk
from core.card.vending import VendResult
from terminals.card_desk import Asked, CardDesk, TapMessage
from terminals.chips import is_uid
from terminals.codes import Use, strip
from terminals.guesses import Reader
from terminals.instruments import Declined
from terminals.payments import Till
from terminals.response import response_to
from terminals.scanning import scan_of


@dataclass(frozen=True, slots=True)
class ReleaseMessage:
    """The parsed input of `kioskRelease`."""

    batch_no: int
    seq_no: int
    tap: TapMessage
    pin_block: str | None


@dataclass(frozen=True, slots=True)
class ReplaceMessage:
    """The parsed input of `kioskReplace`: who, by a code or the old card, and the new chip."""

    batch_no: int
    seq_no: int
    presented: str
    new_uid: str
    pin_block: str | None


@dataclass(frozen=True, slots=True)
class VendMessage:
    """The parsed input of `kioskVendReport`."""

    batch_no: int
    seq_no: int
    job_id: UUID
    result: VendResult


class Jobs(Protocol):
    """The core's kiosks, as `core.card` answers them."""

    async def release(
        self, school_id: int, ask: CardAsk, cardholder_id: UUID, card_id: UUID
    ) -> CardAnswer:
        """Takes a loss report back."""
        ...

    async def replace(
        self, school_id: int, ask: CardAsk, cardholder_id: UUID, new_uid: str
    ) -> CardAnswer:
        """Takes the fee and begins a job."""
        ...

    async def report(
        self, school_id: int, ask: CardAsk, job_id: UUID, result: VendResult
    ) -> CardAnswer:
        """What became of a job."""
        ...


class Kiosks:
    """Answers `kioskRelease`, `kioskReplace` and `kioskVendReport` (terminals.md 3 and 9)."""

    def __init__(self, desk: CardDesk, reader: Reader, jobs: Jobs) -> None:
        self._desk = desk
        self._reader = reader
        self._jobs = jobs

    async def release(self, till: Till, message: ReleaseMessage) -> CardAnswer:
        """A reported card works again, in its holder's hand and with the PIN.

        Raises: IdempotencyConflict, Overloaded, DatabaseUnavailable.
        """
        asked = await self._desk.open(
            till, message.batch_no, message.seq_no, "CARD_RELEASE", message.tap.content()
        )
        stopped = await self._stopped(asked)
        seen = stopped or await self._desk.see(asked, message.tap)
        if isinstance(seen, CardAnswer):
            return seen
        if asked.terms.is_on_card and seen.reading is None:
            return await self._desk.refuse(asked, "63", "CHIP_NOT_PROVEN", seen.owner)
        refused = await self._desk.refuse_pin(asked, seen.owner, message.pin_block)
        if refused is not None:
            return refused
        return await self._jobs.release(
            till.issuer, asked.ask, seen.owner.cardholder_id, seen.owner.card_id
        )

    async def replace(self, till: Till, message: ReplaceMessage) -> CardAnswer:
        """Begins to hand out a new card.

        Raises: IdempotencyConflict, Overloaded, DatabaseUnavailable.
        """
        presented, new_uid = strip(message.presented), message.new_uid.upper()
        content = {"presented": presented, "new_uid": new_uid}
        asked = await self._desk.open(
            till, message.batch_no, message.seq_no, "CARD_REPLACE", {**content}
        )
        stopped = await self._stopped(asked)
        if stopped is not None:
            return stopped
        if not is_uid(new_uid):
            return await self._desk.refuse(asked, "30", "NEW_UID")
        scan = scan_of(till, presented, Use.PAY, asked.terms, asked.keys, asked.ask.answered_at)
        found = await self._reader.read(till.terminal_no, scan)
        if isinstance(found, Declined):
            code = found.response_code or response_to(found.reason).code
            owner = None if found.found is None else found.found.owner
            return await self._desk.refuse(asked, code, found.reason, owner)
        refused = await self._desk.refuse_pin(asked, found.owner, message.pin_block)
        if refused is not None:
            return refused
        return await self._jobs.replace(till.issuer, asked.ask, found.owner.cardholder_id, new_uid)

    async def report(self, till: Till, message: VendMessage) -> CardAnswer:
        """What became of a job.

        Raises: IdempotencyConflict, DatabaseUnavailable.
        """
        content = {"job_id": str(message.job_id), "result": message.result.value}
        asked = await self._desk.open(
            till, message.batch_no, message.seq_no, "VEND_REPORT", {**content}
        )
        stopped = await self._stopped(asked)
        if stopped is not None:
            return stopped
        return await self._jobs.report(till.issuer, asked.ask, message.job_id, message.result)

    async def _stopped(self, asked: Asked) -> CardAnswer | None:
        """What the key was answered before, or that the terminal is no kiosk."""
        repeated = await self._desk.repeated(asked)
        if repeated is None and not asked.is_kiosk:
            return await self._desk.refuse(asked, "58", "TERMINAL_NOT_ALLOWED")
        return repeated
