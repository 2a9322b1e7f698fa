"""Use cases of staff: making a member, checking their credentials, and who may act."""

from datetime import datetime
from uuid import UUID

from core.audit.records import Actor, ActorKind
from core.audit.service import Audit
from core.db import attempts
from core.db.unit import Database, Unit
from core.kit.clock import Clock, unix_seconds
from core.kit.ids import Ids
from core.kit.sealed import Sealer
from core.kit.slow_hash import SlowHash
from core.school.records import (
    LoginTaken,
    NewStaff,
    Role,
    SchoolUnknown,
    SecondFactorWrong,
    StaffCaller,
    StaffMember,
    StaffNotAllowed,
)
from core.school.staff_rules import check_login, check_may, check_password
from core.school.store import schools as school_store
from core.school.store import staff as store
from core.school.store.staff import Credentials
from core.school.totp import find_step, secret_bytes, secret_text

TRIES = 5
WINDOW_SECONDS = 900
_PLACE = "staff.totp_sealed"
_SECRET_BYTES = 20


class Staff:
    """The people at a school's desks."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        sealer: Sealer,
        slow_hash: SlowHash,
        audit: Audit,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._sealer = sealer
        self._slow_hash = slow_hash
        self._audit = audit

    async def create(
        self,
        school_id: int,
        login: str,
        display_name: str,
        roles: frozenset[Role],
        password: str,
        by: Actor,
        cardholder_number: str | None = None,
    ) -> NewStaff:
        """Adds a member and makes the secret of their second factor, shown this once.

        Raises: LoginInvalid, PasswordWeak, LoginTaken, SchoolUnknown, Overloaded.
        """
        check_login(login)
        check_password(login, password)
        password_hash = await self._slow_hash.make(password)
        secret = secret_text(self._ids.bytes(_SECRET_BYTES))
        member = StaffMember(
            self._ids.new(), login, display_name, roles, cardholder_number, active=True
        )
        sealed = self._sealer.seal(school_id, _PLACE, member.id, secret)

        async def work(unit: Unit) -> NewStaff:
            if await school_store.find_school(unit) is None:
                raise SchoolUnknown("schoolId")
            credentials = Credentials(member, password_hash, sealed, 0)
            if not await store.insert(unit, credentials, self._clock.now()):
                raise LoginTaken("login")
            facts = {"login": login, "roles": ",".join(sorted(roles))}
            await self._audit.append(unit, by, "staff.create", f"staff:{member.id}", facts)
            return NewStaff(member, secret)

        return await self._database.unit(school_id, work)

    async def check(
        self, school_id: int, login: str, password: str, second_factor: str
    ) -> UUID | None:
        """The active member whom login, password and code name, or None for any reason there is.

        Each try is counted before anything is compared, 5 in 15 minutes; an unknown login costs
        the same time. A code is good once.
        Raises: Overloaded.
        """
        credentials, tries = await self._count(school_id, "STAFF_SIGN_IN", login, login)
        is_right = await self._slow_hash.matches(
            credentials.password_hash if credentials else None, password
        )
        if credentials is None or not is_right or tries > TRIES or not credentials.member.active:
            return None
        is_spent = await self._spend(school_id, "STAFF_SIGN_IN", login, credentials, second_factor)
        return credentials.member.id if is_spent else None

    async def prove_second_factor(self, school_id: int, staff_id: UUID, code: str) -> datetime:
        """When a signed-in member gave a fresh code: now. Same limit on tries as signing in.

        Raises: SecondFactorWrong, StaffNotAllowed.
        """
        member = await self.get(school_id, staff_id)
        key = str(staff_id)
        credentials, tries = await self._count(school_id, "STAFF_CODE", key, member.login)
        if credentials is None or tries > TRIES or not member.active:
            raise SecondFactorWrong("code")
        if not await self._spend(school_id, "STAFF_CODE", key, credentials, code):
            raise SecondFactorWrong("code")
        return self._clock.now()

    async def get(self, school_id: int, staff_id: UUID) -> StaffMember:
        """The member with this id, for a session that names them.

        Raises: StaffNotAllowed.
        """
        member = await self._database.unit(school_id, lambda unit: store.find(unit, staff_id))
        if member is None:
            raise StaffNotAllowed
        return member

    async def require(self, unit: Unit, caller: StaffCaller, *roles: Role) -> StaffMember:
        """Within another service's unit: the caller, as their row stands now, with one of `roles`.

        Raises: StaffNotAllowed.
        """
        return check_may(await store.find(unit, caller.staff_id), frozenset(roles))

    async def _count(
        self, school_id: int, kind: str, key: str, login: str
    ) -> tuple[Credentials | None, int]:
        """A unit of its own, so the try stays counted whatever follows."""
        now = self._clock.now()

        async def work(unit: Unit) -> tuple[Credentials | None, int]:
            tries = await attempts.count(unit, kind, key, WINDOW_SECONDS, now)
            return await store.find_credentials(unit, login), tries

        return await self._database.unit(school_id, work)

    async def _spend(
        self, school_id: int, kind: str, key: str, credentials: Credentials, code: str
    ) -> bool:
        """Spends the code's step and gives the tries back; False if the code is not good."""
        member = credentials.member
        text = self._sealer.open(school_id, _PLACE, member.id, credentials.totp_sealed)
        seconds, used = unix_seconds(self._clock.now()), credentials.totp_last_step
        step = find_step(secret_bytes(text), code, seconds, used)
        if step is None:
            return False

        async def work(unit: Unit) -> bool:
            is_first = await store.use_step(unit, member.id, step)
            if is_first:
                await attempts.forget(unit, kind, key)
            return is_first

        return await self._database.unit(school_id, work)


def staff_actor(member: StaffMember) -> Actor:
    """The member as the audit names them."""
    return Actor(ActorKind.STAFF, str(member.id))
