"""One case of the vectors, in the one form of codes.md 16."""

import json
from typing import Any

Case = dict[str, Any]


def case(
    id_: str,
    type_: str,
    expected: str,
    text: str,
    *,
    now: int,
    use: str = "P",
    amount: int = 0,
    context: dict[str, Any],
    fields: dict[str, int] | None = None,
) -> Case:
    """A case with its members in their order; what has its default is left out."""
    made: Case = {"id": id_, "type": type_, "text": text, "now": now, "use": use}
    if amount:
        made["amount"] = amount
    made |= {"context": context, "expected": expected}
    return made | ({"fields": fields} if fields else {})


def line(made: Case) -> str:
    """The line of a case, with its LF."""
    return json.dumps(made, ensure_ascii=False, separators=(",", ":")) + "\n"
