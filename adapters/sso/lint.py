"""`bff sso lint`: every problem of a school's sign-on settings at once, without asking anybody."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence

from adapters.sso.api import Kind, Problem, SettingsInvalid, Text
from adapters.sso.attribute_map import TEXT_MAXIMUM
from adapters.sso.settings import Setting, SignOn, read_table

SLOW_SECONDS = 0.02
_HOSTILE = ("a", "0", "ab", "a0", "A", "_", " ", "-", ".", "@", "=", "uid=", "中")
_ENDS = ("", "!", "\n")
Tables = Sequence[Mapping[str, object]]


def lint(tables: Tables, setting: Setting, before: Tables = ()) -> tuple[Problem, ...]:
    """The problems of all `[[sso]]` tables; `before` are those of the generation in use.

    A key is `sso.<place>.<name>`, the place counted from 0.
    """
    problems: list[Problem] = []
    for place, table in enumerate(tables):
        try:
            read = read_table(table, setting, place)
        except SettingsInvalid as invalid:
            problems += invalid.problems
        else:
            problems += _slow_patterns(read, place)
    problems += _twins(tables, setting.kinds)
    problems += _changed_subjects(tables, before, setting.kinds)
    return tuple(problems)


def seconds_on_hostile_text(pattern: re.Pattern[str]) -> float:
    """The longest that a pattern takes for a text that almost fits, in CPU seconds.

    The texts grow letter by letter, and the first slow one ends it: an exponential pattern cannot
    hold us up.
    """
    longest = 0.0
    seeds = dict.fromkeys((*_HOSTILE, *re.findall(r"\w+|[^\w\s\\]", pattern.pattern)))
    for seed in seeds:
        for length in (*range(1, 40), *range(40, TEXT_MAXIMUM + 1, 8)):
            for end in _ENDS:
                text = (seed * length)[:length] + end
                begun = time.process_time()
                pattern.search(text)
                longest = max(longest, time.process_time() - begun)
                if longest > SLOW_SECONDS:
                    return longest
    return longest


def _slow_patterns(read: SignOn, place: int) -> Iterator[Problem]:
    for target, rule in read.map.rules().items():
        if rule.match and seconds_on_hostile_text(rule.match) > SLOW_SECONDS:
            text = Text(
                "正则在恶意输入上过慢，请去掉嵌套的量词",
                "Slow on hostile text: do not nest quantifiers",
            )
            yield Problem(f"sso.{place}.map.{target}.match", text)


def _twins(tables: Tables, kinds: Mapping[str, Kind]) -> Iterator[Problem]:
    ids: dict[object, int] = {}
    issuers: dict[object, int] = {}
    for place, table in enumerate(tables):
        first = ids.setdefault(table.get("id"), place)
        if first != place:
            text = Text(f"与第 {first + 1} 个重复", f"The id of table {first + 1} again")
            yield Problem(f"sso.{place}.id", text)
        kind = kinds.get(str(table.get("kind")))
        if kind is None or not kind.identity:
            continue
        first = issuers.setdefault(_issuer(table, kind), place)
        if first != place:
            text = Text(
                f"与第 {first + 1} 个是同一颁发方", f"The issuer of table {first + 1} again"
            )
            yield Problem(f"sso.{place}.{kind.identity[0]}", text)


def _issuer(table: Mapping[str, object], kind: Kind) -> tuple[str, ...]:
    return (str(table.get("kind")), *(str(table.get(key)).rstrip("/") for key in kind.identity))


def _changed_subjects(
    tables: Tables, before: Tables, kinds: Mapping[str, Kind]
) -> Iterator[Problem]:
    earlier = {table.get("id"): table for table in before}
    text = Text(
        "主体规则已变：已绑定的人会变成另一个主体，须先做主体迁移（rekey）",
        "The subject rule changed: those already bound become other subjects; rekey first",
    )
    for place, table in enumerate(tables):
        old, kind = earlier.get(table.get("id")), kinds.get(str(table.get("kind")))
        if old is None or kind is None:
            continue
        changed = [key for key in ("kind", *kind.identity) if old.get(key) != table.get(key)]
        if _subject_rule(old) != _subject_rule(table):
            changed.append("map.subject")
        yield from (Problem(f"sso.{place}.{key}", text) for key in changed)


def _subject_rule(table: Mapping[str, object]) -> object:
    found = table.get("map")
    return found.get("subject") if isinstance(found, Mapping) else None
