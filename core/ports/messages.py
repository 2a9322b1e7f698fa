"""Messages to people: what an adapter for mail or SMS has to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class AddressKind(StrEnum):
    """What sort of address a person is reached at."""

    EMAIL = "EMAIL"
    PHONE = "PHONE"


class MessageTemplate(StrEnum):
    """What a message is about; the adapter knows its words."""

    ONE_TIME_CODE = "ONE_TIME_CODE"
    SESSION_REUSED = "SESSION_REUSED"
    BINDING_ADDED = "BINDING_ADDED"
    BINDING_REPLACED = "BINDING_REPLACED"
    BINDING_ENDED = "BINDING_ENDED"
    CONTACT_CHANGED = "CONTACT_CHANGED"
    GUARDIAN_ADDED = "GUARDIAN_ADDED"


@dataclass(frozen=True, slots=True)
class Message:
    """One message; its id is the same at each repeat. Facts of a code: `code`, `minutes`."""

    id: UUID
    to: str
    template: MessageTemplate
    facts: Mapping[str, str]


class MessageSender(Protocol):
    """One way to reach people: mail, or SMS."""

    async def send(self, message: Message) -> None:
        """Hands the message over, once.

        Raises: ProviderRefused, ProviderUnavailable, ProviderMisconfigured.
        """
        ...
