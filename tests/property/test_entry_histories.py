"""The function that decides entries against the pure oracle, on the same histories."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from core.entry.decision import entry_code, is_noted_twice
from core.entry.records import (
    Direction,
    DoorScene,
    EntryAnswer,
    EntryRequest,
    EventVerdict,
    Groups,
    Pair,
    Passback,
    Standing,
)
from core.kit.errors import IdempotencyConflict
from tests.factories.canteen import SCHOOL, canteen_on
from tests.factories.gates import CAMPUS_GATE, SOUTH_GATE, Gates
from tests.servers.fixtures import DatabaseDsn

DORMITORY = replace(
    CAMPUS_GATE, number=2, zone="dormitory", passback=Passback.SOFT, scene=DoorScene.DORMITORY,
    common=False, pairs=(Pair(7, 0), Pair(7, 2), Pair(255, 15)),
)  # fmt: skip
DOORS = (
    replace(CAMPUS_GATE, passback=Passback.HARD, opens_at=time(6), closes_at=time(23)),
    replace(SOUTH_GATE, passback=Passback.HARD),
    DORMITORY,
    replace(CAMPUS_GATE, number=3, zone="library", passback=Passback.OFF),
)
GROUPS = st.builds(Groups, st.sampled_from([7, 255, 8]), st.sampled_from([0, 1, 2, 4, 1 << 15]))
PICK = st.integers(0, 1_000_000)


@dataclass
class Past:
    """One question and what it was answered."""

    request: EntryRequest
    answer: EntryAnswer


class World:
    """One database for all histories; each plays a cardholder of its own at the same doors."""

    def __init__(self, dsn: str) -> None:
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        (canteen,) = self.run(self.stack.enter_async_context(canteen_on(dsn, lanes=1)))
        self.gates = Gates(canteen)
        self.run(self.gates.put(*DOORS))

    def run(self, work: Any) -> Any:
        """Plays one step on the world's own loop."""
        return self.runner.run(work)

    def close(self) -> None:
        """Closes the connections, then the loop."""
        self.run(self.stack.aclose())
        self.runner.close()


