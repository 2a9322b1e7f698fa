"""What the journals say against what the rows say: the invariants that SQL alone cannot see."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.faults.bank.figures import Row, spans_of, untrue
from tests.faults.bank.journal import Line
from tests.faults.bank.spending import keys_spent, paid_records
from tests.faults.bank.wire import TERMINAL

WITNESSES = 10


@dataclass
class Verdict:
    """Violations per invariant with up to ten witnesses, and counts per branch of the work.

    `rates` are purchases a second, by what was away meanwhile.
    """

    counts: Counter[str] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)
    witnesses: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    rates: dict[str, float] = field(default_factory=dict)

    def breaks(self, invariant: str, witness: Any) -> None:
        """One more violation."""
        self.violations[invariant] += 1
        if len(self.witnesses[invariant]) < WITNESSES:
            self.witnesses[invariant].append(witness)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All journal lines; stored answers by key text; cash by the top-up's id; purses' legs in the
    order of each purse's history; holds."""

    lines: list[Line]
    rows: dict[str, Row]
    top_ups: dict[str, Row] = field(default_factory=dict)
    legs: list[Row] = field(default_factory=list)
    holds: list[Row] = field(default_factory=list)


def judge(evidence: Evidence) -> Verdict:
    """Every invariant of journals and rows."""
    verdict = Verdict()
    intents = {line["id"]: line for line in evidence.lines if line["t"] == "intent"}
    answers: dict[str, list[Line]] = defaultdict(list)
    for line in evidence.lines:
        if line["t"] == "answer":
            answers[line["id"]].append(line)
    _judge_answers(verdict, evidence, intents, answers)
    _judge_rows(verdict, evidence, intents)
    _judge_top_ups(verdict, evidence, intents, answers)
    _judge_figures(verdict, evidence, intents, answers)
    _judge_reasons(verdict, evidence, intents, answers)
    _judge_codes(verdict, intents, answers)
    _judge_losses(verdict, intents, answers)
    _judge_notes(verdict, evidence.lines)
    _count(verdict, intents, answers, evidence.lines)
    return verdict


def _judge_answers(
    verdict: Verdict, evidence: Evidence, intents: dict[str, Line], answers: dict[str, list[Line]]
) -> None:
    for id_, intent in intents.items():
        found = answers.get(id_, [])
        if not found:
            verdict.breaks("I15", intent)
            continue
        if intent["operation"] not in TERMINAL:
            continue
        for answer in found:
            _judge_answer(verdict, evidence.rows.get(id_), answer)
        if len({(a["facts"].get("outcome"), a["facts"].get("signed")) for a in found}) > 1:
            verdict.breaks("I5", found[:3])


def _judge_answer(verdict: Verdict, row: Row | None, answer: Line) -> None:
    facts = answer["facts"]
    if "refused" in facts:
        verdict.counts[f"refused {facts['refused']}"] += 1
        return
    if not facts["verified"]:
        verdict.breaks("I2", answer)
    same = row is not None and (
        facts["outcome"], facts["code"], facts["reference"], facts["signed"],
    ) == (
        row["outcome"], row["response_code"], row["retrieval_reference"], row["signed_answer"],
    )  # fmt: skip
    if not same:
        verdict.breaks("I1", {"answer": answer, "row": row and str(row)})


def _judge_rows(verdict: Verdict, evidence: Evidence, intents: dict[str, Line]) -> None:
    spent = {key for intent in intents.values() for key in keys_spent(intent)}
    for id_, row in evidence.rows.items():
        if id_ not in intents and id_ not in spent:
            verdict.breaks("I3", str(row))
        if row["response_code"] == "51" and row["available_minor"] >= row["amount_minor"]:
            verdict.breaks("I12", str(row))


def _judge_top_ups(
    verdict: Verdict, evidence: Evidence, intents: dict[str, Line], answers: dict[str, list[Line]]
) -> None:
    """The cashiers' journals are the witness: their cash and ours are equal, one to one."""
    taken = set()
    for id_, intent in intents.items():
        if intent["operation"] != "TOP_UP":
            continue
        found = answers.get(id_, [])
        named = {answer["facts"].get("topUp") for answer in found}
        if len(named) > 1:
            verdict.breaks("I5", found[:3])
        given = (intent["given"]["minorAmount"], intent["given"]["number"])
        for top_up in named - {None}:
            row = evidence.top_ups.get(top_up)
            if row is None or (row["amount_minor"], row["number"]) != given:
                verdict.breaks("I1", {"answer": found[0], "row": row and str(row)})
        taken |= named
    for top_up in evidence.top_ups.keys() - taken:
        verdict.breaks("I3", {"cash": str(evidence.top_ups[top_up])})


