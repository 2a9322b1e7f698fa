"""Use cases of codes: issuing passes and tokens, and finding whose code was presented."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

from core.card import slots
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
from core.identity.records import Cardholder
from core.identity.service.cardholders import Cardholders
from core.kit.clock import Clock, business_day, from_unix, unix_seconds
from core.kit.ids import Ids
from core.ports.codes import CodeMaker, Funds, PassFacts, PassKind, TokenEntry, TokenIndex
from core.school.policy import Policy, PolicyOf
from core.school.policy_words import PersonRight
from core.school.records import FeatureOff

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
        person, policy = await self._admit(school_id, cardholder_id, kinds)
        available = await self._funds.available_minor(school_id, cardholder_id)

        async def work(unit: Unit) -> PassIssue:
            now = self._clock.now()
            if policy.offline.money and policy.offline.reserve_minor:
                await self._funds.lock(unit, cardholder_id)
            device = await self._lock_device(unit, cardholder_id, device_id)
            given = await self._slots(unit, person, unix_seconds(now))
            passes = []
            for slot in given:
                facts = _facts(person, policy, device, slot, available)
                covered = await self._covered(unit, person, policy, facts)
                passes.append(await self._pass(unit, device, covered))
            aliases = await self._aliases(unit, device, slots.alias_days(now, policy.day.zone))
            return PassIssue(
                passes=passes,
                totp_key=self._maker.totp_key(school_id, device_id, device.totp_version)
                if aliases
                else None,
                aliases=aliases,
                server_at=now,
                refresh_at=from_unix(slots.refresh_at(given[-1])),
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

    async def find_alias(
        self, school_id: int, alias: str, days: Collection[date]
    ) -> AliasHolder | None:
        """Whose alias it is on one of these school days.

        After a wrong TOTP call `count_wrong_totp`; with five, the alias is locked for that day.
        """

        async def work(unit: Unit) -> AliasHolder | None:
            found = await codes.find_alias(unit, alias, days)
            if found is None:
                return None
            device_id, wrong_tries, day = found
            holder = await codes.find_holder_by_device(unit, device_id, PassKind.VIRTUAL_CARD)
            if holder is None:
                return None
            key = self._maker.totp_key(school_id, device_id, holder.totp_version)
            return AliasHolder(holder, key, wrong_tries, day)

        return await self._database.unit(school_id, work)

    async def count_wrong_totp(self, school_id: int, alias: str, day: date) -> None:
        """Counts a wrong TOTP for an alias and its day, committed at once."""
        await self._database.unit(school_id, lambda unit: codes.count_wrong_totp(unit, alias, day))

    async def find_token(self, school_id: int, digest: bytes) -> CodeHolder | None:
        """Whose live T0 token it is, by its SHA-256.

        None also after the index lost it: the phone draws again.
        """
        entry = await self._tokens.find(school_id, digest)
        if entry is None:
            return None
        return await self._database.unit(
            school_id, lambda unit: codes.find_holder_by_device(unit, entry.device_id, entry.kind)
        )

    async def drop_token(self, school_id: int, digest: bytes) -> None:
        """Forgets a token whose use is committed."""
        await self._tokens.drop(school_id, digest)

    async def _admit(
        self, school_id: int, cardholder_id: UUID, kinds: Collection[PassKind]
    ) -> tuple[Cardholder, Policy]:
        person = await self._cardholders.get(school_id, cardholder_id)
        policy = await self._policy_of(school_id)
        has = slots.rights(person.kind, policy.person.temporary)
        if PassKind.CAMPUS_CODE in kinds:
            raise AgreementMissing("kinds")  # no agreement can be signed yet
        if set(kinds) != {PassKind.VIRTUAL_CARD} or PersonRight.VIRTUAL not in has:
            raise FeatureOff("kinds")
        if person.status == "FROZEN":
            raise CardholderFrozen
        if person.status != "ACTIVE":
            raise CardholderLeaving
        return person, policy

    async def _lock_device(self, unit: Unit, cardholder_id: UUID, device_id: UUID) -> CodeDevice:
        """The live device, with the virtual card locked: issue and revocation take turns."""
        card = await cards.lock(unit, cardholder_id, CardKind.VIRTUAL)
        if card is None or card.state is not CardState.ACTIVE:
            raise VirtualCardNotOpened
        device = await codes.find_device(unit, device_id)
        if device is None or device.cardholder_id != cardholder_id or device.revoked_at is not None:
            raise DeviceUnknown("deviceId")
        return device

    async def _slots(self, unit: Unit, person: Cardholder, now: int) -> list[Slot]:
        known = await codes.list_slots(unit, person.id, now)
        by_start = {slot.starts_at: slot for slot in known}
        return [
            by_start.get(start) or await self._new_slot(unit, person.id, start, end)
            for start, end in slots.windows(now, slots.slot_seconds(person.kind), known)
        ]

    async def _new_slot(self, unit: Unit, cardholder_id: UUID, start: int, end: int) -> Slot:
        for _ in range(_DRAWS_MAXIMUM):
            slot = Slot(start, end, int.from_bytes(self._ids.bytes(4)))
            if await codes.insert_slot(unit, cardholder_id, slot):
                return slot
        raise AssertionError("no free cap tag")

    async def _covered(
        self, unit: Unit, person: Cardholder, policy: Policy, facts: PassFacts
    ) -> PassFacts:
        """The same, with the slot's reserve set aside; without one it pays nothing offline."""
        amount = policy.offline.reserve_minor
        if not amount or facts.cap_class == 0:
            return facts
        day = business_day(self._clock.now(), policy.day.zone)
        is_covered = await self._funds.set_aside(unit, person.id, facts.cap_tag, amount, day)
        return facts if is_covered else replace(facts, cap_class=0)

    async def _pass(self, unit: Unit, device: CodeDevice, facts: PassFacts) -> Pass:
        """The device's pass that says just this, or a new one under the slot's next number."""
        for issued in await codes.list_passes(unit, device.id, facts.kind, facts.not_before):
            pass_no = int.from_bytes(issued.serial[4:])
            if (
                self._maker.make_pass(unit.school_id, replace(facts, pass_no=pass_no))
                == issued.content
            ):
                return issued
        number = await codes.take_pass_no(unit, facts.cap_tag, slots.PASSES_MAXIMUM)
        if number is None:
            raise PassLimit
        made = Pass(
            serial=facts.cap_tag.to_bytes(4) + number.to_bytes(2),
            kind=facts.kind,
            not_before=facts.not_before,
            ends_at=facts.ends_at,
            content=self._maker.make_pass(unit.school_id, replace(facts, pass_no=number)),
        )
        await codes.insert_pass(unit, device, made, self._clock.now())
        return made

    async def _aliases(self, unit: Unit, device: CodeDevice, days: Sequence[date]) -> list[Alias]:
        if unit.school_id > slots.ALIAS_ISSUER_MAXIMUM:
            return []
        known = await codes.list_aliases(unit, device.id, days)
        return [
            Alias(day, known.get(day) or await self._new_alias(unit, device, day)) for day in days
        ]

    async def _new_alias(self, unit: Unit, device: CodeDevice, day: date) -> str:
        for _ in range(_DRAWS_MAXIMUM):
            alias = self._ids.digits(7)
            if await codes.insert_alias(unit, device.id, day, alias):
                return alias
        raise AssertionError("no free alias")


def _facts(
    person: Cardholder, policy: Policy, device: CodeDevice, slot: Slot, available_minor: int
) -> PassFacts:
    has = slots.rights(person.kind, policy.person.temporary)
    return PassFacts(
        kind=PassKind.VIRTUAL_CARD,
        cap_tag=slot.cap_tag,
        pass_no=0,
        not_before=slot.starts_at,
        ends_at=slot.ends_at,
        cap_class=slots.cap_class(policy.offline, available_minor),
        holder_class=slots.holder_class(person.kind),
        may_pay=PersonRight.SPEND in has,
        may_enter=PersonRight.ENTRY in has,
        site_mask=slots.site_mask(policy.offline),
        device_key=device.public_key,
    )


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
