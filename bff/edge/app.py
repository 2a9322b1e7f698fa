"""The edge as an ASGI application: forwards while the line is up, and decides while it is down."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import cast

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Lifespan, Receive, Scope, Send

from bff.edge import answers
from bff.edge.answers import Json
from bff.edge.authority import EdgeAuthority, Undecided
from bff.edge.questions import Operation, Question, find_question
from bff.edge.uplink import FORWARD_SECONDS, PATIENT_SECONDS, Reply, Uplink
from bff.guards import READ_SECONDS, UPLOAD_MAXIMUM, Head, check_head, head_of, read_body
from bff.guards import Receive as CoroutineReceive
from bff.refusal import Refused, send_refusal
from clients.endpoint import NoAnswer, NotAllowed
from clients.terminal.protocol import Line
from terminals.signature import SignatureRefusal, SignedHeaders

PATH = "/graphql"
BEAT_SECONDS = 30.0
PROBE_SECONDS = 3.0
"""How often the edge asks for the server while the line is down."""
_RETRY_SECONDS = 2
_KEPT_BEATS = 120
"""Heartbeats between two clearings of what is too old: an hour of them."""

Report = Callable[[BaseException], None]


class Edge:
    """Answers the terminals of one site."""

    def __init__(
        self, line: Line, uplink: Uplink, authority: EdgeAuthority, report: Report
    ) -> None:
        self._line = line
        self._uplink = uplink
        self._authority = authority
        self._report = report

    @property
    def is_up(self) -> bool:
        """Whether terminals are answered by the server."""
        return self._uplink.state.is_up

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        head = head_of(scope)
        try:
            check_head(scope["method"], head)
            body = await read_body(cast("CoroutineReceive", receive), UPLOAD_MAXIMUM, READ_SECONDS)
            reply = None if body is None else await self.answer(head, body)
        except Refused as refused:
            await send_refusal(send, refused)
            return
        except Exception as failure:  # the terminal asks again, or takes its own way out
            self._report(failure)
            await send_refusal(send, Refused("OVERLOADED", _RETRY_SECONDS))
            return
        if reply is not None:
            await _send(send, reply)

    async def answer(self, head: Head, body: bytes) -> Reply:
        """The server's answer, or the edge's own.

        Raises: Refused (OVERLOADED), for what neither can answer now.
        """
        question = find_question(head, body) if head.claims_terminal else None
        signed = None if question is None else self._authority.signer_of(question)
        if self.is_up:
            can_decide = question is not None and question.operation is not Operation.SYNC
            if question is not None and isinstance(signed, SignedHeaders):
                self._authority.note_sent(question, signed)
            seconds = FORWARD_SECONDS if can_decide else PATIENT_SECONDS
            reply = await self._uplink.forward(head, body, seconds)
            if reply is not None and (reply.is_answer or self.is_up):
                return reply
        return self._own(question, signed)

    def _own(
        self, question: Question | None, signed: SignedHeaders | SignatureRefusal | None
    ) -> Reply:
        if question is None or signed is None or not self._authority.is_ready:
            raise Refused("OVERLOADED", _RETRY_SECONDS)
        if isinstance(signed, SignatureRefusal):
            return _reply(answers.refused("UNAUTHENTICATED", signed))
        try:
            return _reply(self._authority.answer(question, signed))
        except Undecided:
            raise Refused("OVERLOADED", _RETRY_SECONDS) from None

    async def beat(self) -> None:
        """One heartbeat of the edge: its clock, its documents, and whether the line is there."""
        try:
            await asyncio.wait_for(self._line.set_clock(), PATIENT_SECONDS)
        except NotAllowed:
            self._uplink.learn(answered=True, is_probe=True)
        except (NoAnswer, TimeoutError):
            self._uplink.learn(answered=False, is_probe=True)
        else:
            self._uplink.learn(answered=True, is_probe=True)

    async def keep_beating(self) -> None:
        """Beats for ever; faster while the line is down."""
        beats = 0
        while True:
            if beats % _KEPT_BEATS == 0:
                self._authority.forget_old()
            try:
                await self.beat()
            except Exception as failure:  # the next beat is another try
                self._report(failure)
            beats += 1
            await asyncio.sleep(BEAT_SECONDS if self.is_up else PROBE_SECONDS)


class _Application(Starlette):
    """Starlette, with a short way to the edge, which answers every failure itself."""

    def __init__(self, edge: Edge, routes: list[Route], lifespan: Lifespan[Starlette]) -> None:
        super().__init__(routes=routes, lifespan=lifespan)
        self._edge = edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or lives once."""
        if scope["type"] == "http" and scope["path"] == PATH:
            await self._edge(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def build_edge_app(edge: Edge) -> Starlette:
    """The application: terminals at `/graphql`, the line's state at `/healthz`."""

    async def health(_request: HttpRequest) -> JSONResponse:
        return JSONResponse({"line": "up" if edge.is_up else "down"})

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        beating = asyncio.create_task(edge.keep_beating())
        try:
            yield
        finally:
            beating.cancel()
            with suppress(asyncio.CancelledError):
                await beating

    return _Application(edge, [Route("/healthz", health)], lifespan)


def _reply(answer: Json) -> Reply:
    body = json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
    return Reply(200, {"content-type": "application/json", "cache-control": "no-store"}, body)


async def _send(send: Send, reply: Reply) -> None:
    headers = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
    length = (b"content-length", b"%d" % len(reply.body))
    await send(
        {"type": "http.response.start", "status": reply.status, "headers": [*headers, length]}
    )
    await send({"type": "http.response.body", "body": reply.body})
