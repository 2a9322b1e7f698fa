"""The scripted server over HTTP: the terminal's address, and the page that leads its staff."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs

from jinja2 import Environment
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.requests import Request as WebRequest
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bff.conformance.play import Play
from bff.conformance.report import SUFFIXES, Report, printable
from bff.conformance.school import ISSUER
from bff.conformance.steps import Question
from bff.conformance.telling import GO_ON, QUESTIONS, choices, line_of
from bff.conformance.words import Text
from bff.guards import UPLOAD_MAXIMUM, check_head, head_of, read_body
from bff.guards import Receive as CoroutineReceive
from bff.refusal import Refused, send_refusal
from bff.settings import Language
from clients.screen import qr_svg
from terminals.signature import Request

SILENCE_SECONDS = 20.0
"""How long a terminal may wait for an answer that does not come."""
READ_SECONDS = 5.0
_FORM_MAXIMUM = 4_096
_LINES = 12
_TITLE = Text("终端验收", "Prove your terminal")
_PAGE = Path(__file__).parents[1] / "pages" / "conformance.html"
_SCRIPT = (
    "setInterval(async()=>{const field=document.querySelector('input[name=word]');"
    "if(field&&field.value)return;try{const now=await(await fetch('/step')).json();"
    "if(now.stamp!==document.body.dataset.stamp)location.reload()}catch{}},1000)"
)
_HASH = b64encode(sha256(_SCRIPT.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{_HASH}'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'"
)


class _Terminals:
    """The terminal's address: every request goes to the play."""

    def __init__(self, play: Play, silence_seconds: float) -> None:
        self._play = play
        self._silence_seconds = silence_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or keeps silent."""
        head = head_of(scope)
        reads = cast("CoroutineReceive", receive)
        try:
            check_head(scope["method"], head)
            body = await read_body(reads, UPLOAD_MAXIMUM, READ_SECONDS)
        except Refused as refused:
            await send_refusal(send, refused)
            return
        if body is None:
            return
        headers = {name.decode("latin-1"): head.text(name) for name in head.headers}
        reply = self._play.answer(Request(scope["method"], head.path, headers, body))
        if reply is None:
            await _silence(receive, self._silence_seconds)
            response = Response(status_code=504)
        else:
            response = Response(
                reply.body, reply.status, dict(reply.headers), media_type="application/json"
            )
        await response(scope, receive, send)


async def _silence(receive: Receive, seconds: float) -> None:
    """Waits until the terminal has left, or for so long."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        pass


class Pages:
    """The page for staff, the same as JSON, and the report so far."""

    def __init__(self, play: Play, report: Callable[[], Report], language: Language) -> None:
        self._play = play
        self._report = report
        self._language = language
        self._template = Environment(autoescape=True).from_string(_PAGE.read_text("utf-8"))

    def routes(self) -> list[Route]:
        """Their routes."""
        return [
            Route("/", self._page),
            Route("/told", self._told, methods=["POST"]),
            Route("/step", self._step, methods=["GET", "POST"]),
            Route("/report.{suffix}", self._file),
        ]

    def _stamp(self) -> str:
        """Changes with everything that the page shows."""
        prompt = self._play.prompt
        return f"{prompt.number if prompt else 0}.{len(self._play.server.events)}"

    async def _page(self, _request: WebRequest) -> HTMLResponse:
        prompt, language = self._play.prompt, self._language
        question = prompt.step.question if prompt else Question.NONE
        events = reversed(self._play.server.events[-_LINES:])
        text = self._template.render(
            language=language,
            title=_TITLE.said(language),
            stamp=self._stamp(),
            facts=[(name.said(language), value) for name, value in self._facts()],
            prompt=prompt,
            text=prompt.step.text.said(language) if prompt else "",
            qr=Markup(qr_svg(prompt.scanned)) if prompt and prompt.scanned else "",  # noqa: S704 - our own picture
            question=QUESTIONS[question].said(language),
            choices=[(word, label.said(language)) for word, label in choices(question)],
            go_on=GO_ON.said(language),
            summary=self._report().summary().said(language),
            lines=[printable(line_of(event).said(language)) for event in events],
            script=Markup(_SCRIPT),  # noqa: S704 - a constant
        )
        return HTMLResponse(text, headers={"content-security-policy": _POLICY})

    def _facts(self) -> list[tuple[Text, str]]:
        code = self._play.school.activation_code
        return [
            (Text("学校编号", "issuer"), str(ISSUER)),
            (Text("激活码", "activation code"), code),
        ]

    async def _told(self, request: WebRequest) -> Response:
        body = await _limited(request)
        given = parse_qs(body.decode("utf-8", "replace"), max_num_fields=8)
        self._play.tell(given.get("id", [""])[0], given.get("word", [""])[0])
        return RedirectResponse("/", status_code=303)

    async def _step(self, request: WebRequest) -> JSONResponse:
        """What is to be done now; told with POST `{"id", "word"}`, 409 if that is not it."""
        status = 200
        if request.method == "POST":
            given = _json_object(await _limited(request))
            status = 200 if self._play.tell(str(given.get("id")), str(given.get("word"))) else 409
        prompt = self._play.prompt
        facts = {"over": True} if prompt is None else prompt.write()
        named = {"issuer": ISSUER, "activationCode": self._play.school.activation_code}
        return JSONResponse({**facts, **named, "stamp": self._stamp()}, status)

    async def _file(self, request: WebRequest) -> Response:
        suffix = f".{request.path_params['suffix']}"
        if suffix not in SUFFIXES:
            return PlainTextResponse("", 404)
        text = self._report().write(suffix, self._language)
        if suffix == ".html":
            policy = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}
            return HTMLResponse(text, headers=policy)
        if suffix == ".json":
            return Response(text, media_type="application/json")
        return PlainTextResponse(text)


async def _limited(request: WebRequest) -> bytes:
    """The first bytes of a body: no answer of staff is longer."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _FORM_MAXIMUM:
            break
    return body[:_FORM_MAXIMUM]


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        read = json.loads(body)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def build(
    play: Play,
    report: Callable[[], Report],
    language: Language,
    silence_seconds: float = SILENCE_SECONDS,
) -> Starlette:
    """The application of one play; `report` makes the report of what was seen until then."""
    terminals = Route("/graphql", _Terminals(play, silence_seconds))
    return Starlette(routes=[terminals, *Pages(play, report, language).routes()])
