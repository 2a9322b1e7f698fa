"""The script judges honestly: the reference terminal is right, and each broken one is caught."""

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
from tests.unit.conformance.reference import TIME, Terminal, played


@pytest.fixture(scope="module")
async def plays(tmp_path_factory: pytest.TempPathFactory) -> dict[type, Play]:
    """Every terminal's play."""
    folder: Path = tmp_path_factory.mktemp("terminals")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clients.terminal.till.asyncio", TIME)
        patch.setattr("clients.terminal.asking.asyncio", TIME)
        patch.setattr("clients.terminal.asking.monotonic", TIME.now)
        kinds: list[type[Terminal]] = [Terminal, *CAUGHT]
        return {kind: await played(kind, folder) for kind in kinds}


@pytest.fixture(scope="module")
async def gates(tmp_path_factory: pytest.TempPathFactory) -> dict[type, Play]:
    """Every gate's play."""
    folder: Path = tmp_path_factory.mktemp("gates")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clients.terminal.till.asyncio", TIME)
        patch.setattr("clients.terminal.asking.asyncio", TIME)
        patch.setattr("clients.terminal.asking.monotonic", TIME.now)
        kinds: list[type[Terminal]] = [Terminal, *CAUGHT_GATES]
        return {kind: await played(kind, folder, kind=Kind.GATE) for kind in kinds}


def marked(play: Play, *marks: Mark) -> dict[str, str]:
    """The rows with these marks, and what was seen."""
    rows = judge(play.evidence())
    return {r.expectation.id: r.finding.seen.en for r in rows if r.finding.mark in marks}


async def test_reference_terminal_is_right_in_every_row(plays: dict[type, Play]) -> None:
    play = plays[Terminal]
    assert marked(play, Mark.WRONG, Mark.UNSEEN) == {}
    asked = {e.id for e in EXPECTATIONS if Kind.TILL in e.kinds}
    assert marked(play, Mark.RIGHT).keys() == asked


async def test_reference_gate_is_right_in_every_row(gates: dict[type, Play]) -> None:
    asked = {e.id for e in EXPECTATIONS if Kind.GATE in e.kinds}
    assert marked(gates[Terminal], Mark.RIGHT).keys() == asked


@pytest.mark.parametrize("kind", CAUGHT_GATES, ids=lambda kind: kind.__name__)
async def test_broken_gate_is_caught_by_its_rows(
    gates: dict[type, Play], kind: type[Terminal]
) -> None:
    wrong = marked(gates[kind], Mark.WRONG)
    assert set(wrong) == CAUGHT_GATES[kind], wrong


@pytest.mark.parametrize("kind", CAUGHT, ids=lambda kind: kind.__name__)
async def test_broken_terminal_is_caught_by_its_rows(
    plays: dict[type, Play], kind: type[Terminal]
) -> None:
    wrong = marked(plays[kind], Mark.WRONG)
    assert set(wrong) == CAUGHT[kind], wrong


def test_every_row_catches_somebody() -> None:
    caught = set().union(*CAUGHT.values(), *CAUGHT_GATES.values())
    assert {expectation.id for expectation in EXPECTATIONS} == caught
