"""Sessions of staff: half an hour idle, eight hours at most, always with a second factor."""

from core.db.unit import Database, Unit
from core.identity.records import SessionRecord, SessionTokens, StaffNotConfirmed
from core.identity.service.sessions import Sessions
from core.identity.service.step_up import note_step_up
from core.kit.clock import Clock
from core.kit.ids import Ids
from core.kit.sealed import Sealer
from core.ports.staff import StaffChecker

ISSUER = "staff"
CHANNEL = "CONSOLE"


class StaffSignIn:
    """Sign-in at the desk."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        sealer: Sealer,
        staff: StaffChecker,
        sessions: Sessions,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._sealer = sealer
        self._staff = staff
        self._sessions = sessions

    async def sign_in(
        self, school_id: int, login: str, password: str, second_factor: str, device_label: str
    ) -> SessionTokens:
        """A session of a member of staff, without a refresh token.

        Raises: StaffNotConfirmed, and what the checker raises when its tries are spent.
        """
        staff_id = await self._staff.check(school_id, login, password, second_factor)
        if staff_id is None:
            raise StaffNotConfirmed
        now, family_id = self._clock.now(), self._ids.new()
        session = SessionRecord(
            school_id=school_id,
            id=family_id,
            family_id=family_id,
            issuer=ISSUER,
            subject_index=self._sealer.blind_index(school_id, "staff.id", str(staff_id)),
            channel=CHANNEL,
            device_label=device_label,
            binding_id=None,
            cardholder_id=None,
            staff_id=staff_id,
            step_up_at=now,
            created_at=now,
            last_seen_at=now,
            expires_at=now,
        )

        async def work(unit: Unit) -> SessionTokens:
            return await self._sessions.open(unit, session)

        return await self._database.unit(school_id, work)

    async def step_up(self, session: SessionRecord, second_factor: str) -> SessionRecord:
        """The session with a second factor given now.

        Raises: SessionEnded, and what the checker raises for a code that is not good.
        """
        assert session.staff_id is not None
        at = await self._staff.prove_second_factor(
            session.school_id, session.staff_id, second_factor
        )
        return await self._database.unit(
            session.school_id, lambda unit: note_step_up(unit, session, at)
        )
