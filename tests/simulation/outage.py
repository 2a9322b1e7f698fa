"""An outage of a whole slot: everybody at once, in the order of the clock."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from random import Random  # noqa: TID251 - seeded, so that a run can be repeated

from terminals.codes import CodeRefusal
from tests.simulation.campus import BEGINS, Authority, Phone, Row, caps_of
from tests.simulation.thieves import burglar, forger, guest, relay


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many of each are about."""

    burglars: int = 1
    relays: int = 1
    forgeries: int = 20
    guests: int = 10


@dataclass
class Outage:
    """What came of it. Figures are fen; `burgled` and `relayed` the most that one phone cost."""

    row: Row
    cap_class: int
    authorities: list[Authority]
    burgled: int = 0
    relayed: int = 0
    forged: int = 0
    refused_guests: list[CodeRefusal] = field(default_factory=list)
    now: int = BEGINS

    @property
    def named(self) -> int:
        """How many authorities the passes name."""
        return sum(authority.site < self.row.named for authority in self.authorities)

    @property
    def relay_bound(self) -> int:
        """One acceptance per authority that was reached in time: D times A."""
        return (self.named - len(self.too_late)) * caps_of(self.cap_class)[0]

    @property
    def too_late(self) -> list[Authority]:
        """Where relays come only when the code has expired; the first one, if there are others."""
        named = [each for each in self.authorities if each.site < self.row.named]
        return named[:1] if len(named) > 1 else []

    def taken(self, phone: Phone) -> int:
        """What a phone's slot was sold for, everywhere."""
        return sum(authority.taken[phone.cap_tag] for authority in self.authorities)


def simulate(
    row: Row,
    cap_class: int,
    crowd: Crowd | None = None,
    seed: str = "1",
    kind: type[Authority] = Authority,
) -> Outage:
    """One outage, the same for the same seed; `kind` may be an authority with a defect."""
    many, chance = crowd or Crowd(), Random(f"{seed}|{row.name}|{cap_class}")
    outage = Outage(row, cap_class, row.authorities(kind))
    everywhere, mask = outage.authorities, row.mask()
    total = many.burglars + many.relays + 1 + many.guests
    phones = [Phone(tag, cap_class, mask) for tag in range(1, total + 1)]
    thieves, rest = phones[: many.burglars], phones[many.burglars :]
    victims, (own, *guests) = rest[: many.relays], rest[many.relays :]
    named = [each for each in everywhere if each.site < row.named]
    walks: list[Iterator[int]] = [
        *(burglar(phone, everywhere, outage, chance) for phone in thieves),
        *(relay(phone, everywhere, outage, chance, outage.too_late) for phone in victims),
        forger(own, everywhere, outage, chance, many.forgeries),
        *(guest(phone, named, outage, chance, outage.refused_guests) for phone in guests),
    ]
    _run(outage, walks)
    outage.burgled = max(map(outage.taken, thieves), default=0)
    outage.relayed = max(map(outage.taken, victims), default=0)
    known = {phone.cap_tag for phone in (*thieves, *victims, *guests)}
    outage.forged = sum(
        sum(minor for tag, minor in each.taken.items() if tag not in known) for each in everywhere
    )
    return outage


def _run(outage: Outage, walks: list[Iterator[int]]) -> None:
    queue = [(BEGINS, number) for number in range(len(walks))]
    heapify(queue)
    while queue:
        outage.now, number = heappop(queue)
        seconds = next(walks[number], None)
        if seconds is not None:
            heappush(queue, (outage.now + seconds, number))
