"""Payloads: one use case answered as its object or as user errors."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from core.school.features import is_offered
from core.school.policy_words import Channel, Feature
from core.school.records import FeatureOff
from schema.context import CardholderViewer, RequestInfo, UnboundViewer
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

    A use case of a `feature` that the viewer's school does not offer in their channel and on their
    campus is not begun: FeatureOff.
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
    viewer = info.context.viewer
    assert isinstance(viewer, CardholderViewer | UnboundViewer)  # features are holders' business
    found, campus = services(info), None
    policy = await found.schools.policy(viewer.school_id)
    if feature in policy.campus.features and isinstance(viewer, CardholderViewer):
        person = await found.cardholders.get(viewer.school_id, viewer.cardholder_id)
        campus = person.campus_code
    if not is_offered(policy, feature, Channel(viewer.session.channel), campus):
        raise FeatureOff
