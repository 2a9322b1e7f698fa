"""What a stolen card takes after its report is the school's figure; four defects that exceed it."""

import pytest

from terminals import taps
from terminals.codes import CodeRefusal
from terminals.parameters import Parameters
from terminals.verification import DENY_LIST_SECONDS, Spent
from tests.simulation.campus import BEGINS, ROWS, Row
from tests.simulation.cards import Reader, steal

ALONE, EDGES = ROWS[1], ROWS[3]


@pytest.mark.parametrize(("hours", "days"), [(1, 1), (24, 1), (25, 2), (48, 2), (72, 3)])
@pytest.mark.parametrize("row", ROWS[:1] + ROWS[2:3])
def test_thief_takes_the_figure_and_no_fen_more(row: Row, hours: int, days: int) -> None:
    theft = steal(row, hours)
    terminals = 0 if row.has_edges else row.sites * row.terminals
    assert theft.taken_minor == theft.bound_minor == terminals * days * 2_000
    assert theft.honest_refusals == (200 if row.has_edges else 0)


def test_terminals_that_hear_of_the_report_cost_less() -> None:
    some = steal(ALONE, 48, who_learn=100)
    # Each of them had sold one day's cap before; the first 24 of them never a second one.
    assert some.bound_minor - some.taken_minor == 24 * 2_000
    assert some.honest_refusals == 0


class ByCalendar(Reader):
    """A defect: the cap begins anew at midnight."""

    def spent(self, uid: bytes, now: int) -> Spent:
        today = [each for each in self.taken if each[0] // 86_400 == now // 86_400]
        return Spent(*_sums(today, uid))


class HalfOpen(Reader):
    """A defect: what was taken a day ago to the second counts no more."""

    def spent(self, uid: bytes, now: int) -> Spent:
        return Spent(*_sums([each for each in self.taken if each[0] > now - 86_400], uid))


class Ageless(Reader):
    """A defect: a deny list never gets too old."""

    def tap(
        self, uid: bytes, amount_minor: int, now: int, parameters: Parameters
    ) -> CodeRefusal | None:
        self.heard_at = now
        return super().tap(uid, amount_minor, now, parameters)


class Disobedient(Reader):
    """A defect: a till takes a card alone although its site has an edge."""

    def tap(
        self, uid: bytes, amount_minor: int, now: int, parameters: Parameters
    ) -> CodeRefusal | None:
        self.has_edge = False
        return super().tap(uid, amount_minor, now, parameters)


@pytest.mark.parametrize(("row", "kind"), [
    (ALONE, ByCalendar), (ALONE, HalfOpen), (ALONE, Ageless), (EDGES, Disobedient),
])  # fmt: skip
def test_defect_takes_more_than_the_figure(row: Row, kind: type[Reader]) -> None:
    theft = steal(row, 24, kind=kind)
    assert theft.taken_minor > theft.bound_minor


def test_the_list_ages_by_the_seconds_that_terminals_count() -> None:
    assert taps.CAPS_SECONDS == DENY_LIST_SECONDS == 86_400
    assert BEGINS % 86_400, "a slot begins in the middle of a day, so midnight is a defect's"


def _sums(taken: list[tuple[int, bytes, int]], uid: bytes) -> tuple[int, int]:
    minor = [each for _, whose, each in taken if whose == uid]
    return len(minor), sum(minor)
