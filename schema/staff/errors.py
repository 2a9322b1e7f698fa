"""What staff may be refused for."""

from core.authorisation.records import ReviewDecided, ReviewImpossible, SuspectUnknown
from core.identity.records import (
    AddressInvalid,
    AlreadyBound,
    CardholderUnknown,
    CorrectionInvalid,
    LinkCodeUnknown,
    SessionEnded,
    StaffNotConfirmed,
)
from core.kit.errors import IdempotencyConflict
from core.school.operators import (
    OperatorInvalid,
    OperatorLimit,
    OperatorPinWeak,
    OperatorUnknown,
)
from core.school.records import (
    FingerprintMismatch,
    MerchantUnknown,
    OwnCardExcluded,
    RequestContentChanged,
    RequestDecided,
    RequesterCannotApprove,
    RequestExpired,
    RequestUnknown,
    SchoolUnknown,
    SecondFactorStale,
    SecondFactorWrong,
    StaffNotAllowed,
    TerminalStateInvalid,
    TerminalUnknown,
)
from core.top_up.records import AmountInvalid, CardholderNotActive, CashNotOffered, ReviewUnknown
from schema.errors import AreaErrors

STAFF = AreaErrors(
    "Staff",
    AddressInvalid,
    AlreadyBound,
    CorrectionInvalid,
    LinkCodeUnknown,
    AmountInvalid,
    CardholderNotActive,
    CardholderUnknown,
    CashNotOffered,
    FingerprintMismatch,
    IdempotencyConflict,
    MerchantUnknown,
    OperatorInvalid,
    OperatorLimit,
    OperatorPinWeak,
    OperatorUnknown,
    OwnCardExcluded,
    RequestContentChanged,
    RequestDecided,
    RequestExpired,
    RequestUnknown,
    RequesterCannotApprove,
    ReviewDecided,
    ReviewImpossible,
    ReviewUnknown,
    SchoolUnknown,
    SecondFactorStale,
    SecondFactorWrong,
    SessionEnded,
    StaffNotAllowed,
    StaffNotConfirmed,
    SuspectUnknown,
    TerminalStateInvalid,
    TerminalUnknown,
)
