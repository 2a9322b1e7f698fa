"""Use cases of sessions: find, refresh, list, revoke."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from core.db.unit import Database, Unit
from core.identity.lives import (
    GRACE_SECONDS,
    REFRESH_SECONDS,
    SEEN_SECONDS,
    STAFF_IDLE_SECONDS,
    is_live,
    life_of,
    renews,
    token_hash,
    token_school,
    token_text,
)
from core.identity.records import SessionEnded, SessionRecord, SessionTokens
from core.identity.service.messages import Messages
from core.identity.store import sessions as store
from core.kit.clock import Clock
from core.kit.ids import Ids
from core.ports.messages import MessageTemplate

DEVICES_MAXIMUM = 100


class Sessions:
    """Sessions of cardholders and staff.

    Every use reads the row, by its unique key: a revoked session is dead at once, and no copy of it
    elsewhere can outlive that.
    """

    def __init__(self, database: Database, clock: Clock, ids: Ids, messages: Messages) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._messages = messages

    async def find_session(self, token: str) -> SessionRecord | None:
        """The live session of an access token, read from its row; None for any other text."""
        school_id = token_school(token)
        if school_id is None:
            return None
        now = self._clock.now()
        session = await store.find_seen(
            self._database.reading(school_id), token_hash(token), now,
            now - timedelta(seconds=SEEN_SECONDS), now - timedelta(seconds=STAFF_IDLE_SECONDS),
        )  # fmt: skip
        return session if session is not None and is_live(session, now) else None

    async def find_by_id(self, school_id: int, session_id: UUID) -> SessionRecord | None:
        """A session that still stands, read from its row: for sockets that stay open."""
        session = await self._database.unit(
            school_id, lambda unit: store.find_by_id(unit, session_id)
        )
        return session if session is not None and is_live(session, self._clock.now()) else None

    async def open(self, unit: Unit, session: SessionRecord) -> SessionTokens:
        """Writes a new session inside the caller's unit and makes its tokens.

        Its id, times and tokens are made here; whatever `session` says of them is overwritten.
        """
        now, renewing = self._clock.now(), renews(session)
        opened = replace(
            session,
            id=self._ids.new(),
            created_at=now,
            last_seen_at=now,
            expires_at=now + life_of(session),
        )
        access = token_text(unit.school_id, self._ids.bytes(32))
        refresh = token_text(unit.school_id, self._ids.bytes(32)) if renewing else None
        until = now + timedelta(seconds=REFRESH_SECONDS) if refresh else None
        await store.add(
            unit, opened, token_hash(access), token_hash(refresh) if refresh else None, until
        )
        return SessionTokens(opened, access, refresh, until)

    async def refresh(self, refresh_token: str, device_label: str) -> SessionTokens:
        """New tokens for an old refresh token, which is used up by it.

        A second use within 10 s by the same device replaces what the first one made; any other
        second use revokes the whole family and tells the holder.
        Raises: SessionEnded.
        """
        school_id = token_school(refresh_token)
        if school_id is None:
            raise SessionEnded

        async def work(unit: Unit) -> SessionTokens | None:
            now = self._clock.now()
            found = await store.lock_refresh(unit, token_hash(refresh_token), now)
            if found is None:
                return None
            session, rotated_at = found
            if rotated_at is not None:
                late = now - rotated_at > timedelta(seconds=GRACE_SECONDS)
                if late or device_label != session.device_label:
                    await self._revoke_stolen(unit, session)
                    return None
                await store.revoke_successors(unit, session.family_id, session.id, now)
            tokens = await self.open(unit, session)
            until = now + timedelta(seconds=GRACE_SECONDS)
            await store.mark_rotated(unit, session.id, now, until)
            return tokens

        tokens = await self._database.unit(school_id, work)
        if tokens is None:
            raise SessionEnded
        return tokens

    async def list_devices(self, session: SessionRecord) -> list[SessionRecord]:
        """The devices signed in through the session's binding, or itself alone if unbound."""
        binding_id = session.binding_id
        if binding_id is None:
            return [session]
        now = self._clock.now()
        return await self._database.unit(
            session.school_id, lambda unit: store.list_live(unit, binding_id, now, DEVICES_MAXIMUM)
        )

    async def sign_out(self, session: SessionRecord) -> None:
        """Ends this device's session for good."""

        async def work(unit: Unit) -> None:
            await self.revoke(unit, "SIGNED_OUT", family_id=session.family_id)

        await self._database.unit(session.school_id, work)

    async def revoke_device(self, session: SessionRecord, device_id: UUID) -> bool:
        """Signs out one device of the binding, by its session id; False if it has no such."""
        listed = {device.id: device for device in await self.list_devices(session)}
        if device_id not in listed:
            return False
        await self.sign_out(listed[device_id])
        return True

    async def revoke_all(self, session: SessionRecord) -> None:
        """Signs out every device of the session's binding, or of its member of staff."""

        async def work(unit: Unit) -> None:
            await self.revoke(
                unit,
                "SIGNED_OUT_ALL",
                family_id=session.family_id,
                binding_id=session.binding_id,
                staff_id=session.staff_id,
            )

        await self._database.unit(session.school_id, work)

    async def revoke(
        self,
        unit: Unit,
        reason: str,
        *,
        family_id: UUID | None = None,
        binding_id: UUID | None = None,
        staff_id: UUID | None = None,
    ) -> None:
        """Revokes, inside the caller's unit, every session that any given id names."""
        now = self._clock.now()
        await store.revoke(
            unit, now, reason, family_id=family_id, binding_id=binding_id, staff_id=staff_id
        )

    async def _revoke_stolen(self, unit: Unit, session: SessionRecord) -> None:
        await self.revoke(unit, "REFRESH_REUSED", family_id=session.family_id)
        if session.cardholder_id is not None:
            await self._messages.write_notice(
                unit, session.cardholder_id, MessageTemplate.SESSION_REUSED
            )
