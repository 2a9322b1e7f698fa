"""The Starlette application: guards, endpoint, sockets, health and, for developers, GraphiQL."""

import asyncio
import gc
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import cast

from starlette.applications import Starlette
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.types import Lifespan, Receive, Scope, Send

from bff.callbacks.notices import NoticeRoutes
from bff.callbacks.pages import SignOnPages
from bff.callbacks.sign_on import SignOnRoutes
from bff.clock import SystemClock
from bff.documents import Documents, Plan, TrustedDocument
from bff.error_page import error_page_routes
from bff.graphiql import graphiql_routes
from bff.graphql import Contexts, GraphQL
from bff.ground import Ground
from bff.guards import Guards
from bff.guards import Receive as CoroutineReceive
from bff.health import health_routes
from bff.keys import load_keys
from bff.languages import SchoolLanguages
from bff.outside import Outside
from bff.plans.plan import find_plan
from bff.ratelimit import Buckets
from bff.reporting import report
from bff.seats import LoopLag, Seats
from bff.settings import Environment, load_settings
from bff.signatures import SignatureGuard
from bff.socket import Sockets
from bff.trusted import FOLDER, heartbeats, read_documents, seat_classes, upload_ids
from bff.viewer import Viewers
from bff.wiring import Wired, wire
from core.db.unit import Unit
from schema.campus import SCHEMA
from schema.masking import Masker
from schema.root import PREPARED

SEATS = 64
"""Requests that run at once. More than the pool's connections: a purchase waits for its batch,
which fills only if many are inside, and a unit that waits for a connection costs nothing."""
COLLECT_AFTER = 10_000
"""New objects before young ones are collected: many times what a busy moment holds."""
_DURABLE = ("fsync", "full_page_writes", "synchronous_commit")


class NotDurable(Exception):
    """The database may lose what it acknowledged; production refuses to start on it."""


class _Application(Starlette):
    """Starlette, with a short way to the endpoint: its guards answer every failure themselves."""

    def __init__(
        self, endpoint: Guards, routes: Sequence[BaseRoute], lifespan: Lifespan[Starlette]
    ) -> None:
        super().__init__(routes=routes, lifespan=lifespan)
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or lives once."""
        if scope["type"] == "http" and scope["path"] == "/graphql":
            # Servers give a coroutine function, which Starlette calls a mere Awaitable.
            await self._endpoint(scope, cast("CoroutineReceive", receive), send)
        else:
            await super().__call__(scope, receive, send)


def build_app(
    ground: Ground,
    texts: Iterable[str],
    *,
    development: bool,
    processes: int = 1,
    outside: Outside | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Starlette:
    """The application over this ground, with `texts` as its trusted documents.

    `processes` is how many share the rate limits, `monotonic` tells their seconds; `outside`
    stands for the channels of the schools' settings.
    """
    wired = wire(ground, outside=outside)
    services = wired.services
    languages = SchoolLanguages(services.schools)
    documents = Documents(SCHEMA, texts, ad_hoc=development)
    documents.compile(_plan)
    buckets = Buckets(monotonic, processes)
    viewers = Viewers(services.sessions, services.staff)
    contexts = Contexts(services, lambda: wired.ids.bytes(8).hex(), languages)
    masker = Masker(development, report)
    graphql = GraphQL(SCHEMA, documents, contexts, viewers.identify, buckets, masker)
    lag = LoopLag()
    guards = Guards(
        graphql,
        Seats(SEATS, lag.seconds, ground.entropy),
        SignatureGuard(
            services.terminals,
            services.terminal_keys.answer,
            buckets,
            ground.clock,
            heartbeats(documents),
        ),
        report,
        seat_classes(documents),
        upload_ids(documents),
    )
    routes: list[BaseRoute] = [
        WebSocketRoute("/graphql", Sockets(graphql, viewers.still_valid).serve),
        *health_routes(wired),
        *error_page_routes(),
        *_callbacks(wired, ground, buckets),
        *(graphiql_routes() if development else ()),
    ]

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with _running(wired, languages, lag, durable=not development):
            yield

    app = _Application(guards, routes, lifespan)
    app.state.wired = wired
    return app


def _callbacks(wired: Wired, ground: Ground, buckets: Buckets) -> list[BaseRoute]:
    """What browsers come back to from a school, and what providers post to."""
    services, pages = wired.services, SignOnPages(ground.entropy)
    sign_on = SignOnRoutes(
        services.campus, services.campus_links, pages, buckets, ground.public_url
    )
    notices = NoticeRoutes(wired.outside.notices, wired.notices, buckets)
    return [*sign_on.routes(), *notices.routes()]


def _plan(document: TrustedDocument) -> Plan | None:
    text = document.prepared.document
    return find_plan(SCHEMA, text, {PREPARED: text})


def create() -> Starlette:
    """The application of the settings: what each server process makes.

    Raises: SettingsInvalid, KeysInvalid, BadDocument for a trusted document that is not valid.
    """
    settings, clock = load_settings(), SystemClock()
    database_url, redis_url, keys_file = settings.needed("database_url", "redis_url", "keys_file")
    keys = load_keys(Path(keys_file), settings.environment, clock.now())
    development = settings.environment is Environment.DEVELOPMENT
    app = build_app(
        Ground(
            database_url,
            redis_url,
            keys,
            clock,
            os.urandom,
            public_url=settings.browser_url,
            development=development,
        ),
        read_documents(FOLDER),
        development=development,
        processes=settings.workers,
    )
    _spare_collector()
    return app


def _spare_collector() -> None:
    """Lets the garbage collector pass over what lives as long as the process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


@asynccontextmanager
async def _running(
    wired: Wired, languages: SchoolLanguages, lag: LoopLag, *, durable: bool
) -> AsyncIterator[None]:
    """The life of the process; `durable` refuses a database that may forget.

    Raises: NotDurable.
    """
    async with wired.running():
        if durable:
            await _require_durable(wired)
        await languages.refresh()
        keeping = asyncio.create_task(languages.keep())
        lag.start()
        try:
            yield
        finally:
            lag.stop()
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping


async def _require_durable(wired: Wired) -> None:
    async def work(unit: Unit) -> list[str]:
        return [name for name in _DURABLE if await unit.value(f"SHOW {name}") == "off"]

    off = await wired.database.unit(0, work)
    if off:
        raise NotDurable(f"{', '.join(off)} is off")
