"""Which proof an act on a card asks for (mission.md 2; security.md 3 and 4)."""

from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from core.school.policy import Policy
from core.school.policy_words import LossCredential, PinKind

PolicyOf = Callable[[int], Awaitable[Policy]]
"""The policy in force of a school, by its id."""

STEP_UP_MAXIMUM = timedelta(minutes=5)
_PAYING_ORDER = (PinKind.PAY, PinKind.CARD, PinKind.QUERY)


def is_fresh(step_up_at: datetime | None, now: datetime) -> bool:
    """Whether a session's second proof still counts."""
    return step_up_at is not None and timedelta() <= now - step_up_at <= STEP_UP_MAXIMUM


def paying_kind(kinds: AbstractSet[PinKind]) -> PinKind:
    """The kind of PIN that pays and opens codes: PAY, in its absence CARD, then QUERY."""
    return next(kind for kind in _PAYING_ORDER if kind in kinds)


def loss_kind(accepted: AbstractSet[LossCredential], kinds: AbstractSet[PinKind]) -> PinKind | None:
    """The kind of PIN that reports a loss, None where only a fresh login does."""
    if LossCredential.QUERY_PIN in accepted:
        return PinKind.QUERY
    return paying_kind(kinds) if LossCredential.PIN in accepted else None
