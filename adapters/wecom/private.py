"""Telephone and e-mail of a member, where the administrator and the member show them."""

import re

from adapters.wecom.client import WecomClient, issuer_of
from core.ports.channels import ClaimKind, IdentityClaim

_MAINLAND = re.compile(r"(?:\+?86)?(1[0-9]{10})")


class WecomPrivateFacts:
    """Implements `core.ports.channels.PrivateFacts`."""

    def __init__(self, client: WecomClient) -> None:
        self._client = client

    async def claims(self, ticket: str) -> tuple[IdentityClaim, ...]:
        """The mainland number and the addresses of a ticket's member, possibly none.

        Raises: ProviderRefused (CODE_EXPIRED), ProviderUnavailable, ProviderThrottled,
        ProviderMisconfigured.
        """
        calls = self._client.calls
        facts = await calls.post("auth/getuserdetail", data={"user_ticket": ticket})
        number = _MAINLAND.fullmatch(str(facts.get("mobile") or ""))
        found = [(ClaimKind.PHONE, number[1])] if number else []
        addresses = dict.fromkeys(facts.get(name) or "" for name in ("email", "biz_mail"))
        found += [(ClaimKind.EMAIL, address) for address in addresses if address]
        issuer = issuer_of(calls.appid)
        return tuple(IdentityClaim(kind, value, issuer) for kind, value in found)
