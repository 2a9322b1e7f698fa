"""What the core asks of a channel: who somebody is there, and what the channel vouches for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Protocol


class ClaimKind(StrEnum):
    """What an identity claim is about. None of them binds a card by itself."""

    PHONE = "PHONE"
    """A mainland mobile number, 11 digits."""
    EMAIL = "EMAIL"
    NAME = "NAME"
    ID_NUMBER = "ID_NUMBER"
    UNION_ID = "UNION_ID"
    """One person across the apps of a platform account. Never a subject: it may appear later."""


@dataclass(frozen=True, slots=True)
class IdentityClaim:
    """A fact about a subject and who verified it. The core keeps an index of it, never the text."""

    kind: ClaimKind
    value: str = field(repr=False)
    verified_by: str
    """The issuer of the subject, as `alipay:<app id>`."""


@dataclass(frozen=True, slots=True)
class ChannelSubject:
    """Who signed in: an identifier within its issuer, and what the sign-in told besides.

    `issuer` is `alipay:<app id>`, `wechat:<app id>` or `wecom:<corp id>`.
    """

    issuer: str
    subject: str = field(repr=False)
    claims: tuple[IdentityClaim, ...] = ()
    ticket: str | None = field(default=None, repr=False)
    """What `PrivateFacts.claims` takes, where the person agreed at sign-in (WeCom)."""


class CodeSignIn(Protocol):
    """Sign-in by the code that a mini-program or an authorise page hands to the client."""

    async def sign_in(self, code: str) -> ChannelSubject:
        """Who holds the code, which is used up by this.

        Raises: ProviderRefused (CODE_EXPIRED, NOT_A_MEMBER, NOT_AUTHORISED: the page was only
        previewed, RISK), ProviderUnavailable, ProviderThrottled, ProviderMisconfigured.
        """
        ...


class AuthorisePage(Protocol):
    """The page of a channel that sends the browser back with a code (OAuth)."""

    def authorise_url(self, state: str, return_to: str, *, private: bool) -> str:
        """Its address. `state` is letters and digits; `private` asks for telephone and e-mail."""
        ...


class PhoneClaims(Protocol):
    """The telephone number that a channel has verified."""

    async def phone(self, subject: str, proof: Mapping[str, str]) -> IdentityClaim:
        """The number of a subject, out of what the channel gave its client.

        `proof` is {code} for WeChat, {response, sign} for Alipay.
        Raises: ProviderRefused (CODE_EXPIRED, NOT_AUTHORISED, TARGET: no mainland number),
        ProviderUnavailable, ProviderMisconfigured.
        """
        ...


class PrivateFacts(Protocol):
    """Telephone and e-mail of a member who agreed to show them (WeCom)."""

    async def claims(self, ticket: str) -> tuple[IdentityClaim, ...]:
        """What the member released, possibly nothing.

        Raises: ProviderRefused (CODE_EXPIRED), ProviderUnavailable, ProviderMisconfigured.
        """
        ...


@dataclass(frozen=True, slots=True)
class RealName:
    """What the register knows of a person, to be confirmed by a wallet's real name."""

    name: str = field(repr=False)
    id_type: str | None
    id_number: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    birthday: date | None = field(default=None, repr=False)


class RealNameWallet(Protocol):
    """The real name behind a wallet: released, or compared without our learning anything."""

    async def released(self, auth_code: str) -> tuple[str, tuple[IdentityClaim, ...]]:
        """The subject of the code, and NAME, ID_NUMBER and PHONE as far as the holder released
        them and the wallet has certified them.

        Raises: ProviderRefused (CODE_EXPIRED, NOT_AUTHORISED, SESSION_EXPIRED),
        ProviderUnavailable, ProviderThrottled, ProviderMisconfigured.
        """
        ...

    async def compare_begin(self, person: RealName) -> str:
        """A reference under which the wallet will compare these facts once the holder agrees.

        Raises: ProviderRefused (OTHER: it compares no such document), ProviderUnavailable,
        ProviderThrottled, ProviderMisconfigured.
        """
        ...

    async def compare(self, reference: str, auth_code: str) -> tuple[str, bool]:
        """The subject of the code, and whether the facts are the wallet's own.

        Raises: ProviderRefused (CODE_EXPIRED, NOT_AUTHORISED, SESSION_EXPIRED),
        ProviderUnavailable, ProviderThrottled, ProviderMisconfigured.
        """
        ...


@dataclass(frozen=True, slots=True)
class ChannelMessage:
    """A message to a subject within the channel; its id is the same at each repeat.

    `template` is one of `core.ports.messages.MessageTemplate`; the school's settings map it to the
    channel's own template.
    """

    id: str
    subject: str = field(repr=False)
    template: str
    facts: Mapping[str, str]


class ChannelMessenger(Protocol):
    """Messages inside a channel."""

    async def send(self, message: ChannelMessage) -> None:
        """Hands the message over, once.

        Raises: ProviderRefused (the person's consent is spent: drop it), ProviderUnavailable,
        ProviderThrottled, ProviderMisconfigured.
        """
        ...


@dataclass(frozen=True, slots=True)
class Door:
    """One channel of one school, as far as its settings and contracts open it."""

    issuer: str
    sign_in: CodeSignIn | None = None
    """By the code of the mini-program's own log-in."""
    page: AuthorisePage | None = None
    page_sign_in: CodeSignIn | None = None
    """By the code that `page` came back with."""
    phones: PhoneClaims | None = None
    private: PrivateFacts | None = None
    real_name: RealNameWallet | None = None
    messenger: ChannelMessenger | None = None


class Doors(Protocol):
    """The channels of each school, as its settings open them now."""

    async def find_door(self, school_id: int, channel: str) -> Door | None:
        """The door of a channel; None where the school has none."""
        ...

    async def find_door_of(self, school_id: int, issuer: str) -> Door | None:
        """The door whose subjects an issuer names."""
        ...

    async def return_addresses(self, school_id: int, channel: str) -> frozenset[str]:
        """Where a page may come back to in a channel, exactly as listed."""
        ...
