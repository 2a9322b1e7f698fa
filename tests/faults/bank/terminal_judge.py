"""What gates, tills without a network and payers were told, against the rows (R1 to R4)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults.bank.figures import Row
from tests.faults.bank.journal import Line
from tests.faults.bank.judge import Verdict
from tests.faults.bank.spending import Answers, Intents, key_of, of_operation, told


@dataclass(frozen=True, slots=True)
class TerminalRows:
    """By key text: the doors' answers, the passages' codes, the records' verdicts, the sales'
    answers; by (school, terminal, batch) what a settled batch came to, in fen."""

    entries: dict[str, Row] = field(default_factory=dict)
    passages: dict[str, Row] = field(default_factory=dict)
    items: dict[str, Row] = field(default_factory=dict)
    sales: dict[str, Row] = field(default_factory=dict)
    settled: dict[tuple[int, int, int], int] = field(default_factory=dict)


def judge_terminals(verdict: Verdict, lines: Sequence[Line], rows: TerminalRows) -> None:
    """Every invariant of them."""
    intents = {line["id"]: line for line in lines if line["t"] == "intent"}
    answers: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        if line["t"] == "answer":
            answers[line["id"]].append(line)
    _judge_entries(verdict, intents, answers, rows)
    _judge_records(verdict, intents, answers, rows)
    _judge_payments(verdict, intents, answers, rows)
    _judge_closes(verdict, intents, answers, rows)


def _judge_entries(
    verdict: Verdict, intents: Intents, answers: Answers, rows: TerminalRows
) -> None:
    """R1: an entry's answers are its row's, granted is passed, and a code opens one door once."""
    opened: dict[str, set[str]] = defaultdict(set)
    asked: dict[str, list[float]] = defaultdict(list)
    for id_, intent in of_operation(intents, "ENTRY"):
        row, opener = rows.entries.get(id_), intent["about"]["opener"]
        asked[opener].append(intent["at"])
        for answer in answers.get(id_, ()):
            facts = answer["facts"]
            said = facts.get("outcome"), facts.get("code"), facts.get("signed")
            kept = row and (row["outcome"], row["response_code"], row["signed_answer"])
            if not facts.get("verified") or said != kept:
                verdict.breaks("R1", {"answer": answer, "row": str(row)})
        if row is not None and row["outcome"] == "GRANTED":
            opened[opener].add(id_)
    for id_, intent in of_operation(intents, "ENTRY"):
        for answer in answers.get(id_, ()):
            others = [at for at in asked[intent["about"]["opener"]] if at < answer["at"]]
            if answer["facts"].get("code") == "C1" and len(others) < 2:
                verdict.breaks("R1", {"used by nobody": answer})
    for opener, ids in opened.items():
        if len(ids) > 1:
            verdict.breaks("R1", {"opened": sorted(ids), "code": opener[-12:]})
    granted = {id_ for id_, row in rows.entries.items() if row["outcome"] == "GRANTED"}
    for id_ in granted ^ rows.passages.keys():
        verdict.breaks("R1", {"passage or answer alone": id_})
    for id_ in rows.entries.keys() - intents.keys():
        verdict.breaks("R1", {"asked by nobody": id_})


def _judge_records(
    verdict: Verdict, intents: Intents, answers: Answers, rows: TerminalRows
) -> None:
    """R2: every record has one verdict for ever, the row's, and every row its record."""
    sent: set[str] = set()
    for id_, intent in of_operation(intents, "UPLOAD"):
        keys = {seq: key_of(intent, [till, batch, seq])
                for till, batch, seq in intent["about"]["numbers"]}  # fmt: skip
        sent |= set(keys.values())
        heard: dict[int, set[tuple[Any, ...]]] = defaultdict(set)
        for answer in answers.get(id_, ()):
            given = told(answer["facts"] if "verdicts" in answer["facts"] else None)
            if given.keys() != keys.keys():
                verdict.breaks("R2", {"verdicts are missing": answer})
            for seq_no, each in given.items():
                heard[seq_no].add((each["verdict"], each["reason"], *sorted(each["flags"])))
        for seq_no, all_heard in heard.items():
            _judge_record(verdict, keys[seq_no], all_heard, rows.items.get(keys[seq_no]))
    for key in rows.items.keys() - sent:
        verdict.breaks("R2", {"written by nobody": key})


def _judge_record(verdict: Verdict, key: str, heard: set[tuple[Any, ...]], row: Row | None) -> None:
    kept = row and (row["verdict"], row["reason"], *sorted(row["flags"]))
    # A key that was taken has no row: it is judged the same whenever it comes.
    is_kept = row is None or heard == {kept}
    if len(heard) != 1 or not is_kept or (row is None and "ACCEPTED" in next(iter(heard))):
        verdict.breaks("R2", {"key": key, "heard": sorted(map(str, heard)), "row": str(row)})
    for name, reason, *flags in heard:
        verdict.counts[f"record {name}"] += 1
        if reason:
            verdict.counts[f"record {reason}"] += 1
        verdict.counts.update(f"record {flag}" for flag in flags)


def _judge_payments(
    verdict: Verdict, intents: Intents, answers: Answers, rows: TerminalRows
) -> None:
    """R3: of all who pay a challenge one does, and hears what the till is answered."""
    paid: dict[str, set[str]] = defaultdict(set)
    for id_, intent in of_operation(intents, "PAY"):
        key = intent["about"]["asked"]
        found = answers.get(id_, ())
        for answer in found:
            facts, row = answer["facts"], rows.sales.get(key)
            if facts.get("outcome") != "APPROVED":
                continue
            paid[key].add(intent["about"]["who"])  # who scans it again hears the same
            said = facts["reference"], facts["signed"]
            if row is None or said != (row["retrieval_reference"], row["signed_answer"]):
                verdict.breaks("R3", {"answer": answer, "row": str(row)})
        # What was not approved left nothing behind, so a repeat is judged anew.
        if len({a["facts"]["signed"] for a in found if a["facts"].get("signed")}) > 1:
            verdict.breaks("R3", {"two answers": list(found)[:3]})
    for key, ids in paid.items():
        if len(ids) > 1:
            verdict.breaks("R3", {"challenge": key, "paid": sorted(ids)})


def _judge_closes(verdict: Verdict, intents: Intents, answers: Answers, rows: TerminalRows) -> None:
    """R4: a batch whose records all came is balanced, once, with the till's own sum."""
    for id_, intent in of_operation(intents, "CLOSE"):
        school, terminal_no = divmod(intent["till"], 1_000_000)
        net = sum(each["minorAmount"] for each in intent["given"]["totals"])
        settled = rows.settled.get((school, terminal_no, intent["given"]["batchNo"]))
        for answer in answers.get(id_, ()):
            batch = answer["facts"].get("batch") or {}
            said = batch.get("net") and int(batch["net"]["minorAmount"])
            if not batch.get("balanced") or said != net or settled != net:
                verdict.breaks("R4", {"close": answer, "claimed": net, "settled": settled})
