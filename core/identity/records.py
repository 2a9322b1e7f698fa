"""Facts about cardholders, bindings and sessions, and the refusals of this context."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from core.kit.errors import Refusal


class CardholderKind(StrEnum):
    """What a cardholder is to the school."""

    STUDENT = "STUDENT"
    STAFF = "STAFF"
    TEMPORARY = "TEMPORARY"
    VISITOR = "VISITOR"
    ALUMNI = "ALUMNI"
    EXTERNAL = "EXTERNAL"


class IdType(StrEnum):
    """The document an ID number is printed on."""

    ID_CARD = "ID_CARD"
    RESIDENCE_PERMIT = "RESIDENCE_PERMIT"
    PASSPORT = "PASSPORT"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One accepted row of a roster; `row` is its place in the file, the header being 1.

    Absent facts are None; `old_balance_minor` is in fen (M-074).
    """

    row: int
    number: str
    name: str
    kind: CardholderKind
    id_type: IdType | None = None
    id_number: str | None = None
    phone: str | None = None
    email: str | None = None
    campus: str | None = None
    department: str | None = None
    card_uid: str | None = None
    old_balance_minor: int | None = None


@dataclass(frozen=True, slots=True)
class RowRefusal:
    """One reason why a row was refused; a row may have several.

    `value` is masked, `number` the cardholder's where the row's could be read.
    """

    row: int
    column: str
    code: str
    zh: str
    en: str
    value: str
    number: str | None = None


class RosterFileInvalid(Refusal):
    """The file is no roster at all; `zh` and `en` say why."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__("file")
        self.zh = zh
        self.en = en

    def __str__(self) -> str:
        """The reason in English, for the command line."""
        return self.en


@dataclass(frozen=True, slots=True)
class Cardholder:
    """A person of the roster as the holder and staff see them."""

    id: UUID
    number: str
    kind: str
    status: str
    campus_code: str | None
    name: str
    department: str | None


@dataclass(frozen=True, slots=True)
class PersonalFacts:
    """Class A facts of a cardholder: for PIN rules and the registered address, never shown."""

    id_type: str | None
    id_number: str | None
    phone: str | None
    email: str | None


@dataclass(frozen=True, slots=True)
class Binding:
    """A live link from what signs in to a cardholder."""

    id: UUID
    issuer: str
    channel: str
    bound_at: datetime


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One signed-in device at one school.

    An unbound session has no cardholder yet; a staff session has `staff_id` and never a cardholder.
    `subject_index` is the blind index of the issuer's subject. `step_up_at` is when the person last
    proved more than the token.
    """

    school_id: int
    id: UUID
    family_id: UUID
    issuer: str
    subject_index: bytes
    channel: str
    device_label: str
    binding_id: UUID | None
    cardholder_id: UUID | None
    staff_id: UUID | None
    step_up_at: datetime | None
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SessionTokens:
    """A session with the secrets that name it; they are shown once and kept only as hashes.

    `refresh_token` and its end are None for staff and for the channels that sign in unseen.
    """

    session: SessionRecord
    access_token: str
    refresh_token: str | None
    refresh_expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class SignInBegun:
    """The one answer to a begun sign-in or step-up, whatever happened behind it.

    `target` is the masked address of a step-up; a sign-in's caller typed it and gets None.
    """

    expires_in_seconds: int
    resend_after_seconds: int
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """What a client says of itself at sign-in. `entry_tag` is of the poster or link it came by."""

    label: str
    entry_tag: str | None = None


@dataclass(frozen=True, slots=True)
class SignOnSubject:
    """Whom a school's sign-on vouched for, by the indexes that are kept of it.

    `person_no_index` and `name_index` are of what it released, to be compared with the card that
    is proven later.
    """

    provider: str
    issuer: str
    subject_index: bytes
    person_no_index: bytes | None
    name_index: bytes | None


@dataclass(frozen=True, slots=True)
class PendingLink:
    """A proof that is not yet a binding; it dies with `expires_at`.

    `sign_on` is the school's, if that is what was proven; `cardholder_id` is whose card it is,
    once that is proven and only to be confirmed.
    """

    id: UUID
    family_id: UUID
    method: str
    sign_on: SignOnSubject | None
    cardholder_id: UUID | None
    staff_code_index: bytes | None
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class BindForm:
    """What a person typed to prove a card; the school's policy says which fields count."""

    name: str
    number: str
    pin: str


