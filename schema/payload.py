"""Payloads: one use case answered as its object or as user errors."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from schema.context import RequestInfo
from schema.errors import AreaErrors

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

    All fields of `payload` but `user_errors` default to None. A refusal the area does not list
    passes and becomes a top-level error: OVERLOADED for a retryable one.
    """
    try:
        return present(await use_case)
    except errors.refusals as refusal:
        return payload(user_errors=[errors.present(refusal, info.context.language)])
