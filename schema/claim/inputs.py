"""A card on a terminal's reader."""

from typing import Self

import strawberry

from schema.scalars import Base64Bytes
from terminals.card_desk import TapMessage


@strawberry.input(description="A card on the reader.")
class CardTapInput:
    """Its number, and what its chip said."""

    card_uid: str = strawberry.field(description="The chip's number, 8 to 20 hex digits.")
    chip: Base64Bytes | None = strawberry.field(
        default=None,
        description="What the chip said of itself, 16 bytes: load counter u32, balance u32 in fen,"
        " and its MAC over both and the request's own key. Null where chips hold no money.",
    )

    def message(self: Self) -> TapMessage:
        """The tap as the terminals' room reads it."""
        return TapMessage(self.card_uid.upper(), self.chip)
