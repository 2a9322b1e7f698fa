"""What meters ask: a start, a stop, and what they need to go on alone (terminals.md 9)."""

from typing import Annotated, Self

import strawberry

from core.kit.clock import from_unix, unix_seconds
from core.utility.records import MeterKind, Run, StopReason
from schema.context import RequestInfo
from schema.directives import Bounded, OncePerOperation
from schema.errors import BadDocument, UserError
from schema.inputs import INPUT
from schema.payload import answer
from schema.permissions import terminal, terminal_only
from schema.scalars import Base64Bytes, MinorAmount
from schema.services import services
from schema.terminal.errors import TERMINAL
from schema.terminal.requests import TerminalKeyInput, check_key, control, money_till, till_of
from schema.terminal.types import Authorisation
from schema.water import words as _words  # noqa: F401 - describes the enums below
from schema.water.types import WaterTariff
from terminals.meter_messages import GroupKey, Started, StartMessage, StopMessage, Stopped

METERS_MAXIMUM = 64
KEY = "The key of this request: a repeat gets the stored answer."
_SECONDS_MAXIMUM = 2**32


@strawberry.input(description="A start; exactly one of `presented` and `code8`.")
class MeterStartInput:
    """What was typed or read, and where."""

    key: TerminalKeyInput = strawberry.field(description=KEY)
    meter_no: int = strawberry.field(description="The number of the meter at this terminal.")
    presented: str | None = strawberry.field(
        default=None, description="What was scanned or tapped, as read."
    )
    code8: str | None = strawberry.field(default=None, description="The 8 digits that were typed.")
    started_at: int | None = strawberry.field(
        default=None,
        description="Of a start with `code8` that got no answer: when it began, by the meter's"
        " clock, Unix seconds; told within 24 h, under the same key.",
    )


@strawberry.input(description="The end of what a start began.")
class MeterStopInput:
    """A reading."""

    key: TerminalKeyInput = strawberry.field(description=KEY)
    original: TerminalKeyInput = strawberry.field(description="The key of the start.")
    units: int = strawberry.field(description="What ran, as the meter counts it.")
    minor_amount: MinorAmount | None = strawberry.field(
        default=None,
        description="What that costs by the price of the start, in fen: units, at most"
        " `maximumUnits`, times the price over `perUnits`, rounded down; null for nothing.",
    )
    reason: StopReason = strawberry.field(description="Why it ended.")


@strawberry.input(description="A terminal that asks for its meters.")
class MeterSyncInput:
    """A control request."""

    key: TerminalKeyInput = strawberry.field(
        description="The key of this request, as its signature names it; batch 0."
    )


@strawberry.type(description="Water that may run.")
class MeterRun:
    """What a start began."""

    meter_no: int = strawberry.field(description="At which meter.")
    started_at: int = strawberry.field(description="Since when, Unix seconds.")
    ends_at: int = strawberry.field(description="It ends then at the latest, Unix seconds.")
    late: bool = strawberry.field(description="Whether it began without a network.")
    tariff: WaterTariff = strawberry.field(description="Its price, and the units left.")

    @classmethod
    def of(cls, run: Run) -> Self:
        """The client's view."""
        return cls(
            meter_no=run.meter_no,
            started_at=unix_seconds(run.started_at),
            ends_at=unix_seconds(run.ends_at),
            late=run.is_late,
            tariff=WaterTariff.of(run.tariff),
        )


@strawberry.type(description="The answer to a start: a hold of the slot's maximum.")
class MeterStartPayload:
    """A decline is an answer; userErrors say that the question itself was wrong."""

    authorisation: Authorisation | None = strawberry.field(default=None, description="The answer.")
    run: MeterRun | None = strawberry.field(
        default=None, description="What runs by it; null where nothing may."
    )
    user_errors: list[UserError] = TERMINAL.field()


@strawberry.type(description="The answer to a stop: what ran is taken, the rest released.")
class MeterStopPayload:
    """As for a start; VOIDED with response code 00 where nothing was charged."""

    authorisation: Authorisation | None = strawberry.field(default=None, description="The answer.")
    run: MeterRun | None = strawberry.field(default=None, description="What it ended.")
    user_errors: list[UserError] = TERMINAL.field()


