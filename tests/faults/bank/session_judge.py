"""Which sessions must stand, and which must not (D4, D11)."""

from collections import defaultdict

from tests.faults.bank.door_journal import BINDING, Journals
from tests.faults.bank.door_rows import DoorRows
from tests.faults.bank.journal import Line
from tests.faults.bank.judge import Verdict

ENDED_BY = {
    "BOUND": BINDING,
    "UNBOUND": {"UNBIND"},
    "BINDING_REPLACED": BINDING,
    "SIGN_ON_REPLACED": BINDING,
}
"""What a person may have asked for where their session was ended for a reason."""
OVER = {"UNAUTHENTICATED", "SESSION_ENDED", "ALREADY_BOUND"}


def judge_sessions(verdict: Verdict, journal: Journals, rows: DoorRows) -> None:
    """No session outlives its binding; none ends but by what its own person did."""
    asked: dict[str, list[Line]] = defaultdict(list)
    for intent in journal.intents:
        asked[intent["about"]["person"]].append(intent)
    for row in rows.sessions:
        if row["stands"] and row["ended_at"] is not None:
            verdict.breaks("D4", {"session": str(row)})
    for row in rows.revoked:
        person, causes = rows.person(row), ENDED_BY.get(row["reason"], set())
        own = asked[person.id] if person is not None else []
        if not any(each["operation"] in causes and _has_ended(journal, each) for each in own):
            verdict.breaks("D11", {"session": str(row), "whose": person and person.id})
    for intent in journal.intents:
        for answer in journal.answers.get(intent["id"], []):
            if answer["facts"].get("refused") in OVER and not any(
                _may_have_ended(journal, each, intent, answer)
                for each in asked[intent["about"]["person"]]
            ):
                verdict.breaks("D11", {"intent": intent, "answer": answer})


def _may_have_ended(journal: Journals, other: Line, intent: Line, answer: Line) -> bool:
    """Whether another intent, or an earlier try of the same, may have ended the session."""
    if other["id"] == intent["id"]:
        return journal.was_repeated(intent)
    return _has_ended(journal, other) and bool(other["at"] < answer["at"])


def _has_ended(journal: Journals, intent: Line) -> bool:
    """Whether an intent ended sessions of its person, as far as anybody was told."""
    if intent["operation"] != "UNBIND":
        return journal.may_have_bound(intent)
    found = journal.answers.get(intent["id"], [])
    return not found or journal.was_repeated(intent) or "done" in found[0]["facts"]
