"""Who may select a field: one requirement per field, one uniform refusal."""

from types import UnionType

from strawberry.permission import BasePermission, PermissionExtension
from strawberry.types import Info

from schema.context import (
    Anonymous,
    CardholderViewer,
    RequestInfo,
    SignedIn,
    StaffViewer,
    TerminalViewer,
    UnboundViewer,
    Viewer,
)
from schema.directives import Restricted
from schema.errors import Forbidden, Unauthenticated
from terminals.signature import SignatureRefusal


class _Requirement(BasePermission):
    """Open to one kind of viewer, and of staff to the roles named."""

    def __init__(
        self, kind: type | UnionType, *names: str, roles: frozenset[str] = frozenset()
    ) -> None:
        self._kind = kind
        self._roles = roles
        self._directive = Restricted(to=list(names))

    @property
    def schema_directive(self) -> object:
        """What the SDL says of the field."""
        return self._directive

    def has_permission(self, source: object, info: Info, **kwargs: object) -> bool:  # noqa: ARG002  # Strawberry calls it so
        """True, or raises: UNAUTHENTICATED for nobody, FORBIDDEN for all others alike."""
        viewer: Viewer = info.context.viewer
        if isinstance(viewer, Anonymous):
            raise Unauthenticated
        if not isinstance(viewer, self._kind):
            raise Forbidden
        if self._roles and isinstance(viewer, StaffViewer) and not self._roles & viewer.roles:
            raise Forbidden
        return True


def cardholder_only() -> PermissionExtension:
    """The field is open to cardholders."""
    return PermissionExtension([_Requirement(CardholderViewer, "CARDHOLDER")])


def holder_only() -> PermissionExtension:
    """The field is open to cardholders and to those who signed in and proved no card yet."""
    kinds = CardholderViewer | UnboundViewer
    return PermissionExtension([_Requirement(kinds, "CARDHOLDER", "UNBOUND")])


def signed_in_only() -> PermissionExtension:
    """The field is open to everybody with a session."""
    kinds = CardholderViewer | UnboundViewer | StaffViewer
    return PermissionExtension([_Requirement(kinds, "CARDHOLDER", "UNBOUND", "STAFF")])


def terminal_only() -> PermissionExtension:
    """The field is open to terminals whose signature was verified."""
    return PermissionExtension([_Requirement(TerminalViewer, "TERMINAL")])


def staff_only(*roles: str) -> PermissionExtension:
    """The field is open to staff holding one of the roles, or to all staff when none is named."""
    names = roles or ("STAFF",)
    return PermissionExtension([_Requirement(StaffViewer, *names, roles=frozenset(roles))])


def cardholder(info: RequestInfo) -> CardholderViewer:
    """The viewer of a field marked `cardholder_only`."""
    viewer = info.context.viewer
    if not isinstance(viewer, CardholderViewer):
        raise Forbidden
    return viewer


def signed_in(info: RequestInfo) -> SignedIn:
    """The viewer of a field marked `holder_only` or `signed_in_only`."""
    viewer = info.context.viewer
    if not isinstance(viewer, CardholderViewer | UnboundViewer | StaffViewer):
        raise Forbidden
    return viewer


def staff(info: RequestInfo) -> StaffViewer:
    """The viewer of a field marked `staff_only`."""
    viewer = info.context.viewer
    if not isinstance(viewer, StaffViewer):
        raise Forbidden
    return viewer


def terminal(info: RequestInfo) -> TerminalViewer:
    """The viewer of a field marked `terminal_only`; it may do more than send a heartbeat.

    Raises: Forbidden for a locked terminal, Unauthenticated for one with a lost clock.
    """
    viewer = any_terminal(info)
    match viewer.confined_by:
        case None:
            return viewer
        case SignatureRefusal.TERMINAL_LOCKED as reason:
            raise Forbidden(reason)
        case reason:
            raise Unauthenticated(reason)


def any_terminal(info: RequestInfo) -> TerminalViewer:
    """The same for the heartbeat."""
    viewer = info.context.viewer
    if not isinstance(viewer, TerminalViewer):
        raise Forbidden
    return viewer
