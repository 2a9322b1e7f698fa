"""A mini-program and an official account whose provider is the sandbox."""

from collections.abc import AsyncIterator

import pytest

from adapters.http import HttpClient
from adapters.tokens import Tokens
from adapters.wechat.client import WechatClient
from adapters.wechat.door import Wechat, open_mini, open_official
from adapters.wechat.settings import MiniSettings, OfficialSettings
from tests.contract.sandbox import Sandbox
from tests.contract.tencent import Watch, real_time

IMPATIENT_SECONDS = 0.3


@pytest.fixture
async def keys(watch: Watch) -> dict[str, str]:
    """What WeChat's customers know."""
    return await watch.sandbox.credentials("wechat")


@pytest.fixture
def mini_settings(sandbox: Sandbox, keys: dict[str, str]) -> MiniSettings:
    """The mini-program's settings, as a table of them would say."""
    words = {
        "template_id": "template-code",
        "keywords": {"character_string1": "code", "thing2": "minutes"},
        "page": "pages/home",
    }
    return MiniSettings.model_validate(
        {
            "app_id": keys["mini_app_id"],
            "app_secret": keys["mini_app_secret"],
            "api_base": sandbox.url,
            "version": "trial",
            "messages": {"ONE_TIME_CODE": words},
            "callback": {
                "token": keys["mini_token"],
                "encoding_aes_key": keys["mini_encoding_aes_key"],
            },
        }
    )


@pytest.fixture
def official_settings(sandbox: Sandbox, keys: dict[str, str]) -> OfficialSettings:
    """The official account's settings, as a table of them would say."""
    subscribe = {
        "template_id": "template-reuse",
        "keywords": {"thing1": "when"},
        "way": "subscribe",
        "url": "https://card.school.example/security",
    }
    return OfficialSettings.model_validate(
        {
            "app_id": keys["official_app_id"],
            "app_secret": keys["official_app_secret"],
            "api_base": sandbox.url,
            "page_base": sandbox.url,
            "messages": {
                "ONE_TIME_CODE": {
                    "template_id": "template-code",
                    "keywords": {"keyword1": "code"},
                },
                "SESSION_REUSED": subscribe,
            },
            "callback": {
                "token": keys["official_token"],
                "encoding_aes_key": keys["official_encoding_aes_key"],
            },
        }
    )


@pytest.fixture
async def mini(mini_settings: MiniSettings, tokens: Tokens) -> AsyncIterator[Wechat]:
    """The mini-program's door."""
    opened = open_mini(mini_settings, tokens, real_time())
    yield opened
    await opened.close()


@pytest.fixture
async def official(official_settings: OfficialSettings, tokens: Tokens) -> AsyncIterator[Wechat]:
    """The official account's door."""
    opened = open_official(official_settings, tokens, real_time())
    yield opened
    await opened.close()


@pytest.fixture
async def client(
    sandbox: Sandbox, keys: dict[str, str], tokens: Tokens
) -> AsyncIterator[WechatClient]:
    """The mini-program's calls, waiting a moment for an answer."""
    http = HttpClient(sandbox.url, read_seconds=IMPATIENT_SECONDS)
    yield WechatClient(http, tokens, real_time(), keys["mini_app_id"], keys["mini_app_secret"])
    await http.close()
