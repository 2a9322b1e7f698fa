"""How cards and limits are read: the fields and their mutations' answers all come here."""

from uuid import UUID

from core.card.records import CardKind, CardUnknown
from schema.card.types import Card, Limits
from schema.context import CardholderViewer, RequestContext, RequestInfo
from schema.inputs import uuid_key
from schema.permissions import cardholder
from schema.services import Services, services


async def find_card(
    info: RequestInfo, school_id: int, cardholder_id: UUID, kind: CardKind
) -> Card | None:
    """The cardholder's card of a kind."""
    live = await services(info).cards.list_live(school_id, cardholder_id)
    found = [card for card in live if card.kind is kind]
    return Card.of(school_id, found[0]) if found else None


async def read_limits(info: RequestInfo, school_id: int, cardholder_id: UUID) -> Limits:
    """What holds for a cardholder now."""
    found = services(info)
    policy = await found.schools.policy(school_id)
    now = found.clock.now()
    return Limits.of(await found.limits.in_force(school_id, cardholder_id, policy, now))


async def check_physical(info: RequestInfo, card_id: str) -> None:
    """Nothing, if the id names the viewer's own physical card.

    Raises: CardUnknown.
    """
    viewer = cardholder(info)
    live = await services(info).cards.list_live(viewer.school_id, viewer.cardholder_id)
    physical = [card.id for card in live if card.kind is CardKind.PHYSICAL]
    if uuid_key(info, card_id, "Card") not in physical:
        raise CardUnknown("cardId")


async def load_card(context: RequestContext, key: str) -> Card | None:
    """A card of the viewer's own by its key."""
    viewer = context.viewer
    if not isinstance(viewer, CardholderViewer):
        return None
    found: Services = context.services
    live = await found.cards.list_live(viewer.school_id, viewer.cardholder_id)
    own = [card for card in live if str(card.id) == key]
    return Card.of(viewer.school_id, own[0]) if own else None
