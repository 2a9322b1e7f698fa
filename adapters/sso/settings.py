"""One `[[sso]]` table of a school's settings, read and checked; secrets are references."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar, get_args
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from adapters.sso.api import Kind, Problem, Provider, Reach, SettingsInvalid, Text
from adapters.sso.attribute_map import AttributeMap
from core.ports.campus_sign_on import LinkMode

Resolve = Callable[[str], str]
"""The secret behind `file:<path>` or `env:<name>`; raises LookupError or OSError."""
Model = TypeVar("Model", bound=BaseModel)
Label = Annotated[str, StringConstraints(min_length=1, max_length=60)]
_REFERENCE = re.compile(r"\$\{((?:file|env):[^{}]+)\}")
_MESSAGES = {
    "missing": "缺少此键",
    "string_type": "应为文字",
    "bool_type": "应为 true 或 false",
    "int_type": "应为整数",
    "too_short": "不可为空",
    "literal_error": "应为其中之一：{expected}",
    "web_address": "应为 https:// 开头的地址",
    "string_pattern_mismatch": "格式应为 {pattern}",
}


def _web_address(text: str) -> str:
    """An address that a browser or we may go to: plain HTTP only on this machine."""
    parts = urlsplit(text)
    plain = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"}
    if not (parts.scheme == "https" or plain) or not parts.netloc or parts.fragment:
        raise PydanticCustomError("web_address", "Must be an address that begins with https://")
    return text


Address = Annotated[str, AfterValidator(_web_address)]


class Table(BaseModel):
    """A table of settings: nothing unknown in it, nothing changed later."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Labels(Table):
    """What the button says."""

    zh: Label
    en: Label


class Link(Table):
    """`[sso.link]`: how far the school's word goes."""

    mode: Literal["person_no", "prove_card", "manual"] = "prove_card"


class CommonSettings(Table):
    """The keys that a provider of any kind has."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
    kind: str
    channels: frozenset[str] = Field(min_length=1)
    label: Labels
    map: AttributeMap
    link: Link = Link()
    allow_private: bool = False
    ca_file: str | None = None
    tls_min: Literal["1.0", "1.1", "1.2", "1.3"] = "1.2"


COMMON_KEYS = frozenset(CommonSettings.model_fields)


@dataclass(frozen=True, slots=True)
class SignOn:
    """A provider of a school as its settings have it."""

    id: str
    kind: str
    channels: frozenset[str]
    label_zh: str
    label_en: str
    map: AttributeMap
    link: LinkMode
    reach: Reach
    provider: Provider


@dataclass(frozen=True, slots=True)
class Setting:
    """What the settings of all schools are read with.

    `channels` are the words of a channel; `plain_loopback` is true in development only.
    """

    kinds: Mapping[str, Kind]
    channels: frozenset[str]
    resolve: Resolve
    plain_loopback: bool = False


def read_table(table: Mapping[str, object], setting: Setting, place: int = 0) -> SignOn:
    """The provider that a table describes; `place` counts the tables of the file from 0.

    Raises: SettingsInvalid, with every problem of the table.
    """
    problems: list[Problem] = []
    common = _gathered(problems, lambda: _common(table, setting))
    kind = setting.kinds.get(str(table.get("kind")))
    own = {key: value for key, value in table.items() if key not in COMMON_KEYS}
    reach = _reach(common, setting)
    provider = None
    if kind is None:
        names = ", ".join(sorted(setting.kinds))
        problems.append(Problem("kind", Text(f"应为其中之一：{names}", f"Must be one of {names}")))
    else:
        problems += unknown_keys(own, kind) + inline_secrets(own, kind)
        if not problems:
            made = kind
            provider = _gathered(
                problems, lambda: made.make(_resolved(own, setting.resolve), reach)
            )
    if problems or common is None or provider is None:
        raise SettingsInvalid([Problem(f"sso.{place}.{each.key}", each.text) for each in problems])
    return SignOn(
        common.id, common.kind, common.channels, common.label.zh, common.label.en, common.map,
        LinkMode(common.link.mode.upper()), reach, provider,
    )  # fmt: skip


def validated(model: type[Model], table: Mapping[str, object]) -> Model:
    """A kind's own settings.

    Raises: SettingsInvalid.
    """
    try:
        return model.model_validate(table)
    except ValidationError as error:
        raise SettingsInvalid(list(_problems(error, model))) from None


def kind_of(
    model: type[Model], identity: tuple[str, ...], make: Callable[[Model, Reach], Provider]
) -> Kind:
    """A kind whose keys are a model's; those that hold a SecretStr are its secrets."""
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    secrets = {name for name, field in fields.items() if _holds_secret(field.annotation)}
    return Kind(
        keys=frozenset(fields),
        secrets=frozenset(secrets),
        identity=identity,
        make=lambda table, reach: make(validated(model, table), reach),
    )


