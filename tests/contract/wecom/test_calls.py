"""Tokens, messages, callbacks and errcodes of WeCom."""

import json
from urllib.parse import parse_qsl

import pytest
from redis.asyncio import Redis

from adapters.tokens import Tokens
from adapters.wecom.door import Wecom, open_wecom
from adapters.wecom.settings import WecomSettings
from adapters.wecom.wire import judge
from core.ports.channels import ChannelMessage
from core.ports.providers import (
    ProviderMisconfigured,
    ProviderRefused,
    ProviderThrottled,
    ProviderUnavailable,
    RefusalReason,
)
from tests.contract.doors import by_app
from tests.contract.tencent import Watch, act

SEND = "message/send"


def _message(to: str, code: str = "048213", template: str = "ONE_TIME_CODE") -> ChannelMessage:
    return ChannelMessage("m1", to, template, {"code": code, "minutes": "5"})


async def test_two_agents_do_not_share_a_token(
    settings: WecomSettings, tokens: Tokens, watch: Watch, keys: dict[str, str], redis: Redis
) -> None:
    second = WecomSettings.model_validate(
        settings.model_dump()
        | {"agent_id": int(keys["second_agent_id"]), "secret": keys["second_secret"]}
    )
    for each, code in ((settings, "111111"), (second, "222222"), (settings, "333333")):
        opened = open_wecom(each, frozenset(), tokens, watch.clock)
        assert opened.door.messenger is not None
        await opened.door.messenger.send(_message("JiaShiLi", code))
        await opened.close()
    assert await watch.asked("wecom") == ["gettoken", SEND, "gettoken", SEND, SEND]
    corp = keys["corp_id"]
    assert sorted(await redis.keys("*")) == [
        f"tok:wecom:{corp}:1000002".encode(), f"tok:wecom:{corp}:1000003".encode()
    ]  # fmt: skip


async def test_a_card_says_what_the_settings_say_and_hostile_facts_stay_text(
    mini: Wecom, watch: Watch
) -> None:
    assert mini.door.messenger is not None
    await mini.door.messenger.send(_message("JiaShiLi", "<b>1&2</b>"))
    letter = (await watch.sandbox.mailbox("JiaShiLi"))[0]
    assert json.loads(letter["text"])["textcard"] == {
        "title": "校园卡验证码",
        "description": "验证码 &lt;b&gt;1&amp;2&lt;/b&gt;，5 分钟内有效。",
        "url": "https://card.school.example/code",
    }
    assert (letter["channel"], letter["subject"]) == ("WECOM", "校园卡验证码")


async def test_a_repeated_card_is_delivered_once(mini: Wecom, watch: Watch) -> None:
    assert mini.door.messenger is not None
    before = len(await watch.sandbox.mailbox("JiaShiLi"))
    await mini.door.messenger.send(_message("JiaShiLi", "454545"))
    await mini.door.messenger.send(_message("JiaShiLi", "454545"))
    assert len(await watch.sandbox.mailbox("JiaShiLi")) == before + 1


async def test_who_is_not_reached_is_refused_although_the_answer_is_0(
    mini: Wecom, watch: Watch
) -> None:
    assert mini.door.messenger is not None
    with pytest.raises(ProviderRefused) as refusal:
        await mini.door.messenger.send(_message("nobody"))
    assert refusal.value.reason is RefusalReason.TARGET
    assert await watch.sandbox.mailbox("nobody") == []


async def test_a_card_without_words_or_facts_is_our_fault_and_asks_nothing(
    mini: Wecom, watch: Watch
) -> None:
    assert mini.door.messenger is not None
    for message in (
        _message("JiaShiLi", template="SESSION_REUSED"),
        ChannelMessage("m1", "JiaShiLi", "ONE_TIME_CODE", {}),
    ):
        with pytest.raises(ProviderMisconfigured):
            await mini.door.messenger.send(message)
    assert await watch.asked("wecom") == []


