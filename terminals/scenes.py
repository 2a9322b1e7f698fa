"""What a terminal learns of a holder, by its scene and no more (terminals.md 9)."""

from dataclasses import dataclass
from enum import StrEnum


class Scene(StrEnum):
    """Where and why a terminal asks."""

    MEAL = "MEAL"
    SHOP = "SHOP"
    SELF_CHECK = "SELF_CHECK"
    GATE = "GATE"
    CLASSROOM = "CLASSROOM"
    ATTENDANCE = "ATTENDANCE"
    DORMITORY = "DORMITORY"
    LIBRARY = "LIBRARY"
    BUS = "BUS"
    METER = "METER"
    KIOSK = "KIOSK"


CLASS_SCENES = frozenset({Scene.GATE, Scene.CLASSROOM, Scene.ATTENDANCE, Scene.DORMITORY})
"""Doors, which learn what kind of person passes and nothing else."""
ENTRY_SCENES = CLASS_SCENES | {Scene.LIBRARY}
"""Where a code that is only looked at is one for a door; a bus is paid as well."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A cardholder as the core knows them; `holder_class` as in a pass (codes.md 4)."""

    name: str
    number: str
    holder_class: int


@dataclass(frozen=True, slots=True)
class HolderView:
    """The fields a scene may see; None where it may not. `shows_balance` is its own field."""

    masked_name: str | None
    name: str | None
    number: str | None
    holder_class: int | None
    shows_balance: bool


def mask_name(name: str) -> str:
    """A name as third parties see it: the first character, then `*` (security.md 5)."""
    return name[:1] + "*" if name else ""


def mask_number(number: str) -> str:
    """A number with all but its last four characters hidden."""
    return "*" * max(0, len(number) - 4) + number[-4:]


def view(scene: Scene, holder: Holder) -> HolderView:
    """What this scene's terminal gets of a holder."""
    masked, full, number, class_ = None, None, None, None
    if scene in (Scene.MEAL, Scene.SHOP):
        masked = mask_name(holder.name)
    elif scene in (Scene.SELF_CHECK, Scene.LIBRARY):
        full, number = holder.name, holder.number
    elif scene is Scene.KIOSK:
        full, number = holder.name, mask_number(holder.number)
    elif scene in CLASS_SCENES:
        class_ = holder.holder_class
    shows_balance = scene in (Scene.MEAL, Scene.SHOP, Scene.BUS, Scene.KIOSK)
    return HolderView(masked, full, number, class_, shows_balance)
