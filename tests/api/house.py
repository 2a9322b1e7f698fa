"""The toy schema behind the real guards, and the smallest HTTP client for it."""

import asyncio
import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute

from bff.documents import Documents
from bff.graphql import Contexts, GraphQL
from bff.guards import Guards, Head
from bff.ratelimit import Buckets
from bff.seats import SeatClass, Seats
from bff.socket import SocketLimits, Sockets
from schema.context import Anonymous, TerminalViewer, Viewer
from schema.errors import Unauthenticated
from schema.masking import Masker
from tests.api.toy import SCHEMA, ToyServices
from tests.factories.viewers import cardholder_viewer, staff_viewer, terminal_viewer

JSON = {"content-type": "application/json"}
TERMINAL = {"signature-input": 'term=("@method");keyid="7-1-1";tag="cc-term"'}
CARDHOLDER = cardholder_viewer()
CLERK = staff_viewer("CLERK", number=4)
AUDITOR = staff_viewer("AUDITOR", number=6)
TILL = terminal_viewer()
VIEWERS: dict[str, Viewer] = {
    "": Anonymous(),
    "Bearer holder": CARDHOLDER,
    "Bearer clerk": CLERK,
    "Bearer auditor": AUDITOR,
}


@dataclass
class Answer:
    """One HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def codes(self) -> list[str]:
        return [error["extensions"]["code"] for error in self.json()["errors"]]

    def reasons(self) -> list[str | None]:
        return [error["extensions"].get("reason") for error in self.json()["errors"]]


@dataclass
class House:
    """One process around the toy schema."""

    texts: Sequence[str] = ()
    production: bool = False
    uploads: Iterable[str] = ()
    seats: int = 4
    read_seconds: float = 0.2
    limits: SocketLimits = field(default_factory=SocketLimits)
    now: float = 0.0

    def __post_init__(self) -> None:
        self.services = ToyServices()
        self.reported: list[BaseException] = []
        self.revoked: set[Viewer] = set()
        self.seen: list[str] = []
        numbers = itertools.count(1)
        self.graphql = GraphQL(
            SCHEMA,
            Documents(SCHEMA, self.texts, ad_hoc=not self.production),
            Contexts(self.services, lambda: f"r{next(numbers)}", lambda _school: "zh"),
            self._identify,
            Buckets(lambda: self.now),
            Masker(not self.production, lambda failure, _context: self.reported.append(failure)),
        )
        self.gate = Seats(self.seats, lambda: 0.0, seeded())
        self.guards = Guards(
            self.graphql,
            self.gate,
            self._verify,
            self.reported.append,
            {"Void": SeatClass.URGENT, "Pay": SeatClass.MONEY},
            frozenset(self.uploads),
            self.read_seconds,
        )
        self.sockets = Sockets(self.graphql, self._still_valid, self.limits)
        self.app = Starlette(
            routes=[
                Route("/graphql", self.guards),
                WebSocketRoute("/graphql", self.sockets.serve),
            ]
        )

    async def _identify(self, authorization: str) -> Viewer:
        if authorization not in VIEWERS:
            raise Unauthenticated
        return VIEWERS[authorization]

    async def _still_valid(self, viewer: Viewer) -> bool:
        return viewer not in self.revoked

    async def _verify(self, head: Head, body: bytes) -> TerminalViewer | None:
        self.seen.append(head.path)
        if not head.claims_terminal:
            return None
        if head.text(b"signature") != f"term=:{hashlib.sha256(body).hexdigest()}:":
            raise Unauthenticated("SIGNATURE_INVALID")
        return TILL

    async def post(
        self,
        body: bytes | dict[str, Any],
        headers: dict[str, str] | None = None,
        *,
        method: str = "POST",
        path: str = "/graphql",
        chunks: Sequence[bytes] | None = None,
        stalls: bool = False,
        leaves: bool = False,
    ) -> Answer:
        raw = json.dumps(body).encode() if isinstance(body, dict) else body
        head = JSON | {"content-length": str(len(raw))} | (headers or {})
        parts = list(chunks if chunks is not None else [raw])
        if chunks is not None:
            del head["content-length"]
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            if not parts:
                if not leaves:
                    await asyncio.Event().wait()
                return {"type": "http.disconnect"}
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts) or stalls}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [(k.encode(), v.encode()) for k, v in head.items()],
            "client": ("192.0.2.1", 1),
        }
        await self.app(scope, receive, send)
        if not sent:
            return Answer(0, {}, b"")
        return Answer(
            sent[0]["status"],
            {k.decode(): v.decode() for k, v in sent[0]["headers"]},
            b"".join(message.get("body", b"") for message in sent[1:]),
        )

    async def ask(self, query: str, viewer: str = "", **variables: Any) -> Answer:
        headers = {"authorization": viewer} if viewer else {}
        return await self.post({"query": query, "variables": variables}, headers)


def seeded() -> Callable[[int], bytes]:
    """Bytes that look like chance and are the same in each run."""
    counter = itertools.count()
    return lambda count: hashlib.shake_128(str(next(counter)).encode()).digest(count)


def signed(body: bytes) -> dict[str, str]:
    """The headers of a terminal that signed these bytes, as the toy verifies them."""
    return TERMINAL | {"signature": f"term=:{hashlib.sha256(body).hexdigest()}:"}
