"""The door lines of all clients, by what is asked of them."""

from collections import defaultdict
from collections.abc import Sequence

from tests.faults.bank.doors import OPERATIONS
from tests.faults.bank.folk import Folk, Person
from tests.faults.bank.journal import Line

BINDING = {"BIND", "CONFIRM", "SIGN_ON"}
"""What may bind."""


class Journals:
    """The door lines of all clients, by what is asked of them."""

    def __init__(self, folk: Folk, lines: Sequence[Line]) -> None:
        self.lines = lines
        self.issuers = folk.issuers
        self.people = {person.id: person for person in folk.all()}
        self.intents = [
            line for line in lines if line["t"] == "intent" and line["operation"] in OPERATIONS
        ]
        self.payments = [
            line for line in lines if line["t"] == "intent" and line["about"].get("guessed")
        ]
        self.answers: dict[str, list[Line]] = defaultdict(list)
        for line in lines:
            if line["t"] == "answer":
                self.answers[line["id"]].append(line)
        self._births = [
            line["at"] for line in lines if line["t"] == "born" and line["incarnation"] > 1
        ]

    def person(self, line: Line) -> Person:
        """Who asked."""
        return self.people[line["about"]["person"]]

    def may_have_bound(self, intent: Line) -> bool:
        """Whether a binding may stem from it: it was answered so, or a try's outcome is unknown."""
        found = self.answers.get(intent["id"], [])
        if intent["operation"] not in BINDING or not found:
            return intent["operation"] in BINDING
        done = any("token" in a["facts"] or "kept" in a["facts"] for a in found)
        return self.was_repeated(intent) or done

    def was_repeated(self, intent: Line) -> bool:
        """Whether it was sent again, so that an earlier try may have done what nobody was told."""
        found = self.answers.get(intent["id"], [])
        return len(found) > 1 or any(
            answer["tries"] or any(intent["at"] < born < answer["at"] for born in self._births)
            for answer in found
        )

    def sent_by(self, person_id: str) -> int:
        """How often a person has sent what is counted as a try to bind, at the least.

        What a killed client sent of an intent nobody knows: each killing counts as one more.
        """
        asked = [
            each for each in self.intents
            if each["about"]["person"] == person_id and each["operation"] in {"BIND", "COMPARE"}
        ]  # fmt: skip
        answers = [answer for each in asked for answer in self.answers.get(each["id"], [])]
        return len(self._births) + sum(1 + int(answer["tries"]) for answer in answers)
