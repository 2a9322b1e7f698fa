"""Sessions and bindings as their owner sees them."""

from datetime import datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

import strawberry

from core.identity.consents import Consent as ConsentRecord
from core.identity.records import Binding as BindingRecord
from core.identity.records import SessionRecord
from core.identity.records import SessionTokens as TokensRecord
from core.ports.messages import AddressKind
from schema.context import (
    CardholderViewer,
    StaffViewer,
    TerminalViewer,
    UnboundViewer,
    Viewer,
)
from schema.enums import described
from schema.node import Node, node_id

described(
    AddressKind,
    "What sort of address a person is reached at.",
    {
        AddressKind.EMAIL: "An e-mail address.",
        AddressKind.PHONE: "A mainland mobile number, 11 digits, `+86` allowed before it.",
    },
)


class ViewerKind(StrEnum):
    """Who is asking."""

    ANONYMOUS = "ANONYMOUS"
    CARDHOLDER = "CARDHOLDER"
    UNBOUND = "UNBOUND"
    STAFF = "STAFF"
    TERMINAL = "TERMINAL"

    @classmethod
    def of(cls, viewer: Viewer) -> "ViewerKind":
        """The kind of a viewer."""
        return _KINDS.get(type(viewer), cls.ANONYMOUS)


_KINDS: dict[type, ViewerKind] = {
    CardholderViewer: ViewerKind.CARDHOLDER,
    UnboundViewer: ViewerKind.UNBOUND,
    StaffViewer: ViewerKind.STAFF,
    TerminalViewer: ViewerKind.TERMINAL,
}

described(
    ViewerKind,
    "Who is asking.",
    {
        ViewerKind.ANONYMOUS: "Nobody has signed in.",
        ViewerKind.CARDHOLDER: "A cardholder.",
        ViewerKind.UNBOUND: "Somebody who proved an address and no card yet.",
        ViewerKind.STAFF: "A member of a school's staff.",
        ViewerKind.TERMINAL: "A terminal.",
    },
)


@strawberry.type(description="The secrets of a session, shown this once.")
class SessionTokens:
    """Tokens of a cardholder's or an unbound session."""

    access_token: str = strawberry.field(
        description="For the Authorization header; 15 minutes in the native app, 2 hours elsewhere."
    )
    refresh_token: str | None = strawberry.field(
        description="For `sessionRefresh`; 30 days, good once: it is replaced with each use. Null"
        " in the channels, whose clients sign in again unseen."
    )
    access_expires_at: datetime = strawberry.field(description="The access token's end.")
    refresh_expires_at: datetime | None = strawberry.field(
        description="The refresh token's end; null without one."
    )

    @classmethod
    def of(cls, tokens: TokensRecord) -> Self:
        """The client's view."""
        return cls(
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            access_expires_at=tokens.session.expires_at,
            refresh_expires_at=tokens.refresh_expires_at,
        )


def viewer_kind_of(tokens: TokensRecord) -> ViewerKind:
    """Whether a sign-in is a cardholder's, or nobody's yet."""
    bound = tokens.session.cardholder_id is not None
    return ViewerKind.CARDHOLDER if bound else ViewerKind.UNBOUND


@strawberry.type(description="One signed-in device.")
class Session(Node):
    """A session of the viewer's binding."""

    channel: str = strawberry.field(description="How it signed in, for example NATIVE.")
    device_label: str = strawberry.field(description="What the device calls itself.")
    created_at: datetime = strawberry.field(description="When its tokens were made.")
    last_seen_at: datetime = strawberry.field(description="When it last asked, to the minute.")
    is_current: bool = strawberry.field(description="Whether it is the one that asks.")

    @classmethod
    def of(cls, session: SessionRecord, current: UUID) -> Self:
        """The client's view; `current` is the session that asks."""
        return cls(
            id=node_id("Session", session.school_id, session.id),
            channel=session.channel,
            device_label=session.device_label,
            created_at=session.created_at,
            last_seen_at=session.last_seen_at,
            is_current=session.id == current,
        )


@strawberry.type(description="A lasting link from what signs in to the cardholder.")
class Binding(Node):
    """One binding per issuer."""

    channel: str = strawberry.field(
        description="The channel it belongs to, for example NATIVE; SSO for a campus sign-on."
    )
    issuer: str = strawberry.field(description="Who vouches for the sign-in, as `native:email`.")
    bound_at: datetime = strawberry.field(description="When it was made.")

    @classmethod
    def of(cls, school_id: int, binding: BindingRecord) -> Self:
        """The client's view."""
        return cls(
            id=node_id("Binding", school_id, binding.id),
            channel=binding.channel,
            issuer=binding.issuer,
            bound_at=binding.bound_at,
        )


@strawberry.type(description="An agreement that stands in the records.")
class Consent:
    """Which document, in which version, where and when."""

    document: str = strawberry.field(description="The document's code.")
    version: int = strawberry.field(description="The version that was agreed to.")
    channel: str = strawberry.field(description="The channel it was agreed to in.")
    given_at: datetime = strawberry.field(description="When.")

    @classmethod
    def of(cls, consent: ConsentRecord) -> Self:
        """The client's view."""
        return cls(
            document=consent.document,
            version=consent.version,
            channel=consent.channel,
            given_at=consent.given_at,
        )


@strawberry.type(description="Where the register reaches a person.")
class Contacts:
    """Both addresses, masked."""

    phone: str | None = strawberry.field(description="The telephone number's last 4 digits.")
    email: str | None = strawberry.field(description="The e-mail's first letter and domain.")
