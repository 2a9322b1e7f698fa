"""All expectations, in the order of the play; their texts are in `expectations.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bff.conformance.evidence import Evidence
from bff.conformance.expectations import (
    answers,
    day,
    documents,
    following,
    gates,
    joining,
    metering,
    offline,
    passages,
    rotation,
    sales,
    voids,
)
from bff.conformance.expectations.row import (
    PAGE,
    Check,
    Expectation,
    Finding,
    Judged,
    Mark,
    unseen,
)
from bff.conformance.steps import Kind, Part
from bff.conformance.words import Text

__all__ = ["EXPECTATIONS", "PAGE", "Expectation", "Finding", "Judged", "Mark", "judge"]

_CHECKS: Mapping[str, Check] = {
    **joining.CHECKS,
    **sales.CHECKS,
    **answers.CHECKS,
    **voids.CHECKS,
    **documents.CHECKS,
    **offline.CHECKS,
    **following.CHECKS,
    **day.CHECKS,
    **rotation.CHECKS,
    **gates.CHECKS,
    **passages.CHECKS,
    **metering.CHECKS,
}


def _expectation(id_: str, row: Mapping[str, Any]) -> Expectation:
    return Expectation(
        id=id_,
        section=row["section"],
        expected=Text(row["zh"], row["en"]),
        remedy=Text(row["remedy_zh"], row["remedy_en"]),
        judge=_CHECKS[id_],
        part=Part(row["part"]) if "part" in row else None,
        kinds=frozenset(map(Kind, row.get("kinds", [Kind.TILL]))),
    )


def _load() -> tuple[Expectation, ...]:
    source = Path(__file__).parent.with_name("expectations.toml").read_text("utf-8")
    rows = tomllib.loads(source)
    assert rows.keys() == _CHECKS.keys(), "every text has its check"
    return tuple(_expectation(id_, row) for id_, row in rows.items())


EXPECTATIONS = _load()


_FIRST = {Kind.TILL: "sale.approved", Kind.GATE: "gate.opens", Kind.METER: "meter.opens"}
_BESIDE = {*joining.CHECKS, "sale.request", "gate.request", "meter.request", "documents.fetched"}
_BESIDE |= set(_FIRST.values())
"""What can be seen of a terminal that cannot verify an answer yet; of all else nothing can."""


def judge(evidence: Evidence) -> list[Judged]:
    """What came of each expectation that this terminal is to meet."""
    rows = [
        Judged(each, each.judge(evidence))
        for each in EXPECTATIONS
        if evidence.kind in each.kinds and (each.part is None or each.part not in evidence.without)
    ]
    first = _FIRST[evidence.kind]
    if any(r.expectation.id == first and r.finding.mark is Mark.WRONG for r in rows):
        later = unseen(f"请先改正 {first}", f"Correct {first} first")
        rows = [r if r.expectation.id in _BESIDE else replace(r, finding=later) for r in rows]
    return rows
