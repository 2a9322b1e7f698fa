"""What a terminal's questions may be refused for when they are wrong in themselves."""

from core.authorisation.records import ReferenceUnknown
from core.kit.errors import IdempotencyConflict, ItemLimit
from core.school.operators import ShiftUnknown
from core.school.records import (
    ActivationInvalid,
    FingerprintMismatch,
    KeyRotationInvalid,
    TerminalStateInvalid,
    TerminalUnknown,
)
from core.settlement.records import BatchUnknown, VoidTooLate
from schema.errors import AreaErrors

TERMINAL = AreaErrors(
    "Terminal",
    ActivationInvalid,
    BatchUnknown,
    FingerprintMismatch,
    IdempotencyConflict,
    ItemLimit,
    KeyRotationInvalid,
    ReferenceUnknown,
    ShiftUnknown,
    TerminalStateInvalid,
    TerminalUnknown,
    VoidTooLate,
)
