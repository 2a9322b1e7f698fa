"""`python -m tests.faults.storm [--purchases 10000 --terminals 50 --holders 2000 --seed 1]`."""

import argparse
import json
import sys

from tests.faults.defects.planted import DEFECTS
from tests.faults.storm.run import Plan, Result, run


def main() -> int:
    """Runs the storm; 0 if the books, the journals and the statuses agree."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.storm", description=__doc__)
    parser.add_argument("--purchases", type=int, default=10_000)
    parser.add_argument("--terminals", type=int, default=50)
    parser.add_argument("--holders", type=int, default=2_000)
    parser.add_argument("--seed", default="1")
    # A patch of Python would not reach the worker processes.
    in_rows = sorted(name for name, defect in DEFECTS.items() if not defect.is_patched)
    parser.add_argument("--defect", choices=in_rows, default="")
    given = parser.parse_args()
    result = run(Plan(**vars(given)))
    _print(result)
    return 0 if result.is_passed else 1


def _print(result: Result) -> None:
    verdict, sold = result.verdict, result.verdict.counts["AUTHORISE"]
    for name, count in sorted(verdict.counts.items()):
        print(f"{count:>7}  {name}")
    print(result.ledger.stdout + result.ledger.stderr)
    for invariant, witnesses in verdict.witnesses.items():
        print(f"{invariant}: {verdict.violations[invariant]}, for example")
        print(json.dumps(witnesses[:2], ensure_ascii=False, indent=1, default=str))
    print(f"never happened: {', '.join(result.missing) or 'nothing that should have'}")
    print(
        f"purchases={sold} seconds={result.seconds:.1f} per_second={sold / result.seconds:.0f}"
        f" terminals={result.plan.terminals} cardholders={result.plan.holders}"
        f" answers_and_statuses_wrong={verdict.violations.total()}"
        f" verdict={'passed' if result.is_passed else 'FAILED'}"
    )


if __name__ == "__main__":
    sys.exit(main())
