"""What all requests about a card have in common: who asks, whose card it is, the PIN, the answer.

A refusal that is decided here is kept under the key like any other answer, so a repeat hears it
again, and a repeat costs no try of the PIN.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from core.card.answers import CardAnswer, CardAsk, CardKey, Kept
from core.kit.clock import Clock, business_day
from core.kit.ids import Ids
from core.ports.chips import ChipReading, ChipScheme, ProvenChip
from terminals.answers import signing_cards
from terminals.chips import MAC_BYTES, STATE_BYTES, is_uid, read_state
from terminals.instruments import Instruments, Owner
from terminals.message import RequestKey
from terminals.payments import SchoolKeys, Terms, Till
from terminals.pin_pad import PinPad
from terminals.scenes import Scene


@dataclass(frozen=True, slots=True)
class TapMessage:
    """A card on a reader, and the 16 bytes its chip said; without a chip of its own, none.

    They are the load counter u32, the balance u32 (fen) and the MAC.
    """

    uid: str
    said: bytes | None = None

    @property
    def is_well_formed(self) -> bool:
        """Whether it is a chip's number, with all of what a chip says or nothing."""
        return is_uid(self.uid) and (self.said is None or len(self.said) == STATE_BYTES)

    @property
    def reading(self) -> ChipReading | None:
        """What the chip said of itself."""
        return None if self.said is None else ChipReading(self.uid, *read_state(self.said))

    def content(self) -> Kept:
        """What a repeat must say again: not the MAC, which is bound to the key."""
        said = None if self.said is None else self.said[:-MAC_BYTES].hex()
        return {"uid": self.uid, "said": said}


class Answers(Protocol):
    """The answers the core keeps."""

    async def find(self, school_id: int, ask: CardAsk) -> CardAnswer | None:
        """What a key was answered before."""
        ...

    async def keep(self, school_id: int, ask: CardAsk, answer: CardAnswer) -> CardAnswer:
        """Keeps a refusal, or repeats what was kept."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A request at the desk: its terminal, the school's terms and keys, and the question."""

    till: Till
    terms: Terms
    keys: SchoolKeys
    ask: CardAsk

    @property
    def key(self) -> RequestKey:
        """The key of the request."""
        return RequestKey(*self.ask.key)

    @property
    def is_kiosk(self) -> bool:
        """Whether it comes from a kiosk, where the holder types the PIN."""
        return Scene.KIOSK in self.till.scenes


@dataclass(frozen=True, slots=True)
class SeenCard:
    """Whose card it is, and the chip if it has one and proved it."""

    owner: Owner
    reading: ChipReading | None
    chip: ProvenChip | None


class CardDesk:
    """Opens requests, reads cards, checks PINs, keeps refusals."""

    def __init__(
        self,
        answers: Answers,
        instruments: Instruments,
        scheme: ChipScheme,
        pad: PinPad,
        terms: Callable[[int], Awaitable[Terms]],
        keys: Callable[[int], SchoolKeys],
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._answers = answers
        self._instruments = instruments
        self._scheme = scheme
        self._pad = pad
        self._terms = terms
        self._keys = keys
        self._clock = clock
        self._ids = ids

    async def open(
        self, till: Till, batch_no: int, seq_no: int, operation: str, content: Kept
    ) -> Asked:
        """The question of a request."""
        now, keys = self._clock.now(), self._keys(till.issuer)
        terms = await self._terms(till.issuer)
        ask = CardAsk(
            key=CardKey(till.terminal_no, batch_no, seq_no),
            content={"operation": operation, **content},
            retrieval_reference=self._ids.retrieval_reference(),
            answer_kid=keys.answer.kid,
            answered_at=now,
            business_on=business_day(now, terms.zone),
            sign=signing_cards(keys.answers),
        )
        return Asked(till, terms, keys, ask)

    async def repeated(self, asked: Asked) -> CardAnswer | None:
        """What its key was answered before.

        Raises: IdempotencyConflict, DatabaseUnavailable.
        """
        return await self._answers.find(asked.till.issuer, asked.ask)

    async def refuse(
        self,
        asked: Asked,
        response_code: str,
        reason: str,
        owner: Owner | None = None,
        tries_left: int | None = None,
    ) -> CardAnswer:
        """Keeps a refusal.

        Raises: IdempotencyConflict, DatabaseUnavailable.
        """
        holder = None if owner is None else owner.cardholder_id
        answer = asked.ask.declined(response_code, reason, holder, tries_left)
        return await self._answers.keep(asked.till.issuer, asked.ask, answer)

    async def see(self, asked: Asked, tap: TapMessage) -> SeenCard | CardAnswer:
        """Whose card is on the reader, or the refusal that was kept.

        Where the chips hold money, a card without a proof is none.
        Raises: IdempotencyConflict, DatabaseUnavailable.
        """
        if not tap.is_well_formed:
            return await self.refuse(asked, "30", "TAP")
        owner = await self._instruments.by_uid(asked.till.issuer, tap.uid)
        if owner is None:
            return await self.refuse(asked, "14", "CARD_UNKNOWN")
        if tap.reading is None:
            return SeenCard(owner, None, None)
        chip = self._scheme.prove(asked.till.issuer, tap.reading, asked.key.packed())
        if chip is None:
            return await self.refuse(asked, "63", "CHIP_MAC", owner)
        return SeenCard(owner, tap.reading, chip)

    async def refuse_pin(
        self, asked: Asked, owner: Owner, pin_block: str | None
    ) -> CardAnswer | None:
        """Nothing, if the holder typed the right PIN; else the refusal that was kept.

        Raises: IdempotencyConflict, Overloaded, DatabaseUnavailable.
        """
        if pin_block is None:
            return await self.refuse(asked, "70", "PIN_MISSING", owner)
        verdict = await self._pad.check(
            asked.till, asked.key, pin_block, owner.cardholder_id, asked.keys
        )
        if verdict.ok:
            return None
        return await self.refuse(
            asked, verdict.response_code, verdict.reason or "PIN", owner, verdict.tries_left
        )
