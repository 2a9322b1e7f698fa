"""Messages inside Alipay: one for each subscription (`my.requestSubscribeMessage`)."""

import json
from collections.abc import Mapping

from adapters.alipay.client import AlipayClient
from adapters.alipay.settings import TemplateSettings
from core.ports.channels import ChannelMessage
from core.ports.providers import ProviderMisconfigured


class AlipayMessenger:
    """Sends by `alipay.open.app.mini.templatemessage.send`, which knows no id of ours: a message
    whose answer is lost may have been sent."""

    def __init__(self, client: AlipayClient, templates: Mapping[str, TemplateSettings]) -> None:
        self._client = client
        self._templates = templates

    async def send(self, message: ChannelMessage) -> None:
        """Hands the message over, once.

        Raises: ProviderRefused, ProviderUnavailable, ProviderThrottled, ProviderMisconfigured.
        """
        template = self._templates.get(message.template)
        if template is None:
            raise ProviderMisconfigured(f"alipay: no template for {message.template}")
        await self._client.ask(
            "alipay.open.app.mini.templatemessage.send",
            {
                "to_open_id": message.subject,
                "user_template_id": template.user_template_id,
                "page": template.page,
                "data": json.dumps(_words(template, message.facts)),
            },
        )


def _words(template: TemplateSettings, facts: Mapping[str, str]) -> dict[str, dict[str, str]]:
    missing = set(template.keywords.values()) - set(facts)
    if missing:
        raise ProviderMisconfigured(f"alipay: a template asks for {', '.join(sorted(missing))}")
    return {keyword: {"value": facts[fact]} for keyword, fact in template.keywords.items()}
