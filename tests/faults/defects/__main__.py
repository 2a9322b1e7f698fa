"""`python -m tests.faults.defects [--seconds 25] [--seed 1] [NAME ...]`: every defect is caught."""

import argparse
import sys

from tests.faults.bank.result import HarnessFault, Plan
from tests.faults.bank.run import run
from tests.faults.defects.planted import DEFECTS


def main() -> int:
    """Runs the bank test once per defect; 0 if each broke an invariant that is there for it."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.defects", description=__doc__)
    parser.add_argument("--seconds", type=float, default=25)
    parser.add_argument("--seed", default="1")
    parser.add_argument("names", nargs="*", metavar="NAME")
    given = parser.parse_args()
    missed = []
    for name in given.names or DEFECTS:
        defect = DEFECTS[name]
        try:
            found = run(Plan(given.seconds, given.seed, name)).violations
        except HarnessFault as fault:
            print(f"{name}: harness fault: {fault}", file=sys.stderr)
            return 4
        caught = bool(defect.trips & set(found))
        missed += [] if caught else [name]
        print(f"{'caught' if caught else 'MISSED'}  {name}: {defect.says}: {found}", flush=True)
    print(f"defects caught: {len(given.names or DEFECTS) - len(missed)}, missed: {missed}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