async def test_a_token_that_died_is_replaced_once_and_then_it_is_ours_to_mend(
    mini: Wecom, watch: Watch
) -> None:
    assert mini.door.messenger is not None
    await watch.sandbox.fail("wecom", "token_dead", api=SEND, count=1)
    await mini.door.messenger.send(_message("JiaShiLi", "676767"))
    await watch.sandbox.fail("wecom", "token_dead", api=SEND)
    with pytest.raises(ProviderMisconfigured):
        await mini.door.messenger.send(_message("JiaShiLi", "787878"))
    mended, permanent = ["gettoken", SEND, "gettoken", SEND], [SEND, "gettoken", SEND]
    assert await watch.asked("wecom") == mended + permanent


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("system_error", ProviderUnavailable),
        ("quota", ProviderThrottled),
        ("refuse", ProviderRefused),
        ("html_502", ProviderUnavailable),
        ("reset", ProviderUnavailable),
    ],
)
async def test_a_fault_is_told_apart_and_nothing_is_delivered_twice(
    mini: Wecom, watch: Watch, fault: str, error: type[Exception]
) -> None:
    assert mini.door.messenger is not None
    before = len(await watch.sandbox.mailbox("JiaShiLi"))
    await watch.sandbox.fail("wecom", fault, api=SEND)
    with pytest.raises(error):
        await mini.door.messenger.send(_message("JiaShiLi", fault))
    delivered = len(await watch.sandbox.mailbox("JiaShiLi")) - before
    assert delivered == (1 if fault in {"reset", "html_502"} else 0)


async def test_a_wrong_secret_is_ours_to_mend(
    settings: WecomSettings, tokens: Tokens, watch: Watch
) -> None:
    wrong = WecomSettings.model_validate(settings.model_dump() | {"secret": "wrong"})
    opened = open_wecom(wrong, frozenset(), tokens, watch.clock)
    with pytest.raises(ProviderMisconfigured, match="40001"):
        await by_app(opened.door).sign_in("code")
    await opened.close()
    assert await watch.asked("wecom") == ["gettoken"]


@pytest.mark.parametrize(
    ("errcode", "reason"),
    [
        (40029, RefusalReason.CODE_EXPIRED),
        (84014, RefusalReason.CODE_EXPIRED),
        (84015, RefusalReason.CODE_EXPIRED),
        (81013, RefusalReason.TARGET),
    ],
)
def test_a_final_no_has_its_reason(errcode: int, reason: RefusalReason) -> None:
    refusal = judge("/path", errcode)
    assert isinstance(refusal, ProviderRefused)
    assert refusal.reason is reason


@pytest.mark.parametrize("errcode", [40001, 40014, 42001, 50001, 48002, 60011, 99999])
def test_every_other_code_is_for_people_to_look_at(errcode: int) -> None:
    assert isinstance(judge("/path", errcode), ProviderMisconfigured)


def test_a_spent_quota_comes_back() -> None:
    refusal = judge("/path", 45009)
    assert isinstance(refusal, ProviderThrottled)
    assert refusal.seconds == 60


async def test_a_posted_message_opens_for_its_corporation_only(
    settings: WecomSettings, mini: Wecom, tokens: Tokens, watch: Watch
) -> None:
    assert mini.callbacks is not None
    posted = await act(watch.sandbox, "wecom/callback", message="<xml>甲</xml>")
    query, body = dict(parse_qsl(posted["query"])), posted["body"].encode()
    assert mini.callbacks.open(query, body) == "<xml>甲</xml>"
    other = open_wecom(
        settings.model_copy(update={"corp_id": "ww-other"}), frozenset(), tokens, watch.clock
    )
    assert other.callbacks is not None
    with pytest.raises(ProviderRefused, match="callback: not for us"):
        other.callbacks.open(query, body)
    await other.close()


async def test_the_console_proves_the_address_by_a_ciphertext(mini: Wecom, watch: Watch) -> None:
    assert mini.callbacks is not None
    proof = await act(watch.sandbox, "wecom/proof", message="1616140317555161061")
    query = dict(parse_qsl(proof["query"]))
    assert mini.callbacks.echo(query) == "1616140317555161061"
    with pytest.raises(ProviderRefused):
        mini.callbacks.echo({**query, "echostr": query["echostr"][:-4] + "AAA="})


async def test_without_a_callback_in_the_settings_there_is_none(
    settings: WecomSettings, tokens: Tokens, watch: Watch
) -> None:
    opened = open_wecom(
        settings.model_copy(update={"callback": None}), frozenset(), tokens, watch.clock
    )
    assert opened.callbacks is None
    await opened.close()


async def test_without_messages_in_the_settings_nothing_is_sent(
    settings: WecomSettings, tokens: Tokens, watch: Watch
) -> None:
    opened = open_wecom(
        settings.model_copy(update={"messages": {}}), frozenset(), tokens, watch.clock
    )
    assert opened.door.messenger is None
    await opened.close()
