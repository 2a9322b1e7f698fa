"""`python -m tests.faults.bank [--seconds 60] [--seed 1]`: one JSON object, exit 0 to 4."""

import argparse
import json
import sys
from contextlib import suppress
from pathlib import Path

from bff.embedded import BinariesMissing, HomeInUse, HomeUnusable, StartFailed
from tests.faults.bank.result import TOO_SMALL, HarnessFault, Plan
from tests.faults.bank.run import run
from tests.faults.defects.planted import DEFECTS


def main() -> int:
    """Runs the bank test; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.bank", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--defect", choices=sorted(DEFECTS), default="")
    parser.add_argument("--calm", action="store_true", help="without faults")
    parser.add_argument("--home", type=Path, help="keep servers' data and journals here")
    given = parser.parse_args()
    plan = Plan(given.seconds, given.seed, given.defect, not given.calm)
    try:
        result = run(plan, given.home)
    except (HarnessFault, BinariesMissing, HomeInUse, HomeUnusable, StartFailed) as fault:
        print(f"harness fault: {fault}", file=sys.stderr)
        return 4
    with suppress(BrokenPipeError):
        print(json.dumps(result.report(), ensure_ascii=False, indent=1, default=str))
    if result.exit_code == TOO_SMALL:
        print("too small to mean anything: run again on a quiet machine", file=sys.stderr)
    return result.exit_code


if __name__ == "__main__":
    sys.exit(main())
