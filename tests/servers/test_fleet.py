"""A small fleet, as `bff fleet` plays it: processes, cut lines, cut power, and a judge."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from bff.cli.voice import Voice
from bff.fleet.day import Means
from bff.fleet.plan import Plan
from bff.fleet.run import run


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the fleet keeps its data; `nobody` can pass through what lies above it."""
    made = Path(mkdtemp(prefix="campus-fleet-"))
    yield made
    shutil.rmtree(made)


def test_small_fleet_through_cuts_and_relays_is_judged_once_and_the_books_agree(
    folder: Path,
) -> None:
    plan = Plan(tills=4, gates=1, meters=1, records=120, chaos=True, rounds=2, budget_seconds=0.2)
    result = run(plan, Voice("en").progress, folder)
    assert result.verdict.violations == ()
    assert result.proof.violations == 0
    lost = result.day.lost
    assert len(lost) == 1
    records, undone = result.day.records, result.day.undone
    assert len(records) >= 120 - len(lost)
    assert len(result.books.items) == len(records) + len(undone)
    assert {made.means for made in records.values()} == set(Means)
    assert undone
    assert set(result.day.keys.values()) == {2}
    assert len(result.day.goods) - len(result.day.records) > 8
    assert result.day.water
    assert result.doors.opened
    assert 10_000 < result.verdict.worst_minor <= result.verdict.worst_bound_minor == 4 * 7_000
    refused = [made for made in records.values() if result.day.knew_lost(made)]
    assert refused
    assert result.day.counts["refused"]["REVOKED"] > 4
    done = (result.day.counts["fault"] + result.day.counts["custom"]).keys()
    assert {"wrong clock", "power cut", "relay", "double scan", "thief"} <= done
    assert {"undone alone", "application replaced", "clock lost at a meter"} <= done
