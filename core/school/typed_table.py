"""Reads a TOML table into frozen dataclasses whose annotations say what each key may hold."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from core.school.records import PolicyProblem
from core.school.toml_lines import Path

TEXT_LENGTH_MAXIMUM = 60

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Key:
    """What a key means, and its bounds: of the number, or of each number in a list.

    `length` is the most characters of a text; `pattern` matches all of it.
    """

    zh: str
    en: str
    minimum: int | None = None
    maximum: int | None = None
    may_be_empty: bool = False
    pattern: str | None = None
    length: int = TEXT_LENGTH_MAXIMUM


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One row of a table of keys: dotted name, kind of value, meaning, and the value it has."""

    name: str
    kind: Any
    key: Key
    value: object


def annotations(record_type: type) -> dict[str, tuple[type, Key | None]]:
    """Field name -> (kind of value, its key), the key None where the field is a table."""
    hints = get_type_hints(record_type, include_extras=True)
    return {
        name: (get_args(hint)[0], get_args(hint)[1])
        if get_origin(hint) is not None
        else (hint, None)
        for name, hint in hints.items()
    }


def rows(record: object, prefix: str = "") -> Iterator[KeyRow]:
    """Every key of a record and of its tables, in the order they are declared."""
    for name, (kind, key) in annotations(type(record)).items():
        value = getattr(record, name)
        if key is None:
            yield from rows(value, f"{prefix}{name}.")
        else:
            yield KeyRow(prefix + name, kind, key, value)


