"""Where Tencent's servers take calls: JSON answers with an errcode, a token in the query."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from adapters.sandbox.base import Base
from adapters.sandbox.carriage import CARRIAGE, carried
from adapters.sandbox.faults import Fault
from adapters.sandbox.grants import AccessTokens

Facts = dict[str, Any]
DESK_FAULTS = CARRIAGE | {Fault.REFUSE, Fault.SYSTEM_ERROR, Fault.TOKEN_DEAD, Fault.QUOTA}


class Trouble(Exception):
    """An errcode to answer with."""

    def __init__(self, errcode: int, message: str) -> None:
        super().__init__(message)
        self.errcode = errcode


@dataclass(frozen=True, slots=True)
class Api:
    """One path. `play` gets the token's app (empty without a token) and what was given.

    `refusal` is the errcode by which this API says no on purpose.
    """

    method: str
    path: str
    fields: frozenset[str]
    play: Callable[[str, Mapping[str, Any]], Facts]
    token: bool = True
    refusal: int = 48001

    @property
    def name(self) -> str:
        """What switches call it: its path without the leading slash and `cgi-bin/`."""
        return self.path.removeprefix("/").removeprefix("cgi-bin/")


class Desk:
    """The APIs of one provider. `dead` is the errcode for a token that is not taken."""

    def __init__(
        self, base: Base, provider: str, tokens: AccessTokens, dead: int, apis: Sequence[Api]
    ) -> None:
        base.faults.known[provider] = DESK_FAULTS
        self._base = base
        self._provider = provider
        self._tokens = tokens
        self._dead = dead
        self._apis = apis

    def routes(self) -> list[BaseRoute]:
        """Their routes."""
        return [Route(api.path, self._endpoint(api), methods=[api.method]) for api in self._apis]

    def _endpoint(self, api: Api) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            query = dict(request.query_params)
            body = await request.body()
            faults = self._base.faults
            fault = faults.take(self._provider, api.name)
            return await carried(
                self._base.faults, fault, lambda: self._answer(api, query, body, fault)
            )

        return answer

    def _answer(
        self, api: Api, query: dict[str, str], body: bytes, fault: Fault | None
    ) -> Response:
        try:
            facts = self._facts(api, query, body, fault)
        except Trouble as trouble:
            facts = {"errcode": trouble.errcode, "errmsg": f"{trouble} rid: 0000-sandbox"}
        sent = "?" + "&".join(query) + " " + body.decode(errors="replace")
        verdict = f"errcode {facts.get('errcode', 0)}"
        self._base.trace.note(self._provider, api.name, sent, verdict)
        return JSONResponse(facts)

    def _facts(self, api: Api, query: dict[str, str], body: bytes, fault: Fault | None) -> Facts:
        token = query.pop("access_token", "")
        if bool(token) != api.token:
            self._base.fail(f"{self._provider} {api.name}: a token where none is wanted, or none")
        given = self._given(api, query, body)
        if fault is Fault.SYSTEM_ERROR:
            raise Trouble(-1, "system error")
        if fault is Fault.QUOTA:
            raise Trouble(45009, "reach max api daily quota limit")
        if fault is Fault.TOKEN_DEAD:
            self._tokens.kill(token)
        app = self._tokens.app_of(token) if api.token else ""
        if app is None:
            raise Trouble(self._dead, "invalid credential, access_token is invalid or not latest")
        if fault is Fault.REFUSE:
            raise Trouble(api.refusal, "refused by the sandbox")
        return api.play(app, given)

    def _given(self, api: Api, query: dict[str, str], body: bytes) -> Mapping[str, Any]:
        try:
            given = {**query, **(json.loads(body) if body else {})}
        except (ValueError, TypeError):
            self._base.fail(f"{self._provider} {api.name}: not a JSON object")
            raise Trouble(47001, "data format error") from None
        unknown = sorted(set(given) - api.fields)
        if unknown:
            self._base.fail(f"{self._provider} {api.name}: unknown {unknown}")
        return given
