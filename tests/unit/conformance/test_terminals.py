"""The script judges honestly: the reference terminal is right, and each broken one is caught."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from bff.conformance.expectations import EXPECTATIONS, Mark, judge
from bff.conformance.play import Play
from bff.conformance.steps import Kind
from tests.unit.conformance import (  # noqa: F401 - they enter themselves
    broken_after,
    broken_alone,
    broken_answers,
    broken_documents,
)
from tests.unit.conformance.broken import CAUGHT
from tests.unit.conformance.broken_gates import CAUGHT_GATES
from tests.unit.conformance.broken_meters import CAUGHT_METERS
from tests.unit.conformance.reference import TIME, Terminal, played

Plays = dict[type[Terminal], Play]


async def all_plays(folder: Path, kind: Kind, broken: Iterable[type[Terminal]]) -> Plays:
    """The plays of the reference terminal and of the broken ones, each as a terminal of a kind."""
    every: list[type[Terminal]] = [Terminal, *broken]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clients.terminal.till.asyncio", TIME)
        patch.setattr("clients.terminal.asking.asyncio", TIME)
        patch.setattr("clients.terminal.asking.monotonic", TIME.now)
        return {each: await played(each, folder, kind=kind) for each in every}


@pytest.fixture(scope="module")
async def plays(tmp_path_factory: pytest.TempPathFactory) -> Plays:
    """Every till's play."""
    return await all_plays(tmp_path_factory.mktemp("tills"), Kind.TILL, CAUGHT)


@pytest.fixture(scope="module")
async def gates(tmp_path_factory: pytest.TempPathFactory) -> Plays:
    """Every gate's play."""
    return await all_plays(tmp_path_factory.mktemp("gates"), Kind.GATE, CAUGHT_GATES)


@pytest.fixture(scope="module")
async def meters(tmp_path_factory: pytest.TempPathFactory) -> Plays:
    """Every meter's play."""
    return await all_plays(tmp_path_factory.mktemp("meters"), Kind.METER, CAUGHT_METERS)


def marked(play: Play, *marks: Mark) -> dict[str, str]:
    """The rows with these marks, and what was seen."""
    rows = judge(play.evidence())
    return {r.expectation.id: r.finding.seen.en for r in rows if r.finding.mark in marks}


async def test_reference_terminal_is_right_in_every_row(plays: Plays) -> None:
    play = plays[Terminal]
    assert marked(play, Mark.WRONG, Mark.UNSEEN) == {}
    asked = {e.id for e in EXPECTATIONS if Kind.TILL in e.kinds}
    assert marked(play, Mark.RIGHT).keys() == asked


async def test_reference_gate_is_right_in_every_row(gates: Plays) -> None:
    asked = {e.id for e in EXPECTATIONS if Kind.GATE in e.kinds}
    assert marked(gates[Terminal], Mark.RIGHT).keys() == asked


async def test_reference_meter_is_right_in_every_row(meters: Plays) -> None:
    asked = {e.id for e in EXPECTATIONS if Kind.METER in e.kinds}
    assert marked(meters[Terminal], Mark.RIGHT).keys() == asked


@pytest.mark.parametrize("kind", CAUGHT_METERS, ids=lambda kind: kind.__name__)
async def test_broken_meter_is_caught_by_its_rows(meters: Plays, kind: type[Terminal]) -> None:
    wrong = marked(meters[kind], Mark.WRONG)
    assert set(wrong) == CAUGHT_METERS[kind], wrong


@pytest.mark.parametrize("kind", CAUGHT_GATES, ids=lambda kind: kind.__name__)
async def test_broken_gate_is_caught_by_its_rows(gates: Plays, kind: type[Terminal]) -> None:
    wrong = marked(gates[kind], Mark.WRONG)
    assert set(wrong) == CAUGHT_GATES[kind], wrong


@pytest.mark.parametrize("kind", CAUGHT, ids=lambda kind: kind.__name__)
async def test_broken_terminal_is_caught_by_its_rows(plays: Plays, kind: type[Terminal]) -> None:
    wrong = marked(plays[kind], Mark.WRONG)
    assert set(wrong) == CAUGHT[kind], wrong


def test_every_row_catches_somebody() -> None:
    caught = set().union(*CAUGHT.values(), *CAUGHT_GATES.values(), *CAUGHT_METERS.values())
    assert {expectation.id for expectation in EXPECTATIONS} == caught
