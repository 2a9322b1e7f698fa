"""Whether the server keeps every purchase as its till remembers it."""

from collections.abc import Iterable, Iterator

from clients.endpoint import Json
from tests.faults.bank.journal import Line


def disagreements(lines: Iterable[Line]) -> Iterator[Json]:
    """The purchases whose state, asked for last, does not follow from what their till was told."""
    purchases: dict[str, Line] = {}
    facts: dict[str, Json] = {}
    states: dict[str, str | None] = {}
    voids: dict[str, str] = {}
    voided: set[str] = set()
    for line in lines:
        if line["t"] == "intent" and line["operation"] == "AUTHORISE":
            purchases[line["id"]] = line
        elif line["t"] == "intent" and line["operation"] == "VOID":
            voids[line["id"]] = line["about"]["of"]
        elif line["t"] == "answer" and line["id"] in purchases:
            facts[line["id"]] = line["facts"]
            states[line["id"]] = line["facts"].get("state", "NEVER ASKED")
        elif line["t"] == "answer" and line["facts"].get("outcome") == "VOIDED":
            voided.add(voids[line["id"]])
    for id_ in purchases:
        outcome = facts.get(id_, {}).get("outcome")
        expected = _expected(outcome, is_voided=id_ in voided)
        if id_ not in states or states[id_] != expected:
            yield {"id": id_, "outcome": outcome, "state": states.get(id_), "expected": expected}


def _expected(outcome: str | None, *, is_voided: bool) -> str | None:
    """What was voided was paid before, or can never be; what was refused has no state."""
    if outcome == "APPROVED":
        return "VOIDED" if is_voided else "CAPTURED"
    return "TOMBSTONE" if is_voided else None
