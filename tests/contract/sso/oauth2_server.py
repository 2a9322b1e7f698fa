"""Two OAuth 2 dialects of our own: a portal that wraps everything, and an Apereo-like server."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.contract.sso.people import BY_LOGIN, Pupil
from tests.contract.sso.serving import form_of, login_page

CLIENT = "card"
SECRET = "the portal's secret & more"
Json = dict[str, Any]


@dataclass
class OAuth2Server:
    """`dialect` is "portal" (JSON under `data`, an `errcode`) or "apereo" (a form, old style)."""

    dialect: str = "portal"
    redirect_uris: tuple[str, ...] = ("https://card.example/sso/sample/kind/callback",)
    url: str = ""
    knows_pkce: bool = True
    sent: Json = field(default_factory=dict)
    asked: int = 0
    _codes: dict[str, tuple[Json, Pupil]] = field(default_factory=dict)
    _tokens: dict[str, Pupil] = field(default_factory=dict)

    def application(self) -> Starlette:
        """The server."""
        both = ["GET", "POST"]
        return Starlette(
            routes=[
                Route("/authorize", self.authorise, methods=both),
                Route("/token", self.token, methods=both),
                Route("/profile", self.profile, methods=both),
            ]
        )

    async def authorise(self, request: Request) -> Response:
        """The login page."""
        given = dict(request.query_params)
        if given.get("redirect_uri") not in self.redirect_uris or given["client_id"] != CLIENT:
            return PlainTextResponse("unknown service", 403)
        if request.method == "GET":
            return login_page(request)
        code = secrets.token_urlsafe(12)
        self._codes[code] = (given, BY_LOGIN[(await form_of(request))["username"]])
        query = urlencode({"code": code, "state": given["state"]})
        return RedirectResponse(f"{given['redirect_uri']}?{query}", 303)

    async def token(self, request: Request) -> Response:
        """A code against a token."""
        self.asked += 1
        given = {**request.query_params, **await self._body(request)}
        self.sent = {"method": request.method, **given}
        if not self._is_client(request, given):
            return self._no("invalid_client", 401)
        asked, pupil = self._codes.pop(given.get("code", ""), ({}, None))
        challenge = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        encoded = base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
        if pupil is None or (self.knows_pkce and asked.get("code_challenge", encoded) != encoded):
            return self._no("invalid_grant", 400)
        token = secrets.token_urlsafe(12)
        self._tokens[token] = pupil
        if self.dialect == "apereo":
            return PlainTextResponse(urlencode({"access_token": token, "expires": "28800"}))
        return JSONResponse({"errcode": 0, "errmsg": "ok", "data": {"access_token": token}})

    async def profile(self, request: Request) -> Response:
        """Who a token is of, the token in the query, the body or the header."""
        given = {**request.query_params, **await self._body(request)}
        header = request.headers.get("authorization", "").removeprefix("Bearer ")
        pupil = self._tokens.get(given.get("access_token", header))
        if pupil is None:
            return self._no("expired_accessToken", 401)
        facts = {"XH": pupil.number, "XM": pupil.name, "year": 2026}
        if self.dialect == "apereo":
            return JSONResponse(
                {"id": pupil.login, "attributes": [{k: v} for k, v in facts.items()]}
            )
        inner = {"type": "student", "id": pupil.login, "attributes": facts}
        return JSONResponse({"errcode": 0, "data": inner})

    async def _body(self, request: Request) -> Json:
        if request.headers.get("content-type", "").startswith("application/json"):
            found: Json = json.loads(await request.body())
            return found
        return dict(await form_of(request))

    def _is_client(self, request: Request, given: Json) -> bool:
        return given.get("client_id") == CLIENT and given.get("client_secret") == SECRET

    def _no(self, error: str, status: int) -> Response:
        if self.dialect == "apereo":
            return JSONResponse({"error": error}, status)
        return JSONResponse({"errcode": 40029, "errmsg": "no"}, 200)
