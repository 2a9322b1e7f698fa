"""The scalars of the contract: each parses strictly and prints one form."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from core.kit.money import CURRENCY, MAXIMUM_MINOR, is_amount

MinorAmount = NewType("MinorAmount", int)
CurrencyCode = NewType("CurrencyCode", str)
Base64Bytes = NewType("Base64Bytes", bytes)

BYTES_MAXIMUM = 16_384
_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _minor_amount(value: object) -> MinorAmount:
    if type(value) is not int or not is_amount(value):
        raise GraphQLError(f"MinorAmount is an integer from 1 to {MAXIMUM_MINOR}.")
    return MinorAmount(value)


def _signed_minor_amount(value: object) -> int:
    if type(value) is not int:
        raise TypeError("a MinorAmount left the core that is not an int")
    return value


def _currency_code(value: object) -> CurrencyCode:
    if value != CURRENCY:
        raise GraphQLError(f"CurrencyCode is {CURRENCY}.")
    return CurrencyCode(CURRENCY)


def _date_time(value: object) -> datetime:
    try:
        if isinstance(value, str) and _DATE_TIME.fullmatch(value):
            return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise GraphQLError("DateTime is RFC 3339 with an offset, such as 2026-09-01T08:00:00Z.")


def _date_time_text(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _date(value: object) -> date:
    try:
        if isinstance(value, str) and _DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise GraphQLError("Date is YYYY-MM-DD.")


def _base64_bytes(value: object) -> Base64Bytes:
    try:
        if isinstance(value, str) and len(value) <= BYTES_MAXIMUM * 4 // 3 + 4:
            return Base64Bytes(base64.b64decode(value.encode("ascii"), validate=True))
    except (UnicodeEncodeError, binascii.Error):
        pass
    raise GraphQLError(f"Base64Bytes is padded base64 of at most {BYTES_MAXIMUM} bytes.")


def _base64_text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _scalar(
    name: str, description: str, parse: Callable[[object], object], show: Callable[..., object]
) -> ScalarDefinition:
    return strawberry.scalar(name=name, description=description, parse_value=parse, serialize=show)


SCALARS: Mapping[object, ScalarDefinition] = {
    MinorAmount: _scalar(
        "MinorAmount",
        "An integer number of fen. Inputs are 1 to 1,000,000,000; answers are signed, and what"
        " leaves the cardholder is negative.",
        _minor_amount,
        _signed_minor_amount,
    ),
    CurrencyCode: _scalar(
        "CurrencyCode", "An ISO 4217 currency code; today always CNY.", _currency_code, str
    ),
    datetime: _scalar(
        "DateTime",
        "An instant as RFC 3339; answers are in UTC and end in Z.",
        _date_time,
        _date_time_text,
    ),
    date: _scalar("Date", "A calendar day as YYYY-MM-DD.", _date, date.isoformat),
    Base64Bytes: _scalar(
        "Base64Bytes",
        "Bytes as padded base64 (RFC 4648 section 4), at most 16,384 bytes.",
        _base64_bytes,
        _base64_text,
    ),
}
"""What `root.build_schema` maps Python types to; the only scalars beside GraphQL's own."""