class _Mismatch(Exception):
    """A value that its key cannot hold, with the reason in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


class TableReader:
    """Reads records out of one document and gathers everything wrong with it.

    `lines` are the document's (toml_lines), `known` the dotted names an unknown key is compared
    with. Afterwards `problems` is complete and `given` holds the names of all keys in the file.
    """

    def __init__(self, lines: Mapping[Path, int], known: Sequence[str]) -> None:
        self._lines = lines
        self._known = known
        self.problems: list[PolicyProblem] = []
        self.given: set[str] = set()

    def read(
        self, record_type: type[Record], table: object, path: Path, base: Record | None = None
    ) -> Record | None:
        """The record in `table`; what is absent or wrong is as in `base`.

        Without one it is the record's own default, and None where a key has none.
        """
        if not isinstance(table, dict):
            self.refuse(path, "应为表", "Must be a table")
            return base
        shape = annotations(record_type)
        for name in table.keys() - shape.keys():
            self.refuse_unknown((*path, name))
        values: dict[str, Any] = {}
        for field in fields(record_type):  # type: ignore[arg-type]  # records are dataclasses
            fallback = getattr(base, field.name, field.default)
            values[field.name] = self._field(
                shape[field.name], table, (*path, field.name), fallback
            )
        return None if MISSING in values.values() else record_type(**values)

    def read_list(self, record_type: type[Record], raw: object, path: Path) -> tuple[Record, ...]:
        """The records of an array of tables, without those that cannot be read."""
        if not isinstance(raw, list):
            self.refuse(path, "应为表数组", "Must be a list of tables")
            return ()
        read = (self.read(record_type, each, (*path, str(n))) for n, each in enumerate(raw))
        return tuple(each for each in read if each is not None)

    def refuse(self, path: Path, zh: str, en: str, nearest: str | None = None) -> None:
        """Adds a problem at the line of `path`, or of the nearest table above that is written."""
        line = next(
            (
                self._lines[path[:size]]
                for size in range(len(path), 0, -1)
                if path[:size] in self._lines
            ),
            1,
        )
        self.problems.append(PolicyProblem(line, ".".join(path), zh, en, nearest))

    def refuse_unknown(self, path: Path) -> None:
        """Adds the problem of a key that does not exist, with the known key nearest to it."""
        others = [name for name in self._known if name != ".".join(path[:-1])]
        near = get_close_matches(".".join(path), others, n=1, cutoff=0.7)
        hint_zh = f"，是否为 {near[0]}？" if near else ""
        hint_en = f"; did you mean {near[0]}?" if near else ""
        nearest = near[0] if near else None
        self.refuse(path, f"未知的键{hint_zh}", f"Unknown key{hint_en}", nearest)

    def _field(
        self,
        shape: tuple[type, Key | None],
        table: Mapping[str, object],
        path: Path,
        fallback: object,
    ) -> object:
        kind, key = shape
        if path[-1] not in table:
            if fallback is MISSING:
                self.refuse(path, "缺少此键", "This key is missing")
            return fallback
        raw = table[path[-1]]
        self.given.add(".".join(path))
        if key is None:
            return self.read(kind, raw, path, fallback)
        try:
            if is_dataclass(get_args(kind)[0] if get_args(kind) else kind):
                return self._items(get_args(kind)[0], raw, path)
            return _value(kind, key, raw)
        except _Mismatch as mismatch:
            self.refuse(path, mismatch.zh, mismatch.en)
            return fallback

    def _items(self, record_type: type, raw: object, path: Path) -> object:
        if not isinstance(raw, list) or not raw:
            raise _Mismatch("应为非空的表数组", "Must be a list of tables, not empty")
        items = [
            self.read(record_type, item, (*path, str(place))) for place, item in enumerate(raw)
        ]
        return MISSING if None in items else tuple(items)


def _value(kind: type, key: Key, raw: object) -> object:
    container, inside = get_origin(kind), get_args(kind)
    if container is tuple or container is frozenset:
        items = _list(inside[0], key, raw)
        return tuple(items) if container is tuple else frozenset(items)
    if container is Mapping:
        if not isinstance(raw, dict):
            raise _Mismatch("应为表", "Must be a table")
        return {_scalar(inside[0], key, name): _value(inside[1], key, raw[name]) for name in raw}
    return _scalar(kind, key, raw)


def _list(kind: type, key: Key, raw: object) -> list[object]:
    if not isinstance(raw, list):
        raise _Mismatch("应为数组", "Must be a list")
    if not raw and not key.may_be_empty:
        raise _Mismatch("不可为空", "Must not be empty")
    items = [_scalar(kind, key, item) for item in raw]
    if len(set(items)) != len(items):
        raise _Mismatch("有重复的值", "A value occurs twice")
    return items


def _scalar(kind: type, key: Key, raw: object) -> object:
    if issubclass(kind, StrEnum):
        if not isinstance(raw, str) or raw not in kind.__members__:
            allowed = ", ".join(kind)
            raise _Mismatch(f"应为其中之一：{allowed}", f"Must be one of {allowed}")
        return kind[raw]
    if type(raw) is not kind or not isinstance(raw, str | int):
        zh, en = {bool: ("true 或 false", "true or false"), int: ("整数", "an integer")}.get(
            kind, ("文字", "a text")
        )
        raise _Mismatch(f"应为{zh}", f"Must be {en}")
    if isinstance(raw, str):
        _check_text(key, raw)
    else:
        _check_bounds(key, raw)
    return raw


def _check_text(key: Key, raw: str) -> None:
    if not raw.strip() or len(raw) > key.length or not raw.isprintable():
        raise _Mismatch(
            f"应为 1 至 {key.length} 个可见字符", f"Must be 1 to {key.length} visible characters"
        )
    if key.pattern is not None and not re.fullmatch(key.pattern, raw):
        raise _Mismatch(f"格式应为 {key.pattern}", f"Must have the form {key.pattern}")


def _check_bounds(key: Key, raw: int) -> None:
    if key.minimum is not None and raw < key.minimum:
        raise _Mismatch(f"不得小于 {key.minimum}", f"Must be at least {key.minimum}")
    if key.maximum is not None and raw > key.maximum:
        raise _Mismatch(f"不得大于 {key.maximum}", f"Must be at most {key.maximum}")
