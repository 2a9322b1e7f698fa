"""Use cases of the deny list: what terminals refuse without a network, and who goes by it."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from core.db.unit import Database, Unit
from core.kit.clock import Clock, unix_seconds
from core.school.records import Denied, DeniedKind, DocumentKind, Protection
from core.school.store import deny as store
from core.school.store import documents as documents_store

MARGIN_SECONDS = 120
"""A code is good for a skew beyond its pass; no school's skew is longer than this."""
KEPT = timedelta(days=30)
"""How long a line that ended, and an acknowledgement that was followed by another, are kept."""
_FORGOTTEN_EVERY = timedelta(days=1)
_CACHE = timedelta(seconds=5)
_ACKNOWLEDGED_MAXIMUM = 10_000


class DenyList:
    """The school's deny list (codes.md 12). Its version rises with each revocation."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._versions: dict[int, tuple[datetime, int]] = {}
        self._forgot_at: dict[int, datetime] = {}
        self._acknowledged: OrderedDict[tuple[int, int, DocumentKind], int] = OrderedDict()

    async def add_serials(self, unit: Unit, ends: Iterable[tuple[bytes, int]]) -> None:
        """Puts serials on the list until their passes end (Unix seconds), in the unit that revokes.

        What ended before, or is on the list, changes nothing.
        """
        now = self._clock.now()
        second = unix_seconds(now)
        lines = {s: end + MARGIN_SECONDS for s, end in ends if end + MARGIN_SECONDS >= second}
        known = await store.list_known(unit, DeniedKind.SERIAL, list(lines))
        fresh = sorted(lines.keys() - known)
        if not fresh:
            return
        version = await store.next_version(unit, now)
        for serial in fresh:
            until = lines[serial]
            await store.insert(unit, Denied(DeniedKind.SERIAL, serial, version, until), now)

    async def change_cards(self, unit: Unit, until: Mapping[str, int | None]) -> None:
        """Puts chips (numbers in hex) on the list until a Unix second, or takes them off (None).

        In the unit that changes their cards.
        """
        if not until:
            return
        now = self._clock.now()
        version = await store.next_version(unit, now)
        for uid, end in sorted(until.items()):
            line = Denied(DeniedKind.UID, bytes.fromhex(uid), version, end or 1, end is None)
            await store.insert(unit, line, now)

    async def newest_version(self, school_id: int) -> int:
        """The list's version as it was at most 5 s ago; terminals ask every 30 s."""
        now = self._clock.now()
        cached = self._versions.get(school_id)
        if cached is not None and now - cached[0] < _CACHE:
            return cached[1]
        version = await self._database.unit(school_id, store.newest_version)
        self._versions[school_id] = (now, version)
        return version

    async def changes(self, school_id: int, held_version: int) -> tuple[int, list[Denied]]:
        """The newest version, and the live lines that came after the one held (0: all of them)."""

        async def work(unit: Unit) -> tuple[int, list[Denied]]:
            version = await store.newest_version(unit)
            above = held_version if held_version <= version else 0
            lines = await store.list_live(unit, above, unix_seconds(self._clock.now()))
            # A change that was committed meanwhile belongs to a later version.
            return version, [line for line in lines if line.version <= version]

        return await self._database.unit(school_id, work)

    async def acknowledge(
        self, school_id: int, terminal_no: int, held: Mapping[DocumentKind, int]
    ) -> None:
        """Notes which documents a terminal goes by; what was noted before costs nothing."""
        fresh = {
            kind: version
            for kind, version in held.items()
            if version > 0
            and kind is not DocumentKind.RIGHTS  # nobody bears a loss by it
            and self._acknowledged.get((school_id, terminal_no, kind)) != version
        }
        if not fresh:
            return

        async def work(unit: Unit) -> None:
            newest = {DocumentKind.DENY: await store.newest_version(unit)}
            for kind, version in fresh.items():
                if kind not in newest:
                    found = await documents_store.find_newest(unit, kind)
                    newest[kind] = 0 if found is None else found.version
                if version <= newest[kind]:
                    await store.insert_acknowledgement(
                        unit, terminal_no, kind, version, self._clock.now()
                    )

        await self._database.unit(school_id, work)
        for kind, version in fresh.items():
            self._acknowledged[school_id, terminal_no, kind] = version
            if len(self._acknowledged) > _ACKNOWLEDGED_MAXIMUM:
                self._acknowledged.popitem(last=False)

    async def forget(self, school_id: int) -> int:
        """Deletes what no record can be judged by any more, once a day; how many rows.

        That is serials that ended `KEPT` ago, and what a terminal had acknowledged before the
        newest acknowledgement of that time: a record that old is TOO_OLD, whatever was known.
        """
        now = self._clock.now()
        forgot_at = self._forgot_at.get(school_id)
        if forgot_at is not None and now - forgot_at < _FORGOTTEN_EVERY:
            return 0

        async def work(unit: Unit) -> int:
            return await store.forget(unit, now - KEPT, unix_seconds(now - KEPT))

        forgotten = await self._database.unit(school_id, work)
        self._forgot_at[school_id] = now
        return forgotten

    async def protection(self, school_id: int) -> Protection:
        """How far the school's terminals have come."""

        async def work(unit: Unit) -> Protection:
            parameters = await documents_store.find_newest(unit, DocumentKind.PARAMETERS)
            return Protection(
                0 if parameters is None else parameters.version,
                await store.newest_version(unit),
                await store.acknowledged(unit),
            )

        return await self._database.unit(school_id, work)
