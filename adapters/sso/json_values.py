"""JSON from a school's server as texts: digits stay as they were written."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from adapters.sso.api import Answer, Attributes, Upstream

DEPTH = 8


def read_json(body: bytes | str) -> Any:  # noqa: ANN401 - any JSON
    """A JSON text whose numbers are texts; UTF-8, with or without a byte order mark.

    Raises: ValueError.
    """
    try:
        text = body.decode("utf-8-sig") if isinstance(body, bytes) else body
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def read_object(answer: Answer, what: str) -> dict[str, Any]:
    """The object in an answer; `what` names the endpoint in the hint.

    Raises: Upstream.
    """
    try:
        found = read_json(answer.body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Upstream(f"the {what} answered {answer.status} without a JSON object")
    return found


def text_at(table: object, path: str) -> str | None:
    """The text at a dotted path; None where there is none."""
    for name in path.split("."):
        if not isinstance(table, Mapping) or name not in table:
            return None
        table = table[name]
    return _text(table)


def attributes_of(table: Mapping[str, object]) -> Attributes:
    """Every value as a tuple of texts; what is nested has a dotted name, a list its items."""
    found: dict[str, tuple[str, ...]] = {}
    for name, value in _leaves(table, "", 0):
        found[name] = (*found.get(name, ()), value)
    return found


def _leaves(value: object, name: str, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and depth < DEPTH:
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}" if name else str(key), depth + 1)
    elif isinstance(value, list) and depth < DEPTH:
        for inner in value:
            yield from _leaves(inner, name, depth + 1)
    elif (text := _text(value)) is not None:
        yield name, text


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else None


def _refuse(constant: str) -> object:
    raise ValueError(constant)
