"""Claims: from a card on a reader to the question put to the core (M-068 to M-071)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from core.card.answers import CardAnswer, CardAsk
from core.top_up.records import Tap
from terminals.card_desk import Asked, CardDesk, SeenCard, TapMessage
from terminals.payments import Till

_POS = {"NETWORKED_POS", "SPENDING_POS"}


class WriteResult(StrEnum):
    """What a terminal saw of its command; the chip's own word decides."""

    WRITTEN = "WRITTEN"
    NOT_WRITTEN = "NOT_WRITTEN"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class ClaimMessage:
    """The parsed input of `loadClaim`, `loadConfirm` and `cardRefresh`.

    `load_id` and `result` are those of a confirmation, whose chip may be gone: then the result is
    UNKNOWN and the tap a bare UID.
    """

    batch_no: int
    seq_no: int
    tap: TapMessage
    pin_block: str | None = None
    load_id: UUID | None = None
    result: WriteResult = WriteResult.UNKNOWN


class Loads(Protocol):
    """The core's loads, as `core.top_up` answers them."""

    async def claim(self, school_id: int, ask: CardAsk, tap: Tap) -> CardAnswer:
        """Holds all that waits and answers the command for the chip."""
        ...

    async def confirm(self, school_id: int, ask: CardAsk, load_id: UUID, tap: Tap) -> CardAnswer:
        """Ends a load by what the chip says."""
        ...

    async def refresh(self, school_id: int, ask: CardAsk, tap: Tap) -> CardAnswer:
        """Where the card stands, and the command that tells its chip."""
        ...


class Claims:
    """Answers `loadClaim`, `loadConfirm` and `cardRefresh` (terminals.md 3 and 9)."""

    def __init__(self, desk: CardDesk, loads: Loads) -> None:
        self._desk = desk
        self._loads = loads

    async def claim(self, till: Till, message: ClaimMessage) -> CardAnswer:
        """What waits, all of it; at a kiosk after the PIN.

        Raises: IdempotencyConflict, Overloaded, DatabaseUnavailable.
        """
        asked = await self._open(till, message, "LOAD_CLAIM")
        seen = await self._desk.repeated(asked) or await self._desk.see(asked, message.tap)
        if isinstance(seen, CardAnswer):
            return seen
        if asked.terms.is_on_card:
            refused = await self._refuse_claim(asked, seen, message)
            if refused is not None:
                return refused
        return await self._loads.claim(till.issuer, asked.ask, _tap(seen))

    async def confirm(self, till: Till, message: ClaimMessage) -> CardAnswer:
        """What became of a load, by the chip's word.

        Raises: IdempotencyConflict, DatabaseUnavailable.
        """
        assert message.load_id is not None  # the contract asks for it
        asked = await self._open(till, message, "LOAD_CONFIRM")
        seen = await self._desk.repeated(asked) or await self._desk.see(asked, message.tap)
        if isinstance(seen, CardAnswer):
            return seen
        if seen.reading is None and message.result is not WriteResult.UNKNOWN:
            return await self._desk.refuse(asked, "30", "CHIP_NOT_READ", seen.owner)
        return await self._loads.confirm(till.issuer, asked.ask, message.load_id, _tap(seen))

    async def refresh(self, till: Till, message: ClaimMessage) -> CardAnswer:
        """Where the card stands; where chips hold money, with the command that tells its chip.

        Raises: IdempotencyConflict, DatabaseUnavailable.
        """
        asked = await self._open(till, message, "CARD_REFRESH")
        seen = await self._desk.repeated(asked) or await self._desk.see(asked, message.tap)
        if isinstance(seen, CardAnswer):
            return seen
        if asked.terms.is_on_card and seen.reading is None:
            return await self._desk.refuse(asked, "63", "CHIP_NOT_PROVEN", seen.owner)
        return await self._loads.refresh(till.issuer, asked.ask, _tap(seen))

    async def _open(self, till: Till, message: ClaimMessage, operation: str) -> Asked:
        content = message.tap.content()
        if message.load_id is not None:
            content |= {"load_id": str(message.load_id), "result": message.result}
        return await self._desk.open(till, message.batch_no, message.seq_no, operation, content)

    async def _refuse_claim(
        self, asked: Asked, seen: SeenCard, message: ClaimMessage
    ) -> CardAnswer | None:
        places = {"KIOSK"} if asked.is_kiosk else _POS
        if not places & asked.terms.claim_via:
            return await self._desk.refuse(asked, "58", "CLAIM_ELSEWHERE", seen.owner)
        if seen.reading is None:
            return await self._desk.refuse(asked, "63", "CHIP_NOT_PROVEN", seen.owner)
        if not asked.is_kiosk:
            return None
        return await self._desk.refuse_pin(asked, seen.owner, message.pin_block)


def _tap(seen: SeenCard) -> Tap:
    return Tap(seen.owner.card_id, seen.owner.cardholder_id, seen.reading, seen.chip)
