"""Who asks: an access token becomes a viewer, read from its session's row."""

from core.identity.records import SessionRecord
from core.identity.service.sessions import Sessions
from core.school.service import Staff
from schema.context import (
    Anonymous,
    CardholderViewer,
    StaffViewer,
    TerminalViewer,
    UnboundViewer,
    Viewer,
)
from schema.errors import Unauthenticated

SCHEME = "Bearer "


class Viewers:
    """Implements `bff.graphql.Identify` and `bff.socket.StillValid`."""

    def __init__(self, sessions: Sessions, staff: Staff) -> None:
        self._sessions = sessions
        self._staff = staff

    async def identify(self, authorization: str) -> Viewer:
        """The viewer of an Authorization header.

        Raises: Unauthenticated.
        """
        if not authorization:
            return Anonymous()
        session = await self._sessions.find_session(authorization.removeprefix(SCHEME))
        if session is None or not authorization.startswith(SCHEME):
            raise Unauthenticated("SESSION_UNKNOWN")
        return await self._viewer(session)

    async def still_valid(self, viewer: Viewer) -> bool:
        """Whether the viewer's session still stands, and for whom it stood."""
        if isinstance(viewer, Anonymous | TerminalViewer):
            return isinstance(viewer, Anonymous)
        session = await self._sessions.find_by_id(viewer.school_id, viewer.session_id)
        return session is not None and session.cardholder_id == viewer.session.cardholder_id

    async def _viewer(self, session: SessionRecord) -> Viewer:
        if session.staff_id is not None:
            member = await self._staff.get(session.school_id, session.staff_id)
            if not member.active:
                raise Unauthenticated("SESSION_UNKNOWN")
            return StaffViewer(session, member)
        if session.cardholder_id is not None:
            return CardholderViewer(session)
        return UnboundViewer(session)
