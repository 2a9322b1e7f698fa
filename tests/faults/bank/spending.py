"""Which keys and codes others than a till's own requests spend: its records, and who scans it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.faults.bank.journal import Line

PAID = ("ACCEPTED", "SUSPECT")
"""Verdicts that pay the merchant; with the first of them it is the cardholder who pays."""
Intents = Mapping[str, Line]
Answers = Mapping[str, Sequence[Line]]


def key_of(intent: Line, number: Sequence[int]) -> str:
    """The key's text of a number that an intent spends."""
    till, batch_no, seq_no = number
    return f"{intent['school_id']}.{till % 1_000_000}.{batch_no}.{seq_no}"


def of_operation(intents: Intents, operation: str) -> Iterator[tuple[str, Line]]:
    """The intents of one operation, by id."""
    return ((id_, each) for id_, each in intents.items() if each["operation"] == operation)


def keys_spent(intent: Line) -> Iterator[str]:
    """The keys that an intent spends besides its own."""
    return (key_of(intent, number) for number in intent["about"].get("numbers", ()))


def told(facts: Mapping[str, Any] | None) -> dict[int, Any]:
    """The verdict that stands for each number: the first that was given."""
    listed = facts.get("verdicts", ()) if facts else ()
    return {each["seqNo"]: each["first"] or each["judgement"] for each in listed}


def paid_records(intents: Intents, answers: Answers) -> Iterator[tuple[str, str]]:
    """Code and key of each record that a cardholder paid."""
    for id_, intent in of_operation(intents, "UPLOAD"):
        codes = {each["seqNo"]: each["presented"] for each in intent["given"]["items"]}
        till, batch_no, _ = intent["about"]["numbers"][0]
        for answer in answers.get(id_, ()):
            for seq_no, each in told(answer["facts"]).items():
                if each["verdict"] == PAID[0]:
                    yield codes[seq_no], key_of(intent, [till, batch_no, seq_no])
