"""A stolen physical card among terminals that have not heard of its report (terminals.md 6)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from core.school.loss import Place, exposure
from core.school.policy import Offline, Policy
from core.school.records import DeviceClass, Site, Terminal, TerminalState
from terminals import taps
from terminals.authority import Held, Memory, Sale, authority_of, judge_sale
from terminals.codes import CodeRefusal
from terminals.parameters import Parameters, parameters_of
from terminals.verification import Spent
from tests.simulation.campus import BEGINS, ISSUER, Row
from tests.unit.terminals import samples

STOLEN, HONEST = bytes.fromhex("04a1b2c3"), bytes.fromhex("04a1b2c4")
STEP_SECONDS = 6 * 3_600
SECONDS = 4 * taps.CAPS_SECONDS
"""How long the thief goes on: a day more than the oldest list that a school may allow."""


@dataclass
class Reader:
    """A till. It heard the deny list last at `heard_at`, and of the report at `learns_at`."""

    number: int
    has_edge: bool
    heard_at: int
    learns_at: int | None = None
    taken: list[tuple[int, bytes, int]] = field(default_factory=list)

    def tap(
        self, uid: bytes, amount_minor: int, now: int, parameters: Parameters
    ) -> CodeRefusal | None:
        """Why the card does not pay here; None if it did."""
        learnt = self.learns_at is not None and now >= self.learns_at
        held = Held(
            issuer=ISSUER,
            ring=samples.KEYS,
            parameters=parameters,
            denied=frozenset(),
            deny_is_fresh=learnt or now - self.heard_at <= parameters.deny_age_seconds,
            clock_is_trusted=True,
            now=now,
        )
        memory = Memory({}, ())
        sale = Sale(self.number, f"CARD:{uid.hex()}", amount_minor, is_captured=True)
        if self.has_edge:  # it decides for its tills, by the rule of every authority
            found = judge_sale(sale, held, memory)
            assert isinstance(found, CodeRefusal)
            return found
        refusal = taps.refusal_of(
            amount_minor,
            is_denied=learnt and uid == STOLEN,
            cap=parameters.tap_cap,
            spent=self.spent(uid, now),
            authority=authority_of(sale, held, memory, parameters.site_of(self.number) or 0),
        )
        if refusal is None:
            self.taken.append((now, uid, amount_minor))
        return refusal

    def spent(self, uid: bytes, now: int) -> Spent:
        """What the card took here in the last day."""
        since = now - taps.CAPS_SECONDS
        minor = [each for at, whose, each in self.taken if whose == uid and at >= since]
        return Spent(len(minor), sum(minor))


@dataclass(frozen=True, slots=True)
class Theft:
    """What it came to, in fen, beside the school's figure; and who was refused for it."""

    taken_minor: int
    bound_minor: int
    honest_refusals: int


def steal(
    row: Row,
    deny_age_hours: int,
    *,
    who_learn: int = 0,
    kind: type[Reader] = Reader,
) -> Theft:
    """The card is reported at `BEGINS`; accomplices try it everywhere, again and again.

    `who_learn` of the readers get a line back, one an hour.
    """
    policy = Policy(offline=Offline(money=True, deny_age_hours=deny_age_hours))
    places = [Place(site, row.terminals, row.has_edges) for site in range(row.sites)]
    numbers = range(1, row.sites * row.terminals + 1)
    parameters = parameters_of(
        policy,
        [Site(site, "示例", "Sample") for site in range(row.sites)],
        [_till(number, (number - 1) // row.terminals) for number in numbers],
        ("MAIN",),
        bytes(32),
    )
    readers = [
        kind(
            number,
            row.has_edges,
            BEGINS - number % 60,
            BEGINS + number * 3_600 if number <= who_learn else None,
        )
        for number in numbers
    ]
    cap = policy.offline.cap_card
    for now in _instants():
        for reader in readers:
            for amount in (cap.amount_minor, 1):
                while reader.tap(STOLEN, amount, now, parameters) is None:
                    pass
    refused = sum(
        reader.tap(HONEST, 900, BEGINS + 1_800, parameters) is not None for reader in readers
    )
    return Theft(_stolen(readers), exposure(policy, places).card.loss_minor, refused)


def _till(number: int, site: int) -> Terminal:
    merchant = UUID(int=1)
    state = TerminalState.ACTIVE
    return Terminal(number, merchant, site, state, DeviceClass.TILL, ("MEAL",), *[None] * 3)


def _instants() -> list[int]:
    """Four times a day, and the seconds at which a day is over, or a list's."""
    days = range(0, SECONDS + 1, taps.CAPS_SECONDS)
    edges = [day + second for day in days for second in (-1, 0, 1, 2)]
    steps = range(0, SECONDS, STEP_SECONDS)
    return sorted(BEGINS + second for second in {*edges, *steps} if second >= 0)


def _stolen(readers: Sequence[Reader]) -> int:
    return sum(minor for each in readers for _, uid, minor in each.taken if uid == STOLEN)
