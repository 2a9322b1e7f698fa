"""The worked example of a school's own kind: a portal that sends people back with signed links."""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlencode

from adapters.sso.api import (
    Assertion,
    Begin,
    Callback,
    Denied,
    Env,
    Flow,
    Kind,
    ProtocolViolation,
    Provider,
    Reach,
)

LIFE_SECONDS = 60


class Portal(Provider):
    """Every school has one: `?uid=&name=&time=&nonce=&sign=`, signed with a shared secret."""

    flow = Flow.REDIRECT

    def __init__(self, url: str, secret: str) -> None:
        self._url, self._secret = url, secret.encode()

    async def begin(self, env: Env, state: str) -> Begin:
        """The portal's page, told where to come back and with what."""
        back = urlencode({"back": env.callback_url, "nonce": state})
        return Begin(f"{self._url}?{back}", {"state": state})

    async def finish(self, env: Env, cb: Callback) -> Assertion:
        """Verifies the signature over all parameters, in the order of their names."""
        facts = {k: v for k, v in sorted(cb.query.items()) if k != "sign"}
        signed = hmac.new(self._secret, urlencode(facts).encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(signed, cb.query.get("sign", "")):
            raise ProtocolViolation("the signature is not the portal's")
        if not cb.state == cb.stash["state"] == facts.get("nonce"):
            raise ProtocolViolation("the link is of another sign-on")
        if abs(env.now().timestamp() - int(facts["time"])) > LIFE_SECONDS:
            raise Denied("the link is too old: compare the clocks")
        if not await env.once(f"portal:{cb.state}", LIFE_SECONDS * 2):
            raise Denied("the link was used before")
        return Assertion(self._url, facts["uid"], {"name": (facts["name"],)})


def make(table: Mapping[str, object], _reach: Reach) -> Provider:
    """A provider of its table in a school's settings."""
    return Portal(str(table["url"]), str(table["secret"]))


KIND = Kind(frozenset({"url", "secret"}), frozenset({"secret"}), ("url",), make)
"""What the entry point `bff.sso` of the package names."""
