"""The frozen facts of the limit context, and its refusals."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from core.kit.errors import Refusal


@dataclass(frozen=True, slots=True)
class Spending:
    """A cardholder's own limits (None: the school's policy) and what one day has spent, in fen."""

    cardholder_id: UUID
    single_minor: int | None
    daily_minor: int | None
    spent_on: date | None
    spent_minor: int

    def spent_on_day(self, day: date) -> int:
        """What was spent on `day`: zero unless it is the day last counted."""
        return self.spent_minor if self.spent_on == day else 0


@dataclass(frozen=True, slots=True)
class LimitsInForce:
    """What holds for a cardholder now, in fen; `app_maximum_minor` is what the app may set."""

    single_minor: int
    daily_minor: int
    spent_today_minor: int
    app_maximum_minor: int


class LimitElsewhere(Refusal):
    """This school changes limits in another place."""


class LimitOutOfRange(Refusal):
    """A limit must be 0 or more, and the daily one at least the single one."""


class LimitAboveAppMaximum(Refusal):
    """A limit above the school's maximum for the app is set at the window, with ID."""


class RaiseTooSoon(Refusal):
    """The binding was replaced less than a day ago; limits may be lowered and not raised."""
