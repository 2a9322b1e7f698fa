"""Use cases of schools: their file, policy, sites and merchants."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import NamedTuple

from core.audit.records import Actor, Facts
from core.audit.service import Audit
from core.db.unit import Database, Unit
from core.kit.clock import Clock
from core.kit.ids import Ids
from core.ports.accounts import AccountOpener
from core.school.policy import Policy
from core.school.policy_diff import policy_digest
from core.school.policy_file import ConsentFacts, SchoolFile, parse_school_file
from core.school.records import (
    Campus,
    Merchant,
    MerchantUnknown,
    School,
    SchoolExists,
    SchoolFileOfOther,
    SchoolUnknown,
    Site,
)
from core.school.service.losses import Losses
from core.school.store import schools as store
from core.school.store.schools import PolicyVersion

_CACHE = timedelta(seconds=30)
_NO_SCHOOL = 0
"""Reading the public list is no school's own work."""


class FileInForce(NamedTuple):
    """A school's file and the number of its version."""

    version: int
    file: SchoolFile
    read_at: datetime


class Schools:
    """Schools and what is set for each. A policy may be up to 30 s old in another process."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        audit: Audit,
        accounts: AccountOpener,
        losses: Losses,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._audit = audit
        self._accounts = accounts
        self._losses = losses
        self._known: dict[int, FileInForce] = {}

    async def add(self, text: str, by: Actor) -> School:
        """Adds the school that a file describes, with version 1 of its policy.

        Raises: PolicyInvalid, SchoolExists.
        """
        file = parse_school_file(text)

        async def work(unit: Unit) -> School:
            now = self._clock.now()
            if not await store.insert_school(unit, file.school, now):
                raise SchoolExists("school", id=file.school.id, schoolCode=file.school.code)
            await self._write(unit, file, PolicyVersion(1, _digest(file), text), by)
            return await self._get(unit)

        return await self._database.unit(file.school.id, work)

    async def list_all(self) -> list[School]:
        """All schools, by number."""
        return await self._database.unit(_NO_SCHOOL, store.list_schools)

    async def get(self, school_id: int) -> School:
        """One school.

        Raises: SchoolUnknown.
        """
        return await self._database.unit(school_id, self._get)

    async def campuses(self, school_id: int) -> list[Campus]:
        """The campuses of a school, by code."""
        return await self._database.unit(school_id, store.list_campuses)

    async def policy(self, school_id: int) -> Policy:
        """The policy in force, as it was at most 30 s ago.

        Raises: SchoolUnknown.
        """
        return (await self.in_force(school_id)).file.policy

    async def policy_in(self, unit: Unit) -> Policy:
        """The same within another service's unit.

        Raises: SchoolUnknown.
        """
        return (self._fresh(unit.school_id) or await self._read(unit)).file.policy

    async def consents(self, school_id: int) -> tuple[ConsentFacts, ...]:
        """The documents people agree to, as they were at most 30 s ago.

        Raises: SchoolUnknown.
        """
        return (await self.in_force(school_id)).file.consents

    async def in_force(self, school_id: int) -> FileInForce:
        """The school's whole file, as it was at most 30 s ago.

        Raises: SchoolUnknown.
        """
        fresh = self._fresh(school_id)
        if fresh is not None:
            return fresh
        return await self._database.unit(school_id, self._read)

    async def file_of_version(self, school_id: int, version: int) -> SchoolFile:
        """A file that is or was in force.

        Raises: SchoolUnknown.
        """
        found = await self._database.unit(
            school_id, lambda unit: store.find_policy_version(unit, version)
        )
        if found is None:
            raise SchoolUnknown("schoolId")
        return parse_school_file(found.source)

    async def source(self, school_id: int) -> str:
        """The text of the file in force.

        Raises: SchoolUnknown.
        """
        found = await self._database.unit(school_id, store.find_policy)
        if found is None:
            raise SchoolUnknown("schoolId")
        return found.source

    async def renew(self, school_id: int, by: Actor) -> int:
        """Puts the file in force anew, so that what it refers to is read again; the version.

        Raises: SchoolUnknown.
        """

        async def work(unit: Unit) -> int:
            if not await store.lock_school(unit):
                raise SchoolUnknown("schoolId")
            current = await store.find_policy(unit)
            assert current is not None  # a school is added with its first version
            newer = PolicyVersion(current.version + 1, current.digest, current.source)
            await self._write(unit, parse_school_file(current.source), newer, by)
            return newer.version

        version = await self._database.unit(school_id, work)
        self._known.pop(school_id, None)
        return version

    async def policy_activate(self, school_id: int, text: str, by: Actor) -> int:
        """Takes over a school's new file; the policy's version, new only if it decides otherwise.

        Raises: PolicyInvalid, SchoolFileOfOther, SchoolUnknown, LossNotAccepted.
        """
        file = parse_school_file(text)
        if file.school.id != school_id:
            raise SchoolFileOfOther("school", id=file.school.id)

        async def work(unit: Unit) -> int:
            if not await store.lock_school(unit):
                raise SchoolUnknown("schoolId")
            current = await store.find_policy(unit)
            assert current is not None  # a school is added with its first version
            if current.source == text:
                return current.version
            await self._losses.check(unit, file.policy)
            await store.update_school(unit, file.school)
            changed = current.digest != _digest(file)
            version = current.version + changed
            await self._write(unit, file, PolicyVersion(version, _digest(file), text), by, changed)
            return version

        version = await self._database.unit(school_id, work)
        self._known.pop(school_id, None)
        return version

    async def site_put(self, school_id: int, site: Site, by: Actor) -> None:
        """Adds a site or renames it.

        Raises: SchoolUnknown.
        """

        async def work(unit: Unit) -> None:
            await self._get(unit)
            await store.put_site(unit, site)
            await self._audit.append(
                unit, by, "site.put", f"site:{site.number}", {"site_number": site.number}
            )

        await self._database.unit(school_id, work)

    async def sites(self, school_id: int) -> list[Site]:
        """The sites of a school, by number."""
        return await self._database.unit(school_id, store.list_sites)

    async def merchant_add(self, school_id: int, name_zh: str, name_en: str, by: Actor) -> Merchant:
        """Adds a merchant under the next free number and opens their account.

        Raises: SchoolUnknown.
        """

        async def work(unit: Unit) -> Merchant:
            if not await store.lock_school(unit):
                raise SchoolUnknown("schoolId")
            id_, number = self._ids.new(), await store.next_merchant_number(unit)
            account_id = await self._accounts.open_merchant_account(unit, id_)
            merchant = Merchant(id_, number, name_zh, name_en, True, account_id)
            await store.insert_merchant(unit, merchant, self._clock.now())
            await self._audit.append(
                unit, by, "merchant.add", f"merchant:{id_}", {"merchant_number": number}
            )
            return merchant

        return await self._database.unit(school_id, work)

    async def merchant(self, school_id: int, number: int) -> Merchant:
        """The merchant with a number.

        Raises: MerchantUnknown.
        """
        found = await self._database.unit(school_id, lambda unit: store.find_merchant(unit, number))
        if found is None:
            raise MerchantUnknown("merchantNumber")
        return found

    async def merchants(self, school_id: int) -> list[Merchant]:
        """The merchants of a school, by number."""
        return await self._database.unit(school_id, store.list_merchants)

    def _fresh(self, school_id: int) -> FileInForce | None:
        known = self._known.get(school_id)
        return known if known and self._clock.now() - known.read_at < _CACHE else None

    async def _read(self, unit: Unit) -> FileInForce:
        found = await store.find_policy(unit)
        if found is None:
            raise SchoolUnknown("schoolId")
        known = self._known.get(unit.school_id)
        is_known = known is not None and known.version == found.version
        file = known.file if known and is_known else parse_school_file(found.source)
        read = FileInForce(found.version, file, self._clock.now())
        self._known[unit.school_id] = read
        return read

    async def _get(self, unit: Unit) -> School:
        school = await store.find_school(unit)
        if school is None:
            raise SchoolUnknown("schoolId")
        return school

    async def _write(
        self, unit: Unit, file: SchoolFile, policy: PolicyVersion, by: Actor, is_new: bool = True
    ) -> None:
        """The campuses of a file and, where it is new, its policy; with their audit row."""
        for campus in file.school.campuses:
            await store.put_campus(unit, campus)
        if is_new:
            await store.insert_policy(unit, policy, f"{by.kind}:{by.id}", self._clock.now())
        facts: Facts = {"policy_version": policy.version, "policy_digest": policy.digest.hex()}
        await self._audit.append(unit, by, "school.file", f"school:{unit.school_id}", facts)


def _digest(file: SchoolFile) -> bytes:
    beside = asdict(file)
    del beside["school"], beside["policy"]
    return bytes.fromhex(policy_digest(file.policy, {k: v for k, v in beside.items() if v}))
