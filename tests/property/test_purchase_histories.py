"""The payment functions against the pure oracle, on the same histories."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from core.authorisation.decision import Situation, decide
from core.authorisation.lifecycle import (
    capture_code,
    capture_shares,
    refund_code,
    refund_shares,
    void_code,
)
from core.authorisation.records import Answer, Authorisation, PurchaseRequest
from core.db.unit import Unit
from tests.factories.canteen import Canteen, canteen_on, key_of, sign
from tests.servers.fixtures import DatabaseDsn

AMOUNTS = st.sampled_from([1, 99, 100, 101, 250, 299, 300, 301, 500, 1000])
PICK = st.integers(0, 1_000_000)


@dataclass
class Stand:
    """What the model knows of one purchase; `takes` is what each purse pays, SUBSIDY first."""

    request: PurchaseRequest
    answer: tuple[str, str]
    state: str | None = None
    takes: tuple[int, ...] = ()
    captured: int = 0
    refunded: int = 0


class World:
    """One database for all histories; each history plays a cardholder of its own."""

    def __init__(self, dsn: str) -> None:
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        (self.canteen,) = self.run(self.stack.enter_async_context(canteen_on(dsn, lanes=1)))

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
        self.canteen: Canteen = self.world.canteen
        self.run = self.world.run
        self.holder = self.run(self.canteen.holder(main_minor=1000, subsidy_minor=300))
        self.balance = [300, 1000]
        self.pending = [0, 0]
        self.status, self.card = "ACTIVE", "ACTIVE"
        self.single, self.daily = 300, 500
        self.day = self.canteen.purchase(self.holder, 1).business_on
        self.spent = 0
        self.used: set[bytes] = set()
        self.stands: list[Stand] = []

    @rule(amount=AMOUNTS, pin=st.booleans(), manual=st.booleans(), code=st.none() | PICK)
    def purchase(self, amount: int, pin: bool, manual: bool, code: int | None) -> None:
        """A new purchase, perhaps with the code of an earlier one."""
        changes: dict[str, Any] = {}
        if code is not None and self.stands:
            changes["replay_key"] = self.stands[code % len(self.stands)].request.replay_key
        request = self.canteen.purchase(
            self.holder, amount, pin_proven=pin, manual=manual, business_on=self.day,
            single_minor=self.single, daily_minor=self.daily, **changes,
        )  # fmt: skip
        assert request.replay_key is not None
        seen = Situation(
            self.status, self.card, False, request.replay_key not in self.used, self.free(),
            self.spent, self.single, self.daily,
        )  # fmt: skip
        expected = decide(amount, pin_proven=pin, seen=seen)
        answer: Answer = self.run(self.canteen.authorise(request))
        assert (answer.outcome, answer.response_code, answer.reason) == (
            expected.outcome, expected.response_code, expected.reason,
        )  # fmt: skip
        stand = Stand(request, (answer.outcome, answer.response_code))
        self.stands.append(stand)
        if expected.outcome != "DECLINED":
            self.used.add(request.replay_key)
        if expected.outcome == "APPROVED":
            stand.takes, stand.state = expected.takes_minor, "PENDING" if manual else "CAPTURED"
            stand.captured = 0 if manual else amount
            self.move(self.pending if manual else self.balance, stand.takes, 1 if manual else -1)
            self.spent += amount
            assert (answer.available_minor, answer.spent_minor) == (sum(self.free()), self.spent)

    @rule(pick=PICK)
    def repeat(self, pick: int) -> None:
        """Any earlier purchase, sent again."""
        if self.stands:
            stand = self.stands[pick % len(self.stands)]
            answer = self.run(self.canteen.authorise(self.canteen.retry(stand.request)))
            assert answer.verdict == "REPEATED"
            assert (answer.outcome, answer.response_code) == stand.answer

    @rule(pick=PICK, amount=AMOUNTS)
    def capture(self, pick: int, amount: int) -> None:
        """Any purchase, captured."""
        if not self.stands:
            return
        stand = self.stands[pick % len(self.stands)]
        expected = capture_code(self.known(stand), amount)
        self.follow("CAPTURE", stand, amount, expected)
        if expected == "00":
            shares = capture_shares(amount, stand.takes)
            self.move(self.pending, stand.takes, -1)
            self.move(self.balance, shares, -1)
            self.give_back(stand, stand.request.amount_minor - amount)
            stand.state, stand.captured = "CAPTURED", amount

    @rule(pick=PICK)
    def void(self, pick: int) -> None:
        """Any purchase, voided; a refused one gets a tombstone."""
        if not self.stands:
            return
        stand = self.stands[pick % len(self.stands)]
        expected = void_code(stand.state) if stand.state else "00"
        self.follow("VOID", stand, 0, expected)
        if stand.state is None:
            stand.state = "TOMBSTONE"
        elif expected == "00" and stand.state == "PENDING":
            self.move(self.pending, stand.takes, -1)
            self.give_back(stand, stand.request.amount_minor)
            stand.state = "VOIDED"
        elif expected == "00" and stand.state == "CAPTURED":
            self.move(self.balance, capture_shares(stand.captured, stand.takes), 1)
            self.give_back(stand, stand.captured)
            stand.state = "VOIDED"

    @rule(pick=PICK, amount=AMOUNTS)
    def refund(self, pick: int, amount: int) -> None:
        """Any purchase, refunded in part."""
        if not self.stands:
            return
        stand = self.stands[pick % len(self.stands)]
        expected = refund_code(self.known(stand), self.canteen.merchant_account_id, amount)
        self.follow("REFUND", stand, amount, expected)
        if expected == "00":
            paid = capture_shares(stand.captured, stand.takes)
            self.move(self.balance, refund_shares(amount, stand.refunded, paid), 1)
            stand.refunded += amount
            whole = stand.refunded == stand.captured
            stand.state = "REFUNDED" if whole else "REFUNDED_PART"

    @rule(status=st.sampled_from(["ACTIVE", "ACTIVE", "FROZEN", "CLOSED"]))
    def set_status(self, status: str) -> None:
        """The card centre freezes, closes or reopens."""
        self.status = status
        self.change("UPDATE cardholder SET status = $3 WHERE school_id = $1 AND id = $2",
                    self.holder.id, status)  # fmt: skip

    @rule(state=st.sampled_from(["ACTIVE", "ACTIVE", "LOST", "NOT_OPENED"]))
    def set_card(self, state: str) -> None:
        """The virtual card changes its state."""
        self.card = state
        self.change("UPDATE card SET state = $3 WHERE school_id = $1 AND id = $2",
                    self.holder.virtual_id, state)  # fmt: skip

    @rule(amount=AMOUNTS)
    def pay_in(self, amount: int) -> None:
        """Money comes in."""

        async def work(unit: Unit) -> None:
            await self.canteen.pay_in(unit, self.holder, amount)

        self.run(self.canteen.database.unit(self.canteen.school_id, work))
        self.balance[1] += amount

    @rule(single=AMOUNTS, more=AMOUNTS)
    def set_limits(self, single: int, more: int) -> None:
        """The cardholder changes both limits."""
        self.single, self.daily = single, single + more
        self.run(
            self.canteen.limits.change(
                self.canteen.school_id, self.holder.id, single_minor=single,
                daily_minor=self.daily, maximum_minor=10_000,
            )
        )  # fmt: skip

    @rule()
    def sleep(self) -> None:
        """A new day, whose allowance is whole; yesterday's holds run out."""
        self.canteen.clock.advance(days=1)
        self.day += timedelta(days=1)
        self.run(self.canteen.authorisations.expire_holds(self.canteen.school_id, 1000))
        for stand in self.stands:
            if stand.state == "PENDING":
                self.move(self.pending, stand.takes, -1)
                stand.state = "EXPIRED"
        self.spent = 0

    @invariant()
    def purses_are_as_the_model_says(self) -> None:
        """Balance and holds of both purses."""
        purses = self.run(
            self.canteen.ledger.balances(self.canteen.school_id, self.holder.id)
        ).purses
        found = {purse.kind: (purse.balance_minor, purse.pending_minor) for purse in purses}
        assert [found["SUBSIDY"], found["MAIN"]] == list(
            zip(self.balance, self.pending, strict=True)
        )

    def teardown(self) -> None:
        """Every history leaves books that hold."""
        assert self.run(self.canteen.broken()) == {}

    def give_back(self, stand: Stand, amount: int) -> None:
        """Only the day it was spent on gets an amount back."""
        if stand.request.business_on == self.day:
            self.spent -= amount

    def free(self) -> tuple[int, ...]:
        """What each purse may still pay."""
        return tuple(b - p for b, p in zip(self.balance, self.pending, strict=True))

    def follow(self, operation: str, stand: Stand, amount: int, code: str) -> None:
        """Sends what follows a purchase and compares its answer."""
        answer = self.run(
            self.canteen.answer(self.canteen.follow(operation, stand.request, amount))
        )
        assert answer.response_code == code
        assert answer.signed_answer == sign(answer)

    def change(self, sql: str, *values: object) -> None:
        """A change from elsewhere."""
        self.run(self.canteen.rows(sql, self.canteen.school_id, *values))

    @staticmethod
    def move(purses: list[int], shares: tuple[int, ...], sign_: int) -> None:
        """Adds or takes a share of each purse."""
        for index, share in enumerate(shares):
            purses[index] += sign_ * share

    def known(self, stand: Stand) -> Authorisation | None:
        """The purchase as the rules see it."""
        if stand.state is None:
            return None
        return Authorisation(
            key_of(stand.request), stand.state,
            None if stand.state == "TOMBSTONE" else self.holder.id,
            None if stand.state == "TOMBSTONE" else self.canteen.merchant_account_id,
            stand.request.amount_minor, stand.captured, stand.refunded, (), None, None,
        )  # fmt: skip


@pytest.fixture
def world(database_dsn: DatabaseDsn) -> Iterator[World]:
    """The database that the histories share."""
    made = World(database_dsn.app)
    yield made
    made.close()


def test_the_payment_functions_decide_as_the_oracle(world: World) -> None:
    Histories.world = world
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=80, stateful_step_count=30, suppress_health_check=list(HealthCheck)
        ),
    )
