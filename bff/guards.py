"""The guards in front of GraphQL over HTTP, cheapest first (security.md 2).

Method -> content type -> declared size -> seat -> body with cap and deadline -> terminal signature
over the raw bytes -> UTF-8, JSON and shape -> the endpoint (session, rate limit, document).
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol

from bff.body import Request, read_request
from bff.refusal import Refused, Send, send_json, send_refusal
from bff.seats import SeatClass, Seats
from schema.context import TerminalViewer
from schema.errors import CodedError

BODY_MAXIMUM = 64 * 1024
UPLOAD_MAXIMUM = 256 * 1024
"""For the upload documents of a verified terminal."""
READ_SECONDS = 5.0
TERMINAL_TAG = b'tag="cc-term"'
_JSON_TYPES = (b"application/json", b"application/json;charset=utf-8")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Coroutine[Any, Any, MutableMapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of a request before its body: path, headers in lower case, network."""

    path: str
    headers: Mapping[bytes, bytes]
    network: str

    def text(self, name: bytes) -> str:
        """A header as text, empty when absent."""
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def claims_terminal(self) -> bool:
        """Whether it says that a terminal signed it; not believed, only queued by."""
        return TERMINAL_TAG in self.headers.get(b"signature-input", b"")


class Endpoint(Protocol):
    """What stands behind the guards."""

    async def answer(self, head: Head, terminal: TerminalViewer | None, request: Request) -> bytes:
        """The whole JSON answer.

        Raises: Refused.
        """
        ...

    def refused(self, head: Head, refusal: CodedError) -> bytes:
        """The JSON answer to a request whose signature was refused."""
        ...


VerifyTerminal = Callable[[Head, bytes], Awaitable[TerminalViewer | None]]
"""The terminal that signed these raw bytes, None when no terminal claims to.

Raises: schema.errors.CodedError with the reason (terminals.md 2), Refused (RATE_LIMITED).
"""


@dataclass(frozen=True, slots=True)
class Guards:
    """An ASGI application: nothing that is not one well-formed request passes.

    `classes` maps names of trusted documents (`X-Operation`) to their seats; unknown ones read.
    `uploads` are the ids of the documents that may be larger.
    """

    endpoint: Endpoint
    seats: Seats
    verify_terminal: VerifyTerminal
    report: Callable[[BaseException], None]
    classes: Mapping[str, SeatClass]
    uploads: Collection[str] = ()
    read_seconds: float = READ_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        head = head_of(scope)
        try:
            check_head(scope["method"], head)
            kind = self.seat_class(head)
            await self.seats.take(kind)
            try:
                answer = await self._seated(head, receive)
            finally:
                self.seats.give(kind)
        except Refused as refused:
            await send_refusal(send, refused)
            return
        except Exception as failure:  # what broke before GraphQL is ours; the client may retry
            self.report(failure)
            await send_refusal(send, Refused("OVERLOADED", retry_after=1))
            return
        if answer is not None:
            await send_json(send, 200, answer)

    async def _seated(self, head: Head, receive: Receive) -> bytes | None:
        body = await read_body(receive, _body_maximum(head), self.read_seconds)
        if body is None or has_left(receive):
            return None
        try:
            terminal = await self.verify_terminal(head, body)
        except CodedError as refusal:
            return self.endpoint.refused(head, refusal)
        request = read_request(body)
        is_upload = terminal is not None and request.document_id in self.uploads
        if len(body) > BODY_MAXIMUM and not is_upload:
            raise Refused("BODY_TOO_LARGE")
        return await self.endpoint.answer(head, terminal, request)

    def seat_class(self, head: Head) -> SeatClass:
        """The queue its head asks for; what only terminals send needs a claim to be one."""
        named = self.classes.get(head.text(b"x-operation"), SeatClass.READ)
        is_terminals = named in (SeatClass.TERMINAL, SeatClass.URGENT)
        if head.claims_terminal:
            return named if is_terminals else SeatClass.TERMINAL
        return SeatClass.READ if is_terminals else named


def head_of(scope: Scope) -> Head:
    """The head of an HTTP or WebSocket scope."""
    client = scope.get("client")
    headers = dict(scope["headers"])
    if len(headers) != len(scope["headers"]):
        headers = {
            name: b", ".join(v for n, v in scope["headers"] if n == name) for name in headers
        }
    return Head(scope["path"], headers, client[0] if client else "")


def check_head(method: str, head: Head) -> None:
    """Nothing, if the head announces one JSON body of an allowed size.

    Raises: Refused.
    """
    if method != "POST":
        raise Refused("METHOD_NOT_ALLOWED")
    content_type = head.headers.get(b"content-type", b"").lower().replace(b" ", b"")
    if content_type not in _JSON_TYPES:
        raise Refused("MEDIA_TYPE_UNSUPPORTED")
    if b"content-encoding" in head.headers:
        raise Refused("MEDIA_TYPE_UNSUPPORTED")
    declared = head.headers.get(b"content-length", b"0")
    if not declared.isdigit():
        raise Refused("BODY_MALFORMED")
    if len(declared) > 9 or int(declared) > _body_maximum(head):
        raise Refused("BODY_TOO_LARGE")


def _body_maximum(head: Head) -> int:
    return UPLOAD_MAXIMUM if head.claims_terminal else BODY_MAXIMUM


async def read_body(receive: Receive, maximum: int, seconds: float) -> bytes | None:
    """The whole body; None when the client left before its end.

    Raises: Refused (BODY_TOO_LARGE, BODY_TOO_SLOW).
    """
    here = _message_here(receive)
    if here is not None and here["type"] == "http.request" and not here.get("more_body", False):
        whole: bytes = here.get("body", b"")
        if len(whole) > maximum:
            raise Refused("BODY_TOO_LARGE")
        return whole
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            while True:
                message, here = here or await receive(), None
                if message["type"] == "http.disconnect":
                    return None
                chunk: bytes = message.get("body", b"")
                size += len(chunk)
                if size > maximum:
                    raise Refused("BODY_TOO_LARGE")
                chunks.append(chunk)
                if not message.get("more_body", False):
                    return b"".join(chunks)
    except TimeoutError:
        raise Refused("BODY_TOO_SLOW") from None


def has_left(receive: Receive) -> bool:
    """Whether the client has gone; asked once, without waiting, before anything is executed."""
    here = _message_here(receive)
    return here is not None and here["type"] == "http.disconnect"


def _message_here(receive: Receive) -> MutableMapping[str, Any] | None:
    """The next message if it has come already."""
    asking = receive()
    try:
        # One step by hand: a cancel scope around an await costs ten times as much.
        asking.send(None)
    except StopIteration as answered:
        message: MutableMapping[str, Any] = answered.value
        return message
    asking.close()
    return None
