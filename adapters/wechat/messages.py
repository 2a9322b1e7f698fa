"""Subscribe and template messages: one consent, one message."""

from collections.abc import Mapping
from typing import TypeVar

from adapters.wechat.client import WechatClient
from adapters.wechat.settings import MiniSettings, OfficialSettings
from core.ports.channels import ChannelMessage
from core.ports.messages import MessageTemplate
from core.ports.providers import ProviderMisconfigured

Words = TypeVar("Words")


class MiniMessenger:
    """Implements `core.ports.channels.ChannelMessenger` for a mini-program."""

    def __init__(self, client: WechatClient, settings: MiniSettings) -> None:
        self._client = client
        self._settings = settings

    async def send(self, message: ChannelMessage) -> None:
        """Hands a subscribe message over, once.

        Raises: ProviderRefused (NOT_AUTHORISED: no consent left), ProviderUnavailable,
        ProviderThrottled, ProviderMisconfigured.
        """
        words = _words(self._settings.messages, message)
        sent = {
            "touser": message.subject,
            "template_id": words.template_id,
            "data": _data(words.keywords, message.facts),
            "miniprogram_state": self._settings.version,
        }
        if words.page is not None:
            sent["page"] = words.page
        # wechatpy's own method cannot name the version, and then testers are sent the public one.
        await self._client.calls.post("message/subscribe/send", data=sent)


class OfficialMessenger:
    """Implements `core.ports.channels.ChannelMessenger` for an official account."""

    def __init__(self, client: WechatClient, settings: OfficialSettings) -> None:
        self._client = client
        self._settings = settings

    async def send(self, message: ChannelMessage) -> None:
        """Hands a template or subscribe message over, once.

        Raises: ProviderRefused (NOT_AUTHORISED, TARGET), ProviderUnavailable, ProviderThrottled,
        ProviderMisconfigured.
        """
        words = _words(self._settings.messages, message)
        data = _data(words.keywords, message.facts)
        to, template, api = message.subject, words.template_id, self._client.message
        if words.way == "template":
            await api.send_template(to, template, data, url=words.url)
        else:
            await api.send_subscribe_message(to, template, data, page=words.url)


def _words(messages: Mapping[MessageTemplate, Words], message: ChannelMessage) -> Words:
    try:
        return messages[MessageTemplate(message.template)]
    except KeyError:
        raise ProviderMisconfigured(f"no template for {message.template}") from None


def _data(keywords: Mapping[str, str], facts: Mapping[str, str]) -> dict[str, dict[str, str]]:
    try:
        return {keyword: {"value": facts[fact]} for keyword, fact in keywords.items()}
    except KeyError as missing:
        raise ProviderMisconfigured(f"a template asks for {missing}") from None
