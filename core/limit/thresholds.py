"""When a purchase needs a PIN, and which limits a cardholder may set."""

from dataclasses import replace
from datetime import date

from core.limit.records import LimitAboveAppMaximum, LimitOutOfRange, LimitsInForce, Spending
from core.school.policy import Limit


def pin_reason(amount_minor: int, spent_minor: int, single_minor: int, daily_minor: int) -> str:
    """Why this purchase needs the PIN: `SINGLE`, `DAILY`, or an empty text if it does not (M-096).

    Up to and including a limit no PIN is asked.
    """
    if amount_minor > single_minor:
        return "SINGLE"
    if spent_minor + amount_minor > daily_minor:
        return "DAILY"
    return ""


def in_force(spending: Spending, limit: Limit, today: date) -> LimitsInForce:
    """The cardholder's own limits, and the school's where they have none."""
    single, daily = spending.single_minor, spending.daily_minor
    return LimitsInForce(
        limit.single_minor if single is None else single,
        limit.daily_minor if daily is None else daily,
        spending.spent_on_day(today),
        limit.app_max_minor,
    )


def check_limits(single_minor: int, daily_minor: int, maximum_minor: int) -> None:
    """Refuses limits that cannot be set in the app.

    Raises: LimitOutOfRange, LimitAboveAppMaximum.
    """
    if single_minor < 0 or daily_minor < single_minor:
        raise LimitOutOfRange("singleMinor", "dailyMinor")
    if daily_minor > maximum_minor:
        raise LimitAboveAppMaximum("dailyMinor", maximumMinor=maximum_minor)


def is_cut(before: Spending, single_minor: int, daily_minor: int) -> bool:
    """Whether one of the new limits is below the cardholder's own; the first own ones count so."""
    pairs = (before.single_minor, single_minor), (before.daily_minor, daily_minor)
    return any(held is None or wanted < held for held, wanted in pairs)


def counted(spending: Spending, day: date, amount_minor: int) -> Spending:
    """After an offline purchase of `amount_minor` fen on its own day; a day left stays left."""
    if spending.spent_on is not None and spending.spent_on > day:
        return spending
    spent_minor = spending.spent_on_day(day) + amount_minor
    return replace(spending, spent_on=day, spent_minor=spent_minor)
