"""The browser's part of a campus sign-on: start, the way back, our own form, logout (sso.md 10).

Every address is below `/sso/<school>/<provider>`. The school comes from the attempt; what the
address says has to agree with it. Nothing here tells one attempt from another but its secrets.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from bff.callbacks.pages import NEVER_KEPT, SignOnPages
from bff.ratelimit import ANONYMOUS, Buckets
from bff.refusal import Refused
from core.db.connection import DatabaseUnavailable
from core.identity.records import StartAgain, TriesSpent
from core.identity.service.campus_links import CampusLinks
from core.identity.service.campus_sign_in import CampusSignIn, Denied, Returned, Tried
from core.kit.errors import Overloaded
from core.ports.campus_sign_on import SignOnFailed

FORM_MAXIMUM = 64 * 1024
COOKIE_SECONDS = 600
_HELD = "held"
_STATUS = {"DENIED": 401, "PROTOCOL_VIOLATION": 400, "INCOMPLETE": 422, "MISCONFIGURED": 500,
           "UPSTREAM": 503}  # fmt: skip

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Place:
    """A provider of a school, as an address names it."""

    school_id: int
    provider: str

    @property
    def path(self) -> str:
        return f"/sso/{self.school_id}/{self.provider}"


class SignOnRoutes:
    """Serves them. `public_url` is where browsers reach us: nothing is built from a request."""

    def __init__(
        self,
        campus: CampusSignIn,
        links: CampusLinks,
        pages: SignOnPages,
        buckets: Buckets,
        public_url: str,
    ) -> None:
        self._campus = campus
        self._links = links
        self._pages = pages
        self._buckets = buckets
        self._public_url = public_url
        self._secure = urlsplit(public_url).scheme == "https"
        self._cookie = "__Host-sso" if self._secure else "sso"

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        base = "/sso/{school:int}/{provider}"
        return [
            Route(f"{base}/start/{{start_id}}", self._guarded(self._start)),
            Route(f"{base}/callback", self._guarded(self._callback), methods=["GET", "POST"]),
            Route(
                f"{base}/callback/{{state}}", self._guarded(self._callback), methods=["GET", "POST"]
            ),
            Route(f"{base}/password", self._guarded(self._password), methods=["POST"]),
            Route(f"{base}/logout", self._guarded(self._logout), methods=["POST"]),
        ]

    def _guarded(
        self, serve: Callable[[Request, _Place], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Whatever fails becomes a page that says what to do next, and a line for school IT."""

        async def guarded(request: Request) -> Response:
            place = _Place(request.path_params["school"], request.path_params["provider"])
            network = request.client.host if request.client else ""
            try:
                self._buckets.take(ANONYMOUS, network)
                return await serve(request, place)
            except (Overloaded, Refused, DatabaseUnavailable):
                return self._pages.told("busy", 503)
            except StartAgain:
                return self._pages.told("again", 410)
            except TriesSpent:
                return self._pages.told("tries", 429)
            except SignOnFailed as failed:
                _log.warning(
                    "sign-on %s of school %s: %s: %s",
                    place.provider, place.school_id, failed.code, failed.hint,
                )  # fmt: skip
                return self._pages.told(failed.code, _STATUS[failed.code])

        return guarded

    async def _start(self, request: Request, place: _Place) -> Response:
        start_id = request.path_params["start_id"]
        opened = await self._campus.open(place.school_id, place.provider, start_id)
        if opened.begun is None:
            response = self._pages.form(f"{place.path}/password", opened)
        elif opened.begun.form is not None:
            response = self._pages.post(opened.begun.url, opened.begun.form)
        else:
            response = RedirectResponse(opened.begun.url, 303, NEVER_KEPT)
        self._mark(response, opened.state, opened.cookie)
        return response

    async def _callback(self, request: Request, place: _Place) -> Response:
        query = dict(parse_qsl(request.url.query, keep_blank_values=True))
        if request.method == "POST":
            return await self._posted(request, place, query)
        held = query.pop(_HELD, None)
        form = await self._campus.take_form(place.school_id, held) if held is not None else {}
        state, secret = self._cookie_of(request)
        given = request.path_params.get("state") or query.get("state")
        named = given or form.get("state") or form.get("RelayState") or state
        returned = await self._campus.finish(
            place.school_id, place.provider, named, secret, self._url(request), query, form
        )
        return await self._answer(place, returned)

    async def _posted(self, request: Request, place: _Place, query: Mapping[str, str]) -> Response:
        """A posted way back is kept for a minute and fetched by our own GET, which has the cookie.

        A school also posts its logouts here.
        """
        raw = await _body(request)
        form = dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
        given = request.path_params.get("state") or query.get("state")
        if not (given or form.get("state") or form.get("RelayState")):
            return await self._end(place, raw)
        key = await self._campus.hold_form(place.school_id, form)
        suffix = f"/{given}" if given else ""
        url = f"{place.path}/callback{suffix}?{_HELD}={key}"
        return RedirectResponse(url, 303, NEVER_KEPT)

    async def _password(self, request: Request, place: _Place) -> Response:
        raw = await _body(request)
        form = dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
        state, secret = self._cookie_of(request)
        network = request.client.host if request.client else ""
        login = form.get("username", ""), form.get("password", "")
        if form.get("state") != state:
            raise StartAgain
        answered = await self._campus.verify(
            place.school_id, place.provider, state, secret, login, network
        )
        if isinstance(answered, Denied):
            again = answered.again
            response = self._pages.form(f"{place.path}/password", again, wrong=True)
            self._mark(response, again.state, again.cookie)
            return response
        return await self._answer(place, answered)

    async def _logout(self, request: Request, place: _Place) -> Response:
        return await self._end(place, await _body(request))

    async def _end(self, place: _Place, raw: bytes) -> Response:
        """Answers 200 whatever it was: a logout is a hint, and tells its sender nothing."""
        ended = await self._links.logout(place.school_id, place.provider, raw)
        if ended:
            _log.info(
                "logout by %s of school %s: %s sign-ins", place.provider, place.school_id, ended
            )
        return Response(status_code=200, headers=NEVER_KEPT)

    async def _answer(self, place: _Place, returned: Returned | Tried) -> Response:
        if isinstance(returned, Tried):
            card = await self._links.would_be(place.school_id, place.provider, returned.identity)
            mapped = {n: v for n, v in returned.mapped().items() if v is not None}
            response = self._pages.tested(returned.released, mapped, card)
        else:
            response = self._pages.back(returned.channel, returned.return_to, returned.code)
        response.delete_cookie(self._cookie, secure=self._secure, httponly=True, samesite="lax")
        return response

    def _mark(self, response: Response, state: str, secret: str) -> None:
        response.set_cookie(
            self._cookie, f"{state}.{secret}", max_age=COOKIE_SECONDS, secure=self._secure,
            httponly=True, samesite="lax",
        )  # fmt: skip

    def _cookie_of(self, request: Request) -> tuple[str, str]:
        """The state and the secret that this browser was marked with."""
        state, _, secret = request.cookies.get(self._cookie, "").partition(".")
        return state, secret

    def _url(self, request: Request) -> str:
        """The address that was called, on our public name whatever the request says it is."""
        query = f"?{request.url.query}" if request.url.query else ""
        return f"{self._public_url}{request.url.path}{query}"


async def _body(request: Request) -> bytes:
    """The body, at most 64 KiB.

    Raises: SignOnFailed.
    """
    received = bytearray()
    async for piece in request.stream():
        received += piece
        if len(received) > FORM_MAXIMUM:
            raise SignOnFailed("PROTOCOL_VIOLATION", "a posted form of more than 64 KiB")
    return bytes(received)
