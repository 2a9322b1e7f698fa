"""The sandbox as a web application with an SMTP server beside it."""

import asyncio
import html
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from aiosmtpd.smtp import SMTP
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

from adapters.sandbox.faults import Faults, Mode
from adapters.sandbox.gateway import SmsGateway
from adapters.sandbox.mailbox import Mailbox, MailHandler

HOST = "127.0.0.1"
_PAGE = """<!doctype html><meta charset="utf-8"><title>Sandbox mailbox</title>
<meta http-equiv="refresh" content="5">
<style>body{{font:16px sans-serif;margin:2em}}td,th{{padding:.3em 1em;text-align:left}}
td{{border-top:1px solid #ccc;white-space:pre-wrap}}</style>
<h1>收件箱 Mailbox</h1>
<table><tr><th>to<th>code<th>text<th>received</tr>{rows}</table>"""


def build_application(
    smtp_port: int, key_id: str, secret: bytes, now: Callable[[], datetime]
) -> Starlette:
    """The application; SMTP listens on the loopback while it runs. `secret` signs SMS requests."""
    faults, mailbox = Faults(), Mailbox(now)
    gateway = SmsGateway(mailbox, faults, key_id, secret, now)

    async def letters(request: Request) -> JSONResponse:
        return JSONResponse(mailbox.to(request.query_params.get("to")))

    async def page(_request: Request) -> HTMLResponse:
        return HTMLResponse(_PAGE.format(rows="".join(_row(each) for each in mailbox.to(None))))

    async def switch(request: Request) -> JSONResponse:
        try:
            faults.mode = Mode((await request.json())["mode"])
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"modes": list(Mode)}, 400)
        return JSONResponse({"mode": faults.mode})

    @asynccontextmanager
    async def lifespan(_application: Starlette) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        handler = MailHandler(mailbox, faults)
        server = await loop.create_server(
            lambda: SMTP(handler, hostname="sandbox.example", loop=loop), HOST, smtp_port
        )
        yield
        server.close()

    return Starlette(
        routes=[
            Route("/", page),
            Route("/mailbox", letters),
            Route("/sms/send", gateway.send, methods=["POST"]),
            Route("/_faults", switch, methods=["PUT"]),
        ],
        lifespan=lifespan,
    )


def _row(letter: dict[str, str | None]) -> str:
    cells = (letter["to"], letter["code"], letter["text"], letter["received_at"])
    return "<tr>" + "".join(f"<td>{html.escape(cell or '')}" for cell in cells)
