"""What a thief with an unlocked phone, a physical card and an empty account can take offline.

By codes (codes.md 13) it is max(0, D * min(B, n * A) - R) per slot: D offline authorities that a
pass's mask names, each of which sells up to its cap; R is what was set aside when the pass was
issued. By the card it is T * N * min(B, n * A) from the report of its loss on: T terminals that
take cards alone, N days until the oldest deny list that still allows money is too old, with the
card's own cap. A card names no site and has no reserve; an edge takes none, and neither do its
tills. The simulation under `tests/simulation` confirms both with what terminals run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.kit.errors import Refusal
from core.school.edge_keys import is_working_edge
from core.school.policy import Cap, Policy
from core.school.policy_words import Instrument, PurseModel
from core.school.records import DeviceClass, Site, Terminal, TerminalState

_SELL_ALONE = (DeviceClass.TILL, DeviceClass.METER, DeviceClass.KIOSK)
_DAY_HOURS = 24
HIGH_CLASS = 3
"""For passes behind a PIN; none are issued yet, so it is shown and does not count."""


class LossNotAccepted(Refusal):
    """Offline money could cost the school more than its file says it accepts."""


class EdgeNeeded(Refusal):
    """Without this edge the tills of its site decide alone, and that could cost too much."""


@dataclass(frozen=True, slots=True)
class Place:
    """A site, how many of its terminals sell, and whether an edge decides for all of them."""

    number: int
    terminals: int
    has_edge: bool

    @property
    def authorities(self) -> int:
        """How many decide alone when the network is down."""
        return min(1, self.terminals) if self.has_edge else self.terminals

    @property
    def card_authorities(self) -> int:
        """How many take a physical card alone: an edge takes none, and decides for its tills."""
        return 0 if self.has_edge else self.terminals


@dataclass(frozen=True, slots=True)
class ClassLoss:
    """One cap class: fen at each authority, fen at all of them, and whether passes have it."""

    cap_class: int
    authority_minor: int
    loss_minor: int
    is_issued: bool


@dataclass(frozen=True, slots=True)
class CardLoss:
    """A physical card: who takes it alone, for how long after its report, and fen at one a day.

    `authorities` is 0 where the school takes no card alone.
    """

    authorities: int
    days: int
    authority_minor: int

    @property
    def loss_minor(self) -> int:
        """The most that the card can cost, in fen."""
        return self.authorities * self.days * self.authority_minor


@dataclass(frozen=True, slots=True)
class Exposure:
    """What a school may lose to one thief, in fen; `accepted_minor` is in its file."""

    places: tuple[Place, ...]
    sites: int
    authorities: int
    reserve_minor: int
    classes: tuple[ClassLoss, ...]
    card: CardLoss
    is_on: bool
    accepted_minor: int

    @property
    def phone_minor(self) -> int:
        """The most that a pass the school issues can cost it in one slot."""
        return max((each.loss_minor for each in self.classes if each.is_issued), default=0)

    @property
    def loss_minor(self) -> int:
        """The most that a phone and a card, stolen together, can cost it."""
        return self.phone_minor + self.card.loss_minor

    @property
    def is_accepted(self) -> bool:
        """Whether the school has said that it bears this much."""
        return self.loss_minor <= self.accepted_minor


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Another school than it is; None leaves a figure as it is. `terminals` stand at each site."""

    sites: int | None = None
    edges: bool | None = None
    cap_class: int | None = None
    reserve_minor: int | None = None
    site_count: int | None = None
    terminals: int | None = None
    cards: bool | None = None


def places_of(sites: Sequence[Site], terminals: Sequence[Terminal]) -> list[Place]:
    """The sites of a school with what sells there; a retired terminal sells nothing.

    An edge counts while it is ACTIVE: until then the terminals of its site decide alone.
    """
    selling = [
        each.site_number
        for each in terminals
        if each.state is not TerminalState.RETIRED and each.device_class in _SELL_ALONE
    ]
    edges = {each.site_number for each in terminals if is_working_edge(each)}
    return [Place(s.number, selling.count(s.number), s.number in edges) for s in sites]


def bound_minor(authorities: int, cap: Cap, reserve_minor: int) -> int:
    """The formula, in fen."""
    return max(0, authorities * _at_one(cap) - reserve_minor)


def takes_cards(policy: Policy) -> bool:
    """Whether terminals take physical cards alone while offline money is on.

    Where chips hold money, no record of a card's number spends it.
    """
    is_offline = Instrument.PHYSICAL in policy.offline.instruments
    return is_offline and policy.purse.model is PurseModel.SINGLE


def exposure(policy: Policy, places: Sequence[Place], what_if: WhatIf | None = None) -> Exposure:
    """A school's figure by its policy and registry, or as it would be."""
    asked, offline = what_if or WhatIf(), policy.offline
    supposed = _supposed(places, asked)
    sites = offline.sites if asked.sites is None else asked.sites
    reserve = offline.reserve_minor if asked.reserve_minor is None else asked.reserve_minor
    least = offline.cap_class if asked.cap_class is None else asked.cap_class
    # A pass names the first sites by number: core.card.slots.site_mask.
    authorities = sum(place.authorities for place in supposed if place.number < sites)
    caps = {1: offline.cap_1, 2: offline.cap_2, HIGH_CLASS: offline.cap_high}
    classes = tuple(
        ClassLoss(
            number,
            _at_one(cap),
            bound_minor(authorities, cap, reserve),
            is_issued=least <= number < HIGH_CLASS,
        )
        for number, cap in caps.items()
    )
    has_cards = takes_cards(policy) if asked.cards is None else asked.cards
    card = CardLoss(
        sum(place.card_authorities for place in supposed) if has_cards else 0,
        # What a card took counts for a day, both ends of it: no later cap begins within one.
        -(-offline.deny_age_hours // _DAY_HOURS),
        _at_one(offline.cap_card),
    )
    return Exposure(
        tuple(supposed), sites, authorities, reserve, classes, card, offline.money,
        offline.accepted_loss_minor,
    )  # fmt: skip


def _supposed(places: Sequence[Place], asked: WhatIf) -> list[Place]:
    found = list(places)
    if asked.site_count is not None:
        known = {place.number: place for place in places}
        found = [known.get(n) or Place(n, 0, has_edge=False) for n in range(asked.site_count)]
    if asked.terminals is not None:
        found = [replace(place, terminals=asked.terminals) for place in found]
    if asked.edges is not None:
        found = [replace(place, has_edge=asked.edges) for place in found]
    return found


def _at_one(cap: Cap) -> int:
    return min(cap.total_minor, cap.count * cap.amount_minor)
