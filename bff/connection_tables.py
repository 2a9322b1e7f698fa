"""The tables `[capability]` and `[channel.…]` of a school's file, read and opened."""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, get_args

from pydantic import BaseModel, SecretStr

from adapters.alipay import door as alipay
from adapters.alipay.settings import AlipaySettings
from adapters.sso.api import Problem, SettingsInvalid, Text
from adapters.sso.settings import validated
from adapters.tokens import Tokens
from adapters.wechat import door as wechat
from adapters.wechat.settings import MiniSettings, OfficialSettings
from adapters.wecom import door as wecom
from adapters.wecom.settings import WecomSettings
from core.kit.clock import Clock
from core.ports.channels import Door
from core.ports.notices import NoticeReader
from core.ports.one_time_store import OneTimeStore
from core.ports.providers import ProviderMisconfigured
from core.school.policy_words import Channel

RETURN_TO = "return_to"
_REFERENCE = re.compile(r"\$\{((?:file|env):[^{}]+)\}")
_INLINE = Text(
    "密钥不得写在文件中，请用 ${file:/run/secrets/...} 或 ${env:...}",
    "A secret in the file: write ${file:/run/secrets/...} or ${env:...}",
)
_MISSING = Text("找不到所引用的密钥", "The secret it refers to is not there")


class Opened(Protocol):
    """What a vendor's settings open."""

    @property
    def door(self) -> Door:
        """The channel."""
        ...

    @property
    def reader(self) -> NoticeReader | None:
        """Who reads what the vendor posts; None where the settings name no callback."""
        ...

    async def close(self) -> None:
        """Closes the connections."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What the channels of a process share. `resolve` finds the secret behind a reference.

    `public_url` is where browsers reach us; `plain_loopback` lets a school's server be plain HTTP
    on this machine.
    """

    clock: Clock
    entropy: Callable[[int], bytes]
    tokens: Tokens
    store: OneTimeStore
    resolve: Callable[[str], str]
    public_url: str
    plain_loopback: bool


@dataclass(slots=True)
class Channels:
    """The open channels of one school's file, and what kept others closed."""

    doors: dict[str, Door] = field(default_factory=dict)
    returns: dict[str, frozenset[str]] = field(default_factory=dict)
    readers: dict[str, list[NoticeReader]] = field(default_factory=dict)
    closers: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def open_channels(school_id: int, connections: Mapping[str, object], parts: Parts) -> Channels:
    """Opens every channel that can be; what is wrong with one closes that one alone."""
    made = Channels()
    capabilities = _capabilities(connections.get("capability", {}), made.problems)
    for name, channel, table in _tables(connections.get("channel", {}), made.problems):
        own = dict(table)
        returns = own.pop(RETURN_TO, [])
        made.returns[channel] = frozenset(_addresses(f"channel.{name}", returns, made.problems))
        if channel is Channel.NATIVE:
            made.problems += [_unknown(f"channel.{name}.{key}", RETURN_TO) for key in own]
            continue
        try:
            opened = _open(school_id, channel, own, capabilities, parts)
        except SettingsInvalid as invalid:
            made.problems += [
                Problem(f"channel.{name}.{each.key}", each.text) for each in invalid.problems
            ]
        except ProviderMisconfigured as broken:
            made.problems.append(Problem(f"channel.{name}", Text(str(broken), str(broken))))
        else:
            made.doors[channel] = opened.door
            if opened.reader is not None:
                provider = opened.door.issuer.partition(":")[0]
                made.readers.setdefault(provider, []).append(opened.reader)
            made.closers.append(opened.close)
    return made


