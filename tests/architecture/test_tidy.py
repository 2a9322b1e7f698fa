"""The tree is tidy, and each rule of tidiness notices its breach."""

import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.architecture import tidiness
from tests.architecture.tree import ROOT, plant

Rule = Callable[[Path], list[str]]

_DECISION = "# T\n\n## Context\n\n## Decision\n\n## Consequences\n"

NOQA, IGNORE = "# " + "noqa", "# " + "type: ignore"
BREACHES: list[tuple[Rule, dict[str, str], list[str]]] = [
    (
        tidiness.long_files,
        {"core/a.py": "x = 1\n" * 400, "core/b.sql": "SELECT 1;\n" * 401},
        ["core/b.sql: 401 lines"],
    ),
    (
        tidiness.long_functions,
        {
            "bff/a.py": "def at_limit():\n"
            + "    x = 1\n" * 59
            + "async def over():\n"
            + "    x = 1\n" * 60
        },
        ["bff/a.py: over: 61 lines"],
    ),
    (
        tidiness.modules_without_sentence,
        {
            "core/none.py": "x = 1",
            "core/two.py": '"""One. Two."""',
            "core/open.py": '"""No end"""',
            "core/good.py": '"""One sentence\nover two lines.\n\nThen more. And more."""',
        },
        ["core/none.py", "core/open.py", "core/two.py"],
    ),
    (
        tidiness.unreasoned_silences,
        {
            "core/a.py": f"x = 1  {NOQA}: S105\ny = 2  {NOQA}: S105, A002 - a name\n",
            "core/b.py": f"z = 3  {IGNORE}[attr-defined]\nz = 4  {IGNORE}[x]  # why\n",
            "core/c.py": NOQA,
        },
        ["core/a.py:1", "core/b.py:1", "core/c.py:1"],
    ),
    (
        tidiness.shapeless_modules,
        {"core/common/a.py": "", "schema/utils.py": "", "terminals/manager_card.py": ""},
        ["core/common/a.py", "schema/utils.py"],
    ),
    (
        tidiness.american_names,
        {
            "core/a.py": "def authorize(colorCode, authorised): self.normalized_at = 1",
            "core/b.py": "class Authorizer: catalogue = authorization = serialize = 1",
            "core/centers.py": "x = other.initialize(color=1)",
        },
        [
            "core/a.py: authorize: write authoris…",
            "core/a.py: colorCode: write colour…",
            "core/a.py: normalized_at: write normalis…",
            "core/b.py: Authorizer: write authoris…",
            "core/centers.py: centers: write centre…",
        ],
    ),
    (
        tidiness.undescribed_targets,
        {"Makefile": "A := 1\n.venv/x: y\n\ttouch $@\ngood: ## Does good.\nbad: good\n"},
        ["bad"],
    ),
    (
        tidiness.untidy_decisions,
        {
            "docs/decisions/0001-good.md": _DECISION,
            "docs/decisions/0003-gap.md": _DECISION,
            "docs/decisions/0003-long.md": _DECISION + "\n" * 60,
            "docs/decisions/0004-short.md": "## Context",
        },
        [
            "0003-gap.md: expected number 0002",
            "0003-long.md: longer than a page",
            "0004-short.md: sections ['Context']",
        ],
    ),
    (
        tidiness.shadowing_packages,
        {"core.py": "", "schema/__init__.py": "", "corelib/__init__.py": ""},
        ["core.py", "schema"],
    ),
]


@pytest.mark.parametrize(
    "rule", [rule for rule, _, _ in BREACHES if rule is not tidiness.shadowing_packages]
)
def test_the_tree_keeps(rule: Rule) -> None:
    assert rule(ROOT) == []


@pytest.mark.parametrize("place", ["purelib", "platlib"])
def test_no_dependency_ships_a_module_named_like_ours(place: str) -> None:
    assert tidiness.shadowing_packages(Path(sysconfig.get_path(place))) == []


@pytest.mark.parametrize(("rule", "files", "found"), BREACHES)
def test_planted_breach_is_named(
    tmp_path: Path, rule: Rule, files: dict[str, str], found: list[str]
) -> None:
    assert sorted(rule(plant(tmp_path, files))) == found
