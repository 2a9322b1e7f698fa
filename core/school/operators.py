"""The people who work a merchant's terminals: who they are, what they may, and their PINs."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from uuid import UUID

from core.kit.errors import Refusal
from core.kit.peppered_hash import Peppered

PER_MERCHANT_MAXIMUM = 50
PER_SCHOOL_MAXIMUM = 500
"""Terminals hold all of them in one document."""
PIN_TRIES = 5
"""Wrong PINs that lock an operator, until staff set a new one."""
OFFLINE_ITERATIONS = 10_000
"""Rounds of PBKDF2 for the hash in the parameters: a second on the smallest terminals."""
SALT_BYTES = 16

_NUMBER = re.compile(r"[0-9]{1,8}", re.ASCII)
_PIN = re.compile(r"[0-9]{6,12}", re.ASCII)
_NAME_MAXIMUM = 20


class OperatorRight(StrEnum):
    """What an operator may do at a terminal of their merchant."""

    SALE = "SALE"
    REFUND = "REFUND"
    VOID = "VOID"
    CLOSE = "CLOSE"


@dataclass(frozen=True, slots=True)
class OfflineHash:
    """What a terminal checks a PIN by alone: PBKDF2-HMAC-SHA-256, 32 bytes, in `iterations`."""

    salt: bytes
    iterations: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class OperatorPin:
    """What is kept of an operator's PIN, for the server and for terminals without a network."""

    stored: Peppered = field(repr=False)
    offline: OfflineHash = field(repr=False)


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator of a merchant; `number` is theirs at the merchant, 1 to 8 digits as typed."""

    merchant_number: int
    number: str
    display_name: str
    rights: frozenset[OperatorRight]
    blocked: bool
    pin: OperatorPin = field(repr=False)

    @property
    def sorted_rights(self) -> list[OperatorRight]:
        """The rights in the order of their declaration."""
        return [right for right in OperatorRight if right in self.rights]


@dataclass(frozen=True, slots=True)
class Shift:
    """An operator at one terminal, from sign-on until `ended_at`; one terminal has one at most."""

    id: UUID
    terminal_no: int
    operator: Operator
    started_at: datetime
    ended_at: datetime | None = None


class SignOnRefusal(StrEnum):
    """Why an operator is not signed on, or a refund of theirs is not made."""

    UNKNOWN = "OPERATOR_UNKNOWN"
    """This merchant has no such operator, or they are blocked."""
    LOCKED = "OPERATOR_LOCKED"
    WRONG = "PIN_WRONG"
    NOT_SIGNED_ON = "SIGN_ON_REQUIRED"
    NO_RIGHT = "OPERATOR_NOT_ALLOWED"


@dataclass(frozen=True, slots=True)
class Tried:
    """A PIN that was compared: the proven one, or why not and how many tries are left."""

    proven: Peppered | None = field(default=None, repr=False)
    refusal: SignOnRefusal | None = None
    tries_left: int | None = None


class OperatorInvalid(Refusal):
    """A number is 1 to 8 digits, a name 1 to 20 visible characters, and there is a right."""


class OperatorUnknown(Refusal):
    """This merchant has no such operator."""


class OperatorPinWeak(Refusal):
    """An operator's PIN is 6 to 12 digits, neither one digit repeated nor a row."""


class OperatorLimit(Refusal):
    """There are `maximum` operators already: terminals hold them all."""


class ShiftUnknown(Refusal):
    """No such shift began at this terminal."""


def check_operator(number: str, name: str, rights: Collection[OperatorRight]) -> None:
    """Refuses what cannot be an operator.

    Raises: OperatorInvalid.
    """
    if not _NUMBER.fullmatch(number):
        raise OperatorInvalid("operatorNo")
    if not (name.strip() and len(name) <= _NAME_MAXIMUM and name.isprintable()):
        raise OperatorInvalid("displayName")
    if not rights:
        raise OperatorInvalid("rights")


def check_pin(pin: str) -> None:
    """Refuses PINs that are guessed first.

    Raises: OperatorPinWeak.
    """
    if not _PIN.fullmatch(pin):
        raise OperatorPinWeak("pin")
    if {(int(two) - int(one)) % 10 for one, two in pairwise(pin)} in ({0}, {1}, {9}):
        raise OperatorPinWeak("pin")


def check_room(at_merchant: int, at_school: int) -> None:
    """Refuses one more operator than terminals can hold.

    Raises: OperatorLimit.
    """
    if at_merchant >= PER_MERCHANT_MAXIMUM:
        raise OperatorLimit("operatorNo", maximum=PER_MERCHANT_MAXIMUM)
    if at_school >= PER_SCHOOL_MAXIMUM:
        raise OperatorLimit("operatorNo", maximum=PER_SCHOOL_MAXIMUM)


def hashed_text(school_id: int, merchant_number: int, number: str, pin: str) -> str:
    """What is hashed of a PIN for the server: it and whose it is."""
    return f"operator|{school_id}|{merchant_number}|{number}|{pin}"
