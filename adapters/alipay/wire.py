"""How Alipay writes money, time and answers; converted here and nowhere else (channels.md 12)."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from json.decoder import JSONDecoder
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

Facts: TypeAlias = Mapping[str, Any]
"""The fields of a verified answer, under Alipay's own names."""

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_TIME = "%Y-%m-%d %H:%M:%S"
_YUAN = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,2})?")
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_MOBILE = re.compile(r"1[0-9]{10}")
_SUBJECT = str.maketrans("/=&", "／＝＆")
_SUBJECT_LENGTH = 256
_DECODER = JSONDecoder()
_BLANK = re.compile(r"[ \t\n\r]*")


class AnswerMalformed(ValueError):
    """What came is no answer of the gateway."""


def yuan(minor: int) -> str:
    """Fen as the gateway takes them: 1250 -> `12.50`. Raises: TypeError, ValueError."""
    if type(minor) is not int:
        raise TypeError("money is an int of fen")
    if minor <= 0:
        raise ValueError("money is positive")
    return f"{minor // 100}.{minor % 100:02d}"


def fen(text: object) -> int:
    """Fen of a text of yuan with at most two decimals. Raises: ValueError."""
    if not isinstance(text, str) or not _YUAN.fullmatch(text):
        raise ValueError("not a text of yuan")
    whole, _, part = text.partition(".")
    return int(whole) * 100 + int(part.ljust(2, "0"))


def shanghai_text(instant: datetime) -> str:
    """An instant as Alipay writes it, without a zone."""
    return instant.astimezone(_SHANGHAI).strftime(_TIME)


def instant_of(text: object) -> datetime:
    """The instant, in UTC, of a time without a zone. Raises: ValueError."""
    if not isinstance(text, str):
        raise ValueError("not a text of time")
    return datetime.strptime(text, _TIME).replace(tzinfo=_SHANGHAI).astimezone(UTC)


def subject_text(subject: str) -> str:
    """An order's title without the characters that the gateway refuses, at most 256 long."""
    return subject.translate(_SUBJECT)[:_SUBJECT_LENGTH]


def mobile_of(value: object) -> str | None:
    """A mainland mobile number; None for any other text, for example a masked one."""
    return value if isinstance(value, str) and _MOBILE.fullmatch(value) else None


def code_text(value: object) -> str:
    """A code that may be logged; a question mark for what has no code's form."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else "?"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the gateway, cut but not verified: `content` are the bytes that are signed."""

    content: bytes = field(repr=False)
    facts: Facts = field(repr=False)
    code: str
    sub_code: str
    signature: str | None = field(repr=False)
    serial: str | None


def cut(body: bytes, method: str) -> Answer:
    """The answer to a method, out of the bytes that came.

    Signed is the text of one member exactly as sent, so it is cut out by a JSON decoder: counting
    braces ends inside a text, and writing the JSON anew loses `\\/`. A method without a code in a
    good answer (`alipay.system.oauth.token`) is given 10000.
    Raises: AnswerMalformed.
    """
    try:
        text = body.decode()
        members = _members(text)
    except (ValueError, RecursionError):
        raise AnswerMalformed("no JSON object") from None
    good = method.replace(".", "_") + "_response"
    names = [name for name in (good, "error_response") if name in members]
    if len(names) != 1:
        raise AnswerMalformed("no answer, or two")
    facts, start, end = members[names[0]]
    if not isinstance(facts, dict):
        raise AnswerMalformed("the answer is no object")
    return Answer(
        text[start:end].encode(),
        facts,
        code_text(facts.get("code", "10000" if names[0] == good else None)),
        code_text(facts.get("sub_code", "-")),
        _text_of(members, "sign"),
        _text_of(members, "alipay_cert_sn"),
    )


def _text_of(members: Mapping[str, tuple[Any, int, int]], name: str) -> str | None:
    value = members[name][0] if name in members else None
    return value if isinstance(value, str) and value else None


def _members(text: str) -> dict[str, tuple[Any, int, int]]:
    """The members of the outermost object with the places where their values begin and end."""
    found: dict[str, tuple[Any, int, int]] = {}
    place = _after(text, 0, "{")
    while text[place : place + 1] != "}":
        if found:
            place = _after(text, place, ",")
        name, place = _DECODER.raw_decode(text, place)
        start = _after(text, place, ":")
        value, end = _DECODER.raw_decode(text, start)
        if not isinstance(name, str) or name in found:
            raise AnswerMalformed("a member's name")
        found[name] = (value, start, end)
        place = _skip(text, end)
    if text[place + 1 :].strip():
        raise AnswerMalformed("something after the object")
    return found


def _after(text: str, place: int, sign: str) -> int:
    place = _skip(text, place)
    if text[place : place + 1] != sign:
        raise json.JSONDecodeError(f"no {sign}", text, place)
    return _skip(text, place + 1)


def _skip(text: str, place: int) -> int:
    blank = _BLANK.match(text, place)
    return place if blank is None else blank.end()
