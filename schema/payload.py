"""Payloads: one use case answered as its object or as user errors."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from core.school.policy_words import Feature
from core.school.records import FeatureOff
from schema.context import RequestInfo
from schema.errors import AreaErrors
from schema.services import services

Payload = TypeVar("Payload")
Answer = TypeVar("Answer")


async def answer(
    info: RequestInfo,
    errors: AreaErrors,
    payload: Callable[..., Payload],
    present: Callable[[Answer], Payload],
    use_case: Coroutine[Any, Any, Answer],
    feature: Feature | None = None,
) -> Payload:
    """What a use case answered as `present` shows it, or `payload` with its refusal.

    A use case of a `feature` that the viewer's school switched off is not begun: FeatureOff.
    All fields of `payload` but `user_errors` default to None. A refusal the area does not list
    passes and becomes a top-level error: OVERLOADED for a retryable one.
    """
    try:
        if feature is not None:
            await _require(info, feature)
        return present(await use_case)
    except errors.refusals as refusal:
        return payload(user_errors=[errors.present(refusal, info.context.language)])
    finally:
        use_case.close()  # a coroutine that was never begun is complained of when it goes


async def _require(info: RequestInfo, feature: Feature) -> None:
    school_id = info.context.school_id
    assert school_id is not None  # every viewer of a feature has a school
    if (await services(info).schools.policy(school_id)).channel.is_off(feature):
        raise FeatureOff
