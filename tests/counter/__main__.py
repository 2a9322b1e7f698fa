"""`make counterchecks`: prints what our adapters and the independent packages agree on."""

import asyncio
import importlib
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.counter.peer import Peer, peer


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to agree on with a package; `run` raises AssertionError where they differ."""

    package: str
    what: str
    run: Callable[[Peer], Awaitable[None]]


async def run_all() -> int:
    """Runs the checks of every module `check_<script>.py` against `<script>.mjs`; the failures."""
    failed = 0
    for path in sorted(Path(__file__).parent.glob("check_*.py")):
        module = importlib.import_module(f"tests.counter.{path.stem}")
        for check in module.CHECKS:
            async with peer(path.stem.removeprefix("check_")) as other:
                try:
                    await check.run(other)
                    verdict = "agree  "
                except AssertionError as error:
                    verdict, failed = "DIFFER ", failed + 1
                    print(error, file=sys.stderr)
            print(f"{verdict} {check.package:24} {check.what}")
    print(f"counterchecks: {'all agree' if not failed else f'{failed} differ'}")
    return failed


if __name__ == "__main__":
    sys.exit(1 if asyncio.run(run_all()) else 0)
