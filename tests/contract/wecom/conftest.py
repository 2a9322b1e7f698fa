"""An app of a corporation and its linked mini-program, whose provider is the sandbox."""

from collections.abc import AsyncIterator

import pytest

from adapters.tokens import Tokens
from adapters.wecom.door import PRIVATE_INFO, Wecom, open_wecom
from adapters.wecom.settings import WecomSettings
from tests.contract.sandbox import Sandbox
from tests.contract.tencent import Watch, real_time


@pytest.fixture
async def keys(watch: Watch) -> dict[str, str]:
    """What WeCom's customers know."""
    return await watch.sandbox.credentials("wecom")


@pytest.fixture
def settings(sandbox: Sandbox, keys: dict[str, str]) -> WecomSettings:
    """The app's settings, as a table of them would say."""
    card = {
        "title": "校园卡验证码",
        "text": "验证码 {code}，{minutes} 分钟内有效。",
        "url": "https://card.school.example/code",
    }
    return WecomSettings.model_validate(
        {
            "corp_id": keys["corp_id"],
            "agent_id": int(keys["agent_id"]),
            "secret": keys["secret"],
            "api_base": sandbox.url,
            "page_base": sandbox.url,
            "messages": {"ONE_TIME_CODE": card},
            "callback": {"token": keys["token"], "encoding_aes_key": keys["encoding_aes_key"]},
        }
    )


@pytest.fixture
async def page(settings: WecomSettings, tokens: Tokens) -> AsyncIterator[Wecom]:
    """The door of the app's page, with private facts."""
    opened = open_wecom(settings, frozenset({PRIVATE_INFO}), tokens, real_time())
    yield opened
    await opened.close()


@pytest.fixture
async def mini(settings: WecomSettings, tokens: Tokens) -> AsyncIterator[Wecom]:
    """The door of the linked mini-program."""
    opened = open_wecom(settings, frozenset(), tokens, real_time())
    yield opened
    await opened.close()
