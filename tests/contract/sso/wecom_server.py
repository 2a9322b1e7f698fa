"""As much of WeCom as a sign-on meets: its page, its codes, and an adapter's two ports for them."""

import secrets
from dataclasses import dataclass, field
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from adapters.http import HttpClient
from adapters.sso.json_values import read_json
from core.ports.channels import ChannelSubject, ClaimKind, IdentityClaim
from core.ports.providers import ProviderRefused, ProviderUnavailable, RefusalReason
from tests.contract.sso.people import PUPILS, Pupil
from tests.contract.sso.serving import form_of, login_page

CORP = "ww0sample"


@dataclass
class WecomServer:
    """Codes of one use."""

    url: str = ""
    _codes: dict[str, Pupil] = field(default_factory=dict)

    def application(self) -> Starlette:
        """The server."""
        return Starlette(
            routes=[
                Route("/authorize", self.authorise, methods=["GET", "POST"]),
                Route("/userid", self.userid),
            ]
        )

    def code(self, pupil: Pupil) -> str:
        """A fresh code."""
        code = secrets.token_urlsafe(16)
        self._codes[code] = pupil
        return code

    async def authorise(self, request: Request) -> Response:
        """The page of the OAuth flow."""
        if request.method == "GET":
            return login_page(request)
        login = (await form_of(request))["username"]
        pupil = next(each for each in PUPILS if each.login == login)
        query = urlencode({"code": self.code(pupil), "state": request.query_params["state"]})
        return RedirectResponse(f"{request.query_params['redirect_uri']}?{query}", 303)

    async def userid(self, request: Request) -> Response:
        """Whose code it is."""
        pupil = self._codes.pop(request.query_params.get("code", ""), None)
        if pupil is None:
            return JSONResponse({"errcode": 40029})
        return JSONResponse({"errcode": 0, "userid": pupil.number, "name": pupil.name})


class WecomPorts:
    """The two ports that wiring hands in, for a WeCom at a base URL."""

    def __init__(self, url: str) -> None:
        self._url = url

    def authorise_url(self, state: str, return_to: str, *, private: bool) -> str:
        """The page."""
        assert not private
        return f"{self._url}/authorize?{urlencode({'redirect_uri': return_to, 'state': state})}"

    async def sign_in(self, code: str) -> ChannelSubject:
        """Who holds the code."""
        client = HttpClient(self._url, read_seconds=4)
        try:
            answer = await client.get("/userid", {"code": code})
        finally:
            await client.close()
        try:
            found = read_json(answer.body)
            refused = found["errcode"] != "0"
        except (ValueError, TypeError, KeyError):
            raise ProviderUnavailable("no JSON") from None
        if refused:
            raise ProviderRefused("40029", RefusalReason.CODE_EXPIRED)
        issuer = f"wecom:{CORP}"
        claim = IdentityClaim(ClaimKind.NAME, found["name"], issuer)
        return ChannelSubject(issuer, found["userid"], (claim,))
