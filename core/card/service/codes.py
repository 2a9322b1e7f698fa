"""Use cases of codes: issuing passes and tokens, and finding whose code was presented."""

import hashlib
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from uuid import UUID

from core.card import slots
from core.card.neighbours import CardholderFacts, Cardholders, CardholderStatus, PolicyOf
from core.card.records import (
    AgreementMissing,
    Alias,
    AliasHolder,
    CardholderFrozen,
    CardholderLeaving,
    CardKind,
    CardState,
    CodeDevice,
    CodeHolder,
    DeviceUnknown,
    FeatureOff,
    Pass,
    PassIssue,
    PassLimit,
    Slot,
    Token,
    TokenTooSoon,
    VirtualCardNotOpened,
)
from core.card.store import cards, codes
from core.db.unit import Database, Unit
from core.kit.clock import Clock, from_unix, unix_seconds
from core.kit.ids import Ids
from core.ports.codes import CodeMaker, Funds, PassFacts, PassKind, TokenEntry, TokenIndex
from core.school.policy import Policy
from core.school.policy_words import PersonRight

TOKEN_SECONDS = 60
TOKEN_INTERVAL = timedelta(seconds=5)
_DRAWS_MAXIMUM = 16
"""Random draws until a free cap tag or alias is found; with 10^6 of 10^7 taken, all miss 1e-16."""


