"""What an OpenID provider publishes, endpoints and keys, kept for an hour."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adapters.sso.api import Env, Misconfigured, SSOError, Upstream
from adapters.sso.json_values import read_object

LIFE = timedelta(hours=1)
STALE = timedelta(hours=24)
"""How long keys are good while the provider is out."""
FORCED = timedelta(seconds=10)
"""How often an unknown key may make us look again."""
Key = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Metadata:
    """A provider's endpoints and promises."""

    authorise: str
    token: str
    userinfo: str | None = None
    jwks: str | None = None
    end_session: str | None = None
    promises_iss: bool = False
    algorithms: tuple[str, ...] = ()
    challenges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Fetched:
    metadata: Metadata
    keys: Sequence[Key]
    at: datetime


class Published:
    """Fetches and keeps. `fixed` are endpoints from the settings: then nothing is discovered."""

    def __init__(
        self, issuer: str, aliases: Sequence[str], fixed: Metadata | None, *, signs_by_key: bool
    ) -> None:
        self._issuer = issuer
        self._aliases = aliases
        self._fixed = fixed
        self._signs_by_key = signs_by_key
        self._lock = asyncio.Lock()
        self._kept: _Fetched | None = None
        self._tried_at: datetime | None = None

    async def metadata(self, env: Env) -> Metadata:
        """The endpoints.

        Raises: Upstream, Misconfigured.
        """
        return self._fixed or (await self._current(env)).metadata

    async def keys(self, env: Env) -> Sequence[Key]:
        """The public keys as they were published at most an hour ago.

        Raises: Upstream, Misconfigured.
        """
        return (await self._current(env)).keys

    async def newer_keys(self, env: Env) -> Sequence[Key]:
        """The keys fetched anew, but at most once in ten seconds: none between.

        Raises: Upstream, Misconfigured.
        """
        async with self._lock:
            if self._tried_at is not None and env.now() - self._tried_at < FORCED:
                return ()
            self._kept = await self._fetch(env)
            return self._kept.keys

    async def _current(self, env: Env) -> _Fetched:
        async with self._lock:
            if self._kept is None:
                self._kept = await self._fetch(env)
            elif env.now() - self._kept.at > LIFE:
                self._kept = await self._renewed(env, self._kept)
            return self._kept

    async def _renewed(self, env: Env, kept: _Fetched) -> _Fetched:
        age = env.now() - kept.at
        tried = self._tried_at is not None and env.now() - self._tried_at < FORCED
        if tried and age <= STALE:
            return kept
        try:
            return await self._fetch(env)
        except Upstream:
            if age > STALE:
                raise
            env.log("the provider's keys are old, and it cannot be reached")
            return kept

    async def _fetch(self, env: Env) -> _Fetched:
        self._tried_at = env.now()
        metadata = self._fixed or await discovered(env, self._issuer, self._aliases)
        keys: Sequence[Key] = ()
        if metadata.jwks is not None and self._signs_by_key:
            answer = await env.http.get(metadata.jwks)
            found = read_object(answer, "key set").get("keys")
            keys = (
                [key for key in found if isinstance(key, dict)] if isinstance(found, list) else ()
            )
        return _Fetched(metadata, keys, env.now())


async def discovered(env: Env, issuer: str, aliases: Sequence[str]) -> Metadata:
    """What the discovery document of an issuer says.

    Raises: Upstream, Misconfigured.
    """
    answer = await env.http.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if answer.status >= 500:
        raise Upstream(f"discovery answered {answer.status}")
    if answer.status != 200:
        raise Misconfigured(f"there is no discovery document ({answer.status}): check the issuer")
    try:
        found = read_object(answer, "discovery")
    except SSOError:
        raise Upstream("discovery answered without a JSON object") from None
    if found.get("issuer") not in {issuer, *aliases}:
        raise Misconfigured("the discovery document names another issuer: copy it exactly")
    try:
        return Metadata(
            _text(found, "authorization_endpoint"),
            _text(found, "token_endpoint"),
            found.get("userinfo_endpoint"),
            found.get("jwks_uri"),
            found.get("end_session_endpoint"),
            found.get("authorization_response_iss_parameter_supported") is True,
            tuple(map(str, found.get("id_token_signing_alg_values_supported") or ())),
            tuple(map(str, found.get("code_challenge_methods_supported") or ())),
        )
    except (KeyError, TypeError):
        raise Misconfigured("the discovery document lacks an endpoint") from None


def _text(found: Mapping[str, Any], name: str) -> str:
    return str(found[name])
