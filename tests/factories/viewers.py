"""Viewers for tests that need one and no database."""

from datetime import timedelta
from uuid import UUID

from core.identity.records import SessionRecord
from core.school.records import (
    DeviceClass,
    EnrolledTerminal,
    Merchant,
    Role,
    StaffMember,
    Terminal,
    TerminalState,
)
from schema.context import CardholderViewer, StaffViewer, TerminalViewer
from terminals.message import KeyId, RequestKey
from terminals.signature import SignedHeaders
from tests.factories.chance import NOON


def session(
    school_id: int,
    number: int,
    *,
    cardholder_id: UUID | None = None,
    staff_id: UUID | None = None,
) -> SessionRecord:
    """A session of the sample school, told apart by its number."""
    return SessionRecord(
        school_id=school_id,
        id=UUID(int=number),
        family_id=UUID(int=number),
        issuer="native:email",
        subject_index=bytes(32),
        channel="NATIVE",
        device_label="Sample phone",
        binding_id=None,
        cardholder_id=cardholder_id,
        staff_id=staff_id,
        step_up_at=None,
        created_at=NOON,
        last_seen_at=NOON,
        expires_at=NOON + timedelta(minutes=15),
    )


def cardholder_viewer(school_id: int = 7, number: int = 1) -> CardholderViewer:
    """A cardholder in a session of that number."""
    return CardholderViewer(session(school_id, number, cardholder_id=UUID(int=1)))


def staff_viewer(*roles: str, school_id: int = 7, number: int = 4) -> StaffViewer:
    """A member of staff with these roles, in a session of that number."""
    member = StaffMember(
        UUID(int=3), "sample", "Sample Clerk", frozenset(map(Role, roles)), None, active=True
    )
    return StaffViewer(session(school_id, number, staff_id=member.id), member)


def terminal_viewer(school_id: int = 7, number: int = 7) -> TerminalViewer:
    """A till of that number whose signature was verified."""
    terminal = Terminal(
        number, UUID(int=8), 0, TerminalState.ACTIVE, DeviceClass.TILL, ("MEAL",), None, None, None
    )
    merchant = Merchant(UUID(int=8), 1, "示例食堂", "Sample Canteen", True, UUID(int=9))
    key = RequestKey(number, 1, 1)
    signed = SignedHeaders(KeyId(school_id, number, 1), key, 0, bytes(16), "", "", bytes(64))
    return TerminalViewer(school_id, EnrolledTerminal(terminal, merchant, ()), signed)
