"""The decision of the payment function, in pure Python: the oracle its tests compare it with."""

from dataclasses import dataclass

from core.limit.thresholds import pin_reason


@dataclass(frozen=True, slots=True)
class Situation:
    """What the rows under lock said: `code_free` is whether the replay key may be taken now."""

    status: str
    card_state: str
    revoked: bool
    code_free: bool
    purses_minor: tuple[int, ...]
    spent_minor: int
    single_minor: int
    daily_minor: int


@dataclass(frozen=True, slots=True)
class Decision:
    """Outcome, response code and reason, and what each purse pays, in funding order, in fen."""

    outcome: str
    response_code: str
    reason: str | None = None
    takes_minor: tuple[int, ...] = ()


def fund(amount_minor: int, purses_minor: tuple[int, ...]) -> tuple[int, ...] | None:
    """What each purse pays, first purse first; None when all together hold too little."""
    rest = amount_minor
    takes = []
    for free in purses_minor:
        take = min(rest, free)
        takes.append(take)
        rest -= take
    return None if rest else tuple(takes)


def decide(amount_minor: int, *, pin_proven: bool, seen: Situation) -> Decision:
    """Approves or declines; the first failing check is the answer."""
    takes = fund(amount_minor, seen.purses_minor)
    reason = pin_reason(amount_minor, seen.spent_minor, seen.single_minor, seen.daily_minor)
    declines = (
        (seen.status == "FROZEN", "62", None),
        (seen.status == "CLOSED", "46", None),
        (seen.card_state == "LOST", "41", None),
        (seen.card_state != "ACTIVE", "54", None),
        (seen.revoked, "C3", "REVOKED"),
        (not seen.code_free, "C1", "CODE_USED"),
        (takes is None, "51", None),
    )
    for failed, code, why in declines:
        if failed:
            return Decision("DECLINED", code, why)
    if reason and not pin_proven:
        return Decision("PIN_REQUIRED", "70", reason)
    return Decision("APPROVED", "00", None, takes or ())
