"""Money waiting, in flight and on a chip is constant, whatever messages are lost on the way."""

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from clients.terminal.chip import Chip
from core.card.answers import CardAnswer, CardAsk, CardKey
from core.db.unit import Unit
from core.kit.clock import business_day
from core.ledger.records import Posting
from core.ports.chips import ChipReading
from core.school.policy import Policy, Purse
from core.school.policy_words import PurseModel
from core.top_up.records import Tap
from core.top_up.service.chips import Chips
from core.top_up.service.loads import Loads
from terminals.chips import HmacChips, card_key, read_state
from terminals.message import RequestKey
from tests.factories.canteen import TILLS, ZONE, canteen_on
from tests.servers.fixtures import DatabaseDsn

AMOUNTS = st.sampled_from([1, 99, 100, 250, 1000])
TILL = st.sampled_from(TILLS)
KEY = bytes([0x66]) * 32
ON_CARD = Policy(purse=Purse(PurseModel.ON_CARD))
NOT_OURS = {"I22 cash"}
"""This test pays in without a cashier."""


class World:
    """One database for all histories; each history plays a chip of its own."""

    def __init__(self, dsn: str) -> None:
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        (self.canteen,) = self.run(self.stack.enter_async_context(canteen_on(dsn, lanes=1)))
        self.folder = Path(tempfile.mkdtemp())
        self.seqs = itertools.count(1)
        canteen = self.canteen

        async def policy_of(_school_id: int) -> Policy:
            return ON_CARD

        self.loads = Loads(
            canteen.database, canteen.clock, canteen.ids, policy_of=policy_of,
            limits=canteen.limits, chips=Chips(canteen.ledger, canteen.clock, canteen.ids),
        )  # fmt: skip

    def run(self, work: Any) -> Any:
        """Plays one step on the world's own loop."""
        return self.runner.run(work)

    def close(self) -> None:
        """Closes the connections, then the loop."""
        self.run(self.stack.aclose())
        self.runner.close()
        shutil.rmtree(self.folder)


def sign(answer: CardAnswer) -> str:
    """Stands for the CCR."""
    return f"{'.'.join(map(str, answer.key))} {answer.outcome} {answer.response_code}"


