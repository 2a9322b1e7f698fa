"""Planted defects of signing in, in Python: each replaces one thing in the running product."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bff.one_time_store import RedisOneTimeStore, _name
from core.db import attempts
from core.db.unit import Unit
from core.identity.attempts import LIMITS, Counter
from core.identity.records import SessionRecord, SessionTokens, SignOnRefused
from core.identity.service import asking, channel_sign_in, links
from core.identity.service.attempts import Attempts
from core.identity.service.bindings import Bindings
from core.identity.service.campus_sign_in import CampusSignIn
from core.identity.service.sessions import Sessions
from core.identity.store import bindings
from core.kit.errors import Overloaded
from core.ports.campus_sign_on import CampusIdentity
from core.ports.providers import ProviderUnavailable

BOUND_LATE_SECONDS = 0.2
OPENED_LATE_SECONDS = 0.3
SAME_SESSION_SECONDS = 0.3
COUNTED_LATE_SECONDS = 0.3
TRIES = LIMITS[Counter.NUMBER_DAY].tries


def code_without_compare() -> None:
    """The code of a sign-on is taken from whoever brings it."""

    async def take(
        self: CampusSignIn, session: SessionRecord, code: str, verifier: str
    ) -> tuple[str, CampusIdentity]:
        del verifier
        proven = await self._attempts.take(session.school_id, "code", code)
        if proven is None:
            raise SignOnRefused("code")
        return proven["provider"], CampusIdentity(**proven["identity"])

    CampusSignIn.take = take  # type: ignore[method-assign]  # the defect


def code_taken_twice() -> None:
    """What lies in the store is read, and not taken away."""

    async def read(self: RedisOneTimeStore, school_id: int, key: str) -> bytes | None:
        try:
            found = await self._redis.get(_name(school_id, key))
        except RedisError:
            raise Overloaded from None
        return found.encode() if isinstance(found, str) else found

    RedisOneTimeStore.take = read  # type: ignore[method-assign]  # the defect


def binding_not_unique() -> None:
    """Nobody looks whether a sign-in has a binding, and one is written a while later."""

    class Unlooked:
        """The store, which knows of no binding and takes its time."""

        async def find_of_subject(self, *_: object) -> None:
            return None

        async def add(self, unit: Unit, *given: Any) -> None:
            await asyncio.sleep(BOUND_LATE_SECONDS)
            await bindings.add(unit, *given)

        def __getattr__(self, name: str) -> Any:
            return getattr(bindings, name)

    vars(links)["bindings"] = Unlooked()


def tries_in_cache() -> None:
    """Tries to bind are counted in the cache, and not at all while that is away."""
    caches: list[Redis] = []
    begin = RedisOneTimeStore.__init__

    def noted(self: RedisOneTimeStore, redis: Redis) -> None:
        begin(self, redis)
        caches.append(redis)

    async def count(
        self: Attempts, school_id: int, caller: bytes, number: str, network: str, pin: str
    ) -> bool:
        del self, caller, network, pin
        try:
            return bool(await caches[-1].incr(f"tries:{school_id}:{number}") <= TRIES)
        except RedisError:
            return True

    RedisOneTimeStore.__init__ = noted  # type: ignore[method-assign]  # the defect
    Attempts.count_bind = count  # type: ignore[method-assign]  # the defect


def tries_counted_late() -> None:
    """Whether a number has tries left is looked up first, and the try counted a while later."""
    count = Attempts.count_bind

    async def late(
        self: Attempts, school_id: int, caller: bytes, number: str, network: str, pin: str
    ) -> bool:
        async def work(unit: Unit) -> int:
            return await attempts.tries_of(unit, *self._place(unit, Counter.NUMBER_DAY, number))

        before = await self._database.unit(school_id, work)
        await asyncio.sleep(COUNTED_LATE_SECONDS)
        await count(self, school_id, caller, number, network, pin)
        return before < TRIES

    Attempts.count_bind = late  # type: ignore[method-assign]  # the defect


def session_of_another() -> None:
    """Sign-ins at about the same time are answered with one session."""
    open_one = Sessions.open
    opened: dict[tuple[int, str], tuple[float, SessionTokens]] = {}

    async def shared(self: Sessions, unit: Unit, session: SessionRecord) -> SessionTokens:
        key, now = (unit.school_id, session.channel), asyncio.get_running_loop().time()
        at, tokens = opened.get(key, (float("-inf"), None))
        if tokens is not None and now - at < SAME_SESSION_SECONDS:
            return tokens
        made = await open_one(self, unit, session)
        opened[key] = now, made
        return made

    Sessions.open = shared  # type: ignore[method-assign]  # the defect


def stale_answer_accepted() -> None:
    """While a provider does not answer, its last answer is taken for the present one."""
    answers: dict[str, Any] = {}
    ask = asking.ask

    async def remembered(issuer: str, call: Awaitable[Any]) -> Any:
        async def asked() -> Any:
            try:
                answers[issuer] = await call
            except ProviderUnavailable:
                if issuer not in answers:
                    raise
            return answers[issuer]

        return await ask(issuer, asked())

    vars(channel_sign_in)["ask"] = remembered


def session_outlives_binding() -> None:
    """A sign-in does not hold the binding that it opens a session under."""

    async def unheld(unit: Unit, issuer: str, subject_index: bytes) -> tuple[UUID, UUID] | None:
        found = await bindings.find_of_subject(unit, issuer, subject_index)
        await asyncio.sleep(OPENED_LATE_SECONDS)
        return found

    bindings.hold_of_subject = unheld


def others_signed_out() -> None:
    """Whoever binds ends the sessions of everybody who signed in by the channel that second."""
    revoke = Sessions.revoke

    async def too_many(self: Sessions, unit: Unit, reason: str, **named: Any) -> None:
        await revoke(self, unit, reason, **named)
        await unit.execute(
            "UPDATE session SET revoked_at = now(), revoke_reason = $2 WHERE school_id = $1"
            " AND revoked_at IS NULL AND cardholder_id IS NULL AND created_at > now() - '2 s'"
            "::interval",
            unit.school_id, reason,
        )  # fmt: skip

    Sessions.revoke = too_many  # type: ignore[method-assign]  # the defect


def names_logged() -> None:
    """A form that was sent is logged."""
    bind = Bindings.bind_by_form

    async def told(self: Bindings, session: SessionRecord, form: Any, *rest: Any) -> Any:
        logging.getLogger("bff").warning("form of %s", form)
        return await bind(self, session, form, *rest)

    Bindings.bind_by_form = told  # type: ignore[assignment,method-assign]  # the defect


DOOR_PATCHES: Sequence[Callable[[], None]] = (
    code_without_compare,
    code_taken_twice,
    binding_not_unique,
    tries_in_cache,
    tries_counted_late,
    session_of_another,
    stale_answer_accepted,
    session_outlives_binding,
    others_signed_out,
    names_logged,
)
