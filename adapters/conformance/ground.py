"""What a kind under test stands on: a real way out, a memory of what was used, a movable clock."""

import logging
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from adapters.conformance.hostile import Detour
from adapters.sso.api import Begin, Callback, Env, Reach
from adapters.sso.http import SchoolHttp


@dataclass(frozen=True, slots=True)
class Back:
    """What a person brings back: the query or form of a browser, or for the flows without one the
    form `{username, password}` or `{code}`."""

    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-on of one person, up to the moment before it is finished."""

    begin: Begin
    state: str
    back: Back

    def callback(self, url: str) -> Callback:
        """What `finish` is given."""
        return Callback(url, self.back.query, self.back.form, self.begin.stash, self.state)

    def having(self, query: Mapping[str, str], form: Mapping[str, str]) -> "Attempt":
        """The same attempt come back with other parameters."""
        return replace(self, back=Back(query, form))


class MemoryOnce:
    """`once` that forgets nothing."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    async def __call__(self, key: str, seconds: int) -> bool:
        """True for the first who asks."""
        assert seconds > 0, "a key is remembered for some time"
        first = key not in self._seen
        self._seen.add(key)
        return first


class Records(logging.Handler):
    """Everything that is logged, by anybody, as text."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps a line."""
        self.lines.append(f"{record.name} {record.getMessage()} {record.exc_info}")


@contextmanager
def recorded() -> Iterator[list[str]]:
    """The lines logged meanwhile, those of DEBUG included."""
    handler, root = Records(), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield handler.lines
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


@asynccontextmanager
async def standing(
    callback_url: str, reach: Reach, once: MemoryOnce, *, off_seconds: int = 0,
    instead: str | None = None, said: list[str] | None = None,
) -> AsyncIterator[Env]:  # fmt: skip
    """An Env whose clock is off by so much and whose requests go, if asked, to `instead`."""
    http = SchoolHttp(reach)
    lines: list[str] = [] if said is None else said
    try:
        yield Env(
            "sample", "kind", callback_url, Detour(http, instead) if instead else http, once,
            lambda: _now() + timedelta(seconds=off_seconds), lines.append, secrets.token_bytes,
        )  # fmt: skip
    finally:
        await http.close()


def new_state() -> str:
    """24 letters and digits."""
    return secrets.token_hex(12)


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the server under test lives in real time
