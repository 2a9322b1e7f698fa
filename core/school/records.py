"""Facts about a school, its merchants, terminals and staff, and the refusals of this context."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Literal
from uuid import UUID

from core.kit.errors import Refusal


@dataclass(frozen=True, slots=True)
class PolicyProblem:
    """One thing wrong with a school file: where, which key, and what to do about it.

    `line` counts from 1; `nearest` is the known key that an unknown one most resembles.
    """

    line: int
    key: str
    message_zh: str
    message_en: str
    nearest: str | None = None


class PolicyInvalid(Refusal):
    """The policy text was refused; `problems` lists everything wrong with it, by line."""

    def __init__(self, problems: Sequence[PolicyProblem]) -> None:
        super().__init__("policy", problems=len(problems))
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line, problem.key)))

    def __str__(self) -> str:
        """One line per problem, for the command line and logs (a policy holds no secrets)."""
        return "\n".join(
            f"{problem.line}: {problem.key}: {problem.message_en}" for problem in self.problems
        )


@dataclass(frozen=True, slots=True)
class School:
    """A school; its id is also the issuer of its codes."""

    id: int
    code: str
    name_zh: str
    name_en: str
    default_language: Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Campus:
    """A campus of a school."""

    code: str
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Site:
    """A place that passes and terminals name, 0 to 15 (codes.md 4)."""

    number: int
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Merchant:
    """Who sells; `account_id` is what the school owes them."""

    id: UUID
    number: int
    name_zh: str
    name_en: str
    active: bool
    account_id: UUID


class DeviceClass(StrEnum):
    """What a terminal is."""

    TILL = "TILL"
    GATE = "GATE"
    METER = "METER"
    KIOSK = "KIOSK"
    VIRTUAL = "VIRTUAL"
    """No device: what a merchant's printed codes are paid under."""
    EDGE = "EDGE"
    """Stands between the terminals of a site and the server, and decides while there is no line."""


class TerminalState(StrEnum):
    """How far a terminal has come; only ACTIVE sells."""

    NEW = "NEW"
    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    LOCKED = "LOCKED"
    RETIRED = "RETIRED"


@dataclass(frozen=True, slots=True)
class Terminal:
    """A device of a merchant at a site; `scenes` are what it may serve (terminals.md 9)."""

    number: int
    merchant_id: UUID
    site_number: int
    state: TerminalState
    device_class: DeviceClass
    scenes: tuple[str, ...]
    model: str | None
    serial_number: str | None
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class TerminalKey:
    """One Ed25519 key of a terminal; `valid_until` is None while it is the newest."""

    number: int
    public_key: bytes
    valid_from: datetime
    valid_until: datetime | None

    @property
    def fingerprint(self) -> str:
        """What both sides show: the first 8 hex of SHA-256 of the key (terminals.md 8)."""
        return hashlib.sha256(self.public_key).hexdigest()[:8]

    def is_valid_at(self, instant: datetime) -> bool:
        """Whether requests signed by it are accepted."""
        return self.valid_from <= instant and (
            self.valid_until is None or instant < self.valid_until
        )


@dataclass(frozen=True, slots=True)
class PrintedCode:
    """A merchant's printed code: the facts that are signed, and whether it was revoked.

    `number` counts the prints of the virtual terminal; `amount_minor` is fen, 0 where the payer
    types it; `kid` names the ANSWER key that signs it.
    """

    terminal_no: int
    number: int
    amount_minor: int
    kid: int
    issued_at: datetime
    revoked_at: datetime | None


class Guess(StrEnum):
    """What a terminal may try too often; the kind of its counter."""

    CODE = "TERMINAL_CODE"
    PIN = "TERMINAL_PIN"


@dataclass(frozen=True, slots=True)
class EnrolledTerminal:
    """What a request's signature is checked against, and whom its sales belong to."""

    terminal: Terminal
    merchant: Merchant
    keys: tuple[TerminalKey, ...]

    def find_key(self, number: int, instant: datetime) -> TerminalKey | None:
        """The key of that number, while it is valid."""
        return next((k for k in self.keys if k.number == number and k.is_valid_at(instant)), None)


class Role(StrEnum):
    """What a member of staff may do (security.md 8)."""

    CLERK = "CLERK"
    CASHIER = "CASHIER"
    MERCHANT_REVIEWER = "MERCHANT_REVIEWER"
    CARD_MANAGER = "CARD_MANAGER"
    IT_ADMIN = "IT_ADMIN"
    AUDITOR = "AUDITOR"


@dataclass(frozen=True, slots=True)
class StaffMember:
    """A person at a school's desk; `cardholder_number` is that of their own card, if any."""

    id: UUID
    login: str
    display_name: str
    roles: frozenset[Role]
    cardholder_number: str | None
    active: bool