def _judge_figures(
    verdict: Verdict, evidence: Evidence, intents: dict[str, Line], answers: dict[str, list[Line]]
) -> None:
    spans = spans_of(intents, answers, evidence.rows)
    for found in untrue(evidence.rows, evidence.legs, evidence.holds, spans):
        verdict.breaks("I12", {key: str(value) for key, value in found.items()})


def _judge_reasons(
    verdict: Verdict, evidence: Evidence, intents: dict[str, Line], answers: dict[str, list[Line]]
) -> None:
    """What a purchase was refused for had been asked for before the refusal was heard."""
    causes: dict[tuple[str, str], list[float]] = defaultdict(list)
    for id_, intent in intents.items():
        about, row = intent["about"], evidence.rows.get(id_)
        if "code" in about and row and row["outcome"] in ("APPROVED", "PIN_REQUIRED"):
            causes["C1", about["code"]].append(intent["at"])
        elif intent["operation"] == "UPLOAD":
            for item in intent["given"]["items"]:
                causes["C1", item["presented"]].append(intent["at"])
        elif intent["operation"] == "VOID":
            causes["22", about["of"]].append(intent["at"])
        elif intent["operation"] == "LOSS":
            causes["41", about["uid"]].append(intent["at"])
    for id_, found in answers.items():
        told, about = found[0], intents[id_]["about"]
        code = told["facts"].get("code")
        subject = {"C1": about.get("code"), "22": id_, "41": about.get("uid")}.get(code)
        if intents[id_]["operation"] != "AUTHORISE" or subject is None:
            continue
        if not any(at < told["at"] for at in causes[code, subject]):
            verdict.breaks("I12", told)


def _judge_codes(
    verdict: Verdict, intents: dict[str, Line], answers: dict[str, list[Line]]
) -> None:
    approved: dict[str, set[str]] = defaultdict(set)
    for id_, intent in intents.items():
        code = intent["about"].get("code")
        if code and any(a["facts"].get("outcome") == "APPROVED" for a in answers.get(id_, [])):
            approved[code].add(id_)
    for code, key in paid_records(intents, answers):
        approved[code].add(key)
    for code, ids in approved.items():
        if len(ids) > 1:
            verdict.breaks("I14", {"code": code[-12:], "approved": sorted(ids)})


def _judge_losses(
    verdict: Verdict, intents: dict[str, Line], answers: dict[str, list[Line]]
) -> None:
    """An approved tap that began after an acknowledged report, with no release under way."""
    cards: dict[str, list[Line]] = defaultdict(list)
    for intent in intents.values():
        if "uid" in intent["about"]:
            cards[intent["about"]["uid"]].append(intent)
    for of_card in cards.values():
        releases = [
            (i["at"], min((a["at"] for a in answers.get(i["id"], [])), default=float("inf")))
            for i in of_card
            if i["operation"] == "RELEASE"
        ]
        for report in of_card:
            known = [a["at"] for a in answers.get(report["id"], []) if a["facts"].get("done")]
            if report["operation"] != "LOSS" or not known:
                continue
            for tap in (i for i in of_card if i["operation"] == "AUTHORISE"):
                for answer in answers.get(tap["id"], []):
                    is_release = any(
                        start < answer["at"] and report["at"] < end for start, end in releases
                    )
                    is_approved = answer["facts"].get("outcome") == "APPROVED"
                    if is_approved and min(known) < tap["at"] and not is_release:
                        verdict.breaks("I17", {"report": report, "tap": answer})


def _judge_notes(verdict: Verdict, lines: Iterable[Line]) -> None:
    for line in lines:
        match line["t"]:
            case "trial" if line["total"] != 0:
                verdict.breaks("I9", line)
            case "read" if not line["found"]:
                verdict.breaks("I21", line)
            case "fault":
                verdict.breaks("I23", line)
            case "conflict" if line["facts"] and line["facts"].get("refused") != (
                "IDEMPOTENCY_CONFLICT"
            ):
                verdict.breaks("I4", line)


def _count(
    verdict: Verdict,
    intents: dict[str, Line],
    answers: dict[str, list[Line]],
    lines: Iterable[Line],
) -> None:
    verdict.counts["keys"] = len(intents)
    for id_, found in answers.items():
        facts, operation = found[0]["facts"], intents[id_]["operation"]
        verdict.counts[operation] += 1
        if operation == "CLOSE" and (facts.get("batch") or {}).get("balanced"):
            verdict.counts["batches balanced"] += 1
        verdict.counts["retries"] += sum(a["tries"] for a in found)
        verdict.counts["repeats"] += len(found) - 1
        if "code" in facts:
            verdict.counts[f"{operation} {facts['code']}"] += 1
    for line in lines:
        if line["t"] in ("trial", "read", "conflict", "born"):
            verdict.counts[line["t"]] += 1
