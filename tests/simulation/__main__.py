"""`python -m tests.simulation [--burglars 3 --relays 5 --guests 200 --forgeries 500 --seeds 3]`."""

import argparse
import sys

from terminals.verification import CAP_CLASSES
from tests.simulation.campus import ROWS
from tests.simulation.cards import steal
from tests.simulation.outage import Crowd, simulate
from tests.simulation.test_loss_bound import RESERVE_MINOR, TABLE

_BAR = 40
_DENY_AGE_HOURS = (24, 72)


def main() -> int:
    """Prints what thieves took beside what the table says; 0 if they agree."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    for name, number in (("burglars", 3), ("relays", 5), ("guests", 200), ("forgeries", 500)):
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--seeds", type=int, default=3)
    given = vars(parser.parse_args())
    seeds, wrong = given.pop("seeds"), 0
    for row, yuan in zip(ROWS, TABLE, strict=True):
        print(f"\n{row.name}")
        for cap_class in CAP_CLASSES:
            outages = [simulate(row, cap_class, Crowd(**given), str(n)) for n in range(seeds)]
            taken = max(outage.burgled for outage in outages)
            relayed = max(outage.relayed for outage in outages)
            served = not any(outage.refused_guests or outage.forged for outage in outages)
            agrees = taken == yuan[cap_class - 1] * 100 and served
            agrees &= all(outage.relayed <= outage.relay_bound for outage in outages)
            wrong += not agrees
            bar = "█" * max(1, round(_BAR * taken / 2_000_000))
            print(
                f"  class {cap_class}: taken {taken / 100:>9.2f}  table {yuan[cap_class - 1]:>6}"
                f"  relay {relayed / 100:>8.2f}  {'agrees' if agrees else 'DIFFERS'}  {bar}"
            )
            if cap_class == 1:
                left = max(0, taken - RESERVE_MINOR)
                wrong += left != yuan[3] * 100
                print(f"  with R = B: lost {left / 100:>9.2f}  table {yuan[3]:>6}")
        for hours in _DENY_AGE_HOURS:
            theft = steal(row, hours)
            agrees = theft.taken_minor == theft.bound_minor
            wrong += not agrees
            print(
                f"  card, list of {hours:>2} h: taken {theft.taken_minor / 100:>9.2f}"
                f"  figure {theft.bound_minor / 100:>9.2f}  {'agrees' if agrees else 'DIFFERS'}"
            )
    print(f"\ncases={len(ROWS) * (4 + len(_DENY_AGE_HOURS))} seeds={seeds} wrong={wrong}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
