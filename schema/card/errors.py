"""What cards, PINs and limits may be refused for."""

from core.card.records import (
    CardActImpossible,
    CardUnknown,
    PinAlreadySet,
    PinElsewhere,
    PinIsDefault,
    PinKindUnknown,
    PinLocked,
    PinNotSet,
    PinRequired,
    PinTooWeak,
    PinWrong,
    ReleaseElsewhere,
)
from core.identity.records import StepUpRequired
from core.limit.records import (
    LimitAboveAppMaximum,
    LimitElsewhere,
    LimitOutOfRange,
    RaiseTooSoon,
)
from core.school.records import FeatureOff
from schema.errors import AreaErrors

CARD = AreaErrors(
    "Card",
    CardActImpossible,
    CardUnknown,
    FeatureOff,
    LimitAboveAppMaximum,
    LimitElsewhere,
    LimitOutOfRange,
    RaiseTooSoon,
    PinAlreadySet,
    PinElsewhere,
    PinIsDefault,
    PinKindUnknown,
    PinLocked,
    PinNotSet,
    PinRequired,
    PinTooWeak,
    PinWrong,
    ReleaseElsewhere,
    StepUpRequired,
)
