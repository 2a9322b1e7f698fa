"""CAS 1, 2 and 3: a ticket for a service URL that is the same, byte for byte, on both ways."""

import hashlib
import re
from collections.abc import AsyncIterator
from typing import Literal
from urllib.parse import parse_qs, quote, urlencode

from adapters.sso.api import (
    Answer,
    Assertion,
    Begin,
    Callback,
    Check,
    Denied,
    Env,
    Flow,
    LogoutNotice,
    ProtocolViolation,
    Provider,
    SSOError,
)
from adapters.sso.cas_answer import read_cas
from adapters.sso.cas_probe import probe_cas
from adapters.sso.settings import Address, Table, kind_of
from adapters.sso.xml_answer import read_xml, text_of

TICKET_SECONDS = 600
VALIDATE_PATHS = {1: "/validate", 2: "/serviceValidate", 3: "/p3/serviceValidate"}
_TICKET = re.compile(r"ST-[\x21-\x7e]{1,253}")


class CasSettings(Table):
    """A CAS server. `service_param` is the name its login page has for our address."""

    server: Address
    version: Literal[1, 2, 3] = 3
    login_path: str = "/login"
    logout_path: str = "/logout"
    validate_path: str | None = None
    service_param: str = "service"
    renew: bool = False
    state_in: Literal["query", "path", "cookie"] = "query"


class CasProvider(Provider):
    """One CAS server; it keeps nothing."""

    flow = Flow.REDIRECT

    def __init__(self, settings: CasSettings) -> None:
        self._settings = settings
        self._server = settings.server.rstrip("/")

    async def begin(self, env: Env, state: str) -> Begin:
        """The login page, told where to come back."""
        service = self._service(env, state)
        given = {self._settings.service_param: service}
        if self._settings.renew:
            given["renew"] = "true"
        return Begin(
            f"{self._server}{self._settings.login_path}?{urlencode(given, quote_via=quote)}",
            {"service": service, "state": state},
        )

    async def finish(self, env: Env, cb: Callback) -> Assertion:
        """Validates the ticket, once and at once: it lives for some ten seconds."""
        in_query = self._settings.state_in == "query"
        if cb.stash.get("state") != cb.state or (in_query and cb.query.get("state") != cb.state):
            raise ProtocolViolation("the state is of another sign-on")
        ticket = cb.query.get("ticket", "")
        if not _TICKET.fullmatch(ticket):
            raise ProtocolViolation("there is no service ticket (ST-...)")
        if not await env.once(f"cas:{hashlib.sha256(ticket.encode()).hexdigest()}", TICKET_SECONDS):
            raise Denied("the ticket was used before")
        url = self._validate_url(cb.stash.get("service", ""), ticket)
        vouched = read_cas(await env.http.get(url))
        return Assertion(self._server, vouched.user, vouched.attributes, session_ref=ticket)

    async def logout_url(self, env: Env, session_ref: str, back: str) -> str | None:
        """The logout page, which sends the browser back where our address is registered."""
        return f"{self._server}{self._settings.logout_path}?{urlencode({'service': back})}"

    async def logout_notice(self, env: Env, raw: bytes) -> LogoutNotice | None:
        """The ticket of a single logout. CAS does not sign it: it may end that session, no more."""
        try:
            form = parse_qs(raw.decode("ascii"), max_num_fields=8)
            root = read_xml(form["logoutRequest"][0].encode())
        except (ValueError, KeyError, SSOError):
            return None
        index = root.find("SessionIndex")
        ticket = "" if index is None else text_of(index)
        if root.tag != "LogoutRequest" or not _TICKET.fullmatch(ticket):
            return None
        return LogoutNotice(ticket, None)

    def check(self, env: Env) -> AsyncIterator[Check]:
        """The probes of cas_probe."""
        service = self._service(env, "0" * 24)
        given = {self._settings.service_param: service, "gateway": "true"}
        login = f"{self._server}{self._settings.login_path}?{urlencode(given, quote_via=quote)}"
        return probe_cas(env, self._server, self._path(), login, service)

    def sample(self, body: bytes) -> Assertion:
        """A saved answer to a ticket."""
        vouched = read_cas(Answer(200, {}, body))
        return Assertion(self._server, vouched.user, vouched.attributes)

    def _service(self, env: Env, state: str) -> str:
        match self._settings.state_in:
            case "query":
                return f"{env.callback_url}?state={state}"
            case "path":
                return f"{env.callback_url}/{state}"
            case _:
                return env.callback_url

    def _path(self) -> str:
        return self._settings.validate_path or VALIDATE_PATHS[self._settings.version]

    def _validate_url(self, service: str, ticket: str) -> str:
        given = {"service": service, "ticket": ticket}
        if self._settings.renew:
            given["renew"] = "true"
        return f"{self._server}{self._path()}?{urlencode(given, quote_via=quote)}"


KIND = kind_of(CasSettings, ("server",), lambda settings, _reach: CasProvider(settings))
