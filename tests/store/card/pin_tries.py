"""Trying PINs at a school whose initial PIN comes from the ID number."""

from dataclasses import replace
from uuid import UUID

from core.kit.errors import Refusal
from core.school.policy import Policy
from core.school.policy_words import PinDefault
from tests.store.card.campus import SCHOOL, Campus

WITH_DEFAULT = replace(Policy().pin, default=PinDefault.ID6_X_TO_0)


async def refused(campus: Campus, cardholder_id: UUID, pin: str) -> type[Refusal] | None:
    """The refusal of a PIN, None where it is right."""
    try:
        await campus.pins.prove(SCHOOL, cardholder_id, "PAY", pin)
    except Refusal as refusal:
        return type(refusal)
    return None
