"""wechatpy's endpoint definitions over our own HTTP client.

A class of wechatpy's API asks its client for `get`, `post`, `appid` and `secret`. Here the first
two return awaitables, so its methods become awaitable. Those that work on their answer would see a
coroutine: their paths are not listed, and the processor that some hand over is not taken.
"""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any
from urllib.parse import urlsplit

from adapters.http import HttpClient
from adapters.tokens import Token, Tokens
from core.kit.clock import Clock
from core.ports.providers import ProviderMisconfigured, ProviderUnavailable

Facts = dict[str, Any]
BUSY = -1
PAUSE_SECONDS = 0.2
_JSON = {"Content-Type": "application/json; charset=utf-8"}


class Kind(Enum):
    """What a call needs, and whether it may be sent again when the provider is busy."""

    OPEN = auto()
    """No token: the secret is among the arguments."""
    READ = auto()
    SEND = auto()


class Calls(ABC):
    """The calls of one app. `origin` is where wechatpy believes the provider to be.

    Only the calls listed in `paths` leave, and only for the base URL of the HTTP client.
    """

    origin: str
    paths: Mapping[str, Kind]
    token_errors: frozenset[int]

    def __init__(
        self, http: HttpClient, tokens: Tokens, clock: Clock, appid: str, secret: str
    ) -> None:
        self._http = http
        self._tokens = tokens
        self.clock = clock
        self.appid = appid
        self.secret = secret

    @property
    @abstractmethod
    def token_name(self) -> str:
        """What the token store knows this app's token by."""

    @abstractmethod
    async def fetch_token(self) -> Token:
        """A token from the provider."""

    @abstractmethod
    def judge(self, path: str, errcode: int) -> Exception:
        """What an errcode means."""

    async def get(
        self, url: str, *, params: Mapping[str, str] | None = None, api_base_url: str = ""
    ) -> Facts:
        """Reads.

        Raises: ProviderRefused, ProviderUnavailable, ProviderThrottled, ProviderMisconfigured.
        """
        return await self._request("GET", self._path(api_base_url, url), params, None)

    async def post(self, url: str, *, data: Mapping[str, Any], api_base_url: str = "") -> Facts:
        """Sends JSON.

        Raises: ProviderRefused, ProviderUnavailable, ProviderThrottled, ProviderMisconfigured.
        """
        body = json.dumps(data, ensure_ascii=False).encode()
        return await self._request("POST", self._path(api_base_url, url), None, body)

    def _path(self, api_base_url: str, url: str) -> str:
        parts = urlsplit((api_base_url or f"{self.origin}/cgi-bin/") + url)
        if f"{parts.scheme}://{parts.netloc}" != self.origin or parts.path not in self.paths:
            raise ProviderMisconfigured(f"{url}: not a call of ours")
        return parts.path

    async def _request(
        self, method: str, path: str, query: Mapping[str, str] | None, body: bytes | None
    ) -> Facts:
        kind = self.paths[path]
        facts = await self._asked(method, path, query, body)
        if facts["errcode"] == BUSY and kind is not Kind.SEND:
            await asyncio.sleep(PAUSE_SECONDS)
            facts = await self._asked(method, path, query, body)
        if facts["errcode"] == BUSY:
            raise ProviderUnavailable(f"{path}: busy")
        if facts["errcode"]:
            raise self.judge(path, facts["errcode"])
        return facts

    async def _asked(
        self, method: str, path: str, query: Mapping[str, str] | None, body: bytes | None
    ) -> Facts:
        """The answer, with a new token once if the provider does not take the old one."""
        if self.paths[path] is Kind.OPEN:
            return await self._exchanged(method, path, query, body)
        given = dict(query or {})
        token = await self._tokens.get(self.token_name, self.fetch_token)
        facts = await self._exchanged(method, path, {**given, "access_token": token}, body)
        if facts["errcode"] in self.token_errors:
            token = await self._tokens.get(self.token_name, self.fetch_token, bad=token)
            facts = await self._exchanged(method, path, {**given, "access_token": token}, body)
        return facts

    async def _exchanged(
        self, method: str, path: str, query: Mapping[str, str] | None, body: bytes | None
    ) -> Facts:
        """One exchange; `errcode` is always there, 0 where the provider left it out."""
        headers = None if body is None else _JSON
        answer = await self._http.request(method, path, query=query, body=body, headers=headers)
        try:
            facts = json.loads(answer.body)
            facts["errcode"] = int(facts.get("errcode", 0))
        except (ValueError, TypeError, AttributeError):
            raise ProviderUnavailable(f"{path}: HTTP {answer.status}") from None
        assert isinstance(facts, dict)
        return facts


def text_in(facts: Mapping[str, Any], name: str) -> str:
    """A text that an answer must hold.

    Raises: ProviderUnavailable.
    """
    value = facts.get(name)
    if not isinstance(value, str) or not value:
        raise ProviderUnavailable(f"an answer without {name}")
    return value


def token_in(facts: Mapping[str, Any]) -> Token:
    """The token of an answer, with its life.

    Raises: ProviderUnavailable.
    """
    seconds = facts.get("expires_in")
    if not isinstance(seconds, int) or seconds <= 0:
        raise ProviderUnavailable("a token without its life")
    return Token(text_in(facts, "access_token"), seconds)
