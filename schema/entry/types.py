"""The answer of a door, and the log of a cardholder's passages."""

from datetime import datetime

import strawberry

from core.entry.records import Direction, DoorScene, EntryAnswer, EntryOutcome
from core.entry.records import Passage as PassageRecord
from core.kit.page import FIRST_MAXIMUM, Cursor
from schema.connection import Connection
from schema.context import RequestInfo
from schema.entry.words import PASS
from schema.money import Money
from schema.node import node_id
from schema.school.types import by_language
from schema.terminal.types import Answered, HolderView


@strawberry.type(description="The stored answer to one key of a door; a repeat gets the same.")
class Entry(Answered):
    """Whether the door opens; a refusal is an answer."""

    answer: strawberry.Private[EntryAnswer]
    holder: HolderView | None = strawberry.field(
        default=None, description="Of whoever passes, what the door's scene shows."
    )
    has_photo: bool | None = strawberry.field(
        default=None,
        description="At a dormitory, whether the warden is shown a photo; none are kept yet.",
    )

    @strawberry.field(description="Whether the door opens.")
    def outcome(self) -> EntryOutcome:
        """The outcome."""
        return self.answer.outcome

    @strawberry.field(description="What may be spent, where the scene shows it: on a bus.")
    def balance(self) -> Money | None:
        """The balance, as it was when the door opened."""
        available = self.answer.available_minor
        is_shown = self.answer.outcome is EntryOutcome.GRANTED and available is not None
        return Money.of(available or 0) if is_shown else None

    @strawberry.field(description="Whether the key was answered before.")
    def replayed(self) -> bool:
        """Whether it is a repeat."""
        return self.answer.is_repeat

    def _text(self, language: str) -> str:
        is_granted = self.answer.outcome is EntryOutcome.GRANTED
        return PASS[language] if is_granted else super()._text(language)


@strawberry.type(description="One passing of a door.")
class Passage:
    """A line of the cardholder's own log."""

    passage: strawberry.Private[PassageRecord]
    school_id: strawberry.Private[int]

    @strawberry.field(description="The passage's id, opaque.")
    def id(self) -> strawberry.ID:
        """The id."""
        return node_id("Passage", self.school_id, self.passage.id)

    @strawberry.field(description="When it was.")
    def passed_at(self) -> datetime:
        """The instant."""
        return self.passage.passed_at

    @strawberry.field(description="The door's name, in the viewer's language.")
    def door_name(self, info: RequestInfo) -> str:
        """The door."""
        return by_language(info, self.passage.door_name_zh, self.passage.door_name_en)

    @strawberry.field(description="What the door stands before.")
    def scene(self) -> DoorScene:
        """The scene."""
        return self.passage.scene

    @strawberry.field(description="Which way.")
    def direction(self) -> Direction:
        """The direction."""
        return self.passage.direction

    @strawberry.field(description="Whether the gate had no line then and told later.")
    def offline(self) -> bool:
        """Whether it was told later."""
        return self.passage.is_offline


def place_of(passage: PassageRecord) -> Cursor:
    """The place of a passage in the log."""
    return Cursor(passage.passed_at, passage.id)


@strawberry.type(description="One page of passages, newest first; kept for 180 days.")
class PassageConnection(Connection[Passage]):
    """A page of the log."""

    @strawberry.field(
        description=f"The passages of this page, at most `first`, never more than {FIRST_MAXIMUM}."
    )
    def nodes(self) -> list[Passage]:
        """The passages without their places."""
        return list(map(self.present, self.page.items))
