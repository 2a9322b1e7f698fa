"""What must hold of sign-ins and bindings, whatever failed meanwhile.

D4 is also in `session_judge`, D7 and D8 are in `limits_judge`, D9 in `windows`, D10 in `logs`.

| id | invariant |
|---|---|
| D1 | nobody is shown, signed in as, bound to or about to be bound to somebody else |
| D2 | at no time two bindings of one sign-in, or two of a cardholder with one issuer |
| D3 | a binding stands whole or not at all, and only where somebody asked for it |
| D4 | an acknowledged binding or unbinding stands at the next sign-in; no session outlives it |
| D5 | what is good once is taken once |
| D6 | every refusal is one that the operation names, and has a cause |
| D7 | a try answered "wrong" is counted; no more are compared than may be; then none is of use |
| D8 | the owner pays however many strangers guess |
| D9 | payments go on while providers, the school's sign-on or the cache are away |
| D10 | no log holds a stack trace, an unexpected fault, or anybody's facts |
| D11 | a session ends only by what its own person did |
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import combinations

from core.identity.attempts import LIMITS
from core.identity.attempts import Counter as Kind
from core.identity.service.channel_sign_in import INSTALLATION
from tests.faults.bank.door_journal import BINDING, Journals
from tests.faults.bank.door_rows import DoorRows, Row
from tests.faults.bank.folk import SIGN_ON, Folk
from tests.faults.bank.guesses import WRONG
from tests.faults.bank.journal import Line
from tests.faults.bank.judge import Verdict
from tests.faults.bank.session_judge import judge_sessions
from tests.faults.bank.windows import meets, of_kind

_SESSION_OVER = {"UNAUTHENTICATED", "SESSION_ENDED", "ALREADY_BOUND"}
_PROVIDER = {"CHANNEL_UNAVAILABLE", "SIGN_IN_NOT_CONFIRMED"}
_LOST = {"PAGE_410", "START_AGAIN", "SIGN_ON_REFUSED"}
NAMED: Mapping[str, set[str]] = {
    "SIGN_IN": _PROVIDER | {"START_AGAIN"},
    "MAIL_IN": {"NO_LETTER", "SIGN_IN_NOT_CONFIRMED"},
    "BIND": _SESSION_OVER | {"IDENTITY_NOT_CONFIRMED"},
    "REAL_NAME": _SESSION_OVER | _PROVIDER,
    "COMPARE": _SESSION_OVER | _PROVIDER | _LOST | {"IDENTITY_NOT_CONFIRMED"},
    "CONFIRM": _SESSION_OVER | {"NOTHING_TO_CONFIRM", "CONFIRMATION_WRONG"},
    "SIGN_ON": _SESSION_OVER | _LOST,
    "STEP_UP": _SESSION_OVER | {"NOT_BOUND"},
    "UNBIND": _SESSION_OVER | {"NOT_BOUND", "STEP_UP_REQUIRED"},
}
"""What each operation may be refused for."""
CAUSES = (
    (("provider_",), {"SIGN_IN_NOT_CONFIRMED"}),
    (("provider_", "cache_"), {"CHANNEL_UNAVAILABLE"}),
    (("cache_",), _LOST),
)
"""What only an outage of the providers, or a loss of the cache, may lead to: open attempts and the
providers' access tokens lie there."""
ENTERING = {"SIGN_IN", "MAIL_IN"}
_ENDING = {"UNBIND", "CONFIRM"}
"""What may end a binding: a confirmation may put one in place of another."""
SAME_INSTANT = timedelta(seconds=0.25)
"""An end and the beginning that replaces it are written in one unit, an instant apart."""


def judge_doors(
    verdict: Verdict,
    folk: Folk,
    lines: Sequence[Line],
    rows: DoorRows,
    windows: Sequence[Line],
) -> None:
    """Every invariant. `windows` are when which fault was on."""
    journal = Journals(folk, lines)
    _judge_seen(verdict, journal)
    _judge_owners(verdict, rows)
    _judge_overlaps(verdict, rows.bindings)
    _judge_whole(verdict, journal, rows)
    judge_sessions(verdict, journal, rows)
    _judge_standing(verdict, journal)
    _judge_refusals(verdict, journal, windows)
    for line in lines:
        if line["t"] == "once" and line["taken"] > 1:
            verdict.breaks("D5", line)
    _count(verdict, journal, windows)


