"""What WeCom posts of its members: who left our app, or the corporation."""

from collections.abc import Mapping

from adapters.tencent.callbacks import Event
from adapters.wecom.callbacks import WecomCallbacks
from core.ports.notices import Notice, notice_of
from core.ports.providers import ProviderRefused

LEFT_APP = "unsubscribe"
CONTACT, DELETED = "change_contact", "delete_user"


class WecomNotices:
    """Implements `NoticeReader` for one app of a corporation."""

    def __init__(self, callbacks: WecomCallbacks, agent_id: int, issuer: str) -> None:
        self._callbacks = callbacks
        self._agent_id = str(agent_id)
        self._issuer = issuer

    def echo(self, query: Mapping[str, str]) -> str:
        """What proves the address.

        Raises: ProviderRefused.
        """
        return self._callbacks.echo(query)

    def read(self, query: Mapping[str, str], body: bytes) -> Notice:
        """What a message says.

        Raises: ProviderRefused.
        """
        event = self._callbacks.event(query, body)
        if event.fields.get("AgentID", self._agent_id) != self._agent_id:
            raise ProviderRefused("callback: another app")
        name = event.name
        if name == CONTACT:
            name = f"{CONTACT}.{event.fields.get('ChangeType', '')}"
        return notice_of(event.id, name, self._issuer, event.happened_at, _revoked(event))


def _revoked(event: Event) -> str | None:
    if event.name == LEFT_APP:
        return event.fields.get("FromUserName")
    if event.name == CONTACT and event.fields.get("ChangeType") == DELETED:
        return event.fields.get("UserID")
    return None
