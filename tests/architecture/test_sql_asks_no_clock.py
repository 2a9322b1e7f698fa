"""Time and chance reach SQL as parameters: no statement asks the database for either."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.tree import ROOMS, ROOT, own_files, plant

_ASKS = re.compile(
    r"\b(?:(?:now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday|random"
    r"|gen_random_uuid|gen_random_bytes|uuidv[47]|uuid_generate_v\w+)\s*\("
    r"|current_date\b|current_time\b|current_timestamp\b|localtime\b|localtimestamp\b)",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_ROW_CLOCKS = {"auto_now", "auto_now_add"}


def questions(root: Path) -> list[str]:
    """Each place in SQL files, and in the core's SQL strings and rows, that asks for them."""
    found = []
    for path in own_files(root, *ROOMS, suffix=".sql"):
        found += [f"{path.relative_to(root)}: {ask}" for ask in _asked(path.read_text("utf-8"))]
    for path in own_files(root, "core", suffix=".py"):
        tree = ast.parse(path.read_text("utf-8"))
        found += [f"{path.relative_to(root)}: {ask}" for ask in _asked_in_python(tree)]
    return found


def _asked(sql: str) -> list[str]:
    return [match.rstrip("( ") for match in _ASKS.findall(_COMMENT.sub("", sql))]


def _asked_in_python(tree: ast.Module) -> Iterator[str]:
    docstrings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg=str(name)) if name in _ROW_CLOCKS:
                yield name
            case ast.Constant(value=str(text)) if node not in docstrings:
                yield from _asked(text)


def test_no_statement_asks_for_time_or_chance() -> None:
    assert questions(ROOT) == []


def test_planted_questions_are_named(tmp_path: Path) -> None:
    files = {
        "core/db/migrations/pay.sql": "SELECT NOW (), known(); -- now()\n/* random() */ SELECT 1",
        "core/card/store.py": '"""Says now()."""\n'
        'SQL = f"SELECT {1}, gen_random_uuid() WHERE day = current_date"\n'
        "at = clock.now()\n"
        "row = Field(auto_now_add=True)\n",
        "core/db/grant.py": 'RunSQL("GRANT SELECT ON notices TO campus_app")',
    }
    assert questions(plant(tmp_path, files)) == [
        "core/db/migrations/pay.sql: NOW",
        "core/card/store.py: gen_random_uuid",
        "core/card/store.py: current_date",
        "core/card/store.py: auto_now_add",
    ]
