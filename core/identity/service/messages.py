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
from core.kit.clock import Clock, from_unix, unix_seconds
from core.kit.ids import Ids
from core.kit.sealed import Sealer
from core.ports.messages import AddressKind, Message, MessageSender, MessageTemplate

KIND = "MESSAGE"
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
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._sealer = sealer
        self._cardholders = cardholders
        self._senders = senders

    async def write_code(self, unit: Unit, address: Address, code: str) -> None:
        """Writes the intent to send a one-time code, sealed, in the caller's unit."""
        now, intent_id = self._clock.now(), self._ids.new()
        content = json.dumps({"to": address.text, "code": code})
        payload = {
            "template": MessageTemplate.ONE_TIME_CODE.value,
            "address_kind": address.kind.value,
            "sealed": self._sealer.seal(unit.school_id, _PLACE, intent_id, content).hex(),
            "until": str(unix_seconds(now + timedelta(seconds=LIFE_SECONDS))),
        }
        await outbox.add(unit, intent_id, KIND, payload, now)

    async def write_notice(
        self, unit: Unit, cardholder_id: UUID, template: MessageTemplate
    ) -> None:
        """Writes the intent to tell a cardholder something, in the caller's unit."""
        payload = {"template": template.value, "cardholder_id": str(cardholder_id)}
        await outbox.add(unit, self._ids.new(), KIND, payload, self._clock.now())

    async def deliver(self, school_id: int, intent: Intent) -> None:
        """Sends what an intent says: the worker's handler of `KIND`.

        A code that has run out and a notice to nobody's address are dropped.
        Raises: ProviderRefused, ProviderUnavailable, ProviderMisconfigured.
        """
        template = MessageTemplate(intent.payload["template"])
        if template is not MessageTemplate.ONE_TIME_CODE:
            await self._deliver_notice(school_id, intent, template)
        elif self._clock.now() < from_unix(int(intent.payload["until"])):
            sealed = bytes.fromhex(intent.payload["sealed"])
            content = json.loads(self._sealer.open(school_id, _PLACE, intent.id, sealed))
            address = Address(AddressKind(intent.payload["address_kind"]), content["to"])
            facts = {"code": content["code"], "minutes": str(LIFE_SECONDS // 60)}
            await self._send(intent.id, address, template, facts)

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
