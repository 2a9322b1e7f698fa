"""What the servers' logs must not hold: unexpected faults, stack traces, anybody's facts (D10)."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.faults.bank.folk import Folk
from tests.faults.bank.journal import Line
from tests.faults.bank.judge import Verdict

_STRANGE = re.compile(
    r"Traceback \(most recent call last\)|\bfault=(?!DatabaseUnavailable\b)\w+"
    r"|Exception in |: Error\b"
)
"""A database that is away is named so where a request met it: it is away many times in a run."""
_SECRET_FACTS = ("token", "code", "verifier", "cookie", "start")


def private(folk: Folk, secrets: Iterable[str], lines: Iterable[Line]) -> dict[str, str]:
    """What nobody may read in a log, and what it is."""
    found = dict.fromkeys(secrets, "a provider's secret")
    for person in folk.all():
        found |= {
            person.name: "a name",
            person.id_number: "an ID number",
            person.phone: "a telephone number",
            person.pin: "a PIN",
        }
    for line in lines:
        told = line.get("facts")
        facts = told if isinstance(told, dict) else {}
        used = facts.get("used", {}).get("given", {})
        facts = {**facts, **facts.get("kept", {}), **used}
        found |= {str(facts[name]): f"a {name}" for name in _SECRET_FACTS if facts.get(name)}
        if line["t"] == "intent" and line["token"]:
            found[line["token"]] = "a token"
    return {text: what for text, what in found.items() if len(text) >= 3}


def judge_logs(verdict: Verdict, logs: Iterable[Path], forbidden: dict[str, str]) -> None:
    """Every line of every log."""
    for path in logs:
        text = path.read_text("utf-8", errors="replace") if path.exists() else ""
        verdict.counts["log lines"] += text.count("\n")
        for number, line in enumerate(text.splitlines(), start=1):
            if _STRANGE.search(line):
                verdict.breaks("D10", {"log": f"{path.name}:{number}", "line": line[:300]})
        for what in _held(text, forbidden):
            verdict.breaks("D10", {"log": path.name, "holds": what})


def _held(text: str, forbidden: dict[str, str]) -> Iterator[str]:
    for secret, what in forbidden.items():
        if secret in text and (not secret.isdigit() or re.search(rf"(?<!\d){secret}(?!\d)", text)):
            yield what
