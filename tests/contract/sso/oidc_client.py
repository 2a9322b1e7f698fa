"""A client of our own OpenID provider, and a whole sign-on with it."""

from typing import Any

from adapters.conformance.ground import MemoryOnce
from adapters.sso.api import Assertion, Env, Provider
from tests.contract.sso.oidc_server import CLIENT, SECRET, OidcServer
from tests.contract.sso.people import PUPILS
from tests.contract.sso.stage import CALLBACK, begun, came_back, read, stage
from tests.lab.browser import log_in

TYPED = {"username": PUPILS[0].login}


def client(op: OidcServer, secret: str = SECRET, **settings: Any) -> Provider:
    """A client of it."""
    table = {
        "kind": "oidc", "issuer": op.url, "client_id": CLIENT, "client_secret": "${env:OIDC}",
        **settings,
    }  # fmt: skip
    return read(table, {"env:OIDC": secret, "env:OLD": "the former secret of 32 bytes"}).provider


async def signed_on(one: Provider, env: Env) -> Assertion:
    """A whole sign-on."""
    stash, state, page = await begun(one, env)
    back = await log_in(page, CALLBACK, TYPED)
    return await one.finish(env, came_back(stash, state, back))


async def outcome(op: OidcServer, once: MemoryOnce | None = None, **settings: Any) -> Any:
    """A sign-on with a fresh client: the assertion or the error."""
    async with stage(once) as env:
        return await signed_on(client(op, **settings), env)
