"""Outages of providers and of the school's sign-on, in a lane of their own beside all other faults.

Some last longer than anybody waits for a provider; payments must not notice any of them.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from bff.fleet.dice import Dice
from bff.fleet.proxy import Mode
from tests.faults.bank.journal import Journal
from tests.faults.bank.outside import PROVIDERS, Outside
from tests.faults.bank.windows import window

SHORT_SECONDS = (0.4, 1.2)
LONG_SECONDS = (6.0, 7.5)
"""Longer than a sign-in waits for a provider, which is 5 s after at most 2 s for a connection."""
CALM_SECONDS = (0.2, 1.0)

Outage = Callable[[Outside, Dice], bool]
"""Does its worst and undoes it; whether anybody was hit."""


def _switch(kind: str, seconds: tuple[float, float]) -> Outage:
    """One provider, or both, fail at every call."""

    def outage(outside: Outside, dice: Dice) -> bool:
        before = outside.exchanges()
        outside.switch(dice.pick([*([name] for name in PROVIDERS), PROVIDERS]), kind)
        time.sleep(dice.between(*seconds))
        outside.mend()
        return outside.exchanges() > before

    outage.__name__ = f"provider_{kind}"
    return outage


def _link(name: str, mode: Mode) -> Outage:
    def outage(outside: Outside, dice: Dice) -> bool:
        link = outside.links[name]
        link.set(mode)
        time.sleep(dice.between(*SHORT_SECONDS))
        hits = link.hits
        link.set(Mode.PASS)
        return hits > 0

    outage.__name__ = f"{name}_{mode.name.lower()}"
    return outage


def provider_stopped(outside: Outside, dice: Dice) -> bool:
    """SIGSTOP of both providers' servers."""
    before = outside.exchanges()
    outside.stall(dice.between(*SHORT_SECONDS))
    return outside.exchanges() > before


OUTAGES: tuple[Outage, ...] = (
    _switch("timeout_before", LONG_SECONDS),
    _switch("timeout_after_effect", LONG_SECONDS),
    *(_switch(kind, SHORT_SECONDS) for kind in ("reset", "html_502", "system_error")),
    provider_stopped,
    *(_link("provider", mode) for mode in (Mode.GONE, Mode.CUT, Mode.LOSE_ANSWERS)),
    *(_link("campus", mode) for mode in (Mode.GONE, Mode.HOLE)),
)


@dataclass
class Weather:
    """One outage after the other until it is told to stop; each is journalled with its time."""

    outside: Outside
    seed: str
    journal: Path
    dealt: tuple[Outage, ...] = OUTAGES
    hits: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    failure: BaseException | None = None
    _stop: Event = field(default_factory=Event)
    _thread: Thread | None = None

    def start(self) -> None:
        """Begins."""
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends with the present outage. Raises: what it ended with by itself."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        try:
            self._blow(Journal(self.journal), Dice(self.seed, "weather"))
        except BaseException as failure:
            self.failure = failure

    def _blow(self, journal: Journal, dice: Dice) -> None:
        kinds: list[Outage] = []
        while not self._stop.is_set():
            kinds = kinds or dice.shuffled(self.dealt)
            kind, began = kinds.pop(), time.monotonic()
            hit = kind(self.outside, dice)
            ended = time.monotonic()
            journal.write(window(kind.__name__, began, ended, ended))
            if hit:
                self.hits[kind.__name__] += 1
            else:
                self.missed += 1
            self._stop.wait(dice.between(*CALM_SECONDS))