class ChipHistories(RuleBasedStateMachine):
    """Random taps, of which any message may be lost, and what the chip itself then holds."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.canteen, self.run = self.world.canteen, self.world.run
        self.holder = self.run(self.canteen.holder())
        uid = self.holder.physical_id.hex[-8:].upper()
        self.chip = Chip.make(self.world.folder / uid, uid, card_key(KEY, uid))
        self.scheme = HmacChips(lambda _: [KEY])
        self.came_in = self.went_out = self.on_chip_unreported = 0
        self.commands: list[tuple[UUID, bytes, int]] = []
        self.debits: list[int] = []
        self.asked: list[tuple[CardAsk, Any, CardAnswer]] = []

    @rule(amount=AMOUNTS)
    def pay_in(self, amount: int) -> None:
        """Money comes in and waits."""

        async def work(unit: Unit) -> None:
            canteen = self.canteen
            await canteen.limits.lock(unit, self.holder.id)
            cash = await canteen.ledger.school_account(unit, "CASH")
            purse = await canteen.ledger.open_account(unit, self.holder.id, "CLAIM")
            posting = Posting(canteen.ids.new(), "CASH_TOP_UP", cash, purse, amount)
            await canteen.ledger.post(unit, [posting], business_day(canteen.clock.now(), ZONE))

        self.run(self.canteen.database.unit(self.canteen.school_id, work))
        self.came_in += amount

    @rule(amount=AMOUNTS)
    def code_spends(self, amount: int) -> None:
        """A code spends what waits and is not held."""
        if self.spend(amount, ("CLAIM",)):
            self.went_out += amount

    @rule(amount=AMOUNTS)
    def chip_spends(self, amount: int) -> None:
        """The chip pays; the till tells later."""
        if amount <= self.chip.memory.balance:
            self.chip.debit(amount, bytes(10))
            self.debits.append(amount)
            self.on_chip_unreported += amount

    @rule()
    def till_reports(self) -> None:
        """What the chip paid reaches the books, if they know of the load it was paid from."""
        if self.debits and self.spend(self.debits[0], ("CARD",)):
            amount = self.debits.pop(0)
            self.on_chip_unreported -= amount
            self.went_out += amount

    @rule(till=TILL, is_lost=st.booleans(), is_written=st.booleans())
    def claim(self, till: int, is_lost: bool, is_written: bool) -> None:
        """A claim whose answer may be lost, and whose command may never reach the chip."""
        answer = self.tap(till, "claim")
        if answer.command is not None and not is_lost:
            assert answer.subject_id is not None
            self.commands = [(answer.subject_id, answer.command, till)]
            if is_written:
                self.chip.write(answer.command)

    @rule()
    def power_cut_after_late_write(self) -> None:
        """A till that got its command writes it now, if the chip still takes it."""
        for load_id, command, _ in self.commands:
            if self.state_of(load_id) == "OPEN" and self.is_next(command):
                self.chip.write(command)

    @rule(is_lost=st.booleans())
    def confirm(self, is_lost: bool) -> None:
        """The till that got a command tells what the chip says; or its message is lost."""
        if self.commands and not is_lost:
            load_id, _, till = self.commands[0]
            self.tap(till, "confirm", load_id)

    @rule(till=TILL)
    def refresh(self, till: int) -> None:
        """Any other tap."""
        self.tap(till, "refresh")

    @rule(pick=st.integers(0, 1_000_000))
    def repeat(self, pick: int) -> None:
        """Any earlier request, sent again under its key."""
        if self.asked:
            ask, send, first = self.asked[pick % len(self.asked)]
            again = self.run(send(replace(ask, answered_at=self.canteen.clock.now())))
            assert again == replace(first, is_repeat=True)

    @rule(seconds=st.sampled_from([1, 61, 3_600]))
    def wait(self, seconds: int) -> None:
        """Time goes by."""
        self.canteen.clock.advance(seconds=seconds)

    @invariant()
    def money_is_constant(self) -> None:
        """In the books, and where it really is: what a chip has written is not counted twice."""
        waiting, held, on_card = self.run(self.purses())
        written = sum(
            amount
            for counter, amount in self.run(self.open_loads())
            if self.chip.memory.loads == counter + 1
        )
        assert held == sum(amount for _, amount in self.run(self.open_loads()))
        assert waiting + on_card == self.came_in - self.went_out
        real = waiting - written + self.chip.memory.balance
        assert real == self.came_in - self.went_out - self.on_chip_unreported

    def teardown(self) -> None:
        """Every statement that must find nothing; a lost message puts no chip out of step."""
        assert set(self.run(self.canteen.broken())) <= NOT_OURS
        frozen = "SELECT count(*) FROM chip WHERE frozen_at IS NOT NULL AND school_id = $1"
        assert self.run(self.canteen.rows(frozen, self.canteen.school_id)) == [(0,)]

    def tap(self, till: int, operation: str, load_id: UUID | None = None) -> CardAnswer:
        """One request with the card on the reader."""
        key = CardKey(till, 1, next(self.world.seqs))
        bound, canteen = RequestKey(*key).packed(), self.canteen
        uid, school = self.chip.memory.uid, canteen.school_id
        reading = ChipReading(uid, *read_state(self.chip.say(bound)))
        chip = self.scheme.prove(school, reading, bound)
        assert chip is not None
        tap = Tap(self.holder.physical_id, self.holder.id, reading, chip)
        now = canteen.clock.now()
        ask = CardAsk(
            key, {"operation": operation, "said": f"{reading.counter}.{reading.balance_minor}"},
            canteen.ids.retrieval_reference(), 1, now, business_day(now, ZONE), sign,
        )  # fmt: skip

        async def send(again: CardAsk) -> CardAnswer:
            if operation == "claim":
                return await self.world.loads.claim(school, again, tap)
            if load_id is not None:
                return await self.world.loads.confirm(school, again, load_id, tap)
            return await self.world.loads.refresh(school, again, tap)

        answer: CardAnswer = self.run(send(ask))
        assert answer.response_code in {"00", "L1", "L2"}
        self.asked.append((ask, send, answer))
        return answer

    def spend(self, amount: int, purses: tuple[str, ...]) -> bool:
        """Whether a purchase of these purses is approved."""
        request = self.canteen.purchase(self.holder, amount)
        answer = self.run(
            self.canteen.authorisations.authorise(
                self.canteen.school_id, purses, request, lambda _: "signed"
            )
        )
        return bool(answer.outcome == "APPROVED")

    def state_of(self, load_id: UUID) -> str:
        """Where a load stands."""
        ((state,),) = self.run(
            self.canteen.rows("SELECT state FROM card_load WHERE id = $1", load_id)
        )
        return str(state)

    def is_next(self, command: bytes) -> bool:
        """Whether the chip takes a load command now."""
        return int.from_bytes(command[:4]) == self.chip.memory.loads

    async def purses(self) -> tuple[int, int, int]:
        """What waits, what of it is held, what the books have on the chip."""
        balances = await self.canteen.ledger.balances(self.canteen.school_id, self.holder.id)
        waiting, card = balances.of("CLAIM"), balances.of("CARD")
        return (
            waiting.balance_minor if waiting else 0,
            waiting.pending_minor if waiting else 0,
            card.balance_minor if card else 0,
        )

    async def open_loads(self) -> list[tuple[int, int]]:
        """Counter and amount of the loads that hold."""
        rows = await self.canteen.rows(
            "SELECT counter, amount_minor FROM card_load WHERE cardholder_id = $1"
            " AND state = 'OPEN'",
            self.holder.id,
        )
        return [(row[0], row[1]) for row in rows]


@pytest.fixture
def world(database_dsn: DatabaseDsn) -> Iterator[World]:
    """The database that the histories share."""
    made = World(database_dsn.app)
    yield made
    made.close()


def test_money_is_constant_over_lost_messages(world: World) -> None:
    ChipHistories.world = world
    run_state_machine_as_test(
        ChipHistories,
        settings=settings(
            max_examples=25, stateful_step_count=25, suppress_health_check=list(HealthCheck),
            deadline=timedelta(seconds=30),
        ),
    )  # fmt: skip
