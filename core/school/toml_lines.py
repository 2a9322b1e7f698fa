"""On which line each key of a TOML text stands, which the library's reader does not say."""

import re
import tomllib
from collections.abc import Iterator, Mapping

from core.school.records import PolicyInvalid, PolicyProblem

TEXT_MAXIMUM = 65_536
LINES_MAXIMUM = 2_000

Path = tuple[str, ...]


def read_toml(text: str) -> dict[str, object]:
    """The document in `text` (at most 64 KiB and 2,000 lines).

    Raises: PolicyInvalid.
    """
    if len(text) > TEXT_MAXIMUM or text.count("\n") >= LINES_MAXIMUM:
        raise PolicyInvalid([PolicyProblem(1, "", "文件过大", "The file is too large")])
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        found = re.search(r"line (\d+)", str(error))
        last = text.count("\n") + 1 if "end of document" in str(error) else 1
        problem = PolicyProblem(
            int(found[1]) if found else last,
            "",
            f"不是有效的 TOML：{error}",
            f"Not valid TOML: {error}",
        )
        raise PolicyInvalid([problem]) from None


def key_lines(text: str) -> dict[Path, int]:
    """Path of each table and key -> its line, from 1; items of arrays of tables count from "0".

    `text` must be a document that `read_toml` accepts.
    """
    lines: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    for number, kind, parsed in _statements(text):
        for path in _paths(parsed):
            if kind == "key":
                lines.setdefault(table + path, number)
                continue
            table = _placed(path[:-1] if kind == "item" else path, counts)
            if kind == "item":
                counts[table] = counts.get(table, -1) + 1
                table += (str(counts[table]),)
            lines.setdefault(table, number)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str, Mapping[str, object]]]:
    """Each statement alone: the shortest run of lines that is a document of its own."""
    start, chunk = 1, ""
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        chunk = f"{chunk}\n{line}" if chunk else line
        try:
            parsed = tomllib.loads(chunk)
        except ValueError:
            continue  # inside a multi-line string or array: the statement goes on
        if parsed:
            head = chunk.lstrip()
            kind = "item" if head.startswith("[[") else "table" if head.startswith("[") else "key"
            yield start, kind, parsed
        start, chunk = number + 1, ""


def _paths(parsed: object) -> Iterator[Path]:
    """The paths of all leaves, empty tables included."""
    children: list[tuple[str, object]] = []
    if isinstance(parsed, dict):
        children = list(parsed.items())
    elif isinstance(parsed, list) and all(isinstance(item, dict) for item in parsed):
        children = [(str(place), item) for place, item in enumerate(parsed)]
    if not children:
        yield ()
    for name, child in children:
        for rest in _paths(child):
            yield (name, *rest)


def _placed(path: Path, counts: Mapping[Path, int]) -> Path:
    """A header's path with the place of the current item of each array it passes through."""
    placed: Path = ()
    for name in path[:-1]:
        placed += (name,)
        if placed in counts:
            placed += (str(counts[placed]),)
    return placed + path[-1:]
