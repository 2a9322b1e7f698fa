"""The roster import: each accepted row creates, changes or confirms one cardholder."""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from uuid import UUID

from core.db.unit import Database, Unit
from core.identity.addresses import find_address
from core.identity.matching import name_form
from core.identity.records import RosterReport, RosterRow, RowRefusal
from core.identity.roster_file import read_roster
from core.identity.roster_rows import row_digest
from core.identity.service.bindings import ReadPolicy
from core.identity.store import cardholders as store
from core.identity.store.cardholders import Known, SealedCardholder
from core.kit.clock import Clock, business_day
from core.kit.ids import Ids
from core.kit.sealed import Sealer
from core.ports.messages import AddressKind
from core.ports.newcomers import CardDirectory, Newcomer, NewcomerOpener

ROWS_PER_UNIT = 500

_CAMPUS = ("campus", "CAMPUS_UNKNOWN", "学校没有这个校区", "The school has no such campus")
_CARD = ("card_uid", "CARD_TAKEN", "此卡属于另一持卡人", "The card is another cardholder's")
_BALANCE = (
    "old_balance", "OLD_BALANCE_DIFFERS",
    "旧卡余额已按另一金额转入", "Another old balance was moved in before",
)  # fmt: skip


def _ignore_progress(_rows: int) -> None:
    """For who shows no progress."""


@dataclass(slots=True)
class _Chunk:
    """What one unit did."""

    added: list[SealedCardholder] = field(default_factory=list)
    changed: list[SealedCardholder] = field(default_factory=list)
    newcomers: list[Newcomer] = field(default_factory=list)
    refusals: list[RowRefusal] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    file_minor: int = 0
    already_minor: int = 0

    @property
    def posted_minor(self) -> int:
        return sum(newcomer.opening_minor for newcomer in self.newcomers)


