"""What one run of the bank test was asked and what it found: one JSON object, exit code 0 to 4."""

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from core.db.invariants import Proof
from tests.faults.bank.coverage import missing
from tests.faults.bank.guard import Calibration
from tests.faults.bank.judge import Verdict

TOO_SMALL = 2
"""The exit code of a run that met too little."""


class HarnessFault(Exception):
    """The test itself could not run; nothing was judged."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One run: `defect` is the name of a planted defect, or empty."""

    seconds: float = 60
    seed: str = "1"
    defect: str = ""
    with_faults: bool = True


@dataclass
class Result:
    """What a run found; `exit_code` as reliability.md 3."""

    plan: Plan
    calibration: Calibration
    verdict: Verdict
    proof: Proof
    faults: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    recoveries: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    silence: float = 0.0
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def violations(self) -> dict[str, int]:
        """How often each invariant was broken, over journals and rows."""
        found = Counter(self.verdict.violations)
        for finding in self.proof.findings:
            if finding.count:
                found[finding.invariant.id] += finding.count
        return dict(found)

    @property
    def missing(self) -> dict[str, str]:
        """What the run met too little of."""
        return missing(self.verdict.counts, self.faults, self.plan.seconds)

    @property
    def exit_code(self) -> int:
        """0 pass, 1 violation, 2 too small, 3 correct but times inconclusive."""
        if self.violations:
            return 1
        if self.missing:
            return TOO_SMALL
        return 0 if self.calibration.is_green else 3

    def report(self) -> dict[str, Any]:
        """One JSON object."""
        return {
            "plan": asdict(self.plan),
            "exit": self.exit_code,
            "violations": self.violations,
            "missing": self.missing,
            "counts": dict(sorted(self.verdict.counts.items())),
            "rows": self.proof.figures,
            "faults": dict(self.faults),
            "faults_missed": self.missed,
            "recovery_seconds": {
                kind: {"median": round(median(times), 2), "maximum": round(max(times), 2)}
                for kind, times in sorted(self.recoveries.items())
            },
            "longest_silence_seconds": round(self.silence, 2),
            "purchases_per_second": self.verdict.rates,
            "calibration": asdict(self.calibration) | {"green": self.calibration.is_green},
            "settings": self.settings,
            "witnesses": {
                **self.verdict.witnesses,
                **{f.invariant.id: list(f.witnesses) for f in self.proof.findings if f.count},
            },
        }