class Histories(RuleBasedStateMachine):
    """Random histories of one cardholder, played on the database and on the model at once."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.gates = self.world.gates
        self.run = self.world.run
        self.holder = self.run(self.gates.canteen.holder())
        self.status, self.cards, self.is_revoked = "ACTIVE", {"V": "ACTIVE", "P": "ACTIVE"}, False
        self.rights: dict[int, int] = {}
        self.moved: dict[str, tuple[bool, datetime]] = {}
        self.used: set[bytes] = set()
        self.passages: list[tuple[str, bool]] = []
        self.past: list[Past] = []

    @rule(
        door=st.sampled_from(DOORS), way=st.sampled_from(Direction), taps=st.booleans(),
        groups=st.none() | GROUPS, again=st.none() | PICK, at=st.sampled_from([5, 6, 12, 23]),
    )  # fmt: skip
    def ask(
        self,
        door: Any,
        way: Direction,
        taps: bool,
        groups: Groups | None,
        again: int | None,
        at: int,
    ) -> None:
        """A question at a door, perhaps with the code of an earlier one."""
        passer = self.gates.passer(self.holder, groups=groups)
        if taps:
            passer = self.gates.tapper(self.holder)
        elif again is not None and self.past:
            code = self.past[again % len(self.past)].request.passer.replay_key
            passer = replace(passer, replay_key=code or passer.replay_key)
        request = self.gates.asks(passer, door, way, local_time=time(at))
        now = request.answered_at
        inside, moved_at = self.moved.get(door.zone, (False, None))
        standing = Standing(
            self.status,
            self.cards["P" if taps else "V"],
            now if self.is_revoked and not taps else None,
            1 if passer.replay_key in self.used else None,
            tuple(Groups(*each) for each in self.rights.items()),
            inside,
            moved_at,
        )
        expected = entry_code(door, way, passer, standing, request.local_time, now)
        answer = self.run(self.gates.ask(request))
        assert (answer.response_code, answer.is_repeat) == (expected, False)
        self.past.append(Past(request, answer))
        if expected == "00":
            self.passages.append((door.zone, is_noted_twice(door, way, standing, now)))
            if passer.replay_key is not None:
                self.used.add(passer.replay_key)
            if way is not Direction.NONE:
                self.moved[door.zone] = way is Direction.IN, now

    @rule(door=st.sampled_from(DOORS), hours=st.sampled_from([0, 23, 24]))
    def come_in_again(self, door: Any, hours: int) -> None:
        """In, and in once more after a while."""
        for _ in range(2):
            self.ask(door, Direction.IN, taps=True, groups=None, again=None, at=12)
            self.gates.canteen.clock.advance(hours=hours, seconds=-1 if hours == 24 else 1)

    @rule(pick=PICK, other=st.booleans())
    def repeat(self, pick: int, other: bool) -> None:
        """Any earlier question again, or another one under its key."""
        if not self.past:
            return
        past = self.past[pick % len(self.past)]
        if other:
            with pytest.raises(IdempotencyConflict):
                self.run(self.gates.ask(replace(past.request, content_hash=bytes(32))))
            return
        again = replace(past.request, answered_at=self.gates.canteen.clock.now())
        assert self.run(self.gates.ask(again, process=1)) == replace(past.answer, is_repeat=True)

    @rule(door=st.sampled_from(DOORS[1:]))
    def let_in_and_asked_after(self, door: Any) -> None:
        """A gate tells of a passage before the question under the same key comes through."""
        tapper = self.gates.tapper(self.holder)
        event = self.gates.event(tapper, door)
        told = self.run(self.gates.tell(event))
        assert told.verdict is EventVerdict.ACCEPTED
        twice = "PASSBACK" in told.flags
        self.passages.append((door.zone, twice))
        self.moved[door.zone] = True, event.passed_at
        asked = self.gates.asks(tapper, door, key=event.key, content_hash=event.content_hash)
        assert self.run(self.gates.ask(asked)).response_code == "00"

    @rule(groups=GROUPS)
    def grant(self, groups: Groups) -> None:
        """The school gives rights, or takes them."""
        self.run(self.gates.grant(self.holder, *groups))
        self.rights[groups.profile] = groups.mask

    @rule(status=st.sampled_from(["ACTIVE", "ACTIVE", "ACTIVE", "FROZEN", "CLOSED"]))
    def set_status(self, status: str) -> None:
        """The card centre freezes, closes or reopens."""
        self.status = status
        self.change("UPDATE cardholder SET status = $3 WHERE school_id = $1 AND id = $2",
                    self.holder.id, status)  # fmt: skip

    @rule(state=st.sampled_from(["ACTIVE", "ACTIVE", "NOT_OPENED"]))
    def set_virtual_card(self, state: str) -> None:
        """The virtual card is shut or opened."""
        self.cards["V"] = state
        self.change("UPDATE card SET state = $3 WHERE school_id = $1 AND id = $2",
                    self.holder.virtual_id, state)  # fmt: skip

    @rule(state=st.sampled_from(["ACTIVE", "ACTIVE", "LOST"]))
    def set_physical_card(self, state: str) -> None:
        """The physical card is lost or found."""
        self.cards["P"] = state
        self.change(
            "UPDATE card SET state = $3, lost_at = $4 WHERE school_id = $1 AND id = $2",
            self.holder.physical_id, state,
            self.gates.canteen.clock.now() if state == "LOST" else None,
        )  # fmt: skip

    @rule(is_revoked=st.sampled_from([False, False, True]))
    def set_device(self, is_revoked: bool) -> None:
        """The phone is revoked, or another one stands for it."""
        self.is_revoked = is_revoked
        self.change("UPDATE code_device SET revoked_at = $3 WHERE school_id = $1 AND id = $2",
                    self.holder.device_id,
                    self.gates.canteen.clock.now() if is_revoked else None)  # fmt: skip

    @rule(hours=st.sampled_from([0, 1, 23, 24]))
    def wait(self, hours: int) -> None:
        """Time passes."""
        self.gates.canteen.clock.advance(hours=hours, seconds=1)

    def teardown(self) -> None:
        """Every history leaves the passages that the model counted, and books that hold."""
        kept = self.run(
            self.gates.canteen.rows(
                "SELECT zone, 'PASSBACK' = ANY(flags) FROM passage"
                " WHERE school_id = $1 AND cardholder_id = $2",
                SCHOOL, self.holder.id,
            )
        )  # fmt: skip
        assert sorted(map(tuple, kept)) == sorted(self.passages)
        assert self.run(self.gates.canteen.broken()) == {}

    def change(self, sql: str, *values: object) -> None:
        """A change from elsewhere."""
        self.run(self.gates.canteen.rows(sql, SCHOOL, *values))


@pytest.fixture
def world(database_dsn: DatabaseDsn) -> Iterator[World]:
    """The database that the histories share."""
    made = World(database_dsn.app)
    yield made
    made.close()


def test_the_entry_function_decides_as_the_oracle(world: World) -> None:
    Histories.world = world
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=40, stateful_step_count=30, suppress_health_check=list(HealthCheck),
            deadline=timedelta(seconds=5),
        ),
    )  # fmt: skip
