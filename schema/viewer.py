"""Who is asking, and everything that is theirs."""

from typing import Annotated

import strawberry

from schema.card.cardholder import Cardholder, own_cardholder
from schema.context import CardholderViewer, RequestContext, RequestInfo, StaffViewer, UnboundViewer
from schema.directives import Bounded
from schema.doors.guardians import GuardianGrant, Ward
from schema.identity.types import Binding, Session, ViewerKind
from schema.merchant_code.reads import read_merchant_code
from schema.merchant_code.types import MerchantCodeReading
from schema.services import Services, services
from schema.staff.types import StaffMember


@strawberry.type(description="Who is asking.")
class Viewer:
    """The caller; what is not theirs is null."""

    @strawberry.field(description="What sort of caller it is.")
    def kind(self, info: RequestInfo) -> ViewerKind:
        """The kind."""
        return ViewerKind.of(info.context.viewer)

    @strawberry.field(description="The session; null to terminals and those not signed in.")
    def session(self, info: RequestInfo) -> Session | None:
        """The session that asks."""
        viewer = info.context.viewer
        if isinstance(viewer, CardholderViewer | UnboundViewer | StaffViewer):
            return Session.of(viewer.session, viewer.session_id)
        return None

    @strawberry.field(description="The cardholder; null to everybody else.")
    async def cardholder(self, info: RequestInfo) -> Cardholder | None:
        """The cardholder that asks."""
        return await own_cardholder(info.context)

    @strawberry.field(
        description="Whose guardian the viewer is, at most 20.", directives=[Bounded(maximum=20)]
    )
    async def wards(self, info: RequestInfo) -> list[Ward]:
        """Cardholders who granted something to this sign-in."""
        viewer = info.context.viewer
        if not isinstance(viewer, CardholderViewer | UnboundViewer):
            return []
        grants = await services(info).guardians.list_taken(viewer.session)
        return [await Ward.of(info, grant) for grant in grants[:20]]

    @strawberry.field(
        description="What the viewer lets guardians do, and open offers, at most 5.",
        directives=[Bounded(maximum=5)],
    )
    async def guardian_grants(self, info: RequestInfo) -> list[GuardianGrant]:
        """The cardholder's own grants."""
        viewer = info.context.viewer
        if not isinstance(viewer, CardholderViewer):
            return []
        grants = await services(info).guardians.list_own(viewer.session)
        return [GuardianGrant.of(viewer.school_id, grant) for grant in grants]

    @strawberry.field(
        description="What a merchant's code asks for; null to everybody but cardholders."
    )
    async def merchant_code(
        self,
        info: RequestInfo,
        text: Annotated[str, strawberry.argument(description="What was scanned, as read.")],
    ) -> MerchantCodeReading | None:
        """A scanned code, read and not paid."""
        return await read_merchant_code(info, text)

    @strawberry.field(description="The member of staff; null to everybody else.")
    def staff(self, info: RequestInfo) -> StaffMember | None:
        """The member of staff that asks."""
        viewer = info.context.viewer
        return StaffMember.of(viewer.member) if isinstance(viewer, StaffViewer) else None


@strawberry.type(description="The caller.")
class ViewerQuery:
    """The root of everything that belongs to somebody."""

    @strawberry.field(description="Who is asking.")
    def viewer(self) -> Viewer:
        """The viewer."""
        return Viewer()


async def load_session(context: RequestContext, key: str) -> Session | None:
    """A live session of the viewer's own binding."""
    viewer = context.viewer
    if not isinstance(viewer, CardholderViewer | UnboundViewer):
        return None
    found: Services = context.services
    listed = await found.sessions.list_devices(viewer.session)
    own = [session for session in listed if str(session.id) == key]
    return Session.of(own[0], viewer.session_id) if own else None


async def load_binding(context: RequestContext, key: str) -> Binding | None:
    """A live binding of the viewer's own cardholder."""
    viewer = context.viewer
    if not isinstance(viewer, CardholderViewer):
        return None
    found: Services = context.services
    listed = await found.bindings.list_live(viewer.school_id, viewer.cardholder_id)
    own = [binding for binding in listed if str(binding.id) == key]
    return Binding.of(viewer.school_id, own[0]) if own else None
