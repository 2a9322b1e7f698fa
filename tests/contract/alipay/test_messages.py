"""Messages inside Alipay."""

import json

import pytest

from core.ports.channels import ChannelMessage, ChannelMessenger
from core.ports.messages import MessageTemplate
from core.ports.providers import ProviderMisconfigured, ProviderRefused
from tests.contract.alipay.stand import Stand

# What is said here does not hang on how answers are signed.
pytestmark = pytest.mark.parametrize("stand", ["key"], indirect=True)

TEMPLATE = "sample-template"
MESSAGES = {
    "BINDING_REPLACED": {
        "user_template_id": TEMPLATE,
        "page": "pages/security/index",
        "keywords": {"keyword1": "when", "keyword2": "what"},
    }
}
FACTS = {"when": "2026-09-01 12:00", "what": '绑定 {已} "更换" / replaced'}


def _messenger(stand: Stand) -> ChannelMessenger:
    messenger = stand.open(messages=MESSAGES).door.messenger
    assert messenger is not None
    return messenger


def _message(subject: str, **changes: str) -> ChannelMessage:
    template = changes.pop("template", MessageTemplate.BINDING_REPLACED)
    return ChannelMessage("message-1", subject, template, FACTS | changes)


async def test_a_message_fills_the_template_of_the_settings(stand: Stand) -> None:
    person = await stand.person()
    to = (await stand.wallet("subscribe", person, template=TEMPLATE))["open_id"]
    await _messenger(stand).send(_message(to))
    (letter,) = await stand.sandbox.mailbox(to)
    assert (letter["channel"], letter["subject"]) == ("ALIPAY", TEMPLATE)
    assert json.loads(letter["text"]) == {
        "keyword1": {"value": FACTS["when"]}, "keyword2": {"value": FACTS["what"]},
    }  # fmt: skip
    sent = (await stand.sent("alipay.open.app.mini.templatemessage.send"))[-1]
    assert json.loads(sent["biz_content"])["page"] == "pages/security/index"


async def test_one_subscription_is_one_message(stand: Stand) -> None:
    person = await stand.person()
    to = (await stand.wallet("subscribe", person, template=TEMPLATE))["open_id"]
    await _messenger(stand).send(_message(to))
    with pytest.raises(ProviderRefused):
        await _messenger(stand).send(_message(to))
    assert len(await stand.sandbox.mailbox(to)) == 1


@pytest.mark.parametrize("template", ["ONE_TIME_CODE", "SESSION_REUSED"])
async def test_a_template_without_a_row_is_misconfigured(stand: Stand, template: str) -> None:
    to = await stand.open_id(await stand.person())
    with pytest.raises(ProviderMisconfigured, match=template):
        await _messenger(stand).send(_message(to, template=template))
    assert await stand.sandbox.mailbox(to) == []


async def test_a_fact_that_is_missing_is_misconfigured(stand: Stand) -> None:
    message = ChannelMessage("message-1", "open id", MessageTemplate.BINDING_REPLACED, {"when": ""})
    with pytest.raises(ProviderMisconfigured, match="asks for what"):
        await _messenger(stand).send(message)


async def test_without_templates_there_is_no_messenger(stand: Stand) -> None:
    assert stand.open().door.messenger is None
