"""What changes between two policies, in words; and the digest that names one."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.kit.money import decimal_text
from core.school.policy import Policy
from core.school.typed_table import rows


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """One key that differs, with a sentence in each language."""

    key: str
    zh: str
    en: str


def policy_diff(old: Policy, new: Policy) -> list[PolicyChange]:
    """The keys whose values differ, in the order of the policy table."""
    changes = []
    for before, after in zip(rows(old), rows(new), strict=True):
        if before.value == after.value:
            continue
        name, key = before.name, before.key
        arrow = f"{_text(name, before.value)} → {_text(name, after.value)}"
        changes.append(
            PolicyChange(name, f"{key.zh}（{name}）：{arrow}", f"{key.en} ({name}): {arrow}")
        )
    return changes


def policy_digest(policy: Policy, beside: object = None) -> str:
    """SHA-256 (hex) of the effective content: equal for files that decide alike.

    `beside` is what else the file decides, as JSON would hold it.
    """
    content: object = {row.name: _plain(row.value) for row in rows(policy)}
    if beside:
        content = [content, beside]
    text = json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(inside) for name, inside in value.items()}
    return value


def _text(name: str, value: object) -> str:
    plain = _plain(value)
    if isinstance(plain, dict):
        return "; ".join(f"{each} @ {_text('', plain[each])}" for each in sorted(plain)) or "—"
    if isinstance(plain, Iterable) and not isinstance(plain, str):
        return ", ".join(_text(name, item) for item in plain) or "—"
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if name.endswith("_minor") and isinstance(plain, int):
        return f"¥{decimal_text(plain)}"
    return str(plain)
