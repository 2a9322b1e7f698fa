"""Who is about in an outage: each is a walk that acts, then says how many seconds it needs."""

from collections.abc import Iterator, Sequence
from random import Random  # noqa: TID251 - seeded, so that a run can be repeated
from typing import Protocol

from terminals.codes import CodeRefusal
from tests.simulation.campus import Authority, Phone, caps_of, forged

STEP_SECONDS = 31
"""From one scan to the next: the screen shows a new code."""
RELAY_SECONDS = 75
TRIES_MAXIMUM = 30
"""At one authority: far beyond any cap that holds."""
_ENDINGS = ("", "\r\n", "\r", "\n", "\t")
"""What a scanner may append, which is taken off again."""


class Clock(Protocol):
    """The instant, in Unix seconds."""

    now: int


def burglar(
    phone: Phone, authorities: Sequence[Authority], clock: Clock, chance: Random
) -> Iterator[int]:
    """Takes whatever each authority gives, refreshing the pass whenever one says no."""
    amount, _, total = caps_of(phone.cap_class)
    for authority in chance.sample(authorities, len(authorities)):
        for _ in range(2):
            for asked in {amount, total % amount or amount, 1}:
                for _try in range(TRIES_MAXIMUM):
                    refusal = authority.sell(phone.show(clock.now), asked, clock.now)
                    yield STEP_SECONDS if refusal is not CodeRefusal.SITE_NOT_ALLOWED else 1
                    if refusal is not None:
                        break
            phone.refresh()


def relay(
    victim: Phone,
    authorities: Sequence[Authority],
    clock: Clock,
    chance: Random,
    too_late: Sequence[Authority],
) -> Iterator[int]:
    """Photographs one screen, and accomplices show it everywhere until it expires.

    They come to those of `too_late` only afterwards.
    """
    amount, _, _ = caps_of(victim.cap_class)
    text, stolen_at = victim.show(clock.now), clock.now
    for seconds in (0, 20, 40, RELAY_SECONDS - 16, RELAY_SECONDS + 1):
        yield stolen_at + seconds - clock.now
        for authority in chance.sample(authorities, len(authorities)):
            if authority in too_late and seconds <= RELAY_SECONDS:
                continue
            authority.sell(text + chance.choice(_ENDINGS), amount, clock.now)
            authority.sell(text + chance.choice(_ENDINGS), amount, clock.now)


def forger(
    phone: Phone, authorities: Sequence[Authority], clock: Clock, chance: Random, tries: int
) -> Iterator[int]:
    """Changes a bit of a good code and tries it: every sale would be one too many."""
    for _ in range(tries):
        text = forged(phone.show(clock.now), chance)
        chance.choice(authorities).sell(text, 1, clock.now)
        yield STEP_SECONDS


def guest(
    phone: Phone, authorities: Sequence[Authority], clock: Clock, chance: Random,
    refused: list[CodeRefusal],
) -> Iterator[int]:  # fmt: skip
    """Buys two meals, hours apart: an honest holder must be served."""
    for _ in range(2):
        yield chance.randrange(3_600, 14_400)
        refusal = chance.choice(authorities).sell(phone.show(clock.now), 900, clock.now)
        if refusal is not None:
            refused.append(refusal)
