"""Enrolling a phone and drawing its codes."""

from typing import Annotated
from uuid import UUID

import strawberry

from core.card.records import CodeDevice as DeviceRecord
from core.card.records import DeviceUnknown, Token
from core.card.records import PassIssue as IssueRecord
from core.ports.codes import PassKind
from core.school.policy_words import Feature
from schema.code.errors import CODE
from schema.code.types import CodeDevice, CodeToken, PassIssue
from schema.context import RequestInfo
from schema.directives import Bounded, OncePerOperation
from schema.errors import UserError
from schema.inputs import INPUT, uuid_key
from schema.payload import answer
from schema.permissions import cardholder, cardholder_only
from schema.scalars import Base64Bytes
from schema.services import services

DEVICE = "The code device."


@strawberry.input(description="A phone's new key with its proof.")
class CodeDeviceEnrolInput:
    """A key that never leaves the phone."""

    device_public_key: Base64Bytes = strawberry.field(description="Ed25519, 32 bytes.")
    created_at: int = strawberry.field(
        description="The phone's clock in Unix seconds, within 120 s of ours."
    )
    proof: Base64Bytes = strawberry.field(
        description="The key's signature over `ccv1`, itself and `createdAt`; 64 bytes."
    )
    pin: str | None = strawberry.field(
        default=None, description="The PIN that pays, where the school asks it once per device."
    )


@strawberry.type(description="The enrolled phone; beyond the school's number the oldest goes.")
class CodeDeviceEnrolPayload:
    """The device."""

    device: CodeDevice | None = strawberry.field(default=None, description="The device.")
    user_errors: list[UserError] = CODE.field()


@strawberry.input(description="Which passes for which phone.")
class CodePassIssueInput:
    """A request for passes."""

    device_id: strawberry.ID = strawberry.field(description=DEVICE)
    kinds: list[PassKind] = strawberry.field(
        description="What they stand for, at most 4.", directives=[Bounded(maximum=4)]
    )


@strawberry.type(description="Passes; the same bytes again unless a fact in them changed.")
class CodePassIssuePayload:
    """The issue."""

    issue: PassIssue | None = strawberry.field(default=None, description="The passes.")
    user_errors: list[UserError] = CODE.field()


@strawberry.input(description="A code for a phone that is online.")
class CodeTokenIssueInput:
    """A request for a token."""

    device_id: strawberry.ID = strawberry.field(description=DEVICE)
    kind: PassKind = strawberry.field(
        default=PassKind.VIRTUAL_CARD, description="What it stands for."
    )


@strawberry.type(description="A code drawn online, at most one per 5 s.")
class CodeTokenIssuePayload:
    """The token."""

    token: CodeToken | None = strawberry.field(default=None, description="The code.")
    user_errors: list[UserError] = CODE.field()


@strawberry.input(description="Which phone may show codes no more.")
class CodeDeviceRevokeInput:
    """A device."""

    device_id: strawberry.ID = strawberry.field(description=DEVICE)


@strawberry.type(description="The revoked phone.")
class CodeDeviceRevokePayload:
    """The device."""

    device: CodeDevice | None = strawberry.field(default=None, description="The device.")
    user_errors: list[UserError] = CODE.field()


def _device_id(info: RequestInfo, text: str) -> UUID:
    found = uuid_key(info, text, "CodeDevice")
    if found is None:
        raise DeviceUnknown("deviceId")
    return found


async def _enrol(info: RequestInfo, asked: CodeDeviceEnrolInput) -> DeviceRecord:
    viewer = cardholder(info)
    return await services(info).devices.enrol(
        viewer.school_id,
        viewer.cardholder_id,
        viewer.session.binding_id,
        public_key=asked.device_public_key,
        created_at=asked.created_at,
        proof=asked.proof,
        pin=asked.pin,
    )


async def _issue(info: RequestInfo, asked: CodePassIssueInput) -> IssueRecord:
    viewer = cardholder(info)
    return await services(info).codes.issue_passes(
        viewer.school_id, viewer.cardholder_id, _device_id(info, asked.device_id), asked.kinds
    )


async def _draw(info: RequestInfo, asked: CodeTokenIssueInput) -> Token:
    viewer = cardholder(info)
    return await services(info).codes.issue_token(
        viewer.school_id, viewer.cardholder_id, _device_id(info, asked.device_id), asked.kind
    )


async def _revoke(info: RequestInfo, asked: CodeDeviceRevokeInput) -> DeviceRecord:
    viewer = cardholder(info)
    return await services(info).devices.revoke(
        viewer.school_id, viewer.cardholder_id, _device_id(info, asked.device_id)
    )


@strawberry.type(description="Codes.")
class CodeMutation:
    """What a phone does for its codes."""

    @strawberry.mutation(
        description="Registers a phone's key.",
        directives=[OncePerOperation()],
        extensions=[cardholder_only()],
    )
    async def code_device_enrol(
        self, info: RequestInfo, input: Annotated[CodeDeviceEnrolInput, INPUT]
    ) -> CodeDeviceEnrolPayload | None:
        """The same key again answers the same."""
        school_id = cardholder(info).school_id
        return await answer(
            info,
            CODE,
            CodeDeviceEnrolPayload,
            lambda made: CodeDeviceEnrolPayload(device=CodeDevice.of(school_id, made)),
            _enrol(info, input),
            Feature.VIRTUAL_CARD,
        )

    @strawberry.mutation(
        description="Gives a phone its passes.",
        directives=[OncePerOperation()],
        extensions=[cardholder_only()],
    )
    async def code_pass_issue(
        self, info: RequestInfo, input: Annotated[CodePassIssueInput, INPUT]
    ) -> CodePassIssuePayload | None:
        """For 12 to 36 hours without a network."""
        school_id = cardholder(info).school_id
        return await answer(
            info,
            CODE,
            CodePassIssuePayload,
            lambda made: CodePassIssuePayload(issue=PassIssue.of(school_id, made)),
            _issue(info, input),
            Feature.VIRTUAL_CARD,
        )

    @strawberry.mutation(
        description="Draws a code.",
        directives=[OncePerOperation()],
        extensions=[cardholder_only()],
    )
    async def code_token_issue(
        self, info: RequestInfo, input: Annotated[CodeTokenIssueInput, INPUT]
    ) -> CodeTokenIssuePayload | None:
        """For a phone that is online."""
        return await answer(
            info,
            CODE,
            CodeTokenIssuePayload,
            lambda made: CodeTokenIssuePayload(token=CodeToken.of(made)),
            _draw(info, input),
            Feature.VIRTUAL_CARD,
        )

    @strawberry.mutation(
        description="Ends a phone's codes at once.", extensions=[cardholder_only()]
    )
    async def code_device_revoke(
        self, info: RequestInfo, input: Annotated[CodeDeviceRevokeInput, INPUT]
    ) -> CodeDeviceRevokePayload | None:
        """Revoking again answers the same."""
        school_id = cardholder(info).school_id
        return await answer(
            info,
            CODE,
            CodeDeviceRevokePayload,
            lambda made: CodeDeviceRevokePayload(device=CodeDevice.of(school_id, made)),
            _revoke(info, input),
        )
