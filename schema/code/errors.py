"""What code devices and codes may be refused for (codes.md 10)."""

from core.card.records import (
    AgreementMissing,
    CardholderFrozen,
    CardholderLeaving,
    DeviceKeyInvalid,
    DeviceLimit,
    DeviceUnknown,
    PassLimit,
    PinIsDefault,
    PinLocked,
    PinNotSet,
    PinRequired,
    PinWrong,
    TokenTooSoon,
    VirtualCardNotOpened,
)
from core.ports.codes import TokenIndexUnavailable
from core.school.records import FeatureOff
from schema.errors import AreaErrors

CODE = AreaErrors(
    "Code",
    AgreementMissing,
    CardholderFrozen,
    CardholderLeaving,
    DeviceKeyInvalid,
    DeviceLimit,
    DeviceUnknown,
    FeatureOff,
    PassLimit,
    PinIsDefault,
    PinLocked,
    PinNotSet,
    PinRequired,
    PinWrong,
    TokenIndexUnavailable,
    TokenTooSoon,
    VirtualCardNotOpened,
)
