"""What signing in and proving a card may be refused for."""

from core.card.records import PinIsDefault, PinKindUnknown, PinLocked, PinNotSet, PinWrong
from core.identity.records import (
    AddressInvalid,
    AlreadyBound,
    ConsentMissing,
    IdentityNotConfirmed,
    MergeImpossible,
    MethodNotOffered,
    NotBound,
    RealNameNotOwn,
    SessionEnded,
    SignInNotConfirmed,
    StepUpRequired,
    StepUpTargetMissing,
)
from core.school.records import FeatureOff, SchoolUnknown
from schema.errors import AreaErrors

IDENTITY = AreaErrors(
    "Identity",
    AddressInvalid,
    AlreadyBound,
    FeatureOff,
    ConsentMissing,
    MergeImpossible,
    RealNameNotOwn,
    IdentityNotConfirmed,
    MethodNotOffered,
    NotBound,
    PinIsDefault,
    PinKindUnknown,
    PinLocked,
    PinNotSet,
    PinWrong,
    SchoolUnknown,
    SessionEnded,
    SignInNotConfirmed,
    StepUpRequired,
    StepUpTargetMissing,
)