class Codes:
    """Passes, aliases and online tokens of enrolled devices."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        *,
        policy_of: PolicyOf,
        cardholders: Cardholders,
        maker: CodeMaker,
        tokens: TokenIndex,
        funds: Funds,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._policy_of = policy_of
        self._cardholders = cardholders
        self._maker = maker
        self._tokens = tokens
        self._funds = funds

    async def issue_passes(
        self, school_id: int, cardholder_id: UUID, device_id: UUID, kinds: Collection[PassKind]
    ) -> PassIssue:
        """The passes of the current slot, late in it of the next one too, and the T1 secrets.

        The same bytes again unless a fact in them changed (codes.md 10).
        Raises: FeatureOff, AgreementMissing, CardholderFrozen, CardholderLeaving, DeviceUnknown,
        VirtualCardNotOpened, PassLimit.
        """
        facts, policy = await self._admit(school_id, cardholder_id, kinds)
        available = await self._funds.available_minor(school_id, cardholder_id)
        cap_class = slots.cap_class(policy.offline, available)

        async def work(unit: Unit) -> PassIssue:
            device = await self._lock_device(unit, cardholder_id, device_id)
            now = self._clock.now()
            given = await self._slots(unit, device, slots.slot_seconds(facts.kind))
            passes = [
                await self._pass(unit, device, self._facts(device, slot, cap_class, facts, policy))
                for slot in given
            ]
            aliases = await self._aliases(unit, device, slots.alias_days(now, policy.day.zone))
            return PassIssue(
                passes=passes,
                totp_key=self._maker.totp_key(school_id, device.id, device.totp_version)
                if aliases
                else None,
                aliases=aliases,
                server_at=now,
                refresh_at=from_unix(slots.refresh_at([(s.starts_at, s.ends_at) for s in given])),
                rotation_seconds=policy.code.rotation_seconds,
                life_seconds=policy.code.life_seconds,
            )

        return await self._database.unit(school_id, work)

    async def issue_token(
        self, school_id: int, cardholder_id: UUID, device_id: UUID, kind: PassKind
    ) -> Token:
        """Draws a T0 code for an online phone: 60 s, two live per device (codes.md 2).

        Raises: FeatureOff, AgreementMissing, CardholderFrozen, CardholderLeaving, DeviceUnknown,
        VirtualCardNotOpened, TokenTooSoon, TokenIndexUnavailable.
        """
        await self._admit(school_id, cardholder_id, [kind])
        now = self._clock.now()

        async def work(unit: Unit) -> None:
            await self._lock_device(unit, cardholder_id, device_id)
            if not await codes.mark_drawn(unit, device_id, now, now - TOKEN_INTERVAL):
                raise TokenTooSoon

        await self._database.unit(school_id, work)
        text = self._maker.draw_token()
        await self._tokens.put(school_id, _digest(text), TokenEntry(device_id, kind))
        return Token(text, now + timedelta(seconds=TOKEN_SECONDS))

    async def find_pass(self, school_id: int, serial: bytes) -> CodeHolder | None:
        """Whose pass a serial (6 bytes) names."""
        return await self._database.unit(
            school_id, lambda unit: codes.find_holder_by_pass(unit, serial)
        )

    async def find_alias(self, school_id: int, day: date, alias: str) -> AliasHolder | None:
        """Whose alias it is on a school day; after a wrong TOTP call `count_wrong_totp`."""

        async def work(unit: Unit) -> AliasHolder | None:
            found = await codes.find_alias(unit, day, alias)
            if found is None:
                return None
            device_id, wrong_tries = found
            holder = await codes.find_holder_by_device(unit, device_id, PassKind.VIRTUAL_CARD)
            if holder is None:
                return None
            key = self._maker.totp_key(school_id, device_id, holder.totp_version)
            return AliasHolder(holder, key, wrong_tries)

        return await self._database.unit(school_id, work)

    async def count_wrong_totp(self, school_id: int, day: date, alias: str) -> None:
        """Counts a wrong TOTP, committed at once; five lock the alias for that day."""
        await self._database.unit(school_id, lambda unit: codes.count_wrong_totp(unit, day, alias))

    async def find_token(self, school_id: int, text: str) -> CodeHolder | None:
        """Whose live T0 token it is; None also after the index lost it: the phone draws again."""
        entry = await self._tokens.find(school_id, _digest(text))
        if entry is None:
            return None
        return await self._database.unit(
            school_id, lambda unit: codes.find_holder_by_device(unit, entry.device_id, entry.kind)
        )

    async def drop_token(self, school_id: int, text: str) -> None:
        """Forgets a token whose use is committed."""
        await self._tokens.drop(school_id, _digest(text))

    async def _admit(
        self, school_id: int, cardholder_id: UUID, kinds: Collection[PassKind]
    ) -> tuple[CardholderFacts, Policy]:
        facts = await self._cardholders.facts(school_id, cardholder_id)
        policy = await self._policy_of(school_id)
        has = slots.rights(facts.kind, policy.person.temporary)
        if PassKind.CAMPUS_CODE in kinds:
            raise AgreementMissing("kinds")  # no agreement can be signed yet
        if set(kinds) != {PassKind.VIRTUAL_CARD} or PersonRight.VIRTUAL not in has:
            raise FeatureOff("kinds")
        if facts.status is CardholderStatus.FROZEN:
            raise CardholderFrozen
        if facts.status is not CardholderStatus.ACTIVE:
            raise CardholderLeaving
        return facts, policy

    async def _lock_device(self, unit: Unit, cardholder_id: UUID, device_id: UUID) -> CodeDevice:
        """The live device, with the virtual card locked: issue and revocation take turns."""
        card = await cards.lock(unit, cardholder_id, CardKind.VIRTUAL)
        if card is None or card.state is not CardState.ACTIVE:
            raise VirtualCardNotOpened
        device = await codes.find_device(unit, device_id)
        if device is None or device.cardholder_id != cardholder_id or device.revoked_at is not None:
            raise DeviceUnknown("deviceId")
        return device

    async def _slots(self, unit: Unit, device: CodeDevice, length: int) -> list[Slot]:
        now = unix_seconds(self._clock.now())
        known = await codes.list_slots(unit, device.cardholder_id, now)
        by_start = {slot.starts_at: slot for slot in known}
        return [
            by_start.get(start) or await self._new_slot(unit, device.cardholder_id, start, end)
            for start, end in slots.windows(now, length, known)
        ]

    async def _new_slot(self, unit: Unit, cardholder_id: UUID, start: int, end: int) -> Slot:
        for _ in range(_DRAWS_MAXIMUM):
            slot = Slot(start, end, int.from_bytes(self._ids.bytes(4)))
            if await codes.insert_slot(unit, cardholder_id, slot):
                return slot
        raise AssertionError("no free cap tag")

    def _facts(
        self,
        device: CodeDevice,
        slot: Slot,
        cap_class: int,
        facts: CardholderFacts,
        policy: Policy,
    ) -> PassFacts: ...

    async def _pass(self, unit: Unit, device: CodeDevice, facts: PassFacts) -> Pass: ...

    async def _aliases(
        self, unit: Unit, device: CodeDevice, days: Sequence[date]
    ) -> list[Alias]: ...


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
