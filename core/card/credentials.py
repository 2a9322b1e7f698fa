"""Which proof an act on a card asks for (mission.md 2; security.md 3 and 4)."""

from collections.abc import Set as AbstractSet

from core.school.policy_words import LossCredential, PinKind

_PAYING_ORDER = (PinKind.PAY, PinKind.CARD, PinKind.QUERY)


def paying_kind(kinds: AbstractSet[PinKind]) -> PinKind:
    """The kind of PIN that pays and opens codes: PAY, in its absence CARD, then QUERY."""
    return next(kind for kind in _PAYING_ORDER if kind in kinds)


def loss_kind(accepted: AbstractSet[LossCredential], kinds: AbstractSet[PinKind]) -> PinKind | None:
    """The kind of PIN that reports a loss, None where only a fresh login does."""
    if LossCredential.QUERY_PIN in accepted:
        return PinKind.QUERY
    return paying_kind(kinds) if LossCredential.PIN in accepted else None
