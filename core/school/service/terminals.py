"""Use cases of terminals: registry, activation, enrolment, states and keys."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

from core.audit.records import Actor, ActorKind, Facts
from core.audit.service import Audit
from core.db import attempts
from core.db.unit import Database, Unit
from core.kit.clock import Clock, window_start
from core.ports.proofs import TerminalProofs
from core.school.edge_keys import EDGE_KIDS, EdgeKey, is_working_edge
from core.school.records import (
    ActivationInvalid,
    DeviceClass,
    EnrolledTerminal,
    FingerprintMismatch,
    Guess,
    KeyRotationInvalid,
    MerchantUnknown,
    SchoolUnknown,
    SiteUnknown,
    Terminal,
    TerminalKey,
    TerminalState,
    TerminalStateInvalid,
    TerminalUnknown,
)
from core.school.service.losses import Losses
from core.school.store import schools as school_store
from core.school.store import terminals as store
from core.school.terminal_states import state_after

ACTIVATION = timedelta(minutes=15)
ACTIVATION_TRIES = 5
OVERLAP = timedelta(hours=24)
KEYS_MAXIMUM = 255
_CACHE = timedelta(seconds=30)
_CACHE_ENTRIES = 10_000
_SEEN = timedelta(minutes=1)
_HOUR_SECONDS = 3_600

StateAct = Literal["LOCK", "UNLOCK", "RETIRE"]


class Terminals:
    """The registry of terminals. A revoked one is refused everywhere within 30 s."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        audit: Audit,
        proofs: TerminalProofs,
        losses: Losses,
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._proofs = proofs
        self._losses = losses
        self._cache: OrderedDict[tuple[int, int], tuple[datetime, EnrolledTerminal]] = OrderedDict()
        self._seen: dict[tuple[int, int], datetime] = {}

    async def register(
        self,
        school_id: int,
        merchant_number: int,
        site_number: int,
        device_class: DeviceClass,
        scenes: Sequence[str],
        by: Actor,
    ) -> Terminal:
        """Adds a terminal of a merchant at a site, under the next free number; never VIRTUAL.

        Raises: SchoolUnknown, MerchantUnknown, SiteUnknown, TerminalStateInvalid, LossNotAccepted
        if it could sell more offline than the school has accepted to lose.
        """
        if device_class is DeviceClass.VIRTUAL:  # a merchant's first print makes the only one
            raise TerminalStateInvalid(act="REGISTER", state=TerminalState.NEW)

        async def work(unit: Unit) -> Terminal:
            if not await school_store.lock_school(unit):
                raise SchoolUnknown("schoolId")
            merchant = await school_store.find_merchant(unit, merchant_number)
            if merchant is None:
                raise MerchantUnknown("merchantNumber")
            if site_number not in {site.number for site in await school_store.list_sites(unit)}:
                raise SiteUnknown("siteNumber")
            number = await store.next_number(unit)
            state = TerminalState.NEW
            terminal = Terminal(
                number, merchant.id, site_number, state, device_class, tuple(scenes), *[None] * 3
            )
            await store.insert(unit, terminal, self._clock.now())
            await self._losses.check_in_force(unit)
            facts = {"merchant_number": merchant_number, "site_number": site_number}
            await self._note(unit, by, "register", number, facts)
            return terminal

        return await self._database.unit(school_id, work)

    async def list_all(self, school_id: int) -> list[Terminal]:
        """The terminals of a school, by number."""
        return await self._database.unit(school_id, store.list_all)

    async def list_working(self, school_id: int) -> list[EnrolledTerminal]:
        """The active terminals of a school with merchant and keys, by number."""
        return await self._database.unit(school_id, store.list_working)

    async def edge_keys(self, school_id: int) -> list[EdgeKey]:
        """The keys of the school's active edges that are still in use, by kid."""
        now = self._clock.now()
        return await self._database.unit(school_id, lambda unit: store.list_edge_keys(unit, now))

    async def activation_open(self, school_id: int, number: int, code: str, by: Actor) -> datetime:
        """Makes `code` good for one enrolment; until when. Earlier codes are good no more.

        Raises: TerminalUnknown, TerminalStateInvalid.
        """

        async def work(unit: Unit) -> datetime:
            terminal = await self._lock(unit, number)
            if terminal.device_class is DeviceClass.VIRTUAL:  # no device ever signs as it
                raise TerminalStateInvalid(act="ENROL", state=terminal.state)
            state_after("ENROL", terminal.state)
            now = self._clock.now()
            await store.insert_activation(unit, number, _hashed(code), now + ACTIVATION, now)
            await self._note(unit, by, "activation", number, {})
            return now + ACTIVATION

        return await self._database.unit(school_id, work)

    async def enrol(
        self,
        school_id: int,
        code: str,
        public_key: bytes,
        model: str,
        serial_number: str,
        proof: bytes,
    ) -> EnrolledTerminal:
        """Registers a terminal's key against its activation code; PENDING until `confirm`.

        The try is counted before the proof is looked at, 5 in all. Keys it had before end now.
        Raises: ActivationInvalid, one answer for an unknown, old or used code and a bad proof.
        """
        digest, now = _hashed(code), self._clock.now()
        number = await self._database.unit(
            school_id, lambda unit: store.try_activation(unit, digest, ACTIVATION_TRIES, now)
        )
        if number is None or not self._proofs.enrols(code, public_key, serial_number, proof):
            raise ActivationInvalid("activationCode")

        async def work(unit: Unit) -> EnrolledTerminal:
            terminal = await self._lock(unit, number)
            keys = await store.list_keys(unit, number)
            is_known = any(key.public_key == public_key for key in keys)
            if is_known or not await store.use_activation(unit, digest, now):
                raise ActivationInvalid("activationCode")
            await store.update_state(unit, number, state_after("ENROL", terminal.state))
            await store.update_device(unit, number, model, serial_number)
            await store.end_keys(unit, number, now)
            key = await self._add_key(unit, terminal, keys, public_key, now)
            by = Actor(ActorKind.TERMINAL, str(number))
            facts: Facts = {"fingerprint": key.fingerprint, "key_no": key.number}
            await self._note(unit, by, "enrol", number, facts)
            return await self._enrolled(unit, number)

        return self._forget(school_id, await self._database.unit(school_id, work))

    async def confirm(
        self, school_id: int, number: int, fingerprint: str, by: Actor
    ) -> EnrolledTerminal:
        """School IT compared the fingerprint on both sides: the terminal may work.

        Raises: TerminalUnknown, TerminalStateInvalid, FingerprintMismatch.
        """

        async def check(unit: Unit) -> None:
            keys = await store.list_keys(unit, number)
            if not keys or keys[-1].fingerprint != fingerprint.strip().lower():
                raise FingerprintMismatch("fingerprint")

        async def work(unit: Unit) -> EnrolledTerminal:
            await self._lock(unit, number)
            await check(unit)
            return await self._move(unit, "CONFIRM", number, by, "")

        return self._forget(school_id, await self._database.unit(school_id, work))

    async def change_state(
        self, school_id: int, number: int, act: StateAct, reason: str, by: Actor
    ) -> EnrolledTerminal:
        """LOCK, UNLOCK or RETIRE a terminal; one that is there already stays as it is.

        A stolen edge is locked at once, whatever it costs: the key document lists it until the
        next one. Raises: TerminalUnknown, TerminalStateInvalid, EdgeNeeded if an edge is retired
        without which more could be lost than the school accepts.
        """

        async def work(unit: Unit) -> EnrolledTerminal:
            terminal = await self._lock(unit, number)
            if act != "RETIRE" or not is_working_edge(terminal):
                return await self._move(unit, act, number, by, reason)
            await school_store.lock_school(unit)
            before = await self._losses.in_force(unit)
            enrolled = await self._move(unit, act, number, by, reason)
            await self._losses.check_without_edge(unit, before.loss_minor)
            return enrolled

        return self._forget(school_id, await self._database.unit(school_id, work))

    async def rotate_key(
        self, school_id: int, number: int, new_public_key: bytes, proof: bytes
    ) -> EnrolledTerminal:
        """Adds the next key; the one before stays valid 24 h. The same key again: same answer.

        Raises: TerminalUnknown, TerminalStateInvalid, KeyRotationInvalid.
        """

        async def work(unit: Unit) -> EnrolledTerminal:
            terminal = await self._lock(unit, number)
            if terminal.state is not TerminalState.ACTIVE:
                raise TerminalStateInvalid(act="ROTATE", state=terminal.state)
            keys = await store.list_keys(unit, number)
            if keys[-1].public_key == new_public_key:
                return await self._enrolled(unit, number)
            is_known = any(key.public_key == new_public_key for key in keys)
            following = keys[-1].number + 1
            if is_known or not self._proofs.rotates(
                school_id, number, following, new_public_key, proof
            ):
                raise KeyRotationInvalid("newPublicKey")
            now = self._clock.now()
            await store.end_keys(unit, number, now + OVERLAP)
            key = await self._add_key(unit, terminal, keys, new_public_key, now)
            by = Actor(ActorKind.TERMINAL, str(number))
            facts: Facts = {"fingerprint": key.fingerprint, "key_no": key.number}
            await self._note(unit, by, "rotate", number, facts)
            return await self._enrolled(unit, number)

        return self._forget(school_id, await self._database.unit(school_id, work))

    async def find_enrolled(
        self, school_id: int, number: int, key_no: int | None = None
    ) -> EnrolledTerminal | None:
        """The terminal with merchant and keys, as it was at most 30 s ago.

        It is read again if it has no key `key_no`: another process may just have rotated that in.
        For the check of a request's signature, which is why an unknown number is no refusal.
        """
        now, key = self._clock.now(), (school_id, number)
        cached = self._cache.get(key)
        is_known = cached is not None and _has_key(cached[1], key_no)
        if cached is not None and is_known and now - cached[0] < _CACHE:
            return cached[1]
        if is_known:
            await self._renew(school_id, now)
            return self._cache[key][1] if key in self._cache else None
        found = await self._database.unit(school_id, lambda unit: store.find_enrolled(unit, number))
        if found is not None:
            self._cache[key] = (now, found)
            if len(self._cache) > _CACHE_ENTRIES:
                self._cache.popitem(last=False)
        return found

    async def _renew(self, school_id: int, now: datetime) -> None:
        """Reads the terminals of a school that are known here again: one read for hundreds.

        Whoever comes meanwhile goes by what was known. When it fails, nothing is known any more.
        """
        known = [key for key in self._cache if key[0] == school_id]
        for key in known:
            self._cache[key] = (now, self._cache[key][1])
        numbers = [number for _, number in known]
        found: Mapping[int, EnrolledTerminal] = {}
        try:
            found = await self._database.unit(
                school_id, lambda unit: store.by_numbers(unit, numbers)
            )
        finally:
            for key in known:
                was_forgotten = self._cache.pop(key, None) is None  # it changed meanwhile
                if key[1] in found and not was_forgotten:
                    self._cache[key] = (now, found[key[1]])

    async def note_seen(self, school_id: int, number: int) -> None:
        """Notes a sign of life of a verified terminal, at most once a minute."""
        now, key = self._clock.now(), (school_id, number)
        if key in self._seen and now - self._seen[key] < _SEEN:
            return
        self._seen[key] = now
        await self._database.unit(
            school_id, lambda unit: store.update_seen(unit, number, now, now - _SEEN)
        )

    async def count_guess(self, school_id: int, number: int, kind: Guess) -> int:
        """Counts a code that nobody has or a wrong PIN at this terminal; how many in this hour."""
        key, start = str(number).encode(), window_start(self._clock.now(), _HOUR_SECONDS)
        return await self._database.unit(
            school_id, lambda unit: attempts.count(unit, kind, key, start)
        )

    async def _move(
        self, unit: Unit, act: str, number: int, by: Actor, reason: str
    ) -> EnrolledTerminal:
        terminal = await self._lock(unit, number)
        end = state_after(act, terminal.state)
        if end is not terminal.state:
            await store.update_state(unit, number, end)
            facts = {"state_before": terminal.state.value, "state_after": end.value}
            await self._note(unit, by, act.lower(), number, facts, reason)
        return await self._enrolled(unit, number)

    async def _add_key(
        self,
        unit: Unit,
        terminal: Terminal,
        keys: Sequence[TerminalKey],
        public_key: bytes,
        now: datetime,
    ) -> TerminalKey:
        key_no = keys[-1].number + 1 if keys else 1
        if key_no > KEYS_MAXIMUM:
            raise KeyRotationInvalid("newPublicKey")
        key = TerminalKey(key_no, public_key, now, None)
        await store.insert_key(unit, terminal.number, key)
        if terminal.device_class is DeviceClass.EDGE:
            await school_store.lock_school(unit)  # two edges must not draw one id
            kid = await store.find_free_kid(unit, EDGE_KIDS)
            if kid is None:
                raise KeyRotationInvalid("newPublicKey")
            await store.insert_edge_key(unit, kid, terminal.number, key.number)
        return key

    async def _lock(self, unit: Unit, number: int) -> Terminal:
        terminal = await store.lock(unit, number)
        if terminal is None:
            raise TerminalUnknown("terminalNo")
        return terminal

    async def _enrolled(self, unit: Unit, number: int) -> EnrolledTerminal:
        enrolled = await store.find_enrolled(unit, number)
        assert enrolled is not None  # locked by this unit
        return enrolled

    async def _note(
        self, unit: Unit, by: Actor, act: str, number: int, facts: Facts, reason: str = ""
    ) -> None:
        await self._audit.append(unit, by, f"terminal.{act}", f"terminal:{number}", facts, reason)

    def _forget(self, school_id: int, enrolled: EnrolledTerminal) -> EnrolledTerminal:
        self._cache.pop((school_id, enrolled.terminal.number), None)
        return enrolled


def _has_key(enrolled: EnrolledTerminal, key_no: int | None) -> bool:
    return key_no is None or any(key.number == key_no for key in enrolled.keys)


def _hashed(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()
