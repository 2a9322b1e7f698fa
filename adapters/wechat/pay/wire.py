"""What WeChat Pay's answers say, in our words: fen, instants, orders (channels.md 12)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from core.kit.money import CURRENCY, is_amount

SHANGHAI = ZoneInfo("Asia/Shanghai")
Facts = Mapping[str, Any]
_V2_INSTANT = re.compile(r"[0-9]{14}")
_V2_FEN = re.compile(r"[0-9]{1,10}")


class AnswerOdd(ValueError):
    """A signed answer that does not say what was asked, or about something else."""


class OrderState(StrEnum):
    """Where an order stands; only SUCCESS is paid, and REFUND was."""

    NOTPAY = "NOTPAY"
    USERPAYING = "USERPAYING"
    ACCEPT = "ACCEPT"
    SUCCESS = "SUCCESS"
    REFUND = "REFUND"
    CLOSED = "CLOSED"
    REVOKED = "REVOKED"
    PAYERROR = "PAYERROR"


PAID = frozenset({OrderState.SUCCESS, OrderState.REFUND})


@dataclass(frozen=True, slots=True)
class Order:
    """What WeChat Pay knows under our number; amounts are fen, and there once it is paid."""

    number: str
    state: OrderState
    transaction_id: str | None = None
    total: int | None = None
    payer_total: int | None = None
    paid_at: datetime | None = None
    payer: str | None = field(default=None, repr=False)


def fen_out(minor: int) -> int:
    """An amount as it may be sent.

    Raises: TypeError (no int: a float or a text is a broken program), ValueError.
    """
    if type(minor) is not int:
        raise TypeError("fen are an int")
    if not is_amount(minor):
        raise ValueError("fen out of range")
    return minor


def fen_in(value: object) -> int:
    """An amount of an answer: a whole number, or its digits as V2 writes them.

    Raises: AnswerOdd.
    """
    if type(value) is int and value >= 0:
        return value
    if isinstance(value, str) and _V2_FEN.fullmatch(value):
        return int(value)
    raise AnswerOdd("fen")


def instant_out(instant: datetime) -> str:
    """RFC 3339 with Shanghai's offset."""
    return instant.astimezone(SHANGHAI).isoformat(timespec="seconds")


def instant_in(value: object) -> datetime | None:
    """RFC 3339, or V2's fourteen digits of Shanghai; None where an answer has none.

    Raises: AnswerOdd.
    """
    if value is None or value == "":
        return None
    text = str(value)
    try:
        if _V2_INSTANT.fullmatch(text):
            local = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=SHANGHAI)
            return local.astimezone(UTC)
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise AnswerOdd("instant") from None
    if instant.tzinfo is None:
        raise AnswerOdd("instant")
    return instant.astimezone(UTC)


def same(facts: Facts, expected: Mapping[str, object]) -> None:
    """Whether an answer is about what was asked, field by field.

    Raises: AnswerOdd, naming the first field that differs.
    """
    for name, value in expected.items():
        if facts.get(name) != value:
            raise AnswerOdd(f"another {name}")


def order_in(facts: Facts, number: str, expected: Mapping[str, object]) -> Order:
    """The order of a v3 answer, which is ours.

    Raises: AnswerOdd.
    """
    state = _state(facts, number, expected)
    if state not in PAID:
        return Order(number, state)
    amount = facts.get("amount")
    if not isinstance(amount, Mapping) or amount.get("currency", CURRENCY) != CURRENCY:
        raise AnswerOdd("amount")
    payer = facts.get("payer")
    return Order(
        number,
        state,
        transaction_id=text_in(facts, "transaction_id"),
        total=fen_in(amount.get("total")),
        payer_total=fen_in(amount["payer_total"]) if "payer_total" in amount else None,
        paid_at=instant_in(facts.get("success_time")),
        payer=payer.get("openid") if isinstance(payer, Mapping) else None,
    )


def v2_order_in(facts: Facts, number: str, expected: Mapping[str, object]) -> Order:
    """The order of a V2 answer, which is ours.

    Raises: AnswerOdd.
    """
    state = _state(facts, number, expected)
    if state not in PAID:
        return Order(number, state)
    if facts.get("fee_type", CURRENCY) != CURRENCY:
        raise AnswerOdd("currency")
    return Order(
        number,
        state,
        transaction_id=text_in(facts, "transaction_id"),
        total=fen_in(facts.get("total_fee")),
        payer_total=fen_in(facts["cash_fee"]) if "cash_fee" in facts else None,
        paid_at=instant_in(facts.get("time_end")),
        payer=facts.get("openid"),
    )


def text_in(facts: Facts, name: str) -> str:
    """A text that an answer must hold.

    Raises: AnswerOdd.
    """
    value = facts.get(name)
    if not isinstance(value, str) or not value:
        raise AnswerOdd(f"no {name}")
    return value


def _state(facts: Facts, number: str, expected: Mapping[str, object]) -> OrderState:
    """The state, of our order; while the payer types, answers hold nothing else."""
    try:
        state = OrderState(facts["trade_state"])
    except (KeyError, ValueError):
        raise AnswerOdd("trade_state") from None
    if state is not OrderState.USERPAYING:
        same(facts, {**expected, "out_trade_no": number})
    return state
