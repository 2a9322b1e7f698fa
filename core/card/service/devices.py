"""Use cases of code devices: enrolling a phone, listing and revoking (codes.md 10 and 12)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from core.card.records import (
    CardKind,
    CardState,
    CodeDevice,
    DeviceKeyInvalid,
    DeviceLimit,
    DeviceUnknown,
    PinRequired,
    VirtualCardNotOpened,
)
from core.card.service.pins import Pins
from core.card.store import cards, codes
from core.db.unit import Database, Unit
from core.kit.clock import Clock, unix_seconds
from core.kit.ids import Ids
from core.ports.codes import CodeMaker
from core.school.policy import PolicyOf
from core.school.service import DenyList

ENROLMENTS_MAXIMUM = 5
"""Devices a cardholder may enrol within a day: each one replaced burdens the deny list."""
_DAY = timedelta(days=1)


class Devices:
    """The phones whose keys may present a cardholder's passes."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        *,
        policy_of: PolicyOf,
        pins: Pins,
        maker: CodeMaker,
        deny: DenyList,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._policy_of = policy_of
        self._pins = pins
        self._maker = maker
        self._deny = deny

    async def enrol(
        self,
        school_id: int,
        cardholder_id: UUID,
        binding_id: UUID | None,
        *,
        public_key: bytes,
        created_at: int,
        proof: bytes,
        pin: str | None,
    ) -> CodeDevice:
        """Registers a phone's key; beyond the school's number of devices the oldest goes.

        `proof` signs the key and `created_at` (Unix seconds, within 120 s of now). The PIN is asked
        once per device where the policy says so (M-037); the same key again answers the same.
        Raises: DeviceKeyInvalid, VirtualCardNotOpened, DeviceLimit, PinRequired, and what
        `Pins.prove_to_pay` raises.
        """
        now = unix_seconds(self._clock.now())
        if not self._maker.proves_device(public_key, created_at, proof, now):
            raise DeviceKeyInvalid("devicePublicKey")
        known = await self._database.unit(
            school_id, lambda unit: self._find_own(unit, cardholder_id, public_key)
        )
        if known is not None:
            return known
        policy = await self._policy_of(school_id)
        if policy.code.pin_at_first_open:
            if pin is None:
                raise PinRequired("pin")
            await self._pins.prove_to_pay(school_id, cardholder_id, pin)
        device = CodeDevice(
            self._ids.new(), cardholder_id, binding_id, public_key, 1, self._clock.now(), None
        )
        return await self._database.unit(
            school_id, lambda unit: self._add(unit, device, policy.code.devices)
        )

    async def revoke(self, school_id: int, cardholder_id: UUID, device_id: UUID) -> CodeDevice:
        """Ends a device and its passes at once; revoking again changes nothing.

        Raises: DeviceUnknown.
        """

        async def work(unit: Unit) -> CodeDevice:
            await cards.lock(unit, cardholder_id, CardKind.VIRTUAL)
            device = await codes.find_device(unit, device_id)
            if device is None or device.cardholder_id != cardholder_id:
                raise DeviceUnknown
            now = self._clock.now()
            await self._end(unit, [device_id], now)
            return replace(device, revoked_at=device.revoked_at or now)

        return await self._database.unit(school_id, work)

    async def revoke_all(self, unit: Unit, cardholder_id: UUID) -> None:
        """Ends every device of a cardholder, within the unit that freezes or closes them."""
        await cards.lock(unit, cardholder_id, CardKind.VIRTUAL)
        devices = await codes.list_devices(unit, cardholder_id)
        await self._end(unit, [device.id for device in devices], self._clock.now())

    async def revoke_of_binding(self, unit: Unit, cardholder_id: UUID, binding_id: UUID) -> None:
        """Ends the devices enrolled through a binding, within the unit that ends the binding."""
        await cards.lock(unit, cardholder_id, CardKind.VIRTUAL)
        devices = await codes.list_devices_of_binding(unit, binding_id)
        await self._end(unit, [device.id for device in devices], self._clock.now())

    async def list_live(self, school_id: int, cardholder_id: UUID) -> list[CodeDevice]:
        """The devices that may show codes, the oldest first."""
        return await self._database.unit(
            school_id, lambda unit: codes.list_devices(unit, cardholder_id)
        )

    async def _find_own(
        self, unit: Unit, cardholder_id: UUID, public_key: bytes
    ) -> CodeDevice | None:
        card = await cards.find(unit, cardholder_id, CardKind.VIRTUAL)
        if card is None or card.state is not CardState.ACTIVE:
            raise VirtualCardNotOpened
        known = await codes.find_device_by_key(unit, public_key)
        if known is None:
            await self._refuse_too_many(unit, cardholder_id)
            return None
        if known.cardholder_id != cardholder_id or known.revoked_at is not None:
            raise DeviceKeyInvalid("devicePublicKey")
        return known

    async def _refuse_too_many(self, unit: Unit, cardholder_id: UUID) -> None:
        since = self._clock.now() - _DAY
        if await codes.count_enrolled(unit, cardholder_id, since) >= ENROLMENTS_MAXIMUM:
            raise DeviceLimit

    async def _add(self, unit: Unit, device: CodeDevice, maximum: int) -> CodeDevice:
        await cards.lock(unit, device.cardholder_id, CardKind.VIRTUAL)
        known = await self._find_own(unit, device.cardholder_id, device.public_key)
        if known is not None:
            return known
        if not await codes.insert_device(unit, device):
            raise DeviceKeyInvalid("devicePublicKey")
        live = await codes.list_devices(unit, device.cardholder_id)
        surplus = [old.id for old in live if old.id != device.id][: max(0, len(live) - maximum)]
        await self._end(unit, surplus, device.enrolled_at)
        return device

    async def _end(self, unit: Unit, device_ids: Sequence[UUID], now: datetime) -> None:
        """Revokes devices with their passes, and puts these on the deny list at once."""
        await self._deny.add_serials(unit, await codes.revoke(unit, device_ids, now))