@dataclass(frozen=True, slots=True)
class StaffCaller:
    """Who asks, as the session says; roles and activity are read anew in each act's unit."""

    staff_id: UUID
    second_factor_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewStaff:
    """A member just made, with the secret of their second factor (base32), shown once."""

    member: StaffMember
    totp_secret: str = field(repr=False)


class RequestState(StrEnum):
    """How a four-eyes request stands."""

    OPEN = "OPEN"
    EXECUTED = "EXECUTED"
    REFUSED = "REFUSED"


Content = dict[str, str | int | None]


@dataclass(frozen=True, slots=True)
class FourEyesRequest:
    """An act that waits for a second person; `content` is all it will do."""

    id: UUID
    act: str
    content: Content
    content_hash: bytes
    requester_id: UUID
    approver_id: UUID | None
    state: RequestState
    created_at: datetime
    expires_at: datetime


class DocumentKind(IntEnum):
    """What a signed document holds; the numbers are those that are signed (terminals.md 8)."""

    KEYS = 1
    PARAMETERS = 2
    DENY = 3
    RIGHTS = 4
    TERMINALS = 5


class DeniedKind(IntEnum):
    """What a line of the deny list names; the numbers are those of the document."""

    SERIAL = 1
    UID = 2


@dataclass(frozen=True, slots=True)
class Denied:
    """One line of the deny list, until Unix seconds; a removed one takes an earlier line back."""

    kind: DeniedKind
    id: bytes
    version: int
    until: int
    is_removed: bool = False


@dataclass(frozen=True, slots=True)
class Protection:
    """The newest versions, and those acknowledged by terminal number, then document kind."""

    parameters_version: int
    deny_version: int
    acknowledged: dict[int, dict[int, int]]

    def deny_version_of(self, terminal_no: int) -> int:
        """The deny list a terminal goes by, 0 for none."""
        return self.acknowledged.get(terminal_no, {}).get(DocumentKind.DENY, 0)

    def count_protected(self, terminal_nos: Sequence[int]) -> int:
        """How many of these refuse everything that is on the newest deny list."""
        return sum(self.deny_version_of(number) >= self.deny_version for number in terminal_nos)


@dataclass(frozen=True, slots=True)
class SignedDocument:
    """A document for terminals as it is delivered; `kid` names the key of `signature`, 64 bytes.

    `version` is a u32 that rises with each document of a kind and issuer.
    """

    kind: DocumentKind
    issuer: int
    version: int
    kid: int
    content: bytes
    signature: bytes


class SchoolUnknown(Refusal):
    """There is no such school."""


class SchoolExists(Refusal):
    """A school with this number or code exists."""


class SchoolFileOfOther(Refusal):
    """The file is that of another school."""


class MerchantUnknown(Refusal):
    """This school has no such merchant."""


class PrintUnknown(Refusal):
    """This merchant has no printed code of this number."""


class SiteUnknown(Refusal):
    """This school has no such site."""


class FeatureOff(Refusal):
    """The school does not offer this, or not to this kind of cardholder."""


class TerminalUnknown(Refusal):
    """This school has no such terminal."""


class TerminalStateInvalid(Refusal):
    """The terminal's present state does not allow this."""


class ActivationInvalid(Refusal):
    """The activation code, or the proof given with it, is not good; ask for a new code."""


class FingerprintMismatch(Refusal):
    """The fingerprint is not that of the key the terminal enrolled."""


class KeyRotationInvalid(Refusal):
    """The new key is not proven, or was used before."""


class DocumentInvalid(Refusal):
    """Terminals would not take the signed document; `reason` says why. Nothing was published."""


class LoginTaken(Refusal):
    """A member of staff has this login."""


class LoginInvalid(Refusal):
    """A login is 2 to 32 of a-z, 0-9, dot, hyphen and underscore."""


class PasswordWeak(Refusal):
    """A password is 12 to 128 characters and holds neither the login nor one repeated character."""


class SecondFactorWrong(Refusal):
    """The code is wrong or was used, or there were too many tries: one answer for all."""


class StaffNotAllowed(Refusal):
    """The member of staff is not active or has no role for this."""


class SecondFactorStale(Refusal):
    """The second factor was given more than 15 minutes ago; give it again."""


class OwnCardExcluded(Refusal):
    """Staff do not touch money of their own card, and do not approve it."""


class RequestUnknown(Refusal):
    """There is no such four-eyes request."""


class RequestDecided(Refusal):
    """The request was decided before; it runs once."""


class RequestExpired(Refusal):
    """The request is older than 24 hours; make a new one."""


class RequesterCannotApprove(Refusal):
    """The one who asks does not approve."""


class RequestContentChanged(Refusal):
    """What was approved is not what stands in the request; nothing was done."""
