"""`python -m bench <name>`: rounds of ours and its peers side by side, the ratio last."""

import argparse
import asyncio

from bench.balance import check_ledger
from bench.benches import BENCHES
from bench.stand import stand


def main() -> None:
    """Runs one benchmark; without a name, lists them."""
    names = "".join(f"\n  {name:14}{bench.__doc__}" for name, bench in BENCHES.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=f"{__doc__}\n{names}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("name", nargs="?", choices=BENCHES)
    parser.add_argument("--rounds", type=int, default=5, help="at least 5 for a figure to keep")
    parser.add_argument(
        "--seconds", type=float, default=5.0, help="of each run in a round, 2 to 20"
    )
    arguments = parser.parse_args()
    if arguments.name is None:
        parser.print_help()
        return
    with stand() as on:
        BENCHES[arguments.name](on, arguments)
        asyncio.run(check_ledger(on.superuser_dsn))


if __name__ == "__main__":
    main()
