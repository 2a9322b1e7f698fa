"""A CAS server of our own: tickets of one use and ten seconds, five shapes of answers."""

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tests.contract.sso.people import BY_LOGIN, Pupil
from tests.contract.sso.serving import form_of, login_page

TICKET_SECONDS = 10
NS = 'xmlns:cas="http://www.yale.edu/tp/cas"'


@dataclass
class CasServer:
    """`services` are the registered prefixes; `raw` is answered in place of a right answer.

    `pupils` are those who may log in, by their login.
    """

    services: tuple[str, ...] = ("https://card.example/sso/",)
    shape: str = "jasig"
    charset: str = "utf-8"
    raw: Response | None = None
    asked: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    root_files: dict[str, bytes] = field(default_factory=dict)
    login_param: str = "service"
    pupils: Mapping[str, Pupil] = field(default_factory=lambda: BY_LOGIN)
    _tickets: dict[str, tuple[str, Pupil, float]] = field(default_factory=dict)

    def application(self) -> Starlette:
        """The server."""
        paths = ("/validate", "/serviceValidate", "/p3/serviceValidate")
        return Starlette(
            routes=[
                Route("/cas/login", self.login, methods=["GET", "POST"]),
                *(Route(f"/cas{path}", self.validate) for path in paths),
                Route("/{name}", self.root_file),
            ]
        )

    def ticket(self, service: str, pupil: Pupil) -> str:
        """A fresh service ticket."""
        ticket = f"ST-{secrets.token_hex(12)}"
        self._tickets[ticket] = (service, pupil, time.monotonic())
        return ticket

    async def login(self, request: Request) -> Response:
        """The login page."""
        service = request.query_params.get(self.login_param, "")
        if not service.startswith(self.services):
            return Response("Application Not Authorized to Use CAS", 403)
        if request.query_params.get("gateway") == "true":
            return RedirectResponse(service, 302)
        if request.method == "GET":
            return login_page(request)
        pupil = self.pupils[(await form_of(request))["username"]]
        joint = "&" if "?" in service else "?"
        return RedirectResponse(f"{service}{joint}ticket={quote(self.ticket(service, pupil))}", 303)

    async def validate(self, request: Request) -> Response:
        """All three versions; a ticket dies by being asked for, also for a wrong service."""
        self.asked.append(str(request.url))
        self.hosts.append(request.headers["host"])
        if self.raw is not None:
            return self.raw
        service = request.query_params.get("service", "")
        found = self._tickets.pop(request.query_params.get("ticket", ""), None)
        if found is None or time.monotonic() - found[2] > TICKET_SECONDS:
            return self._answer(request, None, "INVALID_TICKET")
        if found[0] != service:
            return self._answer(request, None, "INVALID_SERVICE")
        return self._answer(request, found[1], "")

    async def root_file(self, request: Request) -> Response:
        """The operator's file, if it was put there."""
        body = self.root_files.get(request.path_params["name"])
        return Response(body) if body is not None else Response("no such page", 404)

    def _answer(self, request: Request, pupil: Pupil | None, code: str) -> Response:
        if request.url.path.endswith("/validate"):
            return Response(f"yes\n{pupil.login}\n" if pupil else "no\n\n", media_type="text/plain")
        if self.shape == "json":
            return Response(json.dumps(_json(pupil, code)), media_type="application/json")
        if pupil is None:
            inner = f'<cas:authenticationFailure code="{code}">no</cas:authenticationFailure>'
        else:
            inner = success(self.shape, pupil)
        text = (
            f'<?xml version="1.0" encoding="{self.charset}"?>\n'
            f"<cas:serviceResponse {NS}>\n  {inner}\n</cas:serviceResponse>\n"
        )
        return Response(text.encode(self.charset), media_type="text/xml")


def facts(pupil: Pupil) -> dict[str, str]:
    """What is released of a person."""
    return {
        "employeeNumber": pupil.number,
        "cn": pupil.name,
        "userType": pupil.kind,
        "containerId": f"uid={pupil.number},ou=people,dc=school,dc=example",
    }


def success(shape: str, pupil: Pupil) -> str:
    """A success in one of the shapes of attributes that schools send."""
    named = facts(pupil)
    plain = "".join(f"<cas:{name}>{escape(text)}</cas:{name}>" for name, text in named.items())
    marked = "".join(
        f"<cas:attribute name={quoteattr(name)} value={quoteattr(text)}/>"
        for name, text in named.items()
    )
    body = {
        "jasig": f"<cas:attributes>{plain}</cas:attributes>",
        "flat": plain,
        "nested": f"<cas:attributes><cas:person>{plain}</cas:person></cas:attributes>",
        "named": marked,
    }[shape]
    return (
        f"<cas:authenticationSuccess><cas:user>{escape(pupil.login)}</cas:user>{body}"
        "</cas:authenticationSuccess>"
    )


def _json(pupil: Pupil | None, code: str) -> object:
    if pupil is None:
        return {"serviceResponse": {"authenticationFailure": {"code": code, "description": "no"}}}
    attributes = {name: [text] for name, text in facts(pupil).items()}
    vouched = {"user": pupil.login, "attributes": attributes}
    return {"serviceResponse": {"authenticationSuccess": vouched}}
