"""The cardholders of the day: whose phone shows what, and who holds up whose screen."""

from asyncio import Event
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from bff.fleet.dice import Dice
from clients.phone.phone import Phone
from clients.phone.wallet import NothingToShow

RELAYED_SECONDS = 30
"""How long somebody else's screen is worth showing: its code lives for a minute and a quarter."""
_AHEAD_SECONDS = 10
"""A phone that was asked for many codes at once has run ahead of the clock by so much."""
_REMEMBERED = 200
_SOON_SECONDS = 120


class Part(StrEnum):
    """What a cardholder plays."""

    RICH = "RICH"
    POOR = "POOR"
    """Whose balance ends in the middle of the day."""
    THIEF = "THIEF"
    """Who emptied the account and goes round the tills without a network."""
    REPORTER = "REPORTER"
    """Who gives up the phone during the day: its passes go to the deny list."""
    LOSER = "LOSER"
    """Whose card somebody else has found; during the day they say so."""


@dataclass(slots=True)
class Customer:
    """A cardholder with a phone that has the passes of the day; fen."""

    number: str
    part: Part
    balance_minor: int
    phone: Phone
    card: str
    """What a reader reads of the physical card."""

    def running_passes(self, now: float) -> set[str]:
        """The passes that have begun and do not end soon, as they were signed."""
        first, last = now, now + _SOON_SECONDS
        return {
            each["content"]
            for each in self.phone.wallet.passes
            if each["notBefore"] <= first and last < each["endsAt"]
        }

    def show(self, now: float) -> str | None:
        """A fresh code by the phone's own clock; none if it has run ahead too far."""
        wallet = self.phone.wallet
        if wallet.last_shown_at > now + wallet.clock_offset_seconds + _AHEAD_SECONDS:
            return None
        return wallet.show(now)

    def show_by(self, wrong: float) -> str | None:
        """A code by a clock that is wrong; the phone's own goes on as before."""
        wallet = self.phone.wallet
        kept, wallet.last_shown_at = wallet.last_shown_at, 0
        try:
            return wallet.show(wrong)
        except NothingToShow:  # before its pass began
            return None
        finally:
            wallet.last_shown_at = kept


@dataclass(frozen=True, slots=True)
class Screen:
    """A code that was taken somewhere without a network."""

    at: float
    device: int
    customer: Customer
    code: str


@dataclass
class Album:
    """Screens that somebody photographed at a device without a network."""

    clock: Callable[[], float]
    _screens: deque[Screen] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def photograph(self, device: int, customer: Customer, code: str) -> None:
        """Somebody copies a screen that a device without a network has taken."""
        self._screens.append(Screen(self.clock(), device, customer, code))

    def relayed(self, device: int, dice: Dice) -> Screen | None:
        """A fresh screen from another device."""
        now = self.clock()
        fresh = [s for s in self._screens if s.device != device and now - s.at < RELAYED_SECONDS]
        return dice.pick(fresh) if fresh else None


@dataclass
class Crowd:
    """All customers, and the screens that were photographed at tills and at doors."""

    customers: Sequence[Customer]
    clock: Callable[[], float]
    report_at: int
    """After so many records the reporters give up their phones."""
    taken: int = 0
    """How many purchases were taken offline."""
    is_late: Event = field(default_factory=Event)
    """Set then."""
    cards_are_reported: bool = False
    """Whether the server has answered that every lost card is lost."""
    seen_at_tills: Album = field(init=False)
    seen_at_doors: Album = field(init=False)

    def __post_init__(self) -> None:
        self.seen_at_tills, self.seen_at_doors = Album(self.clock), Album(self.clock)

    def of(self, part: Part) -> list[Customer]:
        """Those who play a part."""
        return [each for each in self.customers if each.part is part]

    def count(self) -> None:
        """One more purchase was taken offline."""
        self.taken += 1
        if self.taken >= self.report_at:
            self.is_late.set()

    def queue(self, dice: Dice, visits: int) -> list[Customer]:
        """Everybody but the thieves, each so many times, in some order."""
        honest = [each for each in self.customers if each.part is not Part.THIEF]
        return dice.shuffled(honest * visits)