def _judge_seen(verdict: Verdict, journal: Journals) -> None:
    cards: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for line in journal.lines:
        if line["t"] == "seen":
            person = journal.people[line["person"]]
            if line["number"] not in person.numbers:
                verdict.breaks("D1", line)
            cards[line["person"], line["number"]].add((line["card"], line["holder"]))
    for key, seen in cards.items():
        if len(seen) > 1:
            verdict.breaks("D1", {"person": key, "seen": sorted(seen)})
    for intent in journal.intents:
        for answer in journal.answers.get(intent["id"], []):
            number = answer["facts"].get("number")
            if number is not None and number not in journal.person(intent).numbers:
                verdict.breaks("D1", answer)


def _judge_owners(verdict: Verdict, rows: DoorRows) -> None:
    for kind, listed in (
        ("binding", rows.bindings), ("session", rows.sessions), ("pending", rows.pending)
    ):  # fmt: skip
        for row in listed:
            person = rows.person(row)
            if row["issuer"] == INSTALLATION and row["number"] is None:
                continue
            if person is None or row["number"] not in {None, *person.numbers}:
                verdict.breaks("D1", {kind: str(row), "whose": person and person.id})


def _judge_overlaps(verdict: Verdict, bindings: Sequence[Row]) -> None:
    """All there ever were: two at a time is one too many, also if both ended since."""
    for key in (("issuer", "subject"), ("issuer", "number")):
        groups: dict[tuple[object, ...], list[Row]] = defaultdict(list)
        for row in bindings:
            groups[row["school_id"], *(row[name] for name in key)].append(row)
        for several in groups.values():
            for one, other in combinations(several, 2):
                if _overlap(one, other):
                    verdict.breaks("D2", {"one": str(one), "other": str(other)})


def _overlap(one: Row, other: Row) -> bool:
    """Whether two bindings stood at the same time."""
    first, second = sorted((one, other), key=lambda row: row["bound_at"])
    ended = first["ended_at"]
    return ended is None or bool(ended > second["bound_at"] + SAME_INSTANT)


def _judge_whole(verdict: Verdict, journal: Journals, rows: DoorRows) -> None:
    """Bindings and the audit agree, and each was asked for."""
    added: Counter[tuple[int, str]] = Counter()
    ended: Counter[tuple[int, str]] = Counter()
    asked: Counter[str | None] = Counter()
    made: Counter[str | None] = Counter()
    for row in rows.bindings:
        holder = (row["school_id"], row["number"])
        added[holder] += row["channel"] != SIGN_ON
        ended[holder] += row["ended_at"] is not None
        person = rows.person(row)
        made[person.id if person else None] += row["channel"] != SIGN_ON
    for holder in added.keys() | {key[:2] for key in rows.audited}:
        for act, found in (("binding.add", added), ("binding.end", ended)):
            audited = rows.audited.get((*holder, act), 0)
            if audited != found[holder]:
                witness = {"holder": holder, "act": act, "rows": found[holder], "audit": audited}
                verdict.breaks("D3", witness)
    for intent in journal.intents:
        asked[intent["about"]["person"]] += journal.may_have_bound(intent)
    for person_id, bound in made.items():
        if bound > asked[person_id]:
            verdict.breaks("D3", {"person": person_id, "rows": bound, "asked": asked[person_id]})


def _judge_standing(verdict: Verdict, journal: Journals) -> None:
    """Whether each sign-in found the binding that was acknowledged last, or none."""
    by_account: dict[tuple[str, ...], list[Line]] = defaultdict(list)
    by_channel: dict[tuple[str, ...], list[Line]] = defaultdict(list)
    for intent in journal.intents:
        about = intent["about"]
        by_account[about["person"], about["channel"], about["account"]].append(intent)
        if intent["operation"] in _ENDING:
            by_channel[about["person"], about["channel"]].append(intent)
    for key, intents in by_account.items():
        bound = [each for each in intents if journal.may_have_bound(each)]
        unbound = [each for each in intents if each["operation"] == "UNBIND"]
        for intent in (each for each in intents if each["operation"] in ENTERING):
            for answer in journal.answers.get(intent["id"], []):
                if answer["facts"].get("kind") == "CARDHOLDER":
                    _judge_kind(verdict, journal, answer, unbound, bound)
                elif "kind" in answer["facts"]:
                    _judge_kind(verdict, journal, answer, bound, by_channel[key[:2]])


