"""The list of features is whole, and what it calls done has its test."""

import re
from collections.abc import Iterator

import pytest

from tests.architecture.tree import ROOT

FEATURES = 113
_ROW = re.compile(r"^\| (M-\d{3}) \| ([^|]+) \| (\w+) \|([^|]*)\|$", re.MULTILINE)
_TEST = re.compile(r"`(test_\w+)`")
_DEFINED = re.compile(r"^ *(?:async )?def (test_\w+)", re.MULTILINE)
_THROUGH_THE_API = ("tests/api", "tests/servers")


def listed() -> list[tuple[str, str, str]]:
    """Each row's id, state and proof."""
    page = (ROOT / "docs/features.md").read_text("utf-8")
    return [(found[1], found[3], found[4]) for found in _ROW.finditer(page)]


def defined(*folders: str) -> Iterator[str]:
    """The names of the tests in these folders."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("test_*.py")):
            yield from _DEFINED.findall(path.read_text("utf-8"))


def test_every_feature_stands_once_in_its_order() -> None:
    assert [id_ for id_, _, _ in listed()] == [f"M-{n:03}" for n in range(1, FEATURES + 1)]


def test_every_test_that_is_named_exists() -> None:
    named = {name for _, _, proof in listed() for name in _TEST.findall(proof)}
    assert sorted(named - set(defined("tests"))) == []


@pytest.mark.parametrize(("id_", "state", "proof"), listed())
def test_state_has_its_proof(id_: str, state: str, proof: str) -> None:
    names = set(_TEST.findall(proof))
    match state:
        case "done":
            assert names & set(defined(*_THROUGH_THE_API)), "done means driven through the API"
        case "part":
            assert names, "something is there, so a test can show it"
            assert _TEST.sub("", proof).strip(" ,·"), "and something is missing: say what"
        case _:
            assert (state, names) == ("later", set())
