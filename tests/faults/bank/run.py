"""The supervisor: seeded faults and outages, drain, verdict."""

import asyncio
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bff.fleet.dice import Dice
from core.db.invariants import Proof
from tests.faults.bank.evidence import judge_all
from tests.faults.bank.faults import KINDS, Fault
from tests.faults.bank.guard import calibrate, free_home
from tests.faults.bank.journal import Journal, Tail
from tests.faults.bank.judge import Verdict
from tests.faults.bank.premises import Bank
from tests.faults.bank.result import HarnessFault, Plan, Result
from tests.faults.bank.weather import OUTAGES, Weather
from tests.faults.bank.windows import window
from tests.faults.defects.planted import plant, shown_by

CALM_SECONDS = (0.2, 0.8)


def run(plan: Plan, home: Path | None = None) -> Result:
    """One run. Raises: HarnessFault."""
    calibration = calibrate()
    with ExitStack() as stack:
        if home is None:
            home = free_home()
            stack.callback(shutil.rmtree, home, ignore_errors=True)
        bank = Bank(plan, home, stack)
        settings = bank.settings()
        plant(plan.defect, bank.owner, bank.postgres.superuser_dsn)
        bank.start()
        result = Result(plan, calibration, Verdict(), Proof({}, ()), settings=settings)
        weather = _weather(bank, plan)
        _disturb(bank, result)
        weather.stop()
        result.faults += weather.hits
        result.missed += weather.missed
        bank.drain()
        result.verdict, result.proof = asyncio.run(judge_all(bank))
    return result


def _weather(bank: Bank, plan: Plan) -> Weather:
    """The outages, which have begun unless the run is calm."""
    dealt = [kind for kind in OUTAGES if kind.__name__ in shown_by(plan.defect)] or OUTAGES
    weather = Weather(bank.outside, plan.seed, bank.windows("weather"), tuple(dealt))
    if plan.with_faults:
        weather.start()
    return weather


def _disturb(bank: Bank, result: Result) -> None:
    """Seeded rounds, each a shuffle of all kinds; each fault waits for the recovery of the last."""
    dice = Dice(result.plan.seed, "faults")
    at, watch = bank.targets(), Watch(bank.tails())
    kinds: list[Fault] = []
    dealt = [kind for kind in KINDS if kind.__name__ in shown_by(result.plan.defect)] or KINDS
    journal = Journal(bank.windows("faults"))
    watch.wait_for_purchase(time.monotonic(), 10)
    ends_at = time.monotonic() + result.plan.seconds
    while time.monotonic() < ends_at:
        if not result.plan.with_faults:
            time.sleep(0.2)
            continue
        kinds = kinds or dice.shuffled(dealt)
        kind = kinds.pop()
        started = time.monotonic()
        hit, ended = kind(at, dice), time.monotonic()
        for child in bank.children:
            if not child.is_running:
                raise HarnessFault(f"{child.name} ended by itself: {child.log_tail()}")
        recovered = watch.wait_for_purchase(ended, 5)
        journal.write(window(kind.__name__, started, ended, recovered or time.monotonic()))
        if not hit:
            result.missed += 1
            continue
        result.faults[kind.__name__] += 1
        if recovered is not None:
            result.recoveries[kind.__name__].append(recovered - started)
        time.sleep(dice.between(*CALM_SECONDS))
    result.silence = watch.silence


class Watch:
    """Sees purchases being acknowledged, in the journals."""

    def __init__(self, tails: list[Tail]) -> None:
        self._tails = tails
        self._last: float | None = None
        self.silence = 0.0

    def wait_for_purchase(self, since: float, seconds: float) -> float | None:
        """When a purchase sent after `since` was acknowledged; None if none was in time."""
        give_up_at = time.monotonic() + seconds
        while time.monotonic() < give_up_at:
            for at, sent in sorted(self._acknowledged()):
                if self._last is not None:
                    self.silence = max(self.silence, at - self._last)
                self._last = at
                if sent > since:
                    return at
            time.sleep(0.02)
        return None

    def _acknowledged(self) -> Iterator[tuple[float, float]]:
        for tail in self._tails:
            for line in tail.new_lines():
                if line["t"] == "answer" and line["facts"].get("outcome") == "APPROVED":
                    yield line["at"], line["sent"]
