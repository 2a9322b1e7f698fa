"""What a tidy tree is: each function lists the breaches of one rule below a root."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.tree import ROOMS, own_files

FILE_LINES = 400
FUNCTION_LINES = 60
DECISION_LINES = 60

_PYTHON = (*ROOMS, "bench", "tests")
_SHAPELESS_NAMES = {"utils", "util", "helpers", "helper", "misc", "common", "manager", "managers"}
# Starts of American words, with ours. Foreign names (`serialize`, HTTP's `authorization`) and the
# words glossary.md leaves to others are not listed.
_AMERICAN = {
    "authoriz": "authoris",
    "behavior": "behaviour",
    "canceled": "cancelled",
    "canceling": "cancelling",
    "canonicaliz": "canonicalis",
    "catalog": "catalogue",
    "center": "centre",
    "color": "colour",
    "customiz": "customis",
    "defense": "defence",
    "favor": "favour",
    "finaliz": "finalis",
    "honor": "honour",
    "initializ": "initialis",
    "labeled": "labelled",
    "normaliz": "normalis",
    "optimiz": "optimis",
    "organiz": "organis",
    "recogniz": "recognis",
    "sanitiz": "sanitis",
    "summariz": "summaris",
    "synchroniz": "synchronis",
    "tokeniz": "tokenis",
}
_FOREIGN_WORDS = {"authorization", "catalogue", "catalogues", "centered"}
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_TARGET = re.compile(r"^([a-z][\w-]*)\s*:(?!=)(.*)$", re.MULTILINE)
_SILENCE = re.compile(r"# (?:noqa(?:: [A-Z0-9, ]+)?|type: ignore(?:\[[a-z-, ]+\])?)$")
_NUMBERED = re.compile(r"^(\d{4})-[a-z0-9-]+\.md$")


def long_files(root: Path) -> list[str]:
    """Files of code with more than 400 lines."""
    found = []
    for suffix in (".py", ".sql"):
        for path in own_files(root, *_PYTHON, suffix=suffix):
            count = len(path.read_text("utf-8").splitlines())
            if count > FILE_LINES:
                found.append(f"{path.relative_to(root)}: {count} lines")
    return found


def long_functions(root: Path) -> list[str]:
    """Functions with more than 60 lines, docstring and all."""
    found = []
    for path, tree in _parsed(root):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                count = (node.end_lineno or node.lineno) - node.lineno + 1
                if count > FUNCTION_LINES:
                    found.append(f"{path}: {node.name}: {count} lines")
    return found


def modules_without_sentence(root: Path) -> list[str]:
    """Modules whose docstring does not begin with a paragraph of exactly one sentence."""
    found = []
    for path, tree in _parsed(root):
        first = " ".join((ast.get_docstring(tree) or "").split("\n\n")[0].split())
        if not first.endswith(".") or re.search(r"[.!?] [A-Z]", first):
            found.append(str(path))
    return found


def unreasoned_silences(root: Path) -> list[str]:
    """Comments that silence a check and do not say why."""
    return [
        f"{path.relative_to(root)}:{number}"
        for path in own_files(root, *_PYTHON, suffix=".py")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if _SILENCE.search(line)
    ]


def shapeless_modules(root: Path) -> list[str]:
    """Modules and folders whose name says nothing of what they hold."""
    return [
        str(path.relative_to(root))
        for path in own_files(root, *_PYTHON, suffix=".py")
        if _SHAPELESS_NAMES & set(path.relative_to(root).with_suffix("").parts)
    ]


def american_names(root: Path) -> list[str]:
    """Names that we give (modules, classes, functions, arguments, variables) and misspell."""
    found = []
    for path, tree in _parsed(root):
        for name in sorted({path.stem, *_given_names(tree)}):
            for word in (part.lower() for part in _WORD.findall(name)):
                ours = next((v for k, v in _AMERICAN.items() if word.startswith(k)), None)
                if ours and word not in _FOREIGN_WORDS:
                    found.append(f"{path}: {name}: write {ours}…")
    return found


def undescribed_targets(root: Path) -> list[str]:
    """Targets a person may type (no dot or slash in them) that have no `## description`."""
    makefile = (root / "Makefile").read_text("utf-8")
    return [name for name, rest in _TARGET.findall(makefile) if "## " not in rest]


def untidy_decisions(root: Path) -> list[str]:
    """Decision records that are misnumbered, longer than a page or without a section."""
    found = []
    for place, path in enumerate(sorted((root / "docs/decisions").glob("*.md")), start=1):
        number = _NUMBERED.match(path.name)
        text = path.read_text("utf-8")
        headings = re.findall(r"^## (\w+)", text, re.MULTILINE)
        if number is None or int(number[1]) != place:
            found.append(f"{path.name}: expected number {place:04}")
        if len(text.splitlines()) > DECISION_LINES:
            found.append(f"{path.name}: longer than a page")
        if headings != ["Context", "Decision", "Consequences"]:
            found.append(f"{path.name}: sections {headings}")
    return found


def shadowing_packages(site: Path) -> list[str]:
    """Installed modules with the name of one of our top-level packages."""
    names = [name for room in (*ROOMS, "bench", "tests") for name in (room, f"{room}.py")]
    return [name for name in names if (site / name).exists()]


def _parsed(root: Path) -> Iterator[tuple[Path, ast.Module]]:
    for path in own_files(root, *_PYTHON, suffix=".py"):
        yield path.relative_to(root), ast.parse(path.read_text("utf-8"))


def _given_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name) | ast.arg(arg=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
