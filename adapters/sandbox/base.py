"""What every pretend provider stands on: one clock, one set of people, switches, traces, keys."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from starlette.routing import BaseRoute

from adapters.sandbox.clock import SandboxClock
from adapters.sandbox.faults import Faults
from adapters.sandbox.mailbox import Mailbox
from adapters.sandbox.people import People
from adapters.sandbox.trace import Trace


class Mode(StrEnum):
    """How much is forgiven: `strict` refuses unknown paths and fields and counts them as failures
    of the run, `demo` answers what it can."""

    STRICT = "strict"
    DEMO = "demo"


@dataclass(slots=True)
class Base:
    """The ground of all providers. `failures` are what `strict` found wrong with its callers."""

    clock: SandboxClock
    mode: Mode = Mode.STRICT
    faults: Faults = field(default_factory=Faults)
    people: People = field(default_factory=People)
    failures: list[str] = field(default_factory=list)
    mailbox: Mailbox = field(init=False)
    trace: Trace = field(init=False)

    def __post_init__(self) -> None:
        self.mailbox = Mailbox(self.clock)
        self.trace = Trace(self.clock)

    @classmethod
    def on(cls, real: Callable[[], datetime], mode: Mode) -> "Base":
        """A new ground over real time."""
        return cls(SandboxClock(real), mode)

    def fail(self, what: str) -> None:
        """Notes what a strict provider would not take from us."""
        if self.mode is Mode.STRICT:
            self.failures.append(what)


Credentials = Mapping[str, str]
"""What a school's settings need to reach a provider: made at start, printed by /_credentials."""


@dataclass(frozen=True, slots=True)
class Act:
    """What a person does in a provider's app: a POST of {person} and `given`, answered with what
    the app would hand to ours."""

    zh: str
    en: str
    path: str
    given: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Provider:
    """One pretend company: its routes, what its customers have to know of it, and what people can
    do in its app."""

    name: str
    routes: Sequence[BaseRoute]
    credentials: Callable[[], Credentials] = dict
    acts: Sequence[Act] = ()
