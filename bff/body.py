"""Bodies: bytes that are strictly UTF-8, strictly JSON and strictly one GraphQL request.

The JSON parser finds the faults; only bodies with many brackets or an escape are walked.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bff.refusal import Refused

NESTING_MAXIMUM = 32
INTEGER_DIGITS_MAXIMUM = 20
DOCUMENT_ID = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_KEYS = frozenset({"documentId", "query", "variables", "operationName", "extensions"})
_SURROGATE_OR_NUL = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Request:
    """One GraphQL request: a trusted document's id or a text, exactly one of them."""

    document_id: str | None
    query: str | None
    variables: Mapping[str, Any]
    operation_name: str | None


def read_request(body: bytes) -> Request:
    """The request in a body.

    Raises: Refused (BODY_MALFORMED).
    """
    return shape(parse_json(body))


def parse_json(body: bytes) -> object:
    """The value of strict JSON: finite numbers, unique keys, no BOM, NUL or lone surrogate.

    Raises: Refused (BODY_MALFORMED).
    """
    try:
        text = body.decode("utf-8")
        value = _DECODER.decode(text)
        if "\\u" in text or text.count("{") + text.count("[") > NESTING_MAXIMUM:
            _walk(value, NESTING_MAXIMUM)
    except (ValueError, RecursionError):
        raise Refused("BODY_MALFORMED") from None
    return value


def shape(value: object) -> Request:
    """The request a JSON value is: an object with the known keys only.

    Raises: Refused (BODY_MALFORMED).
    """
    if not isinstance(value, dict) or not value.keys() <= _KEYS:
        raise Refused("BODY_MALFORMED")
    document_id, query = value.get("documentId"), value.get("query")
    variables, operation_name = value.get("variables"), value.get("operationName")
    if (
        (document_id is None) == (query is None)
        or not isinstance(document_id, str | None)
        or not isinstance(query, str | None)
        or not isinstance(variables, dict | None)
        or not isinstance(operation_name, str | None)
        or not isinstance(value.get("extensions"), dict | None)
        or (document_id is not None and not DOCUMENT_ID.fullmatch(document_id))
    ):
        raise Refused("BODY_MALFORMED")
    return Request(document_id, query, variables or {}, operation_name)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice")
    return made


def _integer(digits: str) -> int:
    if len(digits) > INTEGER_DIGITS_MAXIMUM:
        raise ValueError("an integer of too many digits")
    return int(digits)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number out of range")
    return number


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_int=_integer,
    parse_float=_finite,
    parse_constant=_no_constant,
)


def _walk(value: object, levels: int) -> None:
    if isinstance(value, str):
        if _SURROGATE_OR_NUL.search(value):
            raise ValueError("NUL or a lone surrogate")
    elif isinstance(value, dict | list):
        if levels == 0:
            raise ValueError("nested too deep")
        if isinstance(value, dict):
            for key in value:
                _walk(key, levels)
            value = list(value.values())
        for item in value:
            _walk(item, levels - 1)
