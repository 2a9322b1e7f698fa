"""A gate, its doors and a scripted core, for the tests of what a door is answered."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from core.entry.records import (
    Direction,
    Door,
    DoorScene,
    EntryAnswer,
    EntryEvent,
    EntryOutcome,
    EntryRequest,
    EventAnswer,
    EventVerdict,
    Pair,
    Passback,
)
from core.kit.clock import from_unix
from core.ledger.records import Balances, Purse
from terminals.ccq import Purpose
from terminals.entry import Entries
from terminals.entry_events import EntryEvents
from terminals.guesses import Guesses, Reader
from terminals.instruments import Owner
from terminals.passages import EntryMessage, EventMessage
from terminals.payments import Terms
from terminals.scenes import Holder, Scene
from tests.unit.terminals import samples
from tests.unit.terminals.samples import SHOWN
from tests.unit.terminals.tills import CARD_OWNER, HOLDER, KEYS, OWNER, TERMS, TILL, ScriptedCore
from tests.unit.terminals.verdicts import challenge

SERIAL = bytes.fromhex("a1b2c3d40001")
GATE = replace(
    TILL, scenes=frozenset({Scene.GATE, Scene.LIBRARY, Scene.BUS, Scene.DORMITORY, Scene.MEAL})
)
NORTH = Door(42, 1, "北门", "North gate", "campus", Passback.OFF, DoorScene.GATE, True)
DOORS = {
    1: NORTH,
    2: replace(NORTH, number=2, scene=DoorScene.LIBRARY),
    3: replace(NORTH, number=3, scene=DoorScene.BUS),
    4: replace(NORTH, number=4, scene=DoorScene.DORMITORY, common=False, pairs=(Pair(7, 0),)),
    5: replace(NORTH, number=5, scene=DoorScene.CLASSROOM),
    6: replace(NORTH, number=6, opens_on_lost_clock=True),
}
ASKED = EntryMessage(12, 345, samples.VECTOR_1, 1, Direction.IN)
TAP = replace(ASKED, presented="CARD:0a1b2c3d:7:ff")


def entry_challenge() -> str:
    """What the gate shows for the very request of `ASKED`."""
    return challenge(Purpose.ENTRY).text


@dataclass
class Gatehouse(ScriptedCore):
    """Grants and accepts, unless a test says otherwise; remembers what it was asked."""

    owners: dict[Any, Any] = field(default_factory=lambda: {SERIAL: OWNER, "0A1B2C3D": CARD_OWNER})
    stored_entry: EntryAnswer | None = None
    code: str = "00"
    looked_up: list[UUID] = field(default_factory=list)

    async def find(self, school_id: int, terminal_no: int, number: int) -> Door | None:
        assert (school_id, terminal_no) == (0, 42)
        return DOORS.get(number)

    async def holder(self, school_id: int, cardholder_id: UUID) -> Holder:
        self.looked_up.append(cardholder_id)
        return HOLDER

    async def balances(self, school_id: int, cardholder_id: UUID) -> Balances:
        return Balances((Purse(UUID(int=7), "MAIN", 900, 100),), from_unix(SHOWN))

    async def decide(self, school_id: int, request: EntryRequest, sign: Any) -> EntryAnswer:
        self.asked.append(request)
        if self.stored_entry is not None:
            return self.stored_entry
        is_granted = self.code == "00"
        answer = EntryAnswer(
            key=request.key,
            outcome=EntryOutcome.GRANTED if is_granted else EntryOutcome.DENIED,
            response_code=self.code,
            reason=None if is_granted else "PASSBACK",
            scene=request.door.scene,
            cardholder_id=request.passer.cardholder_id,
            available_minor=request.available_minor,
            answer_kid=request.answer_kid,
            answered_at=request.answered_at,
        )
        return replace(answer, signed_answer=sign(answer))

    async def refuse(  # type: ignore[override]  # another core's refusals
        self, school_id: int, content_hash: bytes, answer: EntryAnswer, sign: Any
    ) -> EntryAnswer:
        self.asked.append((content_hash, answer))
        return self.stored_entry or replace(answer, signed_answer=sign(answer))

    async def record(self, school_id: int, event: EntryEvent, kept_days: int) -> EventAnswer:
        assert kept_days == 10
        self.asked.append(event)
        if event.passer is None:
            return EventAnswer(EventVerdict.REJECTED, event.refusal)
        return EventAnswer(EventVerdict.ACCEPTED)

    def owned(self, serial: bytes, **changes: Any) -> None:
        """Gives a pass to somebody."""
        self.owners[serial] = replace(OWNER, **changes)


async def _terms(_: int) -> Terms:
    return TERMS


def make_entries(core: Gatehouse, now: int = SHOWN) -> Entries:
    """What answers doors, over a scripted core."""
    clock = samples.FixedClock(now)
    reader = Reader(core, Guesses(core.count_guess, clock))
    return Entries(core, core, reader, core, core.balances, _terms, lambda _: KEYS, clock)


def make_events(core: Gatehouse, now: int = SHOWN) -> EntryEvents:
    """What judges events, over a scripted core."""
    return EntryEvents(core, core, core, _terms, lambda _: KEYS, samples.FixedClock(now))


def event(asked: EntryMessage = ASKED, at: int = SHOWN, **changes: Any) -> EventMessage:
    """What a gate did offline at an instant."""
    made = EventMessage(asked, _instant(at), is_clock_trusted=True, deny_version=9)
    return replace(made, **changes)


def _instant(at: int) -> datetime:
    return from_unix(at)


def owner_without(*missing: Any) -> Owner:
    """Somebody who lacks some uses."""
    return replace(OWNER, uses=OWNER.uses - set(missing))
