"""What a proof comes to: bound at once, still a card to prove, or a confirmation (sso.md 7)."""

import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from core.identity.matching import name_form
from core.identity.records import Candidate, PendingLink, SessionTokens, SignOnSubject
from core.kit.sealed import Sealer
from core.ports.campus_sign_on import LinkMode
from core.ports.channels import ClaimKind

LINK_LIFE = timedelta(minutes=10)
STAFF_LINK_LIFE = timedelta(days=1)
CLAIM_LIFE = timedelta(minutes=30)
RAISE_PAUSE = timedelta(days=1)
"""After a binding was replaced no limit is raised for so long."""

Claims = Collection[tuple[str, bytes]]
"""(Kind, index) of what was verified for a sign-in."""


class NextStep(StrEnum):
    """What is missing before a card is bound."""

    NONE = "NONE"
    """It is bound, or the session was strengthened."""
    PROVE_CARD = "PROVE_CARD"
    """The sign-on vouched for the person; which card is theirs has to be proven once."""
    CONFIRM = "CONFIRM"
    """The card is proven; the person agrees to bind it."""
    CHOOSE = "CHOOSE"
    """The person has several cards: ask again with the number of one."""
    STEP_UP = "STEP_UP"
    """The card is bound in this channel already: the PIN or a one-time code replaces that."""


@dataclass(frozen=True, slots=True)
class Matched:
    """A proven cardholder as much as may be shown before they agree: everything masked."""

    masked_name: str
    masked_number: str
    masked_id_number: str | None


@dataclass(frozen=True, slots=True)
class LinkResult:
    """What a proof came to. `tokens` replace the session's where a card was bound by it.

    `matched` is whom a confirmation is about, `choices` are the numbers of a person's several
    cards; `staff_code` is what a counter may take in place of a proof, 8 characters, good for a
    day.
    """

    step: NextStep
    tokens: SessionTokens | None = None
    matched: Matched | None = None
    choices: tuple[str, ...] = ()
    staff_code: str | None = None


def vouches_for(mode: LinkMode, candidate: Candidate | None, name_index: bytes | None) -> bool:
    """Whether the school's word alone names this card: its number, and its name if released.

    `candidate` has the released number; `name_index` is of the released name.
    """
    if mode is not LinkMode.PERSON_NO or candidate is None or candidate.status != "ACTIVE":
        return False
    return name_index is None or hmac.compare_digest(name_index, candidate.name_index)


def names_same_person(sign_on: SignOnSubject, candidate: Candidate, number_index: bytes) -> bool:
    """Whether what a sign-on released is this cardholder's; False also if it released nothing.

    A default PIN is guessable, so it links only beside a sign-on that names the same person.
    `number_index` is of the cardholder's number.
    """
    number, name = sign_on.person_no_index, sign_on.name_index
    told = [number == number_index] if number is not None else []
    told += [name == candidate.name_index] if name is not None else []
    return bool(told) and all(told)


def contradicts(link: PendingLink, candidate: Candidate) -> bool:
    """Whether a proof that waits is of somebody else, or released another name."""
    if link.cardholder_id not in {None, candidate.id}:
        return True
    name = link.sign_on.name_index if link.sign_on else None
    return name is not None and name != candidate.name_index


class Wallet(StrEnum):
    """What a wallet's certified real name says of a cardholder."""

    UNTOLD = "UNTOLD"
    """It told none."""
    OTHER = "OTHER"
    NAMESAKE = "NAMESAKE"
    """The name agrees, and the register's ID number was not told."""
    SAME = "SAME"
    """The name agrees, and the ID number wherever the register has one."""


def wallet_of(claims: Claims, candidate: Candidate) -> Wallet:
    """Whose wallet it is, by what it told in this sign-in."""
    names = {index for kind, index in claims if kind == ClaimKind.NAME}
    numbers = {index for kind, index in claims if kind == ClaimKind.ID_NUMBER}
    if not names:
        return Wallet.UNTOLD
    known = candidate.id_number_index
    if candidate.name_index not in names or (known and numbers and known not in numbers):
        return Wallet.OTHER
    return Wallet.NAMESAKE if known and not numbers else Wallet.SAME


def proves_address(claims: Claims, subject_index: bytes, candidate: Candidate) -> bool:
    """Whether a sign-in proved an address that the register has for this cardholder."""
    addresses = {i for kind, i in claims if kind in {ClaimKind.PHONE, ClaimKind.EMAIL}}
    return bool({subject_index, *addresses} & set(candidate.address_indexes))


def name_index_of(sealer: Sealer, school_id: int, name: str | None) -> bytes | None:
    """The index of a name as the register has it."""
    if name is None:
        return None
    return sealer.blind_index(school_id, "cardholder.name", name_form(name))


def number_index(sealer: Sealer, school_id: int, number: str) -> bytes:
    """The index that a released number is compared by."""
    return sealer.blind_index(school_id, "cardholder.number", number)


def masked(text: str, shown: int = 1) -> str:
    """All but the last characters hidden."""
    return "*" * max(len(text) - shown, 1) + text[-shown:] if len(text) > shown else "*" * len(text)


def masked_name(name: str) -> str:
    """The first character and a star, as third parties see a name."""
    return f"{name[:1]}*"
