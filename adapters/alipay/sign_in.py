"""Sign-in by the code of `my.getAuthCode` (`alipay.system.oauth.token`)."""

from dataclasses import dataclass, field

from adapters.alipay.client import AlipayClient
from core.ports.channels import ChannelSubject, ClaimKind, IdentityClaim
from core.ports.providers import ProviderMisconfigured


@dataclass(frozen=True, slots=True)
class Authorised:
    """Whose code it was, and the token for what they agreed to."""

    open_id: str = field(repr=False)
    union_id: str | None = field(repr=False)
    token: str = field(repr=False)


async def authorised(client: AlipayClient, code: str) -> Authorised:
    """Uses a code up.

    Raises: ProviderRefused (CODE_EXPIRED), ProviderUnavailable, ProviderThrottled,
    ProviderMisconfigured.
    """
    facts = await client.ask(
        "alipay.system.oauth.token", {}, {"grant_type": "authorization_code", "code": code}
    )
    open_id, token = facts.get("open_id"), facts.get("access_token")
    if not open_id or not token:
        # Only apps that were switched to open ids in the console are told one.
        raise ProviderMisconfigured("alipay: the app is told no open_id")
    return Authorised(open_id, facts.get("union_id") or None, token)


class AlipaySignIn:
    """The subject is the open id; a user id, where one comes, is not looked at."""

    def __init__(self, client: AlipayClient, issuer: str) -> None:
        self._client = client
        self._issuer = issuer

    async def sign_in(self, code: str) -> ChannelSubject:
        """Who holds the code, which is used up by this.

        Raises: ProviderRefused (CODE_EXPIRED), ProviderUnavailable, ProviderThrottled,
        ProviderMisconfigured.
        """
        person = await authorised(self._client, code)
        claims: tuple[IdentityClaim, ...] = ()
        if person.union_id:
            claims = (IdentityClaim(ClaimKind.UNION_ID, person.union_id, self._issuer),)
        return ChannelSubject(self._issuer, person.open_id, claims)
