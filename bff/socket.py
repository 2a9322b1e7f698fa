"""Subscriptions over graphql-transport-ws: one socket, few subscriptions, nothing buffered."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect
from strawberry.types import ExecutionResult

from bff.body import parse_json, shape
from bff.graphql import GraphQL, answer_of, encode
from bff.guards import Head, head_of
from bff.ratelimit import caller_of
from bff.refusal import Refused
from schema.context import RequestContext, Viewer
from schema.errors import CodedError, RateLimited
from schema.execution import subscribe

PROTOCOL = "graphql-transport-ws"
MESSAGE_MAXIMUM = 16 * 1024
SUBSCRIPTIONS_MAXIMUM = 5
ID_MAXIMUM = 64

BAD_REQUEST = 4400
UNAUTHORISED = 4401
FORBIDDEN = 4403
INIT_TOO_SLOW = 4408
SUBSCRIBER_EXISTS = 4409
TOO_MANY = 4429
TOO_BIG = 1009
TRY_LATER = 1013

StillValid = Callable[[Viewer], Awaitable[bool]]
"""Whether the viewer's session still stands, read from its row."""


class Closed(Exception):
    """The socket ends with this close code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """Seconds: to initialise, to take one message, and between two looks at the session."""

    initialise_seconds: float = 5.0
    send_seconds: float = 5.0
    session_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Sockets:
    """The WebSocket side of the endpoint; a Starlette `WebSocketRoute` takes its `serve`."""

    graphql: GraphQL
    still_valid: StillValid
    limits: SocketLimits = field(default_factory=SocketLimits)

    async def serve(self, websocket: WebSocket) -> None:
        """One socket from its handshake to its end."""
        if PROTOCOL not in websocket.scope["subprotocols"]:
            await websocket.close(BAD_REQUEST)  # before accepting: the handshake is refused
            return
        await websocket.accept(PROTOCOL)
        code = await _Socket(self, websocket).run()
        if code is not None:
            try:
                async with asyncio.timeout(self.limits.send_seconds):
                    await websocket.close(code)
            except (TimeoutError, RuntimeError, WebSocketDisconnect):
                pass  # the other side is gone already


class _Socket:
    """One accepted socket: its viewer once initialised, and a task per subscription."""

    def __init__(self, sockets: Sockets, websocket: WebSocket) -> None:
        self._graphql = sockets.graphql
        self._still_valid = sockets.still_valid
        self._limits = sockets.limits
        self._websocket = websocket
        self._head: Head = head_of(websocket.scope)
        self._context: RequestContext | None = None
        self._running: dict[str, asyncio.Task[None]] = {}
        self._ending: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def run(self) -> int | None:
        """Serve until the end; the close code to send, None when the client has left."""
        watch = asyncio.create_task(self._watch_session())
        listen = asyncio.create_task(self._listen())
        try:
            await asyncio.wait((listen, self._ending), return_when=asyncio.FIRST_COMPLETED)
            return self._ending.result() if self._ending.done() else listen.result()
        finally:
            tasks = [watch, listen, *self._running.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self) -> int | None:
        try:
            try:
                async with asyncio.timeout(self._limits.initialise_seconds):
                    await self._initialise(await self._receive())
            except TimeoutError:
                return INIT_TOO_SLOW
            while True:
                await self._handle(await self._receive())
        except Closed as closed:
            return closed.code
        except WebSocketDisconnect:
            return None
        except Exception as failure:  # the client may come again
            blank = self._graphql.contexts.blank(self._head)
            self._broken(failure, self._context or blank)
            return TRY_LATER

    async def _receive(self) -> dict[str, Any]:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1000))
        text = message.get("text")
        if text is None:
            raise Closed(BAD_REQUEST)
        if (
            len(text) > MESSAGE_MAXIMUM
            or len(raw := text.encode(errors="replace")) > MESSAGE_MAXIMUM
        ):
            raise Closed(TOO_BIG)
        try:
            value = parse_json(raw)
        except Refused:
            raise Closed(BAD_REQUEST) from None
        if not isinstance(value, dict) or not isinstance(value.get("type"), str):
            raise Closed(BAD_REQUEST)
        return value

    async def _initialise(self, message: dict[str, Any]) -> None:
        if message["type"] != "connection_init":
            raise Closed(UNAUTHORISED)
        payload = message.get("payload") or {}
        token = payload.get("authorization", "") if isinstance(payload, dict) else None
        if not isinstance(token, str):
            raise Closed(BAD_REQUEST)
        if token:
            headers = {**self._head.headers, b"authorization": token.encode()}
            self._head = replace(self._head, headers=headers)
        try:
            viewer = await self._graphql.viewer(self._head)
        except CodedError:
            raise Closed(FORBIDDEN) from None
        except Refused:
            raise Closed(TOO_MANY) from None
        self._context = self._graphql.contexts.seen_by(viewer, self._head)
        await self._send({"type": "connection_ack"})

    async def _handle(self, message: dict[str, Any]) -> None:
        match message:
            case {"type": "ping"}:
                await self._send({"type": "pong"})
            case {"type": "pong"}:
                pass
            case {"type": "subscribe", "id": str(id_), "payload": dict(payload)}:
                await self._subscribe(id_, payload)
            case {"type": "complete", "id": str(id_)}:
                if (task := self._running.pop(id_, None)) is not None:
                    task.cancel()
            case {"type": "connection_init"}:
                raise Closed(TOO_MANY)
            case _:
                raise Closed(BAD_REQUEST)

    async def _subscribe(self, id_: str, payload: dict[str, Any]) -> None:
        if not 0 < len(id_) <= ID_MAXIMUM:
            raise Closed(BAD_REQUEST)
        if id_ in self._running:
            raise Closed(SUBSCRIBER_EXISTS)
        assert self._context is not None
        context = replace(self._context, request_id=self._graphql.contexts.new_request_id())
        try:
            self._graphql.buckets.take(*caller_of(context.viewer, self._head.network))
            if len(self._running) >= SUBSCRIPTIONS_MAXIMUM:
                raise RateLimited("SUBSCRIPTIONS_OVER_LIMIT")
            request = shape(payload)
            prepared = self._graphql.documents.get(request).prepared
        except Refused as refused:
            raise Closed(TOO_MANY if refused.code == "RATE_LIMITED" else BAD_REQUEST) from None
        except CodedError as failure:
            errors = self._graphql.masker.failure(failure, context)
            await self._send({"id": id_, "type": "error", "payload": errors})
            return
        events = subscribe(
            self._graphql.schema, prepared, context, request.variables, request.operation_name
        )
        self._running[id_] = asyncio.create_task(self._stream(id_, events, context))

    async def _stream(
        self, id_: str, events: AsyncGenerator[ExecutionResult, None], context: RequestContext
    ) -> None:
        try:
            try:
                await self._push(id_, events, context)
                self._running.pop(id_, None)
                await self._send({"id": id_, "type": "complete"})
            except CodedError as failure:
                self._running.pop(id_, None)
                errors = self._graphql.masker.failure(failure, context)
                await self._send({"id": id_, "type": "error", "payload": errors})
        except Closed as closed:
            self._end(closed.code)
        except Exception as failure:  # nothing more can be told to this socket
            self._broken(failure, context)

    async def _push(
        self, id_: str, events: AsyncGenerator[ExecutionResult, None], context: RequestContext
    ) -> None:
        async with aclosing(events):
            async for event in events:
                if not await self._still_valid(context.viewer):
                    raise Closed(FORBIDDEN)
                payload = answer_of(event, self._graphql.masker, context)
                await self._send({"id": id_, "type": "next", "payload": payload})

    async def _watch_session(self) -> None:
        while True:
            await asyncio.sleep(self._limits.session_seconds)
            if self._context is None:
                continue
            try:
                if not await self._still_valid(self._context.viewer):
                    self._end(FORBIDDEN)
            except Exception as failure:  # a session that cannot be read does not stand
                self._broken(failure, self._context)

    def _broken(self, failure: Exception, context: RequestContext) -> None:
        if not isinstance(failure, WebSocketDisconnect):
            self._graphql.masker.report(failure, context)
        self._end(TRY_LATER)

    async def _send(self, message: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(self._limits.send_seconds):
                await self._websocket.send_text(encode(message).decode())
        except TimeoutError:
            raise Closed(TRY_LATER) from None

    def _end(self, code: int) -> None:
        if not self._ending.done():
            self._ending.set_result(code)
