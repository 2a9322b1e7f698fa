"""Whether the limits of tries held, by what was told, counted and compared (D7, D8)."""

from collections import Counter
from collections.abc import Iterable, Sequence

from core.identity.attempts import LIMITS
from core.identity.attempts import Counter as Kind
from tests.faults.bank.door_journal import Journals
from tests.faults.bank.door_rows import DoorRows
from tests.faults.bank.folk import Folk
from tests.faults.bank.guesses import WRONG
from tests.faults.bank.journal import Line
from tests.faults.bank.judge import Verdict
from tests.faults.bank.witness import BIND

PIN_REFUSED = {"55", "75"}
CODE_TRIES = 5
"""How often one one-time code may be compared (channels.md 8)."""


def judge_limits(
    verdict: Verdict, folk: Folk, lines: Sequence[Line], rows: DoorRows, compared: Iterable[Line]
) -> None:
    """Every invariant. `compared` is what the witness in our processes wrote."""
    journal = Journals(folk, lines)
    told = _told(verdict, journal)
    for line in lines:
        if line["t"] == "hundreds":
            told[line["school"], Kind.NUMBER_DAY.value, line["number"]] += line["wrong"]
            told[line["school"], Kind.NUMBER_EVER.value, line["number"]] += line["wrong"]
            most = max(verdict.counts["guesses at once"], line["told"])
            verdict.counts["guesses at once"] = most
            if line["bound"] or line["other"]:
                verdict.breaks("D7", line)
    for key, times in told.items():
        if rows.tries.get(key, 0) < times:
            verdict.breaks("D7", {"of": key, "told": times, "counted": rows.tries.get(key, 0)})
    _judge_compared(verdict, folk, rows, compared)
    for intent in journal.payments:
        for answer in journal.answers.get(intent["id"], []):
            if answer["facts"].get("code") in PIN_REFUSED:
                verdict.breaks("D8", {"intent": intent, "answer": answer})


def _told(verdict: Verdict, journal: Journals) -> Counter[tuple[int, str, str]]:
    """How often somebody was told "wrong", by what must have counted it."""
    told: Counter[tuple[int, str, str]] = Counter()
    for intent in journal.intents:
        heard = [a for a in journal.answers.get(intent["id"], [])
                 if a["facts"].get("refused") == WRONG]  # fmt: skip
        about, person = intent["about"], journal.person(intent)
        if "closed" in about and any("token" in a["facts"] for a in journal.answers[intent["id"]]):
            verdict.breaks("D7", intent)
        if intent["operation"] == "BIND" and heard:
            school, issuer = intent["school_id"], journal.issuers[about["channel"]]
            told[school, Kind.CALLER_HOUR.value, f"{issuer} {person.id}"] += len(heard)
            if not person.numbers:  # a success forgets and gives back; strangers have none
                number = about.get("wrong") or about["closed"]
                told[school, Kind.NUMBER_DAY.value, number] += len(heard)
                told[school, Kind.NUMBER_EVER.value, number] += len(heard)
                told[school, Kind.NETWORK_HOUR.value, person.network] += len(heard)
    return told


def _judge_compared(verdict: Verdict, folk: Folk, rows: DoorRows, compared: Iterable[Line]) -> None:
    """No victim's PIN, and no letter's code, was compared more often than it may be.

    Nobody ever binds a victim's card, so nothing gives its tries back.
    """
    numbers = {(row["school_id"], row["number"]): row["id"] for row in rows.holders}
    victims = {f"pin {numbers[each.school_id, each.numbers[0]]}" for each in folk.victims}
    times: Counter[str] = Counter()
    for line in compared:
        verdict.counts[f"compared {line['way']}"] += 1
        if line["way"] != BIND and line["what"].startswith("pin "):
            continue
        if line["way"] != BIND or line["what"] in victims:
            times[line["what"]] += 1
    tries = {True: CODE_TRIES, False: LIMITS[Kind.NUMBER_DAY].tries}
    verdict.counts["guesses compared"] = sum(times[each] for each in victims)
    for what, found in times.items():
        allowed = tries[what.startswith("code ")]
        if found > allowed:
            verdict.breaks("D7", {"compared": what, "times": found, "allowed": allowed})
