"""What a provider's answer means to somebody who signs in."""

import logging
from collections.abc import Awaitable
from typing import TypeVar

from core.identity.records import (
    ChannelUnavailable,
    NotAuthorised,
    NotMember,
    SignInNotConfirmed,
)
from core.ports.providers import (
    ProviderMisconfigured,
    ProviderRefused,
    ProviderUnavailable,
    RefusalReason,
)

Answer = TypeVar("Answer")

_log = logging.getLogger(__name__)


async def ask(issuer: str, call: Awaitable[Answer]) -> Answer:
    """What a channel answers, its failures as refusals; a broken set-up is logged as an error.

    Raises: SignInNotConfirmed (fetch a new code), NotMember, NotAuthorised, ChannelUnavailable.
    """
    try:
        return await call
    except ProviderRefused as refused:
        if refused.reason is RefusalReason.NOT_A_MEMBER:
            raise NotMember from None
        if refused.reason is RefusalReason.NOT_AUTHORISED:
            raise NotAuthorised from None
        raise SignInNotConfirmed("code") from None
    except ProviderUnavailable:
        raise ChannelUnavailable from None
    except ProviderMisconfigured as broken:
        _log.error("%s is misconfigured: %s", issuer, broken)
        raise ChannelUnavailable from None
