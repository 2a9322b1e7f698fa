"""Facts about cardholders as the roster states them, and the refusals of this context."""

from dataclasses import dataclass
from enum import StrEnum

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
    """One reason why a row was refused; a row may have several. `value` is masked."""

    row: int
    column: str
    code: str
    zh: str
    en: str
    value: str


class RosterFileInvalid(Refusal):
    """The file is no roster at all; `zh` and `en` say why."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__("file")
        self.zh = zh
        self.en = en

    def __str__(self) -> str:
        """The reason in English, for the command line."""
        return self.en
