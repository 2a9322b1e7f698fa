"""Messages in a mini-program and from an official account."""

import json

import pytest

from adapters.tokens import Tokens
from adapters.wechat.client import WechatClient
from adapters.wechat.door import Wechat, open_mini, open_official
from adapters.wechat.messages import MiniMessenger
from adapters.wechat.settings import MiniSettings, OfficialSettings
from core.ports.channels import ChannelMessage
from core.ports.messages import MessageTemplate
from core.ports.providers import (
    ProviderMisconfigured,
    ProviderRefused,
    ProviderUnavailable,
    RefusalReason,
)
from tests.contract.tencent import Watch, act

FACTS = {"code": "048213", "minutes": "5", "when": "2026-09-01"}


async def _consenting(watch: Watch, app_id: str, template: str, person: str) -> str:
    asked = {"person": person, "app_id": app_id, "template_id": template}
    return str((await act(watch.sandbox, "wechat/consent", **asked))["openid"])


def _message(openid: str, template: str = "ONE_TIME_CODE") -> ChannelMessage:
    return ChannelMessage("m1", openid, template, FACTS)


async def test_a_consent_is_one_message_with_its_keywords_and_version(
    mini: Wechat, watch: Watch, keys: dict[str, str]
) -> None:
    assert mini.door.messenger is not None
    openid = await _consenting(watch, keys["mini_app_id"], "template-code", "bing")
    before = len(await watch.sandbox.mailbox(openid))
    await mini.door.messenger.send(_message(openid))
    letter, *_ = letters = await watch.sandbox.mailbox(openid)
    assert len(letters) == before + 1
    assert (letter["channel"], letter["code"]) == ("WECHAT", "048213")
    assert json.loads(letter["text"]) == {
        "touser": openid,
        "template_id": "template-code",
        "page": "pages/home",
        "miniprogram_state": "trial",
        "data": {"character_string1": {"value": "048213"}, "thing2": {"value": "5"}},
    }
    with pytest.raises(ProviderRefused) as refusal:
        await mini.door.messenger.send(_message(openid))
    assert refusal.value.reason is RefusalReason.NOT_AUTHORISED
    assert len(await watch.sandbox.mailbox(openid)) == before + 1


async def test_a_template_without_a_page_names_none(
    client: WechatClient, mini_settings: MiniSettings, watch: Watch, keys: dict[str, str]
) -> None:
    openid = await _consenting(watch, keys["mini_app_id"], "template-code", "jia")
    table = mini_settings.model_dump(exclude={"callback", "app_secret"})
    del table["messages"][MessageTemplate.ONE_TIME_CODE]["page"]
    plain = MiniSettings.model_validate({**table, "app_secret": "unused"})
    await MiniMessenger(client, plain).send(_message(openid))
    assert "page" not in json.loads((await watch.sandbox.mailbox(openid))[0]["text"])


async def test_an_official_account_sends_templates_and_subscribed_messages(
    official: Wechat, watch: Watch, keys: dict[str, str]
) -> None:
    assert official.door.messenger is not None
    openid = await _consenting(watch, keys["official_app_id"], "template-reuse", "bing")
    await official.door.messenger.send(_message(openid))
    await official.door.messenger.send(_message(openid, "SESSION_REUSED"))
    asked = await watch.asked("wechat")
    assert asked == ["stable_token", "message/template/send", "message/subscribe/bizsend"]
    second, first = [json.loads(each["text"]) for each in await watch.sandbox.mailbox(openid)][:2]
    assert first == {
        "touser": openid,
        "template_id": "template-code",
        "data": {"keyword1": {"value": "048213"}},
    }
    assert second == {
        "touser": openid,
        "template_id": "template-reuse",
        "page": "https://card.school.example/security",
        "data": {"thing1": {"value": "2026-09-01"}},
    }


async def test_who_blocks_the_account_is_not_written_to(
    official: Wechat, watch: Watch, keys: dict[str, str]
) -> None:
    assert official.door.messenger is not None
    openid = await _consenting(watch, keys["official_app_id"], "unused", "ding")
    before = await watch.sandbox.mailbox(openid)
    await watch.sandbox.fail("wechat", "refuse", api="message/template/send")
    with pytest.raises(ProviderRefused) as refusal:
        await official.door.messenger.send(_message(openid))
    assert refusal.value.reason is RefusalReason.TARGET
    assert await watch.sandbox.mailbox(openid) == before


async def test_a_message_without_a_template_or_a_fact_is_our_fault_and_asks_nothing(
    mini: Wechat, official: Wechat, watch: Watch
) -> None:
    assert mini.door.messenger is not None
    assert official.door.messenger is not None
    for message in (
        _message("o1", "SESSION_REUSED"),
        ChannelMessage("m", "o1", "ONE_TIME_CODE", {}),
    ):
        with pytest.raises(ProviderMisconfigured):
            await mini.door.messenger.send(message)
    with pytest.raises(ProviderMisconfigured):
        await official.door.messenger.send(_message("o1", "BINDING_REPLACED"))
    assert await watch.asked("wechat") == []


async def test_a_send_that_may_have_happened_is_not_repeated(
    client: WechatClient, mini_settings: MiniSettings, watch: Watch, keys: dict[str, str]
) -> None:
    openid = await _consenting(watch, keys["mini_app_id"], "template-code", "yi")
    before = len(await watch.sandbox.mailbox(openid))
    for kind in ("timeout_after_effect", "system_error"):
        await watch.sandbox.fail("wechat", kind, api="message/subscribe/send", count=1)
        with pytest.raises(ProviderUnavailable):
            await MiniMessenger(client, mini_settings).send(_message(openid))
    assert len(await watch.sandbox.mailbox(openid)) == before + 1
    assert await watch.asked("wechat") == ["stable_token"] + ["message/subscribe/send"] * 2


async def test_without_messages_in_the_settings_nothing_is_sent(
    mini_settings: MiniSettings, official_settings: OfficialSettings, tokens: Tokens, watch: Watch
) -> None:
    none: dict[str, object] = {"messages": {}}
    mini = open_mini(mini_settings.model_copy(update=none), tokens, watch.clock)
    official = open_official(official_settings.model_copy(update=none), tokens, watch.clock)
    assert (mini.door.messenger, official.door.messenger) == (None, None)
    await mini.close()
    await official.close()
