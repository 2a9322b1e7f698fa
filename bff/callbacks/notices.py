"""What providers post of people: `/notify/<provider>/<school>` (channels.md 7).

No session and no query but the parameters of a signature. What is not genuine is refused before a
row is written, told in one line without a word of what was posted, and sent again by nobody.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from bff.callbacks.pages import NEVER_KEPT
from bff.ratelimit import NOTICES, Buckets
from bff.refusal import Refused
from core.db.connection import DatabaseUnavailable
from core.identity.service.provider_notices import ProviderNotices
from core.ports.notices import Notice, NoticeReader, NoticeReaders
from core.ports.providers import ProviderRefused
from core.school.records import SchoolUnknown

BODY_MAXIMUM = 64 * 1024
ANSWER_SECONDS = 1.8
"""A provider waits for 2 s; what is not taken by then it sends again."""
GOOD = "success"
SCHOOL_MAXIMUM = 0xFFFF
QUERY_FIELDS_MAXIMUM = 32
_SIGNED = frozenset({"signature", "msg_signature", "timestamp", "nonce", "echostr"})
_ECHOING = ("wechat", "wecom")
"""Their consoles ask an address by GET to prove itself."""
_PROVIDERS = ("alipay", *_ECHOING)

Answer = TypeVar("Answer")

_log = logging.getLogger(__name__)


class _Refusal(Exception):
    """Nothing was taken; `reason` is a word of ours."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class NoticeRoutes:
    """Serves them."""

    def __init__(self, readers: NoticeReaders, notices: ProviderNotices, buckets: Buckets) -> None:
        self._readers = readers
        self._notices = notices
        self._buckets = buckets

    def routes(self) -> list[BaseRoute]:
        """The routes: one address for each provider and school."""
        return [self._route(provider) for provider in _PROVIDERS]

    def _route(self, provider: str) -> Route:
        async def answer(request: Request) -> Response:
            school_id: int = request.path_params["school"]
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    return await self._answer(request, provider, school_id)
            except _Refusal as refusal:
                return _refused(provider, school_id, refusal.status, refusal.reason)
            except (TimeoutError, DatabaseUnavailable):
                return _refused(provider, school_id, 503, "no answer in time")
            except ClientDisconnect:
                return _refused(provider, school_id, 400, "cut off")

        methods = ["GET", "POST"] if provider in _ECHOING else ["POST"]
        return Route(f"/notify/{provider}/{{school:int}}", answer, methods=methods)

    async def _answer(self, request: Request, provider: str, school_id: int) -> Response:
        """Raises: _Refusal, DatabaseUnavailable, ClientDisconnect."""
        if school_id > SCHOOL_MAXIMUM:
            raise _Refusal(404, "no such school")
        try:
            self._buckets.take(NOTICES, f"{provider}/{school_id}")
            readers = await self._readers.notice_readers(school_id, provider)
        except Refused:
            raise _Refusal(429, "too many") from None
        except SchoolUnknown:
            raise _Refusal(404, "no such school") from None
        if not readers:
            raise _Refusal(404, "no such app")
        query = _signature(request.url.query)
        if request.method != "POST":
            return _text(_first(readers, lambda reader: reader.echo(query)))
        body = await _body(request)
        notice: Notice = _first(readers, lambda reader: reader.read(query, body))
        taken = await self._notices.take(school_id, provider, notice)
        _log.info("notice %s of %s at school %s: %s", notice.event, provider, school_id, taken)
        return _text(GOOD)


def _first(readers: Sequence[NoticeReader], ask: Callable[[NoticeReader], Answer]) -> Answer:
    """What the one app of several says whose provider signed it; each has keys of its own.

    Raises: _Refusal.
    """
    reason = ""
    for reader in readers:
        try:
            return ask(reader)
        except ProviderRefused as refused:
            reason = str(refused)
    raise _Refusal(403, reason)


def _signature(query: str) -> Mapping[str, str]:
    """The parameters of a signature, whatever else there is.

    Raises: _Refusal.
    """
    try:
        given = parse_qsl(query, keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAXIMUM)
    except ValueError:
        raise _Refusal(400, "query") from None
    pairs = [(name, value) for name, value in given if name in _SIGNED]
    if len(dict(pairs)) < len(pairs):
        raise _Refusal(400, "a parameter twice")
    return dict(pairs)


async def _body(request: Request) -> bytes:
    """The raw body.

    Raises: _Refusal, ClientDisconnect.
    """
    received = bytearray()
    async for piece in request.stream():
        received += piece
        if len(received) > BODY_MAXIMUM:
            raise _Refusal(413, "too large")
    return bytes(received)


def _text(text: str) -> Response:
    return PlainTextResponse(text, headers=NEVER_KEPT)


def _refused(provider: str, school_id: int, status: int, reason: str) -> Response:
    _log.warning("notice of %s refused at school %s: %s", provider, school_id, reason)
    return Response(status_code=status, headers=NEVER_KEPT)
