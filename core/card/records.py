"""The frozen facts of cards, PINs, code devices and passes, and the refusals of this context."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from core.kit.errors import Refusal
from core.ports.codes import PassKind


class CardKind(StrEnum):
    """What a card is made of."""

    PHYSICAL = "PHYSICAL"
    VIRTUAL = "VIRTUAL"


class CardState(StrEnum):
    """Where a card stands; REPLACED and CLOSED are final."""

    NOT_OPENED = "NOT_OPENED"
    ACTIVE = "ACTIVE"
    LOST = "LOST"
    REPLACED = "REPLACED"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class Card:
    """One card of a cardholder; `uid` is the chip's number in upper-case hex, physical only."""

    id: UUID
    cardholder_id: UUID
    kind: CardKind
    state: CardState
    uid: str | None
    issued_at: datetime
    opened_at: datetime | None
    lost_at: datetime | None


@dataclass(frozen=True, slots=True)
class Deniable:
    """A chip whose line on the deny list has to change; `is_gone`: its account is closed."""

    uid: str
    is_denied: bool
    is_gone: bool


@dataclass(frozen=True, slots=True)
class CardFace:
    """What the home screen shows of a cardholder's cards (M-033)."""

    name: str
    number: str
    virtual: Card
    physical: Card | None


@dataclass(frozen=True, slots=True)
class CodeDevice:
    """A phone whose key may present passes."""

    id: UUID
    cardholder_id: UUID
    binding_id: UUID | None
    public_key: bytes
    totp_version: int
    enrolled_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Slot:
    """A span of Unix seconds in which all money passes of a cardholder share one cap tag."""

    starts_at: int
    ends_at: int
    cap_tag: int


@dataclass(frozen=True, slots=True)
class Pass:
    """An issued pass: 115 signed bytes, good from `not_before` to `ends_at` (Unix seconds)."""

    serial: bytes
    kind: PassKind
    not_before: int
    ends_at: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Alias:
    """The seven digits that stand for a device on one school day."""

    day: date
    digits: str


@dataclass(frozen=True, slots=True)
class PassIssue:
    """What a phone needs to show codes without a network; `totp_key` is None without T1."""

    passes: list[Pass]
    totp_key: bytes | None = field(repr=False)
    aliases: list[Alias]
    server_at: datetime
    refresh_at: datetime
    rotation_seconds: int
    life_seconds: int


@dataclass(frozen=True, slots=True)
class Token:
    """A drawn T0 token."""

    text: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class CodeHolder:
    """Whose code it is: all that the authorise path needs to know of it.

    `card_id` is the virtual card. `is_revoked` joins the pass's and the device's revocation.
    """

    cardholder_id: UUID
    card_id: UUID
    device_id: UUID
    kind: PassKind
    totp_version: int
    is_revoked: bool
    device_key: bytes


@dataclass(frozen=True, slots=True)
class AliasHolder:
    """Whose alias it is on one day, the key of its TOTP, and the wrong TOTPs so far."""

    holder: CodeHolder
    totp_key: bytes = field(repr=False)
    wrong_tries: int
    day: date


class CardUnknown(Refusal):
    """There is no such card."""


class CardUidTaken(Refusal):
    """Another card with this chip number is in use, or the cardholder has a card already."""


class CardActImpossible(Refusal):
    """The card's state does not allow this."""


class ReleaseElsewhere(Refusal):
    """This school releases a reported card in another place."""


class PinRequired(Refusal):
    """This needs the PIN."""


class PinWrong(Refusal):
    """The PIN is not right; `tries_left` says how often it may still be tried."""


class PinLocked(Refusal):
    """Too many wrong tries: unlock it with a second proof or at the window. The card works on."""


class PinNotSet(Refusal):
    """The cardholder has chosen no PIN yet."""


class PinIsDefault(Refusal):
    """The initial PIN never pays, raises, releases or opens: choose an own one first."""


class PinAlreadySet(Refusal):
    """The cardholder has chosen a PIN before: change it with the old one, or reset it."""


class PinTooWeak(Refusal):
    """This PIN is too easy to guess; `weakness` says why."""


class PinKindUnknown(Refusal):
    """This school has no PIN of this kind."""


class PinElsewhere(Refusal):
    """This school changes, resets or unlocks a PIN in another place."""


class VirtualCardNotOpened(Refusal):
    """The virtual card must be opened first."""


class CardholderFrozen(Refusal):
    """The cardholder is frozen."""


class CardholderLeaving(Refusal):
    """The account is being closed or is closed: no new codes."""


class AgreementMissing(Refusal):
    """The campus code needs a live withhold agreement."""


class DeviceKeyInvalid(Refusal):
    """The device's key or its proof is not good, or the key was registered before."""


class DeviceUnknown(Refusal):
    """The cardholder has no such code device, or it was revoked."""


class DeviceLimit(Refusal):
    """Too many devices were enrolled within a day."""


class PassLimit(Refusal):
    """The slot's 20 passes are used up; codes drawn online still work."""


class TokenTooSoon(Refusal):
    """A device draws one online code per five seconds."""

    retryable = True
