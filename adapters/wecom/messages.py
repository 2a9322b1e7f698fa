"""Text cards from the school's app to its members."""

from html import escape

from adapters.wecom.client import WecomClient
from adapters.wecom.settings import WecomSettings
from core.ports.channels import ChannelMessage
from core.ports.messages import MessageTemplate
from core.ports.providers import ProviderMisconfigured, ProviderRefused, RefusalReason

REPEAT_SECONDS = 600
"""As long as an outbox row tries: within it the same card is delivered once."""


class WecomMessenger:
    """Implements `core.ports.channels.ChannelMessenger`."""

    def __init__(self, client: WecomClient, settings: WecomSettings) -> None:
        self._client = client
        self._settings = settings

    async def send(self, message: ChannelMessage) -> None:
        """Hands a card over, once.

        Raises: ProviderRefused (TARGET), ProviderUnavailable, ProviderThrottled,
        ProviderMisconfigured.
        """
        card = {
            "msgtype": "textcard",
            "textcard": self._card(message),
            "enable_duplicate_check": 1,
            "duplicate_check_interval": REPEAT_SECONDS,
        }
        facts = await self._client.message.send(self._client.agent_id, [message.subject], msg=card)
        if facts.get("invaliduser"):
            # It answers 0 although nobody was reached.
            raise ProviderRefused("message/send: invaliduser", RefusalReason.TARGET)

    def _card(self, message: ChannelMessage) -> dict[str, str]:
        words = self._settings.messages.get(MessageTemplate(message.template))
        if words is None:
            raise ProviderMisconfigured(f"no card for {message.template}")
        facts = {name: escape(text) for name, text in message.facts.items()}
        try:
            text = words.text.format_map(facts)
        except KeyError as missing:
            raise ProviderMisconfigured(f"a card asks for {missing}") from None
        return {"title": words.title, "description": text, "url": words.url}
