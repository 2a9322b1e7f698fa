"""How a terminal comes in and stays known: enrolment, next key, heartbeat."""

from collections.abc import Mapping
from typing import Annotated

import strawberry

from core.kit.clock import unix_seconds
from core.school.records import ActivationInvalid, DocumentKind, EnrolledTerminal
from schema.context import RequestInfo
from schema.directives import OncePerOperation
from schema.errors import UserError
from schema.inputs import INPUT
from schema.payload import answer
from schema.permissions import terminal, terminal_only
from schema.scalars import Base64Bytes
from schema.services import services
from schema.terminal.errors import TERMINAL
from schema.terminal.requests import TerminalKeyInput, control, held_by
from schema.terminal.types import Enrolment, Heartbeat
from terminals.directives import Directive, directives
from terminals.message import find_activation_code, time_message

KEY = "The key of this request, as its signature names it."
TEXT_MAXIMUM = 64


@strawberry.input(description="A new key with the proof that its owner has the activation code.")
class TerminalEnrolInput:
    """An enrolment; it is the one unsigned request of a terminal."""

    issuer: int = strawberry.field(description="The school, 0 to 65535.")
    activation_code: str = strawberry.field(
        description="12 characters of Crockford base32; 15 minutes, once, 5 tries."
    )
    public_key: Base64Bytes = strawberry.field(description="Ed25519, 32 bytes.")
    model: str = strawberry.field(description="The device's model, cut to 64 characters.")
    serial_number: str = strawberry.field(description="Its serial number, at most 64 characters.")
    proof: Base64Bytes = strawberry.field(
        description="The new key's signature over `cce1`, SHA-256(code), the key and"
        " SHA-256(serial number); 64 bytes."
    )


@strawberry.type(description="The enrolled terminal, PENDING until the school confirms it.")
class TerminalEnrolPayload:
    """What the terminal needs to know."""

    enrolment: Enrolment | None = strawberry.field(
        default=None, description="Number, key number and the school's keys."
    )
    user_errors: list[UserError] = TERMINAL.field()


@strawberry.input(description="The next key of a working terminal.")
class TerminalRotateKeyInput:
    """A rotation."""

    key: TerminalKeyInput = strawberry.field(description=KEY)
    new_public_key: Base64Bytes = strawberry.field(description="Ed25519, 32 bytes.")
    proof: Base64Bytes = strawberry.field(
        description="The new key's signature over `cck1`, issuer, terminal number, its key number"
        " and itself; 64 bytes."
    )


@strawberry.type(description="The next key is registered; the one before works for 24 h more.")
class TerminalRotateKeyPayload:
    """Its number."""

    key_no: int | None = strawberry.field(default=None, description="The new key's number.")
    user_errors: list[UserError] = TERMINAL.field()


@strawberry.input(description="A sign of life, every 30 s.")
class TerminalHeartbeatInput:
    """What the terminal says of itself."""

    key: TerminalKeyInput = strawberry.field(description=KEY)
    clock: int = strawberry.field(description="The terminal's clock in Unix seconds.")
    clock_lost: bool = strawberry.field(description="Whether it does not trust that clock.")
    queue: int = strawberry.field(description="How many records wait to be uploaded.")
    keys_version: int | None = strawberry.field(
        default=None,
        description="The version of the key document it holds, 0 for none; null: it fetches none.",
    )
    parameters_version: int | None = strawberry.field(
        default=None,
        description="The version of the parameters it goes by, 0 for none; null: it fetches none.",
    )
    deny_version: int | None = strawberry.field(
        default=None,
        description="The version of the deny list it goes by, 0 for none; null: it fetches none.",
    )
    terminals_version: int | None = strawberry.field(
        default=None,
        description="Of an edge: the version of the terminals it knows, 0 for none; null: it"
        " fetches none.",
    )
    rights_version: int | None = strawberry.field(
        default=None,
        description="The version of the rights of cards it goes by, 0 for none; null: it fetches"
        " none, for only gates do.",
    )
    software_version: str | None = strawberry.field(
        default=None, description="The version of its software."
    )


@strawberry.type(description="The time and what to do.")
class TerminalHeartbeatPayload:
    """The answer."""

    heartbeat: Heartbeat | None = strawberry.field(default=None, description="The answer.")
    user_errors: list[UserError] = TERMINAL.field()


