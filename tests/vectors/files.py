"""The files of vectors, and what each holds."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.vectors import (
    cc1_order,
    cc1_read,
    cc1_use,
    ccq_cases,
    ccr_cases,
    digit_cases,
    flips,
    key_cases,
    record_cases,
    request_cases,
)
from tests.vectors.case import Case, line

FOLDER = Path(__file__).parents[2] / "clients/verifiers/vectors"

_FILES: dict[str, list[Callable[[], Iterator[Case]]]] = {
    "cc1": [cc1_read.cases, cc1_use.cases, cc1_order.cases],
    "cc1-flips": [flips.cases],
    "ccq": [ccq_cases.cases],
    "ccr": [ccr_cases.cases],
    "t1": [digit_cases.cases],
    "water": [digit_cases.water_cases],
    "key": [key_cases.key_cases],
    "signature": [key_cases.signature_cases],
    "record": [record_cases.cases],
    "request": [request_cases.cases],
}


def cases() -> Iterator[Case]:
    """The committed cases, file by file."""
    for path in sorted(FOLDER.glob("*.json")):
        yield from map(json.loads, path.read_text("utf-8").splitlines())


def written() -> Iterator[tuple[Path, str]]:
    """Each file with its text; the same on every run, for seeds and times are constants."""
    for name, families in _FILES.items():
        lines = (line(case) for family in families for case in family())
        yield FOLDER / f"{name}.json", "".join(lines)