@dataclass(frozen=True, slots=True)
class RosterReport:
    """What a roster import did; amounts in fen.

    `file_minor` is the sum of old balances in the accepted rows, `posted_minor` what this import
    moved in, `already_minor` what an earlier one had. `leavers` are the numbers of active
    cardholders whom no row names, not even a refused one: listed, never touched.
    """

    id: UUID
    rows_read: int
    created: int
    changed: int
    unchanged: int
    refused: int
    leavers: tuple[str, ...]
    file_minor: int
    posted_minor: int
    already_minor: int

    @property
    def is_reconciled(self) -> bool:
        """Whether every fen of the file stands in the ledger."""
        return self.file_minor == self.posted_minor + self.already_minor


@dataclass(frozen=True, slots=True)
class Candidate:
    """A cardholder as the matching rules see them: indexes to compare with, nothing in clear."""

    id: UUID
    number: str
    kind: str
    status: str
    name_index: bytes
    id_number_index: bytes | None
    address_indexes: tuple[bytes, ...]
    bound_to: UUID | None
    """The live binding of the issuer that asks."""


class AddressInvalid(Refusal):
    """The text is no e-mail address or no mainland mobile number."""


class SignInNotConfirmed(Refusal):
    """The code is wrong, used, expired, or was tried too often; ask for a new one."""


class IdentityNotConfirmed(Refusal):
    """The card cannot be bound by what was entered; which part did not agree is not told."""


class MethodNotOffered(Refusal):
    """The school's policy does not offer this way to prove a card."""


class AlreadyBound(Refusal):
    """This session has a cardholder; unbind first."""


class NotBound(Refusal):
    """This session has no cardholder yet; prove a card first."""


class SessionEnded(Refusal):
    """The session was revoked, replaced or has run out; sign in again."""


class StaffNotConfirmed(Refusal):
    """Login, password or second factor did not agree; which is not told."""


class StepUpRequired(Refusal):
    """A fresh proof (PIN or one-time code) is needed first, at most 5 minutes old."""


class StepUpTargetMissing(Refusal):
    """The register has no address for a one-time code; use the PIN or a counter."""


class CardholderUnknown(Refusal):
    """There is no such cardholder at this school."""


class ChannelNotOffered(Refusal):
    """The school has no sign-in in this channel."""


class ChannelUnavailable(Refusal):
    """The channel or the school's server does not answer; the same request may be sent again."""

    retryable = True


class NotMember(Refusal):
    """Whoever signed in does not belong to the school's organisation in this channel."""


class NotAuthorised(Refusal):
    """The person has not agreed to show this; ask them to."""


class ReturnNotListed(Refusal):
    """The page to come back to is not on the channel's list."""


class ChallengeInvalid(Refusal):
    """The challenge is not 43 characters of base64url, or the state is none of ours."""


class SignOnUnknown(Refusal):
    """There is no such campus sign-on in this channel."""


class SignOnRefused(Refusal):
    """The school's server vouched for nobody."""


class StartAgain(Refusal):
    """This attempt was used, ran out or was lost; begin a new one."""


class TriesSpent(Refusal):
    """A password was tried too often; another way stays open."""


class ConsentMissing(Refusal):
    """A document has to be agreed to first, in the version in force."""


class NothingToConfirm(Refusal):
    """No proof of this sign-in is open; it may have run out."""


class ConfirmationWrong(Refusal):
    """The PIN or the code that confirms the replacement is missing or wrong."""


class RealNameNotFound(Refusal):
    """No cardholder of this school has the wallet's real name; number and PIN may do, or a desk."""


class RealNameNotOwn(Refusal):
    """The wallet is not in the cardholder's own real name, and the school asks for that."""


class MergeImpossible(Refusal):
    """The other sign-in is unknown, of another school, too old, or has a card of its own."""


class LinkCodeUnknown(Refusal):
    """No sign-in waits under this code at the counter."""


class GuardianNotOffered(Refusal):
    """The school's policy knows no guardians."""


class GuardianCodeInvalid(Refusal):
    """The offer is unknown, taken, ended or too old."""


class GuardianUnknown(Refusal):
    """There is no such grant, or it does not allow this."""


class GuardianLimitReached(Refusal):
    """A cardholder has so many grants at most; end one first."""


class CorrectionInvalid(Refusal):
    """Nothing to correct, or a name or ID number that cannot be one."""
