"""Messages to holders: written as intents without personal data in clear, sent by the worker."""

import json
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from core.db import outbox
from core.db.outbox import Intent
from core.db.unit import Database, Unit
from core.identity.addresses import Address, registered_address
from core.identity.one_time import LIFE_SECONDS
from core.identity.service.cardholders import Cardholders
from core.identity.store import bindings, subjects
from core.kit.clock import Clock, from_unix, unix_seconds
from core.kit.ids import Ids
from core.kit.sealed import Sealer
from core.ports.channels import ChannelMessage, Doors
from core.ports.messages import AddressKind, Message, MessageSender, MessageTemplate

KIND = "MESSAGE"
SUBJECT_PLACE = "channel_subject.subject"
_PLACE = "outbox.payload"


class Messages:
    """Writes and sends messages. `senders` has one for each kind of address in use."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        sealer: Sealer,
        cardholders: Cardholders,
        senders: Mapping[AddressKind, MessageSender],
        doors: Doors,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._sealer = sealer
        self._cardholders = cardholders
        self._senders = senders
        self._doors = doors

    async def write_code(self, unit: Unit, address: Address, code: str) -> None:
        """Writes the intent to send a one-time code, sealed, in the caller's unit."""
        await self._write_sealed(unit, address, MessageTemplate.ONE_TIME_CODE, code)

    async def write_to(self, unit: Unit, address: Address, template: MessageTemplate) -> None:
        """Writes the intent to tell an address something, sealed: it may leave the register."""
        await self._write_sealed(unit, address, template, "")

    async def write_notice(
        self, unit: Unit, cardholder_id: UUID, template: MessageTemplate
    ) -> None:
        """Writes the intent to tell a cardholder something, in the caller's unit."""
        payload = {"template": template.value, "cardholder_id": str(cardholder_id)}
        await outbox.add(unit, self._ids.new(), KIND, payload, self._clock.now())

    async def tell_holder(
        self, unit: Unit, cardholder_id: UUID, template: MessageTemplate, but: UUID | None = None
    ) -> None:
        """Tells the register's address, and every channel that is bound, but one binding."""
        await self.write_notice(unit, cardholder_id, template)
        for binding in await bindings.list_of_cardholder(unit, cardholder_id):
            subject = await bindings.subject_of(unit, binding.id)
            if binding.id != but and subject is not None:
                issuer, index = subject
                payload = {
                    "template": template.value, "issuer": issuer, "subject_index": index.hex()
                }  # fmt: skip
                await outbox.add(unit, self._ids.new(), KIND, payload, self._clock.now())

    async def deliver(self, school_id: int, intent: Intent) -> None:
        """Sends what an intent says: the worker's handler of `KIND`.

        What has run out, goes to nobody's address, or has no messenger is dropped.
        Raises: ProviderRefused, ProviderUnavailable, ProviderMisconfigured.
        """
        template = MessageTemplate(intent.payload["template"])
        if "sealed" in intent.payload:
            await self._deliver_sealed(school_id, intent, template)
        elif "issuer" in intent.payload:
            await self._deliver_in_channel(school_id, intent, template)
        else:
            await self._deliver_notice(school_id, intent, template)

    async def _write_sealed(
        self, unit: Unit, address: Address, template: MessageTemplate, code: str
    ) -> None:
        now, intent_id = self._clock.now(), self._ids.new()
        content = json.dumps({"to": address.text, "code": code})
        payload = {
            "template": template.value,
            "address_kind": address.kind.value,
            "sealed": self._sealer.seal(unit.school_id, _PLACE, intent_id, content).hex(),
            "until": str(unix_seconds(now + timedelta(seconds=LIFE_SECONDS))),
        }
        await outbox.add(unit, intent_id, KIND, payload, now)

    async def _deliver_sealed(
        self, school_id: int, intent: Intent, template: MessageTemplate
    ) -> None:
        sealed = bytes.fromhex(intent.payload["sealed"])
        content = json.loads(self._sealer.open(school_id, _PLACE, intent.id, sealed))
        address = Address(AddressKind(intent.payload["address_kind"]), content["to"])
        facts = {}
        if template is MessageTemplate.ONE_TIME_CODE:
            if self._clock.now() >= from_unix(int(intent.payload["until"])):
                return
            facts = {"code": content["code"], "minutes": str(LIFE_SECONDS // 60)}
        await self._send(intent.id, address, template, facts)

    async def _deliver_in_channel(
        self, school_id: int, intent: Intent, template: MessageTemplate
    ) -> None:
        issuer, index = intent.payload["issuer"], bytes.fromhex(intent.payload["subject_index"])
        door = await self._doors.find_door_of(school_id, issuer)
        found = await self._database.unit(
            school_id, lambda unit: subjects.find(unit, issuer, index)
        )
        if door is None or door.messenger is None or found is None:
            return
        row_id, sealed = found
        text = self._sealer.open(school_id, SUBJECT_PLACE, row_id, sealed)
        await door.messenger.send(ChannelMessage(str(intent.id), text, template.value, {}))

    async def _deliver_notice(
        self, school_id: int, intent: Intent, template: MessageTemplate
    ) -> None:
        cardholder_id = UUID(intent.payload["cardholder_id"])
        facts = await self._database.unit(
            school_id, lambda unit: self._cardholders.personal_facts(unit, cardholder_id)
        )
        address = registered_address(facts)
        if address is not None:
            await self._send(intent.id, address, template, {})

    async def _send(
        self, message_id: UUID, address: Address, template: MessageTemplate, facts: dict[str, str]
    ) -> None:
        message = Message(message_id, address.text, template, facts)
        await self._senders[address.kind].send(message)
