"""What a request waits for its answer, at a rate that leaves room: ours beside pgbench."""

import statistics
from collections.abc import Sequence

from bench.rounds import Run

_HUNDREDTHS = 100


def p99(run: Run) -> float:
    """Seconds that all but the slowest hundredth of requests stay within."""
    return statistics.quantiles(run.latencies, n=_HUNDREDTHS)[-1]


def print_latencies(number: int, pace: float, ours: Run, peer: Run) -> None:
    """One round: the pace that was due, what was kept of it, and the latencies."""
    waited = [1_000 * each for each in (statistics.median(ours.latencies), p99(ours))]
    print(f"{number:5} due {pace:6.0f}/s; ours {ours.rate:6.0f}/s median {waited[0]:.1f} ms"
          f" p99 {waited[1]:.1f} ms; pgbench {peer.rate:6.0f}/s mean"
          f" {1_000 * peer.latencies[0]:.1f} ms; idle {ours.used.idle_share:.1%}"
          f" foreign {ours.used.foreign_share:.1%}", flush=True)  # fmt: skip


def report_latency(title: str, rounds: Sequence[tuple[Run, Run]], goal: float) -> None:
    """The median of the ratios within the rounds, last."""
    ratios = [p99(ours) / peer.latencies[0] for ours, peer in rounds]
    print(f"\n{title}: rounds {min(ratios):.2f}..{max(ratios):.2f}")
    print(f"{title}: ratio {statistics.median(ratios):.2f} (goal at most {goal})")