def unknown_keys(own: Iterable[str], kind: Kind) -> list[Problem]:
    """A problem for each key that neither the kind nor all kinds know, with those they know."""
    known = ", ".join(sorted(kind.keys | COMMON_KEYS))
    return [
        Problem(key, Text(f"未知的键，已知：{known}", f"Unknown key; known are {known}"))
        for key in own
        if key not in kind.keys
    ]


def inline_secrets(own: Mapping[str, object], kind: Kind) -> list[Problem]:
    """A problem for each secret that stands in the file itself."""
    written = "${file:/run/secrets/...} 或 ${env:...}", "${file:/run/secrets/...} or ${env:...}"
    text = Text(
        f"密钥不得写在文件中，请用 {written[0]}", f"A secret in the file: write {written[1]}"
    )
    return [
        Problem(key, text)
        for key in sorted(kind.secrets & own.keys())
        if not all(_REFERENCE.fullmatch(each) for each in _texts(own[key]))
    ]


def _common(table: Mapping[str, object], setting: Setting) -> CommonSettings:
    common = validated(CommonSettings, {k: v for k, v in table.items() if k in COMMON_KEYS})
    problems = []
    if strange := sorted(common.channels - setting.channels):
        names = ", ".join(sorted(setting.channels))
        text = Text(
            f"没有渠道 {strange[0]}，应为：{names}", f"No channel {strange[0]}; there are {names}"
        )
        problems.append(Problem("channels", text))
    if common.link.mode == "person_no" and common.map.person_no is None:
        text = Text(
            "link.mode 为 person_no 时须映射 person_no", "link.mode person_no needs map.person_no"
        )
        problems.append(Problem("map.person_no", text))
    if problems:
        raise SettingsInvalid(problems)
    return common


def _reach(common: CommonSettings | None, setting: Setting) -> Reach:
    if common is None:
        return Reach(plain_loopback=setting.plain_loopback)
    return Reach(common.allow_private, common.ca_file, common.tls_min, setting.plain_loopback)


Made = TypeVar("Made")


def _gathered(problems: list[Problem], make: Callable[[], Made]) -> Made | None:
    try:
        return make()
    except SettingsInvalid as invalid:
        problems += invalid.problems
        return None


def _resolved(own: Mapping[str, object], resolve: Resolve) -> dict[str, object]:
    found: dict[str, object] = {}
    problems = []
    for key, value in own.items():
        try:
            found[key] = _resolved_value(value, resolve)
        except (LookupError, OSError):
            text = Text("找不到所引用的密钥", "The secret it refers to is not there")
            problems.append(Problem(key, text))
    if problems:
        raise SettingsInvalid(problems)
    return found


def _resolved_value(value: object, resolve: Resolve) -> object:
    if isinstance(value, list):
        return [_resolved_value(each, resolve) for each in value]
    reference = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    return resolve(reference[1]).strip() if reference else value


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def _holds_secret(annotation: object) -> bool:
    return annotation is SecretStr or any(map(_holds_secret, get_args(annotation)))


def _problems(error: ValidationError, model: type[BaseModel]) -> Iterator[Problem]:
    for each in error.errors(include_url=False, include_input=False):
        key = ".".join(str(part) for part in each["loc"] if not str(part).startswith("function-"))
        if each["type"] == "extra_forbidden":
            known = ", ".join(_siblings(model, each["loc"]))
            yield Problem(key, Text(f"未知的键，已知：{known}", f"Unknown key; known are {known}"))
        else:
            zh = _MESSAGES.get(each["type"], "值不合要求（{msg}）")
            facts: dict[str, Any] = {**each.get("ctx", {}), "msg": each["msg"]}
            yield Problem(key, Text(zh.format(**facts), each["msg"]))


def _siblings(model: type[BaseModel], place: Collection[int | str]) -> list[str]:
    """The names that the table around an unknown key has."""
    for name in list(place)[:-1]:
        field = model.model_fields.get(str(name))
        inner = next(_models(field.annotation), None) if field else None
        if inner is not None:
            model = inner
    return sorted(field.alias or name for name, field in model.model_fields.items())


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _models(each)
