"""The sandbox as a web application with an SMTP server beside it."""

import asyncio
import html
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiosmtpd.smtp import SMTP
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import BaseRoute, Route

from adapters.sandbox.base import Base, Provider
from adapters.sandbox.faults import ANY, Fault, Switch
from adapters.sandbox.mailbox import MAIL, MailHandler
from adapters.sandbox.people import Person
from adapters.sandbox.wallet_page import wallet_page

HOST = "127.0.0.1"
_MESSENGERS = frozenset({Fault.REFUSE, Fault.SLOW, Fault.TIMEOUT_AFTER_EFFECT})
_PAGE = """<!doctype html><meta charset="utf-8"><title>Sandbox mailbox</title>
<meta http-equiv="refresh" content="5">
<style>body{{font:16px sans-serif;margin:2em}}td,th{{padding:.3em 1em;text-align:left}}
td{{border-top:1px solid #ccc;white-space:pre-wrap}}</style>
<h1>收件箱 Mailbox</h1>
<table><tr><th>to<th>code<th>text<th>received</tr>{rows}</table>"""


def build_application(base: Base, providers: Sequence[Provider], smtp_port: int) -> Starlette:
    """The application; SMTP listens on the loopback while it runs."""
    base.faults.known |= {MAIL: _MESSENGERS, "sms": _MESSENGERS}

    @asynccontextmanager
    async def lifespan(_application: Starlette) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        handler = MailHandler(base.mailbox, base.faults)
        server = await loop.create_server(
            lambda: SMTP(handler, hostname="sandbox.example", loop=loop), HOST, smtp_port
        )
        yield
        server.close()

    routes = [route for provider in providers for route in provider.routes]
    controls = Controls(base, providers).routes()
    return Starlette(routes=[*controls, *routes], lifespan=lifespan)


class Controls:
    """What tests and people turn and read; every path begins with an underscore or shows mail."""

    def __init__(self, base: Base, providers: Sequence[Provider]) -> None:
        self._base = base
        self._providers = providers

    def routes(self) -> list[BaseRoute]:
        """Their routes."""
        return [
            Route("/", self._page),
            Route("/_wallet", self._wallet),
            Route("/mailbox", self._letters),
            Route("/_faults", self._switch, methods=["PUT", "DELETE"]),
            Route("/_clock", self._clock, methods=["PUT"]),
            Route("/_people", self._people, methods=["GET", "PUT"]),
            Route("/_trace", self._trace),
            Route("/_failures", self._failures),
            Route("/_credentials", self._credentials),
        ]

    async def _page(self, _request: Request) -> HTMLResponse:
        rows = "".join(_row(each) for each in self._base.mailbox.to(None))
        return HTMLResponse(_PAGE.format(rows=rows))

    async def _wallet(self, _request: Request) -> HTMLResponse:
        return wallet_page(self._base.people.all(), self._providers)

    async def _letters(self, request: Request) -> JSONResponse:
        return JSONResponse(self._base.mailbox.to(request.query_params.get("to")))

    async def _switch(self, request: Request) -> JSONResponse:
        """{provider, api, kind, count}: the next `count` calls suffer; DELETE turns all off."""
        faults = self._base.faults
        if request.method == "DELETE":
            faults.clear()
            return JSONResponse({})
        asked = await _json(request)
        try:
            kind, count = Fault(asked["kind"]), int(asked.get("count", -1))
            switch = Switch(str(asked["provider"]), str(asked.get("api", ANY)), kind, count)
            known = faults.put(switch)
        except (KeyError, ValueError, TypeError):
            known = False
        if known:
            return JSONResponse({"on": kind})
        return JSONResponse({name: sorted(kinds) for name, kinds in faults.known.items()}, 400)

    async def _clock(self, request: Request) -> JSONResponse:
        """{offset, rate}: seconds from real time, and how fast it runs."""
        asked = await _json(request)
        try:
            self._base.clock.move(float(asked["offset"]), float(asked.get("rate", 1)))
        except (KeyError, ValueError, TypeError):
            return JSONResponse({"takes": ["offset", "rate"]}, 400)
        return JSONResponse({"now": self._base.clock().isoformat()})

    async def _people(self, request: Request) -> JSONResponse:
        """A list of people to add or change; GET names everybody."""
        people = self._base.people
        if request.method == "PUT":
            try:
                people.put([_person(each) for each in await _json(request)])
            except (TypeError, ValueError, KeyError):
                return JSONResponse({"takes": list(Person.__dataclass_fields__)}, 400)
        return JSONResponse([{"id": each.id, "name": each.name} for each in people.all()])

    async def _trace(self, request: Request) -> JSONResponse:
        return JSONResponse(self._base.trace.all(request.query_params.get("provider")))

    async def _failures(self, _request: Request) -> JSONResponse:
        """What a strict sandbox would not take: a run that leaves any has failed."""
        return JSONResponse(self._base.failures)

    async def _credentials(self, _request: Request) -> JSONResponse:
        """What the customers of each provider put into their settings."""
        return JSONResponse({each.name: dict(each.credentials()) for each in self._providers})


def _person(facts: dict[str, Any]) -> Person:
    return Person(**{**facts, "member_of": tuple(facts.get("member_of", ()))})


async def _json(request: Request) -> Any:  # noqa: ANN401 - any JSON
    try:
        return await request.json()
    except ValueError:
        return {}


def _row(letter: dict[str, str | None]) -> str:
    cells = (letter["to"], letter["code"], letter["text"], letter["received_at"])
    return "<tr>" + "".join(f"<td>{html.escape(cell or '')}" for cell in cells)
