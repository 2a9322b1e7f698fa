"""What a benchmark prints last: the median of the ratios within each round."""

import pytest

from bench.processor import Reading, Used, used
from bench.rounds import Run, interleave, report

SOME = Used({"server": 1.0}, 0.0, 0.0)


class Scripted:
    """A contender whose rates are written down."""

    def __init__(self, name: str, rates: list[int], log: list[str]) -> None:
        self.name = name
        self._rates = iter(rates)
        self._log = log

    def run(self, seconds: float) -> Run:
        """The next rate."""
        self._log.append(self.name)
        return Run(next(self._rates), seconds, SOME)


def test_contenders_take_turns_and_warm_up_unmeasured() -> None:
    log: list[str] = []
    ours, peer = Scripted("ours", [1, 1, 30, 40], log), Scripted("peer", [1, 1, 10, 10], log)
    rounds = interleave([ours, peer], rounds=2, seconds=1.0)
    assert log == ["ours", "peer"] * 4
    assert [(each["ours"].rate, each["peer"].rate) for each in rounds] == [(30, 10), (40, 10)]


def test_the_last_line_is_the_median_of_ratios_not_the_ratio_of_medians(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pairs = [(10, 10), (90, 30), (20, 40)]
    rounds = [{"ours": Run(a, 1.0, SOME), "peer": Run(b, 1.0, SOME)} for a, b in pairs]
    report("authorise", rounds, "ours", {"peer": 1.2})
    assert capsys.readouterr().out.splitlines()[-1] == "authorise: ratio 1.00 (goal 1.2)"


def test_beside_the_rates_stands_what_each_costs(capsys: pytest.CaptureFixture[str]) -> None:
    ours = Run(100, 1.0, Used({"server": 0.6, "database": 0.4}, 0.0, 0.0))
    peer = Run(100, 1.0, Used({"database": 0.5}, 0.0, 0.0))
    report("authorise", [{"ours": ours, "peer": peer}], "ours", {"peer": 1.2})
    assert "by processor time of all processes 0.50" in capsys.readouterr().out


def test_each_peer_has_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    rounds = [{name: Run(rate, 1.0, SOME) for name, rate in (("a", 6), ("b", 3), ("c", 2))}]
    report("home", rounds, "a", {"b": 1.0, "c": 1.3})
    lines = capsys.readouterr().out.splitlines()
    assert "home / b: ratio 2.00 (goal 1.0)" in lines
    assert lines[-1] == "home / c: ratio 3.00 (goal 1.3)"


def test_time_that_is_nobodys_we_know_is_foreign() -> None:
    before = Reading({"server": 1.0}, machine=100.0, idle=50.0)
    after = Reading({"server": 3.0}, machine=110.0, idle=52.0)
    spent = used(before, after, {"generator": 1.0})
    assert spent == Used({"server": 2.0, "generator": 1.0}, idle_share=0.2, foreign_share=0.5)


def test_the_cost_of_a_request_is_in_microseconds() -> None:
    run = Run(1_000, 2.0, Used({"server": 0.25}, 0.0, 0.0))
    assert (run.rate, run.cost("server"), run.cost("database")) == (500.0, 250.0, 0.0)
