"""Payloads: one use case answered as its object or as user errors."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from core.kit.errors import Overloaded
from schema.context import RequestInfo
from schema.errors import AreaErrors, Overload

Payload = TypeVar("Payload")
Answer = TypeVar("Answer")


async def answer(
    info: RequestInfo,
    errors: AreaErrors,
    payload: Callable[..., Payload],
    present: Callable[[Answer], Payload],
    use_case: Awaitable[Answer],
) -> Payload:
    """What a use case answered as `present` shows it, or `payload` with its refusal.

    All fields of `payload` but `user_errors` default to None. A refusal the area does not list is
    a broken program and passes.

    Raises: Overload.
    """
    try:
        return present(await use_case)
    except Overloaded:
        raise Overload from None
    except errors.refusals as refusal:
        return payload(user_errors=[errors.present(refusal, info.context.language)])
