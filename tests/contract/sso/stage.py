"""What the tests of a kind stand on: tables read as a school's file is, and an Env."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from adapters.conformance.ground import Back, MemoryOnce, new_state, standing
from adapters.sso.api import Callback, Env, Provider, Reach, SSOError
from adapters.sso.registry import kinds
from adapters.sso.settings import Setting, SignOn, read_table
from adapters.sso.wecom import WecomDoor

CHANNELS = frozenset({"ALIPAY_MINI", "WECHAT_OFFICIAL", "WECHAT_MINI", "WECOM", "NATIVE"})
CALLBACK = "https://card.example/sso/sample/kind/callback"
HERE = Reach(plain_loopback=True)
COMMON: Mapping[str, Any] = {
    "id": "kind",
    "channels": ["NATIVE"],
    "label": {"zh": "统一身份认证", "en": "Campus sign-on"},
    "map": {"subject": "$subject"},
}


def setting(secrets: Mapping[str, str] | None = None, wecom: WecomDoor | None = None) -> Setting:
    """Our kinds, in development; `secrets` by their references."""
    known = dict(secrets or {})
    return Setting(kinds(wecom, ()), CHANNELS, known.__getitem__, plain_loopback=True)


def read(
    table: Mapping[str, Any], secrets: Mapping[str, str] | None = None,
    wecom: WecomDoor | None = None,
) -> SignOn:  # fmt: skip
    """The sign-on of a table, with what every kind has added."""
    return read_table({**COMMON, **table}, setting(secrets, wecom))


@asynccontextmanager
async def stage(
    once: MemoryOnce | None = None, *, reach: Reach = HERE, off_seconds: int = 0,
    said: list[str] | None = None,
) -> AsyncIterator[Env]:  # fmt: skip
    """An Env on this machine."""
    async with standing(
        CALLBACK, reach, once or MemoryOnce(), off_seconds=off_seconds, said=said
    ) as env:
        yield env


def came_back(stash: Mapping[str, str], state: str, back: Back, url: str = CALLBACK) -> Callback:
    """What `finish` is given."""
    return Callback(url, back.query, back.form, stash, state)


async def refused(awaited: Any) -> SSOError:
    """The SSOError that this ends with."""
    try:
        found = await awaited
    except SSOError as error:
        return error
    raise AssertionError(f"accepted: {type(found).__name__}")


async def begun(provider: Provider, env: Env) -> tuple[Mapping[str, str], str, str]:
    """A fresh attempt: stash, state, and the page."""
    state = new_state()
    begin = await provider.begin(env, state)
    return begin.stash, state, begin.url
