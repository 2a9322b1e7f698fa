"""Code devices, passes and tokens as the phone gets them (codes.md 10)."""

from datetime import date, datetime
from typing import Self

import strawberry

from core.card.records import Alias as AliasRecord
from core.card.records import CodeDevice as DeviceRecord
from core.card.records import Pass as PassRecord
from core.card.records import PassIssue as IssueRecord
from core.card.records import Token
from core.ports.codes import PassKind
from schema.context import CardholderViewer, RequestContext
from schema.directives import Bounded
from schema.enums import described
from schema.node import Node, node_id
from schema.scalars import Base64Bytes
from schema.services import Services
from terminals.keys import fingerprint

described(
    PassKind,
    "What a code stands for.",
    {
        PassKind.VIRTUAL_CARD: "The virtual card: it spends and identifies.",
        PassKind.CAMPUS_CODE: "The campus code, paid by a debit agreement.",
        PassKind.ENTRY: "Entry only.",
        PassKind.DELEGATE: "A code handed to somebody else.",
    },
)


@strawberry.type(description="A phone that may show codes.")
class CodeDevice(Node):
    """A registered device key."""

    enrolled_at: datetime = strawberry.field(description="When its key was registered.")
    is_revoked: bool = strawberry.field(description="Whether its codes are refused.")
    fingerprint: str = strawberry.field(
        description="8 hex digits of its key, to tell devices apart."
    )

    @classmethod
    def of(cls, school_id: int, device: DeviceRecord) -> Self:
        """The client's view."""
        return cls(
            id=node_id("CodeDevice", school_id, device.id),
            enrolled_at=device.enrolled_at,
            is_revoked=device.revoked_at is not None,
            fingerprint=fingerprint(device.public_key),
        )


@strawberry.type(description="A signed day pass.")
class Pass:
    """What the phone signs its showings with; times are Unix seconds."""

    kind: PassKind = strawberry.field(description="What it stands for.")
    content: Base64Bytes = strawberry.field(description="The 115 signed bytes.")
    not_before: int = strawberry.field(description="Good from then, Unix seconds.")
    ends_at: int = strawberry.field(description="Good until then, Unix seconds.")

    @classmethod
    def of(cls, issued: PassRecord) -> Self:
        """The client's view."""
        return cls(
            kind=issued.kind,
            content=Base64Bytes(issued.content),
            not_before=issued.not_before,
            ends_at=issued.ends_at,
        )


@strawberry.type(description="The seven digits that stand for a device on one school day.")
class CodeAlias:
    """An alias."""

    day: date = strawberry.field(description="The school day.")
    digits: str = strawberry.field(description="Seven digits.")

    @classmethod
    def of(cls, alias: AliasRecord) -> Self:
        """The client's view."""
        return cls(day=alias.day, digits=alias.digits)


@strawberry.type(description="What a phone needs to show codes without a network.")
class PassIssue:
    """Passes of this slot, late in it of the next too, and the secrets of the digits."""

    passes: list[Pass] = strawberry.field(
        description="The passes, at most 8.", directives=[Bounded(maximum=8)]
    )
    totp_key: Base64Bytes | None = strawberry.field(
        description="32 bytes for the offline digits; null where the school has none."
    )
    aliases: list[CodeAlias] = strawberry.field(
        description="For the offline digits, at most 3.", directives=[Bounded(maximum=3)]
    )
    server_time: datetime = strawberry.field(description="Our clock, to set the phone's off by.")
    refresh_after: datetime = strawberry.field(description="When to ask again.")
    rotation_seconds: int = strawberry.field(description="Show a new code after, in seconds.")
    life_seconds: int = strawberry.field(description="A shown code is good for, in seconds.")
    issuer: int = strawberry.field(description="The school, as codes name it.")

    @classmethod
    def of(cls, school_id: int, issue: IssueRecord) -> Self:
        """The client's view."""
        return cls(
            passes=[Pass.of(each) for each in issue.passes],
            totp_key=None if issue.totp_key is None else Base64Bytes(issue.totp_key),
            aliases=[CodeAlias.of(each) for each in issue.aliases],
            server_time=issue.server_at,
            refresh_after=issue.refresh_at,
            rotation_seconds=issue.rotation_seconds,
            life_seconds=issue.life_seconds,
            issuer=school_id,
        )


@strawberry.type(description="A code drawn online.")
class CodeToken:
    """Twenty digits, one use."""

    text: str = strawberry.field(description="What to show.")
    expires_at: datetime = strawberry.field(description="Its end, 60 s after it was drawn.")

    @classmethod
    def of(cls, token: Token) -> Self:
        """The client's view."""
        return cls(text=token.text, expires_at=token.expires_at)


async def load_device(context: RequestContext, key: str) -> CodeDevice | None:
    """A live device of the viewer's own."""
    viewer = context.viewer
    if not isinstance(viewer, CardholderViewer):
        return None
    found: Services = context.services
    listed = await found.devices.list_live(viewer.school_id, viewer.cardholder_id)
    own = [device for device in listed if str(device.id) == key]
    return CodeDevice.of(viewer.school_id, own[0]) if own else None
