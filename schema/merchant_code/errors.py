"""What a scanned merchant code may be refused for, by the names of codes.md 5."""

from core.authorisation.records import (
    AmountMismatch,
    ChallengeExpired,
    CodeUsed,
    Format,
    IssuerNotAccepted,
    KeyUnknown,
    Malformed,
    Signature,
    Version,
)
from core.card.records import (
    PinIsDefault,
    PinLocked,
    PinNotSet,
    PinRequired,
    PinWrong,
    VirtualCardNotOpened,
)
from core.kit.errors import IdempotencyConflict
from core.school.records import FeatureOff, TerminalUnknown
from core.top_up.records import AmountInvalid
from schema.errors import AreaErrors

MERCHANT_CODE = AreaErrors(
    "MerchantCode",
    AmountInvalid,
    AmountMismatch,
    ChallengeExpired,
    CodeUsed,
    FeatureOff,
    Format,
    IdempotencyConflict,
    IssuerNotAccepted,
    KeyUnknown,
    Malformed,
    PinIsDefault,
    PinLocked,
    PinNotSet,
    PinRequired,
    PinWrong,
    Signature,
    TerminalUnknown,
    Version,
    VirtualCardNotOpened,
)