class RosterImport:
    """Imports rosters. `openers` set up a newcomer's purses, limits and cards, in this order."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        sealer: Sealer,
        read_policy: ReadPolicy,
        cards: CardDirectory,
        openers: Sequence[NewcomerOpener],
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._sealer = sealer
        self._read_policy = read_policy
        self._cards = cards
        self._openers = openers

    async def import_file(
        self,
        school_id: int,
        data: bytes,
        imported_by: str,
        refused: Callable[[RowRefusal], None],
        progress: Callable[[int], None] = _ignore_progress,
    ) -> RosterReport:
        """Imports a CSV or XLSX file; nothing of a file that is no roster is applied.

        Rows are committed 500 at a time. A row is refused alone, and `refused` hears why. Importing
        the same file again changes nothing, also after an import that was cut in the middle.
        `progress` hears how many rows were applied so far, `imported_by` is who is answerable.
        Raises: RosterFileInvalid.
        """
        today = self._clock.now().date()
        rows = await asyncio.to_thread(lambda: list(read_roster(data, today)))
        import_id = self._ids.new()
        policy = await self._read_policy(school_id)
        day = business_day(self._clock.now(), policy.day.zone)
        campuses = await self._database.unit(school_id, store.campus_codes)
        totals = _Totals(progress)
        for refusal in rows:
            if isinstance(refusal, RowRefusal):
                totals.refuse(refusal, refused)
        accepted = (row for row in rows if isinstance(row, RosterRow))
        for chunk_rows in _chunks(accepted):

            async def work(unit: Unit, chunk_rows: list[RosterRow] = chunk_rows) -> _Chunk:
                return await self._apply(unit, chunk_rows, campuses, import_id, day)

            totals.add(await self._database.unit(school_id, work), len(chunk_rows), refused)
        digest = hashlib.sha256(data).digest()
        return await self._database.unit(
            school_id, lambda unit: self._record(unit, import_id, totals, digest, imported_by)
        )

    async def _apply(
        self,
        unit: Unit,
        rows: Sequence[RosterRow],
        campuses: dict[str, str],
        import_id: UUID,
        day: date,
    ) -> _Chunk:
        await store.lock_roster(unit)
        known = await store.known_by_number(unit, [row.number for row in rows])
        uids = [row.card_uid for row in rows if row.card_uid is not None]
        owners = await self._cards.owners(unit, uids)
        chunk = _Chunk()
        for row in rows:
            before = known.get(row.number)
            owner = owners.get(row.card_uid) if row.card_uid is not None else None
            reason = _reason_against(row, before, owner, campuses)
            if reason is not None:
                column, code, zh, en = reason
                chunk.refusals.append(RowRefusal(row.row, column, code, zh, en, row.number))
                continue
            self._take(unit.school_id, chunk, row, before, campuses, import_id)
        await store.add(unit, chunk.added)
        await store.update(unit, chunk.changed)
        for opener in self._openers:
            await opener.open_newcomers(unit, chunk.newcomers, day)
        return chunk

    def _take(
        self,
        school_id: int,
        chunk: _Chunk,
        row: RosterRow,
        before: Known | None,
        campuses: dict[str, str],
        import_id: UUID,
    ) -> None:
        chunk.accepted.append(row.number)
        opened = before.opening_minor if before is not None else None
        chunk.file_minor += row.old_balance_minor or 0
        if opened is not None and row.old_balance_minor:
            chunk.already_minor += opened
        digest = self._sealer.blind_index(school_id, "cardholder.roster", row_digest(row))
        if before is not None and before.roster_digest == digest:
            return
        person_id = before.id if before is not None else self._ids.new()
        opening = (row.old_balance_minor or 0) if opened is None else 0
        person = self._seal(
            school_id, person_id, row, campuses, digest, import_id, opened or opening or None
        )
        (chunk.added if before is None else chunk.changed).append(person)
        chunk.newcomers.append(Newcomer(person_id, row.kind, row.card_uid, opening))

    def _seal(
        self,
        school_id: int,
        person_id: UUID,
        row: RosterRow,
        campuses: dict[str, str],
        digest: bytes,
        import_id: UUID,
        opening_minor: int | None,
    ) -> SealedCardholder:
        def sealed(column: str, text: str | None) -> bytes | None:
            if text is None:
                return None
            return self._sealer.seal(school_id, f"cardholder.{column}", person_id, text)

        def index(column: str, text: str) -> bytes:
            return self._sealer.blind_index(school_id, f"cardholder.{column}", text)

        phone = find_address(AddressKind.PHONE, row.phone)
        email = find_address(AddressKind.EMAIL, row.email)
        return SealedCardholder(
            id=person_id,
            number=row.number,
            kind=row.kind,
            campus_code=campuses[row.campus] if row.campus is not None else None,
            name_sealed=self._sealer.seal(school_id, "cardholder.name", person_id, row.name),
            name_index=index("name", name_form(row.name)),
            department_sealed=sealed("department", row.department),
            id_type=row.id_type,
            id_number_sealed=sealed("id_number", row.id_number),
            id_number_index=index("id_number", row.id_number) if row.id_number else None,
            phone_sealed=sealed("phone", row.phone),
            phone_index=phone.index(self._sealer, school_id) if phone else None,
            email_sealed=sealed("email", row.email),
            email_index=email.index(self._sealer, school_id) if email else None,
            roster_digest=digest,
            roster_import_id=import_id,
            opening_minor=opening_minor,
            changed_at=self._clock.now(),
        )

    async def _record(
        self, unit: Unit, import_id: UUID, totals: "_Totals", digest: bytes, imported_by: str
    ) -> RosterReport:
        numbers = await store.active_numbers(unit)
        leavers = tuple(number for number in numbers if number not in totals.accepted)
        await store.add_import(
            unit,
            (
                import_id, digest, totals.rows, totals.created, totals.changed,
                len(totals.refused_rows), len(leavers), totals.posted_minor, imported_by,
                self._clock.now(),
            ),
        )  # fmt: skip
        return RosterReport(
            id=import_id,
            rows_read=totals.rows,
            created=totals.created,
            changed=totals.changed,
            unchanged=len(totals.accepted) - totals.created - totals.changed,
            refused=len(totals.refused_rows),
            leavers=leavers,
            file_minor=totals.file_minor,
            posted_minor=totals.posted_minor,
            already_minor=totals.already_minor,
        )


class _Totals:
    """Adds up the chunks of one import."""

    def __init__(self, progress: Callable[[int], None]) -> None:
        self._progress = progress
        self.applied = self.created = self.changed = 0
        self.file_minor = self.posted_minor = self.already_minor = 0
        self.accepted: set[str] = set()
        self.refused_rows: set[int] = set()

    @property
    def rows(self) -> int:
        return len(self.accepted) + len(self.refused_rows)

    def refuse(self, refusal: RowRefusal, refused: Callable[[RowRefusal], None]) -> None:
        self.refused_rows.add(refusal.row)
        refused(refusal)

    def add(self, chunk: _Chunk, rows: int, refused: Callable[[RowRefusal], None]) -> None:
        self.created += len(chunk.added)
        self.changed += len(chunk.changed)
        self.file_minor += chunk.file_minor
        self.posted_minor += chunk.posted_minor
        self.already_minor += chunk.already_minor
        self.accepted.update(chunk.accepted)
        for refusal in chunk.refusals:
            self.refuse(refusal, refused)
        self.applied += rows
        self._progress(self.applied)


def _chunks(rows: Iterable[RosterRow]) -> Iterator[list[RosterRow]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, ROWS_PER_UNIT)):
        yield chunk


def _reason_against(
    row: RosterRow, before: Known | None, card_owner: UUID | None, campuses: dict[str, str]
) -> tuple[str, str, str, str] | None:
    """Why a row cannot be applied to this school: column, code, zh, en; None if it can."""
    if row.campus is not None and row.campus not in campuses:
        return _CAMPUS
    if card_owner is not None and (before is None or card_owner != before.id):
        return _CARD
    opened = before.opening_minor if before is not None else None
    if opened is not None and row.old_balance_minor not in {None, opened}:
        return _BALANCE
    return None