@strawberry.type(description="A meter of the terminal, and what it needs to take codes alone.")
class MeterKeys:
    """Its group as it is now."""

    known: strawberry.Private[GroupKey]
    meter_no: int = strawberry.field(description="Its number at the terminal.")
    group_no: int = strawberry.field(description="The number of its group.")
    stall: int = strawberry.field(
        description="Its stall, the `unit` of its codes; 0: one controller serves all heads."
    )
    kind: MeterKind = strawberry.field(description="What the group is.")
    first_slot_at: int = strawberry.field(
        description="When today's first slot begins, Unix seconds; the next ones follow without a"
        " gap."
    )
    slot_count: int = strawberry.field(description="How many slots today has.")
    slot_seconds: int = strawberry.field(description="How long a slot is.")
    sealed_key: Base64Bytes = strawberry.field(
        description="The group's key, 32 bytes, in a libsodium sealed box to the terminal's newest"
        " Ed25519 key as X25519; 80 bytes."
    )

    @strawberry.field(description="The price of a start now.")
    def tariff(self) -> WaterTariff:
        """The price."""
        return WaterTariff.of(self.known.placed.group.tariff)

    @classmethod
    def of(cls, known: GroupKey) -> Self:
        """The client's view."""
        meter, group = known.placed.meter, known.placed.group
        return cls(
            known=known,
            meter_no=meter.number,
            group_no=group.number,
            stall=meter.stall,
            kind=group.kind,
            first_slot_at=known.first_slot_at,
            slot_count=known.slot_count,
            slot_seconds=group.slot_minutes * 60,
            sealed_key=Base64Bytes(known.sealed_key),
        )


@strawberry.type(description="The meters of the terminal.")
class MeterSyncPayload:
    """By number."""

    meters: list[MeterKeys] | None = strawberry.field(
        default=None,
        description="The meters, at most 64.",
        directives=[Bounded(maximum=METERS_MAXIMUM)],
    )
    user_errors: list[UserError] = TERMINAL.field()


async def _start(info: RequestInfo, asked: MeterStartInput) -> Started:
    till, at = money_till(info, asked.key), asked.started_at
    if at is not None and not 0 <= at < _SECONDS_MAXIMUM:
        raise BadDocument("TIME_OUT_OF_RANGE")
    message = StartMessage(
        batch_no=asked.key.batch_no,
        seq_no=asked.key.seq_no,
        meter_no=asked.meter_no,
        presented=asked.presented,
        code8=asked.code8,
        started_at=None if at is None else from_unix(at),
    )
    return await services(info).metering.start(till, message)


async def _stop(info: RequestInfo, asked: MeterStopInput) -> Stopped:
    till = money_till(info, asked.key)
    check_key(asked.original)
    message = StopMessage(
        batch_no=asked.key.batch_no,
        seq_no=asked.key.seq_no,
        original_batch_no=asked.original.batch_no,
        original_seq_no=asked.original.seq_no,
        units=asked.units,
        minor_amount=asked.minor_amount or 0,
        reason=asked.reason,
    )
    return await services(info).metering.stop(till, message)


async def _sync(info: RequestInfo, asked: MeterSyncInput) -> list[GroupKey]:
    control(info, asked.key)
    return await services(info).metering.sync(till_of(info, terminal(info)))


def _shown(run: Run | None) -> MeterRun | None:
    return None if run is None else MeterRun.of(run)


def _started(done: Started) -> MeterStartPayload:
    expires_at = None if done.run is None else done.run.hold_until
    shown = Authorisation(answer=done.answer, expires_at=expires_at)
    return MeterStartPayload(authorisation=shown, run=_shown(done.run))


@strawberry.type(description="Meters.")
class MeterMutation:
    """Start, stop, sync."""

    @strawberry.mutation(
        description="Lets water run for whoever typed a code or scanned.",
        directives=[OncePerOperation()],
        extensions=[terminal_only()],
    )
    async def meter_start(
        self, info: RequestInfo, input: Annotated[MeterStartInput, INPUT]
    ) -> MeterStartPayload | None:
        """Against a hold of the slot's maximum."""
        return await answer(info, TERMINAL, MeterStartPayload, _started, _start(info, input))

    @strawberry.mutation(
        description="Takes what ran; the rest of the hold is released.",
        directives=[OncePerOperation()],
        extensions=[terminal_only()],
    )
    async def meter_stop(
        self, info: RequestInfo, input: Annotated[MeterStopInput, INPUT]
    ) -> MeterStopPayload | None:
        """Repeat it until it is acknowledged."""
        return await answer(
            info,
            TERMINAL,
            MeterStopPayload,
            lambda done: MeterStopPayload(
                authorisation=Authorisation(answer=done.answer), run=_shown(done.run)
            ),
            _stop(info, input),
        )

    @strawberry.mutation(
        description="Tells a terminal its meters, and the keys of their codes.",
        directives=[OncePerOperation()],
        extensions=[terminal_only()],
    )
    async def meter_sync(
        self, info: RequestInfo, input: Annotated[MeterSyncInput, INPUT]
    ) -> MeterSyncPayload | None:
        """Ask again each day."""
        return await answer(
            info,
            TERMINAL,
            MeterSyncPayload,
            lambda known: MeterSyncPayload(meters=[MeterKeys.of(each) for each in known]),
            _sync(info, input),
        )
