"""The columns of a roster and the words that schools write for them and in them."""

import unicodedata
from collections.abc import Sequence
from difflib import get_close_matches
from enum import StrEnum

from core.identity.records import CardholderKind, IdType, RosterFileInvalid


class Column(StrEnum):
    """A column of a roster."""

    NUMBER = "number"
    NAME = "name"
    KIND = "kind"
    ID_TYPE = "id_type"
    ID_NUMBER = "id_number"
    PHONE = "phone"
    EMAIL = "email"
    CAMPUS = "campus"
    DEPARTMENT = "department"
    CARD_UID = "card_uid"
    OLD_BALANCE = "old_balance"


REQUIRED = (Column.NUMBER, Column.NAME, Column.KIND)

_COLUMN_WORDS = {
    Column.NUMBER: "学工号 学号 工号 学号工号 学工号编号 人员编号 studentnumber staffnumber no",
    Column.NAME: "姓名 名字 fullname",
    Column.KIND: "类别 身份 人员类别 人员类型 身份类别 category type",
    Column.ID_TYPE: "证件类型 证件类别 iddocument documenttype",
    Column.ID_NUMBER: "证件号 证件号码 身份证 身份证号 身份证号码 idno idcard documentnumber",
    Column.PHONE: "手机 手机号 手机号码 电话 联系电话 mobile telephone phonenumber",
    Column.EMAIL: "邮箱 电子邮箱 电子邮件 mail emailaddress",
    Column.CAMPUS: "校区 所在校区",
    Column.DEPARTMENT: "院系 部门 学院 单位 faculty school unit",
    Column.CARD_UID: "卡号 卡uid 物理卡号 实体卡号 uid cardnumber",
    Column.OLD_BALANCE: "旧卡余额 原卡余额 余额 旧卡余额元 balance oldbalanceyuan",
}
_KIND_WORDS = {
    CardholderKind.STUDENT: "学生 本科生 研究生 硕士生 博士生 undergraduate postgraduate",
    CardholderKind.STAFF: "教职工 教师 教工 职工 员工 teacher employee",
    CardholderKind.TEMPORARY: "临时人员 临时工 临时 外聘 temporarystaff",
    CardholderKind.VISITOR: "访客 访问学者 来访 guest",
    CardholderKind.ALUMNI: "校友 alumnus alumna",
    CardholderKind.EXTERNAL: "校外人员 校外 外部人员 outsider",
}
_ID_TYPE_WORDS = {
    IdType.ID_CARD: "身份证 居民身份证 residentidcard",
    IdType.RESIDENCE_PERMIT: "居住证 港澳台居民居住证",
    IdType.PASSPORT: "护照",
    IdType.OTHER: "其他 其它 港澳通行证 台胞证 回乡证",
}


def _folded(text: str) -> str:
    letters = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in letters if letter.isalnum())


COLUMNS = {
    _folded(word): column
    for column, words in _COLUMN_WORDS.items()
    for word in (column, *words.split())
}
KINDS = {
    _folded(word): kind for kind, words in _KIND_WORDS.items() for word in (kind, *words.split())
}
ID_TYPES = {
    _folded(word): kind for kind, words in _ID_TYPE_WORDS.items() for word in (kind, *words.split())
}


def find_kind(text: str) -> CardholderKind | None:
    """The kind a word stands for, in zh or en."""
    return KINDS.get(_folded(text))


def find_id_type(text: str) -> IdType | None:
    """The ID document a word stands for, in zh or en."""
    return ID_TYPES.get(_folded(text))


def read_header(cells: Sequence[str]) -> list[Column]:
    """The columns that a header row names, in its order.

    Raises: RosterFileInvalid, for an unknown or repeated column or a missing required one.
    """
    columns: list[Column] = []
    for cell in cells:
        column = COLUMNS.get(_folded(cell))
        if column is None:
            raise _unknown_column(cell)
        if column in columns:
            raise RosterFileInvalid(f"“{column}” 列出现两次", f"The column {column} occurs twice")
        columns.append(column)
    missing = ", ".join(column for column in REQUIRED if column not in columns)
    if missing:
        raise RosterFileInvalid(f"缺少列：{missing}", f"Missing columns: {missing}")
    return columns


def _unknown_column(cell: str) -> RosterFileInvalid:
    near = get_close_matches(_folded(cell), COLUMNS, n=1)
    hint_zh = f"，是否为“{near[0]}”？" if near else ""
    hint_en = f"; did you mean {near[0]}?" if near else ""
    shown = "".join(letter for letter in cell[:20] if letter.isprintable())
    return RosterFileInvalid(f"未知的列“{shown}”{hint_zh}", f"Unknown column “{shown}”{hint_en}")
