"""What docs/ repeats of channels and sign-ons: the keys of each, and every trouble a probe tells.

The troubles are read from the probes' source: each call of `ill` has a text for what is wrong and
one for what to do. What a text fills in at run time is an ellipsis here.
"""

import ast
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

import adapters.sso
from adapters.alipay.settings import AlipaySettings
from adapters.sso.cas import CasSettings
from adapters.sso.ldap import LdapSettings
from adapters.sso.oauth2 import OAuth2Settings
from adapters.sso.oidc import OidcSettings
from adapters.sso.saml import SamlSettings
from adapters.sso.settings import CommonSettings
from adapters.sso.wecom import WecomSettings
from adapters.wechat.settings import MiniSettings, OfficialSettings
from adapters.wecom.settings import WecomSettings as WecomAppSettings

KINDS: Mapping[str, type[BaseModel]] = {
    "": CommonSettings,
    "cas": CasSettings,
    "oidc": OidcSettings,
    "oauth2": OAuth2Settings,
    "wecom": WecomSettings,
    "saml": SamlSettings,
    "ldap": LdapSettings,
}
"""The settings of each built-in kind; the first are common to all."""

CHANNELS: Mapping[str, type[BaseModel]] = {
    "alipay_mini": AlipaySettings,
    "wechat_mini": MiniSettings,
    "wechat_official": OfficialSettings,
    "wecom": WecomAppSettings,
}
"""The settings of each channel that has some."""

Words = tuple[str, str]
"""A text in (zh, en)."""


def keys_of(
    models: Mapping[str, type[BaseModel]],
) -> Iterator[tuple[str, list[str], list[str]]]:
    """Each name with the keys it needs and, with their defaults, those it may have."""
    for kind, model in models.items():
        needed, optional = [], []
        for name, field in model.model_fields.items():
            key = field.alias or name
            if field.is_required():
                needed.append(f"`{key}`")
            else:
                optional.append(_with_default(key, field))
        yield kind, needed, optional


def _with_default(key: str, field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    if isinstance(default, BaseModel):
        default = default.model_dump(mode="json", exclude_none=True)
    if default is None or default in ({}, (), ""):
        return f"`{key}`"
    plain = list(default) if isinstance(default, tuple | frozenset) else default
    return f"`{key} = {json.dumps(plain, ensure_ascii=False)}`"


def troubles() -> list[tuple[Words, Words]]:
    """What can be wrong and what to do about it, without repetition, in the order of the source."""
    found: dict[tuple[Words, Words], None] = {}
    for path in sorted(Path(adapters.sso.__file__).parent.glob("*.py")):
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                found |= dict.fromkeys(_told_by(function))
    return list(found)


def _told_by(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[Words, Words]]:
    for call in ast.walk(function):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "ill":
            detail, fix = (_words(each, function) for each in call.args[1:3])
            yield detail, fix


def _words(given: ast.expr, function: ast.AST) -> Words:
    """The two languages of `Text(zh, en)`, also where a name stands for it."""
    if isinstance(given, ast.Name):
        given = _newest(given, function)
    assert isinstance(given, ast.Call)
    zh, en = (_plain(each) for each in given.args)
    return zh, en


def _newest(name: ast.Name, function: ast.AST) -> ast.expr:
    """What a name was last given above the line that uses it."""
    return max(
        (
            each
            for each in ast.walk(function)
            if isinstance(each, ast.Assign)
            and each.lineno < name.lineno
            and any(isinstance(to, ast.Name) and to.id == name.id for to in each.targets)
        ),
        key=lambda each: each.lineno,
    ).value


def _plain(text: ast.expr) -> str:
    if isinstance(text, ast.JoinedStr):
        return "".join(_plain(each) for each in text.values)
    return str(text.value) if isinstance(text, ast.Constant) else "…"
