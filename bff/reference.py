"""The tables in docs/ that repeat what the program itself reads: each is written from its source.

A page marks the place: `<!-- table: NAME -->` and `<!-- end -->`, each on its own line.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import get_args, get_origin

from pydantic import BaseModel, SecretStr

from bff.refusal import STATUSES
from bff.settings import Language, Settings
from bff.sign_on_reference import CHANNELS, KINDS, keys_of, troubles
from core.school.policy import Policy
from core.school.typed_table import Key, KeyRow, rows
from schema.catalogue import ERRORS, REFUSALS
from terminals.response import RESPONSES
from terminals.signature import SignatureRefusal

_BLOCK = re.compile(r"(<!-- table: ([a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_WORDS_IN_A_ROW = 6
"""A longer list of allowed words has a heading of its own."""

_SETTINGS = {
    "environment": (
        "运行环境；development 放宽限制",
        "development allows what production must not",
    ),
    "database_url": ("应用角色的 PostgreSQL", "PostgreSQL as the app's role"),
    "owner_database_url": (
        "所有者角色的 PostgreSQL，仅 migrate 使用",
        "PostgreSQL as the role that owns the tables; only migrate uses it",
    ),
    "redis_url": ("Valkey 或 Redis", "Valkey or Redis"),
    "keys_file": ("密钥文件，权限 0600", "The key file, mode 0600"),
    "port": ("监听端口", "The port to listen on"),
    "workers": ("服务进程数", "Processes that serve"),
    "public_url": (
        "浏览器访问本服务的地址，如 https://card.school.example；回调地址由它而来",
        "Where browsers reach us, as https://card.school.example; callbacks are built from it",
    ),
    "mail_url": (
        "发信服务器，smtp://用户:密码@主机:端口；本机以外必须 TLS",
        "Outgoing mail, smtp://user:password@host:port; TLS unless on this machine",
    ),
    "mail_sender": ("发件人地址", "The sender's address"),
    "sms_url": ("短信网关", "The SMS gateway"),
    "sms_key_id": ("短信网关的密钥编号", "The id of our key at the SMS gateway"),
    "sms_secret": ("短信网关的密钥", "Our key at the SMS gateway"),
}
"""What each setting means in (zh, en); the writing stops at one that is missing here."""


def page_texts(root: Path) -> Iterator[tuple[Path, str]]:
    """Every page of docs/ below `root`, with the text it should have."""
    for page in sorted((root / "docs").rglob("*.md")):
        yield page, page_text(page.read_text("utf-8"), page.name)


def page_text(text: str, name: str) -> str:
    """A page's text with its tables as they are now; `name` ends in `.zh.md` where it is Chinese.

    Raises: KeyError for a table that does not exist.
    """
    language: Language = "zh" if name.endswith(".zh.md") else "en"
    return _BLOCK.sub(lambda block: f"{block[1]}\n{TABLES[block[2]](language)}\n\n{block[3]}", text)


def _policy(language: Language) -> str:
    parts: list[str] = []
    long_lists: dict[str, type[StrEnum]] = {}
    heads = _pick(language, "键 含义 取值 默认", "Key Meaning Holds Default").split()
    for group, members in groupby(rows(Policy()), lambda row: row.name.partition(".")[0]):
        cells = []
        for row in members:
            long_lists |= {kind.__name__: kind for kind in _words(row.kind) if _is_long(kind)}
            meaning = _pick(language, row.key.zh, row.key.en)
            cells.append([f"`{row.name}`", meaning, _holds(row, language), _default(row.value)])
        parts += [f"## {group}", _table(heads, cells)]
    for name, kind in long_lists.items():
        parts += [f"## {name}", ", ".join(f"`{word}`" for word in kind)]
    return "\n\n".join(parts)


def _holds(row: KeyRow, language: Language) -> str:
    """What a key may hold, in a few words."""
    inside = get_args(row.kind)
    match get_origin(row.kind):
        case None:
            return _one(row.kind, row.key, language)
        case container if container is Mapping:
            pair = [_one(kind, row.key, language) for kind in (inside[0], *get_args(inside[1]))]
            return _pick(language, f"表：{pair[0]} → {pair[1]}", f"table: {pair[0]} → {pair[1]}")
        case container:
            item = _one(inside[0], row.key, language)
            ordered = container is tuple
            zh = f"{'有序' if ordered else ''}列表：{item}"
            return _pick(language, zh, f"{'ordered ' if ordered else ''}list: {item}")


def _one(kind: type, key: Key, language: Language) -> str:
    if issubclass(kind, StrEnum):
        if _is_long(kind):
            return f"[{kind.__name__}](#{kind.__name__.lower()})"
        return ", ".join(f"`{word}`" for word in kind)
    if kind is int:
        return f"{key.minimum:,}–{key.maximum:,}"
    if kind is bool:
        return "`true`, `false`"
    return _pick(language, "文字", "text")


def _words(kind: object) -> list[type[StrEnum]]:
    kinds = [kind, *(each for part in get_args(kind) for each in (part, *get_args(part)))]
    return [each for each in kinds if isinstance(each, type) and issubclass(each, StrEnum)]


def _is_long(kind: type[StrEnum]) -> bool:
    return len(kind) > _WORDS_IN_A_ROW


def _default(value: object) -> str:
    """A value as it would stand in the file."""
    if isinstance(value, Mapping):
        return "—"
    plain = sorted(value) if isinstance(value, frozenset) else value
    return f"`{json.dumps(plain)}`"


def _errors(language: Language) -> str:
    """Headings, not rows: `extensions.docs` of an answer names one of them."""
    parts = []
    for code, message in ERRORS.items():
        status = STATUSES.get(code, 200)
        text = _pick(language, message.zh, message.en)
        parts.append(f"### {code}\n\n{text} HTTP {status}.")
    return "\n\n".join(parts)


def _http(language: Language) -> str:
    heads = _pick(language, "代码 HTTP", "Code HTTP").split()
    return _table(heads, ([f"`{code}`", str(status)] for code, status in STATUSES.items()))


def _signatures(_language: Language) -> str:
    return ", ".join(f"`{reason}`" for reason in SignatureRefusal)


def _refusals(language: Language) -> str:
    heads = _pick(language, "代码 文字", "Code Text").split()
    told = ((code, _pick(language, text.zh, text.en)) for code, text in sorted(REFUSALS.items()))
    return _table(heads, ([f"`{code}`", text] for code, text in told))


def _responses(language: Language) -> str:
    heads = _pick(language, "代码 名称 中文 English 动作", "Code Name 中文 English Action").split()
    return _table(heads, ([r.code, f"`{r.name}`", r.zh, r.en, r.action] for r in RESPONSES))


def _settings(language: Language) -> str:
    heads = _pick(language, "变量 含义 默认", "Variable Meaning Default").split()
    cells = []
    for name, field in Settings.model_fields.items():
        secret = SecretStr in get_args(field.annotation)
        default = "—" if field.default is None else f"`{field.default}`"
        meaning = _pick(language, *_SETTINGS[name])
        mark = _pick(language, "（保密）", " (secret)") if secret else ""
        cells.append([f"`BFF_{name.upper()}`", meaning + mark, default])
    return _table(heads, cells)


def _kinds(language: Language) -> str:
    heads = _pick(language, "kind|必填|可选及默认值", "kind|Needs|May have, with its default")
    return _keys(heads, _pick(language, "所有", "all"), KINDS)


def _channels(language: Language) -> str:
    heads = _pick(
        language, "[channel.…]|必填|可选及默认值", "[channel.…]|Needs|May have, with its default"
    )
    return _keys(heads, "", CHANNELS)


def _keys(heads: str, nameless: str, models: Mapping[str, type[BaseModel]]) -> str:
    return _table(
        heads.split("|"),
        (
            [f"`{name}`" if name else nameless, ", ".join(needed) or "—", ", ".join(optional)]
            for name, needed, optional in keys_of(models)
        ),
    )


def _troubles(language: Language) -> str:
    heads = _pick(language, "提示|怎么办", "It says|What to do")
    return _table(
        heads.split("|"),
        ([_pick(language, *detail), _pick(language, *fix)] for detail, fix in troubles()),
    )


def _pick(language: Language, zh: str, en: str) -> str:
    return zh if language == "zh" else en


def _table(heads: Iterable[str], cells: Iterable[Iterable[str]]) -> str:
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


TABLES: Mapping[str, Callable[[Language], str]] = {
    "policy": _policy,
    "errors": _errors,
    "http": _http,
    "signatures": _signatures,
    "refusals": _refusals,
    "responses": _responses,
    "settings": _settings,
    "kinds": _kinds,
    "channels": _channels,
    "troubles": _troubles,
}
"""Every table a page may ask for."""
