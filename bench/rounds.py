"""Interleaved rounds of contenders, and the median of the ratios within each round."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bench.processor import Used


@dataclass(frozen=True, slots=True)
class Run:
    """One contender in one round: how many requests in how many seconds, at what cost.

    `latencies` are in seconds, from when a request was due; of pgbench their mean alone.
    """

    requests: int
    seconds: float
    used: Used
    latencies: tuple[float, ...] = ()

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

    @property
    def total(self) -> float:
        """Microseconds of processor per request of all processes that took part."""
        return sum(self.used.groups.values()) / self.requests * 1e6

    def cost(self, group: str) -> float:
        """Microseconds of processor per request."""
        return self.used.groups.get(group, 0.0) / self.requests * 1e6


WARM_UP_SECONDS = 10.0
"""Twice as long, each process has met every cardholder, also on a busy machine."""


class Contender(Protocol):
    """Something that answers requests as fast as it can."""

    @property
    def name(self) -> str:
        """What the rows call it."""
        ...

    def run(self, seconds: float) -> Run:
        """One round."""
        ...


Rounds = list[dict[str, Run]]


def interleave(contenders: Sequence[Contender], rounds: int, seconds: float) -> Rounds:
    """A B A B …, after two rounds to warm up; prints a row for each run."""
    for contender in (*contenders, *contenders):
        contender.run(WARM_UP_SECONDS)
    done: Rounds = []
    print(f"{'round':5} {'what':24} {'req/s':>8} {'CPU us/req: server':>18} {'database':>9}"
          f" {'generator':>9} {'idle':>6} {'foreign':>8}")  # fmt: skip
    for number in range(1, rounds + 1):
        runs: dict[str, Run] = {}
        for contender in contenders:
            run = runs[contender.name] = contender.run(seconds)
            print(f"{number:5} {_row(contender.name, run)}", flush=True)
        done.append(runs)
    return done


def _row(name: str, run: Run) -> str:
    costs = [run.cost(group) for group in ("server", "database", "generator")]
    return (
        f"{name:24} {run.rate:8.0f} {costs[0]:18.0f} {costs[1]:9.0f} {costs[2]:9.0f}"
        f" {run.used.idle_share:6.1%} {run.used.foreign_share:8.1%}"
    )


def report(title: str, rounds: Rounds, ours: str, goals: Mapping[str, float]) -> None:
    """Medians of all contenders, then for each peer, last, the median ratio of ours to it."""
    print()
    for name in rounds[0]:
        runs = [each[name] for each in rounds]
        rate = statistics.median(run.rate for run in runs)
        costs = {
            group: statistics.median(run.cost(group) for run in runs)
            for group in ("server", "database", "generator")
        }
        print(f"median {name:24} {rate:8.0f} req/s; CPU us/request: server {costs['server']:.0f},"
              f" database {costs['database']:.0f}, generator {costs['generator']:.0f}")  # fmt: skip
    for peer, goal in goals.items():
        ratios = [each[ours].rate / each[peer].rate for each in rounds]
        spread = f"{min(ratios):.2f}..{max(ratios):.2f}"
        label = title if len(goals) == 1 else f"{title} / {peer}"
        processor = statistics.median(each[peer].total / each[ours].total for each in rounds)
        print(f"{label}: rounds {spread}; by processor time of all processes {processor:.2f}")
        print(f"{label}: ratio {statistics.median(ratios):.2f} (goal {goal})")