def _judge_kind(
    verdict: Verdict, journal: Journals, told: Line, makes: Sequence[Line], breaks: Sequence[Line]
) -> None:
    """A sign-in contradicts what was answered before it began, and nothing asked since undoes."""
    is_holder = told["facts"]["kind"] == "CARDHOLDER"
    for made in makes:
        found = [a for a in journal.answers.get(made["id"], []) if _has_effect(made, a, is_holder)]
        if not found or min(a["at"] for a in found) >= told["sent"]:
            continue
        if not any(other["id"] != made["id"] and _later(other, made, told, journal)
                   for other in breaks):  # fmt: skip
            verdict.breaks("D4", {"signed in": told, "after": made})


def _has_effect(intent: Line, answer: Line, is_end: bool) -> bool:
    facts = answer["facts"]
    if is_end:
        return intent["operation"] == "UNBIND" and bool(facts.get("done"))
    return "token" in facts


def _later(other: Line, made: Line, told: Line, journal: Journals) -> bool:
    """Whether the other may have taken effect after the one, before the sign-in was answered."""
    answered = [answer["at"] for answer in journal.answers.get(other["id"], [])]
    ended = max(answered, default=float("inf"))
    return bool(other["at"] < told["at"] and ended > made["at"])


def _judge_refusals(verdict: Verdict, journal: Journals, windows: Sequence[Line]) -> None:
    for intent in journal.intents:
        for answer in journal.answers.get(intent["id"], []):
            code = answer["facts"].get("refused")
            if code is None:
                continue
            verdict.counts[f"{intent['operation']} {code}"] += 1
            if code not in NAMED[intent["operation"]] or not _is_caused(
                journal, windows, intent, answer
            ):
                verdict.breaks("D6", {"intent": intent, "answer": answer})


def _is_caused(journal: Journals, windows: Sequence[Line], intent: Line, answer: Line) -> bool:
    code = answer["facts"]["refused"]
    if intent["operation"] == "MAIL_IN":  # a letter's code that a lost answer has used up
        return code == "NO_LETTER" or journal.was_repeated(intent)
    if intent["operation"] == "COMPARE" and code == WRONG:  # one's own card: the tries are spent
        return journal.sent_by(intent["about"]["person"]) >= LIMITS[Kind.CALLER_HOUR].tries
    return all(
        meets(of_kind(windows, *starts), (intent["at"], answer["at"]))
        for starts, codes in CAUSES
        if code in codes
    )


def _count(verdict: Verdict, journal: Journals, windows: Sequence[Line]) -> None:
    """What was met, and how often a loss of the cache met a sign-on on its way."""
    channels: dict[str, set[str]] = defaultdict(set)
    for line in journal.lines:
        if line["t"] == "seen":
            channels[line["person"]].add(line["channel"])
        if line["t"] == "once":
            verdict.counts["once"] += 1
            verdict.counts[f"once {line['what']}"] += 1
    verdict.counts["same card"] = sum(len(seen) > 1 for seen in channels.values())
    for intent in journal.intents:
        for answer in journal.answers.get(intent["id"], [])[:1]:
            facts, operation = answer["facts"], intent["operation"]
            verdict.counts[f"{operation} done"] += bool(facts.get("done"))
            verdict.counts["bound"] += operation in BINDING and "token" in facts
            verdict.counts[f"{intent['about']['channel']} in"] += "kind" in facts
            verdict.counts["wrong PIN"] += "wrong" in intent["about"] and "refused" in facts
            verdict.counts["closed"] += "closed" in intent["about"]
            if operation in {"SIGN_ON", "COMPARE"}:
                span = (intent["at"], answer["at"])
                verdict.counts["cache lost"] += meets(of_kind(windows, "cache_"), span)
    for intent in journal.payments:
        answers = journal.answers.get(intent["id"], [])
        verdict.counts["victim pays"] += any(a["facts"].get("code") == "00" for a in answers)
