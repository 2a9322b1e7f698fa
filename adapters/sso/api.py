"""What a kind of campus sign-on is written against: this module and the standard library.

It follows semantic versioning: API_VERSION is its major number. A kind of one's own is a `Kind`
that a package names under the entry-point group `bff.sso`; `adapters.conformance` tests it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol

API_VERSION = 1
STASH_BYTES = 4096

Now = Callable[[], datetime]
"""The present instant, aware, in UTC."""
Once = Callable[[str, int], Awaitable[bool]]
"""`await once(key, seconds)`: True for the first who asks for the key within that time."""
Log = Callable[[str], None]
"""Takes a sentence without a person, ticket, code, token or secret in it."""
Entropy = Callable[[int], bytes]
"""So many random bytes."""
Attributes = Mapping[str, tuple[str, ...]]


class Flow(StrEnum):
    """How a person proves to the school who they are."""

    REDIRECT = "redirect"
    PASSWORD = "password"  # noqa: S105 - the name of a flow
    CODE = "code"


class SSOError(Exception):
    """No one was vouched for. `hint` is for school IT: no ticket, code, token or secret in it."""

    code: ClassVar[str] = "sso_error"
    http: ClassVar[int] = 500

    def __init__(self, hint: str) -> None:
        super().__init__(hint)
        self.hint = hint


class Denied(SSOError):
    """The school says no: a wrong password, a used ticket, a person who may not come in."""

    code = "denied"
    http = 401


class ProtocolViolation(SSOError):
    """What came back breaks the protocol: forged, replayed, foreign or malformed."""

    code = "protocol_violation"
    http = 400


class Incomplete(SSOError):
    """A person was vouched for, and an attribute that must be there is not."""

    code = "incomplete"
    http = 422


class Misconfigured(SSOError):
    """Our settings or the school's registration of us are wrong: people must look."""

    code = "misconfigured"
    http = 500


class Upstream(SSOError):
    """The school's server cannot be reached, is too slow, or fails."""

    code = "upstream"
    http = 503


@dataclass(frozen=True, slots=True)
class Text:
    """One thing said in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said, unverified. Header names are lower-case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Http(Protocol):
    """The way out: https to public addresses, no redirects, 3 s to connect, 8 s and 256 KiB in all.

    A request is sent a second time only if no connection came about.
    """

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Reads.

        Raises: Upstream (no answer), Misconfigured (the address is not allowed).
        """
        ...

    async def post(self, url: str, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Sends; name the Content-Type in the headers.

        Raises: Upstream (no answer), Misconfigured (the address is not allowed).
        """
        ...


@dataclass(frozen=True, slots=True)
class Env:
    """Where a provider stands: it sees no session, no database and no channel."""

    school: str
    provider: str
    callback_url: str
    """Without a query; one per provider, whatever Host a request names."""
    http: Http = field(repr=False)
    once: Once = field(repr=False)
    now: Now = field(repr=False)
    log: Log = field(repr=False)
    entropy: Entropy = field(repr=False)


@dataclass(frozen=True, slots=True)
class Begin:
    """Where the browser goes: by GET, or by POST of `form`.

    `stash` is JSON of less than 4 KiB that never leaves the server and comes back to `finish`.
    """

    url: str = field(repr=False)
    stash: Mapping[str, str] = field(repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Callback:
    """What the browser brought back. `state` is the one that `begin` was given."""

    url: str = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    form: Mapping[str, str] = field(repr=False)
    stash: Mapping[str, str] = field(repr=False)
    state: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Assertion:
    """Whom the school vouches for. Values are text as released: leading zeros survive."""

    issuer: str
    subject: str = field(repr=False)
    attributes: Attributes = field(repr=False)
    auth_time: int | None = None
    """Unix seconds."""
    session_ref: str | None = field(default=None, repr=False)
    """The ticket, sid or SessionIndex that a later logout names."""


@dataclass(frozen=True, slots=True)
class LogoutNotice:
    """Whose session the school ended; either may be missing."""

    session_ref: str | None = field(repr=False)
    subject: str | None = field(repr=False)


class Level(StrEnum):
    """How a probe went."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


NOTHING = Text("", "")


@dataclass(frozen=True, slots=True)
class Check:
    """What a probe found and, where it is not well, how to mend it."""

    level: Level
    name: str
    detail: Text
    fix: Text = NOTHING


class Provider:
    """A provider of a school. Override the methods of the flow that the class declares.

    Those of the other flows are never called, and say so (NotImplementedError) if they are.

    `begin` and `finish` run in different processes: keep nothing on the object but public keys.
    Every method raises SSOError and nothing else.
    """

    flow: ClassVar[Flow]

    async def begin(self, env: Env, state: str) -> Begin:
        """REDIRECT: where the browser goes; `state` is 24 letters and digits."""
        raise NotImplementedError

    async def finish(self, env: Env, cb: Callback) -> Assertion:
        """REDIRECT: who came back."""
        raise NotImplementedError

    async def verify(self, env: Env, username: str, password: str) -> Assertion:
        """PASSWORD: who has this name and password."""
        raise NotImplementedError

    async def exchange(self, env: Env, code: str) -> Assertion:
        """CODE: who was given this code."""
        raise NotImplementedError

    async def logout_url(self, env: Env, session_ref: str, back: str) -> str | None:
        """Where the browser ends the school's session; None where there is no such page."""
        return None

    async def logout_notice(self, env: Env, raw: bytes) -> LogoutNotice | None:
        """What a posted logout says, once verified; None if it is none of this provider's."""
        return None

    async def check(self, env: Env) -> AsyncIterator[Check]:
        """Probes that need nobody's password."""
        nothing: tuple[Check, ...] = ()
        for each in nothing:
            yield each

    def sample(self, body: bytes) -> Assertion | None:
        """Reads a saved answer of the server, unverified, to try the map on; None: it cannot."""
        return None


@dataclass(frozen=True, slots=True)
class Reach:
    """What a provider's own connections may do, where they are not HTTP."""

    allow_private: bool = False
    ca_file: str | None = None
    tls_min: str = "1.2"
    plain_loopback: bool = False
    """Unencrypted to this machine, in development only."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a setting: the dotted key, and what, in both languages."""

    key: str
    text: Text


class SettingsInvalid(Exception):
    """A table of settings is not good, with every problem; no value is in the text."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{each.key}: {each.text.en}" for each in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of provider: the keys its table in a school's settings may hold, and its maker.

    `secrets` are those keys whose value is written as a reference. `identity` are those that say
    who vouches: another value means other subjects. `make` is given the table of its own keys, the
    references resolved, and raises SettingsInvalid.
    """

    keys: frozenset[str]
    secrets: frozenset[str]
    identity: tuple[str, ...]
    make: Callable[[Mapping[str, object], Reach], Provider]
    api: int = API_VERSION
