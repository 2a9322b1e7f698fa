"""What each cell of a roster may hold: the value it stands for, or the reason why not."""

import re
import unicodedata
from collections.abc import Callable
from datetime import date

from core.identity.id_number import birthday_of, check_digit, has_form
from core.identity.records import CardholderKind, IdType
from core.identity.roster_cells import NOT_A_TEXT
from core.identity.roster_columns import Column, find_id_type, find_kind
from core.kit.money import MAXIMUM_MINOR

NAME_LENGTH_MAXIMUM = 60
PLACE_LENGTH_MAXIMUM = 60

_FORMULA_STARTS = "=+-@"
_CODED = frozenset(
    {Column.NUMBER, Column.ID_NUMBER, Column.PHONE, Column.EMAIL, Column.CARD_UID,
     Column.OLD_BALANCE}
)  # fmt: skip
_NUMBER = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,19}")
_FOREIGN_ID = re.compile(r"[0-9A-Z()/-]{4,30}")
_PHONE = re.compile(r"1[3-9][0-9]{9}|\+[0-9]{6,15}")
_EMAIL = re.compile(r"[0-9A-Za-z._%+-]{1,64}@[0-9A-Za-z.-]{1,180}\.[A-Za-z]{2,20}")
_CARD_UID = re.compile(r"(?:[0-9A-F]{8}|[0-9A-F]{14}|[0-9A-F]{20})")
_YUAN = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,2}))?")

REASONS = {
    "MISSING": ("不可为空", "Must not be empty"),
    "CELL_TYPE": ("单元格应为文本", "Format the cell as text"),
    "CONTROL_CHARACTER": ("含有不可见字符", "Holds an invisible character"),
    "FORMULA": ("不得以 = + - @ 开头", "Must not begin with = + - @"),
    "FULL_WIDTH": ("含有全角字符，请用半角", "Holds full-width characters; use half-width"),
    "BLANK_INSIDE": ("中间有空格", "Holds a blank inside"),
    "TOO_LONG": ("过长", "Too long"),
    "NUMBER_INVALID": (
        "学工号应为 1 至 20 位字母、数字、- 或 _",
        "A number has 1 to 20 letters, digits, - or _",
    ),
    "KIND_UNKNOWN": ("未知的人员类别", "Unknown kind of cardholder"),
    "ID_TYPE_UNKNOWN": ("未知的证件类型", "Unknown type of ID"),
    "ID_INVALID": ("证件号格式不对", "The ID number does not have the form of its type"),
    "ID_BIRTHDAY": ("证件号中的生日无效", "The birthday in the ID number does not exist"),
    "ID_CHECK_DIGIT": ("证件号校验位不对", "The check digit of the ID number is wrong"),
    "PHONE_INVALID": ("手机号格式不对", "Not a telephone number"),
    "EMAIL_INVALID": ("邮箱格式不对", "Not an e-mail address"),
    "CARD_UID_INVALID": ("卡号应为 8、14 或 20 位十六进制", "A card UID has 8, 14 or 20 digits"),
    "AMOUNT_NEGATIVE": ("金额不得为负", "The amount must not be negative"),
    "AMOUNT_INVALID": ("金额应为元，最多两位小数", "An amount in yuan with at most 2 decimals"),
    "DUPLICATE_NUMBER": ("学工号重复，首次在第 {row} 行", "The number occurs first in row {row}"),
    "DUPLICATE_CARD": ("卡号重复，首次在第 {row} 行", "The card occurs first in row {row}"),
    "CELLS_TOO_MANY": ("单元格多于表头", "More cells than the header has"),
}  # fmt: skip
"""Code of each reason -> what it says in zh and en."""