def _open(
    school_id: int,
    channel: Channel,
    table: Mapping[str, object],
    capabilities: frozenset[str],
    parts: Parts,
) -> Opened:
    """One channel.

    Raises: SettingsInvalid, ProviderMisconfigured.
    """
    model = _MODELS[channel]
    inline = [Problem(key, _INLINE) for key in _inline_secrets(model, table)]
    if inline:
        raise SettingsInvalid(inline)
    settings = validated(model, _resolved(table, parts.resolve))

    async def once(key: str, seconds: int) -> bool:
        return await parts.store.once(school_id, f"{channel}:{key}", seconds)

    match settings:
        case AlipaySettings():
            return alipay.open_door(settings, capabilities, parts.clock, once)
        case MiniSettings():
            return wechat.open_mini(settings, parts.tokens, parts.clock)
        case OfficialSettings():
            return wechat.open_official(settings, parts.tokens, parts.clock)
        case WecomSettings():
            return wecom.open_wecom(settings, capabilities, parts.tokens, parts.clock)
    raise AssertionError(channel)  # every model of the table above is among the cases


_MODELS: Mapping[Channel, type[BaseModel]] = {
    Channel.ALIPAY_MINI: AlipaySettings,
    Channel.WECHAT_MINI: MiniSettings,
    Channel.WECHAT_OFFICIAL: OfficialSettings,
    Channel.WECOM: WecomSettings,
}
CAPABILITIES = frozenset({alipay.REAL_NAME, alipay.WITHHOLD, wecom.PRIVATE_INFO})


def _capabilities(table: object, problems: list[Problem]) -> frozenset[str]:
    """The flags that are true, as `alipay.real_name`."""
    found = set()
    for vendor, flags in (table if isinstance(table, Mapping) else {"": table}).items():
        for name, value in (flags if isinstance(flags, Mapping) else {"": flags}).items():
            flag = f"{vendor}.{name}"
            if flag not in CAPABILITIES:
                problems.append(_unknown(f"capability.{flag}", *sorted(CAPABILITIES)))
            elif not isinstance(value, bool):
                text = Text("应为 true 或 false", "Must be true or false")
                problems.append(Problem(f"capability.{flag}", text))
            elif value:
                found.add(flag)
    return frozenset(found)


def _tables(
    table: object, problems: list[Problem]
) -> Iterator[tuple[str, Channel, Mapping[str, object]]]:
    words = {channel.lower(): channel for channel in Channel}
    for name, own in (table if isinstance(table, Mapping) else {"": table}).items():
        if name not in words or not isinstance(own, Mapping):
            problems.append(_unknown(f"channel.{name}", *words))
        else:
            yield name, words[name], own


def _addresses(place: str, given: object, problems: list[Problem]) -> Iterator[str]:
    for each in given if isinstance(given, list) else [given]:
        if isinstance(each, str) and re.fullmatch(r"(https?://|/)[!\"$->@-~]{1,290}", each):
            yield each
            continue
        text = Text("应为不带参数的完整地址", "Must be a whole address without a query")
        problems.append(Problem(f"{place}.{RETURN_TO}", text))


def _unknown(key: str, *known: str) -> Problem:
    names = ", ".join(known)
    return Problem(key, Text(f"未知的键，已知：{names}", f"Unknown key; known are {names}"))


def _resolved(value: Any, resolve: Callable[[str], str]) -> Any:  # noqa: ANN401 - any TOML value
    """The value with its secrets in place of their references.

    Raises: SettingsInvalid.
    """
    if isinstance(value, Mapping):
        found = {}
        for key, each in value.items():
            try:
                found[key] = _resolved(each, resolve)
            except (LookupError, OSError):
                raise SettingsInvalid([Problem(key, _MISSING)]) from None
        return found
    if isinstance(value, list):
        return [_resolved(each, resolve) for each in value]
    reference = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    return resolve(reference[1]).strip() if reference else value


def _inline_secrets(model: type[BaseModel], table: Mapping[str, object]) -> Iterator[str]:
    """The keys of secrets that stand in the file itself."""
    for name, info in model.model_fields.items():
        value = table.get(name)
        for kind in (info.annotation, *get_args(info.annotation)):
            if kind is SecretStr and isinstance(value, str) and not _REFERENCE.fullmatch(value):
                yield name
            elif isinstance(kind, type) and issubclass(kind, BaseModel):
                inner = value if isinstance(value, Mapping) else {}
                yield from (f"{name}.{each}" for each in _inline_secrets(kind, inner))
