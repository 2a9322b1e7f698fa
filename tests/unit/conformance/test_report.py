"""What the report says, and to whom."""

import json
import os
import re
from datetime import UTC, datetime

import pytest

from bff.conformance.evidence import Event
from bff.conformance.expectations import EXPECTATIONS, Finding, Judged, Mark, judge
from bff.conformance.play import Play
from bff.conformance.report import Report
from bff.conformance.steps import Kind, Part
from bff.conformance.words import Text
from terminals.message import RequestKey
from tests.architecture.tree import ROOT
from tests.unit.conformance.reference import NOW

BEGUN = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
HOSTILE = "<b>|\x1b[2J"


def report(*marks: Mark, seen: str = "seen") -> Report:
    rows = [
        Judged(expectation, Finding(mark, Text(seen, seen)))
        for expectation, mark in zip(EXPECTATIONS, marks, strict=False)
    ]
    event = Event(0, "sale", 0.0, "PurchaseAuthorise", "", b"", RequestKey(42, 1, 1))
    return Report(rows, {Part.PIN}, BEGUN, [event])


def test_only_rows_that_are_all_right_pass() -> None:
    assert report(Mark.RIGHT, Mark.RIGHT).is_passed
    assert not report(Mark.RIGHT, Mark.UNSEEN).is_passed
    assert not report(Mark.RIGHT, Mark.WRONG).is_passed


def test_nothing_seen_is_nothing_proven() -> None:
    rows = judge(Play(os.urandom, lambda: NOW).evidence())
    assert {row.finding.mark for row in rows} == {Mark.UNSEEN}
    assert len(rows) == sum(Kind.TILL in each.kinds for each in EXPECTATIONS) >= 20


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("part", Part)
def test_what_a_terminal_does_without_is_not_asked_of_it(part: Part, kind: Kind) -> None:
    play = Play(os.urandom, lambda: NOW, without={part}, kind=kind)
    rows = judge(play.evidence())
    asked = {e.id for e in EXPECTATIONS if kind in e.kinds}
    own = {e.id for e in EXPECTATIONS if e.part is part} & asked
    assert bool(own) == (kind is Kind.TILL or part in (Part.OFFLINE, Part.ROTATION))
    assert asked - {row.expectation.id for row in rows} == own


def test_markdown_says_where_it_stands_and_what_to_do() -> None:
    text = report(Mark.RIGHT, Mark.WRONG).write(".md", "en")
    first, second = EXPECTATIONS[:2]
    assert "1 right, 1 wrong, 0 not seen; without: pin" in text
    assert f"| right | {first.id} | {first.section} | {first.expected.en} | seen |  |" in text
    assert f"| wrong | {second.id} |" in text
    assert second.remedy.en in text
    assert first.remedy.en not in text
    assert EXPECTATIONS[1].remedy.zh in report(Mark.RIGHT, Mark.WRONG).write(".md", "zh")


def test_what_came_from_the_terminal_is_harmless_in_every_form() -> None:
    hostile = report(Mark.WRONG, seen=HOSTILE)
    assert "| <b>\\|�[2J |" in hostile.write(".md", "en")
    page = hostile.write(".html", "en")
    assert "<b>" not in page
    assert "\x1b" not in page
    assert 'class="WRONG"' in page
    assert json.loads(hostile.write(".json", "en"))["rows"][0]["seen"]["en"] == HOSTILE


def test_json_has_both_languages_and_the_requests() -> None:
    facts = json.loads(report(Mark.RIGHT, Mark.UNSEEN).write(".json", "en"))
    assert facts["passed"] is False
    assert facts["counts"] == {"RIGHT": 1, "WRONG": 0, "UNSEEN": 1}
    assert facts["rows"][0]["expected"].keys() == {"zh", "en"}
    assert facts["rows"][0]["page"] == "docs/terminals.md"
    assert facts["requests"] == [
        {
            "step": "sale",
            "operation": "PurchaseAuthorise",
            "key": "42.1.1",
            "fault": None,
            "refusal": None,
            "outcome": None,
            "response": None,
        }
    ]


@pytest.mark.parametrize("page", ["terminals.md", "terminals.zh.md"])
def test_every_expectation_comes_from_a_section_of_the_page(page: str) -> None:
    text = (ROOT / "docs" / page).read_text("utf-8")
    sections = {int(found) for found in re.findall(r"^## (\d+)\. ", text, re.MULTILINE)}
    assert {expectation.section for expectation in EXPECTATIONS} <= sections
