"""How an outside company may answer or fail us: what every adapter says and every caller knows."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar


class RefusalReason(StrEnum):
    """Why a provider said a final "no", in our words (channels.md 2)."""

    CODE_EXPIRED = "CODE_EXPIRED"
    """The client's code is used, too old or of another app: it fetches a new one."""
    SESSION_EXPIRED = "SESSION_EXPIRED"
    NOT_AUTHORISED = "NOT_AUTHORISED"
    """The person has not agreed yet: show the button that asks."""
    NOT_A_MEMBER = "NOT_A_MEMBER"
    RISK = "RISK"
    TARGET = "TARGET"
    LIMIT = "LIMIT"
    INSUFFICIENT = "INSUFFICIENT"
    PAYER = "PAYER"
    ORDER_CLOSED = "ORDER_CLOSED"
    AGREEMENT_ENDED = "AGREEMENT_ENDED"
    OTHER = "OTHER"


class ProviderRefused(Exception):
    """The provider answered a final, verified "no": nothing happened and a repeat cannot help."""

    def __init__(self, what: str, reason: RefusalReason = RefusalReason.OTHER) -> None:
        super().__init__(what)
        self.reason = reason


class ProviderUnavailable(Exception):
    """No verified answer: the same request, under the same number, may be sent again later."""


class ProviderThrottled(ProviderUnavailable):
    """A quota or rate is spent; the same request is good again after `seconds`."""

    def __init__(self, what: str, seconds: int) -> None:
        super().__init__(what)
        self.seconds = seconds


class ProviderMisconfigured(Exception):
    """Our key, account or template is wrong: people must look, a repeat alone cannot help."""


Fact = TypeVar("Fact")


@dataclass(frozen=True, slots=True)
class Done(Generic[Fact]):
    """A verified answer; the effect stands."""

    fact: Fact


@dataclass(frozen=True, slots=True)
class Refused:
    """A verified, final answer; there is no effect. `code` is the provider's, for logs."""

    reason: RefusalReason
    code: str


@dataclass(frozen=True, slots=True)
class Pending:
    """The payer is still busy: ask after `poll_seconds`, and reverse at `until`."""

    poll_seconds: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Unknown:
    """Bytes may have left and no verified answer came: ask under our number, never send anew."""

    what: str


Outcome: TypeAlias = Done[Fact] | Refused | Pending | Unknown
"""What became of a call that may move money. Nothing else is raised but what
`ProviderUnavailable` (nothing was sent) and `ProviderMisconfigured` say."""