async def _enrol(info: RequestInfo, asked: TerminalEnrolInput) -> EnrolledTerminal:
    code = find_activation_code(asked.activation_code)
    if code is None or not 0 <= asked.issuer < 1 << 16 or len(asked.serial_number) > TEXT_MAXIMUM:
        raise ActivationInvalid("activationCode")
    return await services(info).terminals.enrol(
        asked.issuer,
        code,
        asked.public_key,
        asked.model[:TEXT_MAXIMUM],
        asked.serial_number,
        asked.proof,
    )


async def _rotate(info: RequestInfo, asked: TerminalRotateKeyInput) -> EnrolledTerminal:
    viewer = terminal(info)
    control(info, asked.key)
    return await services(info).terminals.rotate_key(
        viewer.school_id, viewer.terminal_no, asked.new_public_key, asked.proof
    )


async def _beat(info: RequestInfo, asked: TerminalHeartbeatInput) -> Heartbeat:
    viewer, found = control(info, asked.key), services(info)
    now, nonce = unix_seconds(found.clock.now()), viewer.signed.nonce
    told = time_message(viewer.school_id, viewer.terminal_no, nonce, now)
    newest: Mapping[DocumentKind, int] = {}
    told_to: list[Directive] = []
    if not asked.clock_lost:
        await found.terminals.note_seen(viewer.school_id, viewer.terminal_no)
        newest = await found.publisher.newest_versions(viewer.school_id)
        held, is_due = held_by(asked), False
        if not viewer.is_locked:
            await found.deny.acknowledge(viewer.school_id, viewer.terminal_no, held)
            is_due = await found.batches.is_close_due(viewer.school_id, viewer.terminal_no)
        told_to = directives(
            is_locked=viewer.is_locked, held=held, newest=newest, queue=asked.queue,
            is_close_due=is_due,
        )  # fmt: skip
    return Heartbeat(
        signed_time=Base64Bytes(found.terminal_keys.answer(viewer.school_id).sign(told)),
        time=now,
        nonce=Base64Bytes(nonce),
        directives=told_to,
        keys_version=newest.get(DocumentKind.KEYS),
        parameters_version=newest.get(DocumentKind.PARAMETERS),
        deny_version=newest.get(DocumentKind.DENY),
        rights_version=newest.get(DocumentKind.RIGHTS),
    )


@strawberry.type(description="Terminals as devices.")
class EnrolmentMutation:
    """Enrolment, rotation, heartbeat."""

    @strawberry.mutation(
        description="Registers a terminal's key; unsigned, 20 a minute per network.",
        directives=[OncePerOperation()],
    )
    async def terminal_enrol(
        self, info: RequestInfo, input: Annotated[TerminalEnrolInput, INPUT]
    ) -> TerminalEnrolPayload | None:
        """PENDING until the school compares the fingerprint."""
        return await answer(
            info,
            TERMINAL,
            TerminalEnrolPayload,
            lambda made: TerminalEnrolPayload(enrolment=Enrolment.of(info, input.issuer, made)),
            _enrol(info, input),
        )

    @strawberry.mutation(
        description="Registers a terminal's next key; the same key again answers the same.",
        directives=[OncePerOperation()],
        extensions=[terminal_only()],
    )
    async def terminal_rotate_key(
        self, info: RequestInfo, input: Annotated[TerminalRotateKeyInput, INPUT]
    ) -> TerminalRotateKeyPayload | None:
        """The next key number."""
        return await answer(
            info,
            TERMINAL,
            TerminalRotateKeyPayload,
            lambda made: TerminalRotateKeyPayload(key_no=made.keys[-1].number),
            _rotate(info, input),
        )

    @strawberry.mutation(
        description="Says that a terminal lives, and tells it the time.",
        extensions=[terminal_only()],
    )
    async def terminal_heartbeat(
        self, info: RequestInfo, input: Annotated[TerminalHeartbeatInput, INPUT]
    ) -> TerminalHeartbeatPayload | None:
        """With a lost clock the answer holds the time only."""
        return await answer(
            info,
            TERMINAL,
            TerminalHeartbeatPayload,
            lambda beat: TerminalHeartbeatPayload(heartbeat=beat),
            _beat(info, input),
        )
