"""What doors ask: may somebody pass, and what passed while there was no line (M-108)."""

from typing import Annotated

import strawberry

from core.entry.records import Direction, EventAnswer, EventFlag, EventVerdict
from core.kit.clock import from_unix
from core.kit.errors import ItemLimit
from schema.context import RequestInfo
from schema.directives import Bounded, OncePerOperation
from schema.entry.types import Entry
from schema.errors import UserError
from schema.inputs import INPUT
from schema.payload import answer
from schema.permissions import terminal, terminal_only
from schema.services import services
from schema.terminal.errors import TERMINAL
from schema.terminal.requests import TerminalKeyInput, check_key, control, money_till, till_of
from schema.terminal.types import HolderView
from terminals.passages import EVENTS_MAXIMUM, Entered, EntryMessage, EventMessage

_FLAGS_MAXIMUM = len(EventFlag)
_READ = "What was scanned or tapped, as read."
_CHALLENGE = "The `CCQ:` text on the door's screen, while there is one."
_DOOR = "The number of the door at this terminal, 1 to 32."


@strawberry.input(description="Somebody stands at a door.")
class EntryAuthoriseInput:
    """What was read, and where."""

    key: TerminalKeyInput = strawberry.field(
        description="The key of this request: a repeat gets the stored answer."
    )
    presented: str = strawberry.field(description=_READ)
    challenge: str | None = strawberry.field(default=None, description=_CHALLENGE)
    door_no: int = strawberry.field(description=_DOOR)
    direction: Direction = strawberry.field(description="Which way.")


@strawberry.type(description="The answer to a door.")
class EntryAuthorisePayload:
    """A refusal is an answer; userErrors say that the question itself was wrong."""

    entry: Entry | None = strawberry.field(default=None, description="The answer.")
    user_errors: list[UserError] = TERMINAL.field()


@strawberry.input(description="A passage that a gate let happen without a line.")
class EntryEventInput:
    """The question as it would have been asked, and what the gate knew."""

    seq_no: int = strawberry.field(description="Its number in the batch, 1 to 999999.")
    presented: str = strawberry.field(description=_READ)
    challenge: str | None = strawberry.field(default=None, description=_CHALLENGE)
    door_no: int = strawberry.field(description=_DOOR)
    direction: Direction = strawberry.field(description="Which way.")
    created_at: int = strawberry.field(description="When, by the gate's clock, Unix seconds.")
    clock_lost: bool = strawberry.field(
        default=False, description="Whether the gate did not trust that clock."
    )
    deny_version: int = strawberry.field(
        default=0, description="The version of the deny list it held, 0 for none."
    )


@strawberry.input(description="Events taken offline, of one batch; safe to send again.")
class EntryEventsUploadInput:
    """An upload."""

    key: TerminalKeyInput = strawberry.field(description="The key of this request, batch 0.")
    batch_no: int = strawberry.field(description="The batch of the events, 1 to 999999.")
    items: list[EntryEventInput] = strawberry.field(
        description=f"The events, at most {EVENTS_MAXIMUM}.",
        directives=[Bounded(maximum=EVENTS_MAXIMUM)],
    )


@strawberry.type(description="What is made of one event.")
class EntryEventResult:
    """A verdict; an event that has one may be deleted."""

    seq_no: int = strawberry.field(description="The event's number.")
    verdict: EventVerdict = strawberry.field(description="What is made of it.")
    reason: str | None = strawberry.field(description="Why, of what was not accepted.")
    flags: list[EventFlag] = strawberry.field(
        description=f"What is worth knowing of it, at most {_FLAGS_MAXIMUM}.",
        directives=[Bounded(maximum=_FLAGS_MAXIMUM)],
    )


@strawberry.type(description="A verdict for each event.")
class EntryEventsUploadPayload:
    """In the order of the upload."""

    results: list[EntryEventResult] | None = strawberry.field(
        default=None,
        description=f"One for each event, in the order sent, at most {EVENTS_MAXIMUM}.",
        directives=[Bounded(maximum=EVENTS_MAXIMUM)],
    )
    user_errors: list[UserError] = TERMINAL.field()


async def _authorise(info: RequestInfo, asked: EntryAuthoriseInput) -> Entered:
    message = EntryMessage(
        batch_no=asked.key.batch_no,
        seq_no=asked.key.seq_no,
        presented=asked.presented,
        door_no=asked.door_no,
        direction=asked.direction,
        challenge=asked.challenge,
    )
    return await services(info).entries.authorise(money_till(info, asked.key), message)


async def _upload(info: RequestInfo, asked: EntryEventsUploadInput) -> list[EventAnswer]:
    viewer = terminal(info)
    control(info, asked.key)
    if len(asked.items) > EVENTS_MAXIMUM:
        raise ItemLimit("items", maximum=EVENTS_MAXIMUM)
    till = till_of(info, viewer, every_key=True)
    events = [_event(asked.batch_no, item) for item in asked.items]
    return await services(info).entry_events.judge(till, events)


def _event(batch_no: int, item: EntryEventInput) -> EventMessage:
    check_key(TerminalKeyInput(batch_no=batch_no, seq_no=item.seq_no))
    asked = EntryMessage(
        batch_no=batch_no,
        seq_no=item.seq_no,
        presented=item.presented,
        door_no=item.door_no,
        direction=item.direction,
        challenge=item.challenge,
    )
    return EventMessage(
        asked, from_unix(item.created_at), not item.clock_lost, max(0, item.deny_version)
    )


def _entered(done: Entered) -> EntryAuthorisePayload:
    entry = Entry(
        answer=done.answer,
        holder=None if done.holder is None else HolderView.of(done.holder),
        has_photo=done.has_photo,
    )
    return EntryAuthorisePayload(entry=entry)


def _judged(asked: EntryEventsUploadInput, answers: list[EventAnswer]) -> EntryEventsUploadPayload:
    return EntryEventsUploadPayload(
        results=[
            EntryEventResult(
                seq_no=item.seq_no, verdict=said.verdict, reason=said.reason, flags=list(said.flags)
            )
            for item, said in zip(asked.items, answers, strict=True)
        ]
    )


@strawberry.type(description="Doors.")
class EntryMutation:
    """Ask, and tell later."""

    @strawberry.mutation(
        description="Whether somebody may pass a door; what is shown goes by the door's scene.",
        directives=[OncePerOperation()],
        extensions=[terminal_only()],
    )
    async def entry_authorise(
        self, info: RequestInfo, input: Annotated[EntryAuthoriseInput, INPUT]
    ) -> EntryAuthorisePayload | None:
        """One key, one passage, one answer."""
        return await answer(
            info, TERMINAL, EntryAuthorisePayload, _entered, _authorise(info, input)
        )

    @strawberry.mutation(
        description="Tells of passages that a gate let happen without a line.",
        directives=[OncePerOperation()],
        extensions=[terminal_only()],
    )
    async def entry_events_upload(
        self, info: RequestInfo, input: Annotated[EntryEventsUploadInput, INPUT]
    ) -> EntryEventsUploadPayload | None:
        """A verdict for each; one that is bad stops none."""
        return await answer(
            info,
            TERMINAL,
            EntryEventsUploadPayload,
            lambda answers: _judged(input, answers),
            _upload(info, input),
        )
