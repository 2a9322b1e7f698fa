"""What the core asks of a school's own sign-on (SSO), whatever protocol it speaks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class SignOnFlow(StrEnum):
    """How a person proves to the school who they are."""

    REDIRECT = "REDIRECT"
    """In the browser, on the school's page."""
    PASSWORD = "PASSWORD"  # noqa: S105 - the name of a flow
    """On a form of ours, because the school has none; the password passes through."""
    CODE = "CODE"
    """By a code that the channel's client was given."""


class LinkMode(StrEnum):
    """How far the school's word goes when a card is looked for (sso.md 7)."""

    PERSON_NO = "PERSON_NO"
    PROVE_CARD = "PROVE_CARD"
    MANUAL = "MANUAL"


class SignOnFailed(Exception):
    """The school's server did not vouch for anybody. `code` is one of the five of sso.md 4:
    DENIED, PROTOCOL_VIOLATION, INCOMPLETE, MISCONFIGURED, UPSTREAM. `hint` is for school IT and
    holds no ticket, code, token or secret."""

    def __init__(self, code: str, hint: str) -> None:
        super().__init__(code)
        self.code = code
        self.hint = hint


@dataclass(frozen=True, slots=True)
class CampusIdentity:
    """Whom the school vouches for, after its attribute map: what is not mapped is gone."""

    issuer: str
    subject: str = field(repr=False)
    person_no: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    kind: str | None = None
    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    department: str | None = field(default=None, repr=False)
    auth_time: int | None = None
    session_ref: str | None = field(default=None, repr=False)
    """The ticket, sid or SessionIndex that a later logout names."""


@dataclass(frozen=True, slots=True)
class SignOnBegun:
    """Where the browser goes: by GET, or by POST of `form`. `stash` comes back to `finish`."""

    url: str = field(repr=False)
    stash: Mapping[str, str] = field(repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SignOnReturn:
    """What the browser brought back."""

    url: str = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    form: Mapping[str, str] = field(repr=False)
    stash: Mapping[str, str] = field(repr=False)
    state: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LogoutNotice:
    """Whose session the school ended; either may be missing."""

    session_ref: str | None
    subject: str | None


class CampusSignOn(Protocol):
    """One provider of a school with its settings and attribute map.

    Whatever fails raises SignOnFailed and nothing else.
    """

    id: str
    flow: SignOnFlow
    channels: frozenset[str]
    """The channels of core.school.policy_words.Channel it is offered in."""
    label_zh: str
    label_en: str
    link: LinkMode

    async def begin(self, state: str) -> SignOnBegun:
        """Begins a REDIRECT; `state` is 24 letters and digits."""
        ...

    async def finish(self, returned: SignOnReturn) -> CampusIdentity:
        """Finishes a REDIRECT, possibly in another process than `begin`."""
        ...

    async def explain(
        self, returned: SignOnReturn
    ) -> tuple[Mapping[str, Sequence[str]], CampusIdentity]:
        """As `finish`, with everything the school released: for a test of school IT only."""
        ...

    async def verify(self, username: str, password: str) -> CampusIdentity:
        """Checks a PASSWORD."""
        ...

    async def exchange(self, code: str) -> CampusIdentity:
        """Takes a CODE."""
        ...

    async def logout_url(self, session_ref: str, back: str) -> str | None:
        """Where the browser ends the school's session; None if the school has no such page."""
        ...

    async def logout_notice(self, raw: bytes) -> LogoutNotice | None:
        """What a posted logout says, once verified; None if it is none."""
        ...


class CampusSignOns(Protocol):
    """The providers of each school, as its settings name them."""

    async def list_all(self, school_id: int) -> Sequence[CampusSignOn]:
        """Those in force, in the school's order."""
        ...

    async def find(
        self, school_id: int, provider_id: str, generation: int | None = None
    ) -> tuple[int, CampusSignOn] | None:
        """A provider and the generation of settings it is of; None: the one in force.

        A sign-on that began under older settings ends under them.
        """
        ...