class CellRefused(Exception):
    """A cell does not hold what its column needs; `code` is a key of `REASONS`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def clean(column: Column, text: str) -> str:
    """The text of a cell, free of what no column may hold.

    Raises: CellRefused.
    """
    if text == NOT_A_TEXT:
        raise CellRefused("CELL_TYPE")
    if any(unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for letter in text):
        raise CellRefused("CONTROL_CHARACTER")
    if text.startswith("-") and column is Column.OLD_BALANCE:
        raise CellRefused("AMOUNT_NEGATIVE")
    if text.startswith(tuple(_FORMULA_STARTS)) and not (
        column is Column.PHONE and _PHONE.fullmatch(text)
    ):
        raise CellRefused("FORMULA")
    if column in _CODED:
        _check_coded(text)
    return text


def _check_coded(text: str) -> None:
    if any(letter.isspace() for letter in text):
        raise CellRefused("BLANK_INSIDE")
    if any(
        not letter.isascii() and unicodedata.normalize("NFKC", letter).isascii() for letter in text
    ):
        raise CellRefused("FULL_WIDTH")


def read_number(text: str) -> str:
    """A number of the school's.

    Raises: CellRefused.
    """
    return _matching(_NUMBER, text, "NUMBER_INVALID")


def read_name(text: str) -> str:
    """A person's name: blanks only one by one between Latin words.

    Raises: CellRefused.
    """
    if not text:
        raise CellRefused("MISSING")
    if len(text) > NAME_LENGTH_MAXIMUM:
        raise CellRefused("TOO_LONG")
    words = re.split(r"\s", text)
    if len(words) > 1 and not all(word and word.isascii() for word in _unaccented(words)):
        raise CellRefused("BLANK_INSIDE")
    return text


def _unaccented(words: list[str]) -> list[str]:
    """Each word without its accents, so that only words of another script are not ASCII."""
    bare = (unicodedata.normalize("NFKD", word) for word in words)
    return [
        "".join(letter for letter in word if not unicodedata.combining(letter)) for word in bare
    ]


def read_kind(text: str) -> CardholderKind:
    """A kind of cardholder.

    Raises: CellRefused.
    """
    if not text:
        raise CellRefused("MISSING")
    kind = find_kind(text)
    if kind is None:
        raise CellRefused("KIND_UNKNOWN")
    return kind


def read_id_type(text: str) -> IdType:
    """A type of ID.

    Raises: CellRefused.
    """
    found = find_id_type(text)
    if found is None:
        raise CellRefused("ID_TYPE_UNKNOWN")
    return found


def read_id_number(id_type: IdType, text: str, today: date) -> str:
    """An ID number of its type; residents' by GB 11643, born no later than `today`.

    Raises: CellRefused.
    """
    upper = text.upper()
    if id_type not in {IdType.ID_CARD, IdType.RESIDENCE_PERMIT}:
        return _matching(_FOREIGN_ID, upper, "ID_INVALID")
    if not has_form(upper):
        raise CellRefused("ID_INVALID")
    birthday = birthday_of(upper)
    if birthday is None or birthday > today:
        raise CellRefused("ID_BIRTHDAY")
    if check_digit(upper[:17]) != upper[17]:
        raise CellRefused("ID_CHECK_DIGIT")
    return upper


def read_place(text: str) -> str:
    """A campus or department.

    Raises: CellRefused.
    """
    if len(text) > PLACE_LENGTH_MAXIMUM:
        raise CellRefused("TOO_LONG")
    return text


def read_phone(text: str) -> str:
    """A mainland mobile number, or an international one with +.

    Raises: CellRefused.
    """
    return _matching(_PHONE, text, "PHONE_INVALID")


def read_email(text: str) -> str:
    """An e-mail address.

    Raises: CellRefused.
    """
    return _matching(_EMAIL, text, "EMAIL_INVALID")


def read_card_uid(text: str) -> str:
    """The UID of a chip: 4, 7 or 10 bytes in hex, upper case.

    Raises: CellRefused.
    """
    return _matching(_CARD_UID, text.upper(), "CARD_UID_INVALID")


def read_yuan(text: str) -> int:
    """An amount in yuan, as fen.

    Raises: CellRefused.
    """
    match = _YUAN.fullmatch(text)
    minor = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match else -1
    if not 0 <= minor <= MAXIMUM_MINOR:
        raise CellRefused("AMOUNT_INVALID")
    return minor


def _matching(form: re.Pattern[str], text: str, code: str) -> str:
    if not text:
        raise CellRefused("MISSING")
    if not form.fullmatch(text):
        raise CellRefused(code)
    return text


READERS: dict[Column, Callable[[str], object]] = {
    Column.NUMBER: read_number,
    Column.NAME: read_name,
    Column.KIND: read_kind,
    Column.ID_TYPE: read_id_type,
    Column.PHONE: read_phone,
    Column.EMAIL: read_email,
    Column.CAMPUS: read_place,
    Column.DEPARTMENT: read_place,
    Column.CARD_UID: read_card_uid,
    Column.OLD_BALANCE: read_yuan,
}
