"""The contract of a kind of sign-on as tests: subclass it, say how to make and how to log in."""

import asyncio
import json
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import cached_property
from typing import ClassVar
from urllib.parse import unquote

from adapters.conformance.ground import Attempt, Back, MemoryOnce, new_state, recorded, standing
from adapters.conformance.hostile import HOST, Ill, hostile
from adapters.sso.api import (
    STASH_BYTES,
    Assertion,
    Begin,
    Check,
    Env,
    Flow,
    Provider,
    Reach,
    SSOError,
    Upstream,
)

OUTAGE_SECONDS = 10
PARALLEL = 20
_NOTICES = (b"", b"\xff\xfe", b"x" * 5000, b"logoutRequest=%3Cx%2F%3E", b"logout_token=a.b.c")


class ProviderContract(ABC):
    """Every test a kind must pass. Run it with pytest and pytest-asyncio (`asyncio_mode = auto`).

    Give `make` and `login`, and say in the class: how many `people` the server has; what is
    `released` at least for the first, a value with a leading zero and one with Chinese and an
    ampersand among it (`$subject` is the subject); the `secrets` that must show up nowhere; the
    `unsigned_params` of the callback that the protocol does not protect.
    """

    people: ClassVar[int] = 1
    released: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    secrets: ClassVar[tuple[str, ...]] = ()
    unsigned_params: ClassVar[frozenset[str]] = frozenset()
    private_stash: ClassVar[frozenset[str]] = frozenset({"verifier"})
    """What of the stash never leaves the server."""
    times_are_signed: ClassVar[bool] = True
    """False for a protocol whose answers hold no time."""
    asks_server: ClassVar[bool] = True
    """False for a protocol whose answer comes signed through the browser: no outage can stop it."""
    code_is_bound: ClassVar[bool] = True
    """False for a protocol that does not bind its code to the attempt: the state alone does."""
    callback_url: ClassVar[str] = "https://card.example/sso/sample/kind/callback"
    reach: ClassVar[Reach] = Reach(plain_loopback=True)

    @abstractmethod
    def make(self) -> Provider:
        """A fresh provider, as another process would have it."""

    @abstractmethod
    async def login(self, begin: Begin | None, state: str, person: int) -> Back:
        """Logs a person (from 0) in as a browser would; without a browser `begin` is None."""

    def make_facing(self, port: int) -> Provider:
        """A provider whose server is at this port of 127.0.0.1. Only for kinds that do not speak
        through `env.http`; all others are led there by it."""
        return self.make()

    async def test_happy_path_on_second_instance_with_json_stash(self) -> None:
        """Another process finishes, from a stash that was JSON meanwhile."""
        async with self._world() as env:
            found = await self._vouched(env, await self._attempt(env))
        assert found.issuer
        assert found.subject
        assert self._seen(found) == self.released

    async def test_begin_is_fresh(self) -> None:
        """Two attempts share neither address nor stash."""
        if not self._has_browser():
            return
        async with self._world() as env:
            one, two = [await self.make().begin(env, new_state()) for _ in range(2)]
        assert (one.url, one.stash) != (two.url, two.stash)
        assert one.stash != two.stash

    async def test_replay_refused(self) -> None:
        """What was brought back once is worth nothing the second time."""
        async with self._world() as env:
            attempt = await self._attempt(env)
            first = await self._vouched(env, attempt)
            if self.make().flow is Flow.PASSWORD:
                assert (await self._vouched(env, attempt)).subject == first.subject
            else:
                await self._refused(env, attempt)

    async def test_foreign_attempt_refused(self) -> None:
        """What one attempt brought back does not finish another."""
        if not self._has_browser():
            return
        async with self._world() as env:
            mine, other = await self._attempt(env), await self._attempt(env)
            await self._refused(env, mine.having(other.back.query, other.back.form))
        if self.code_is_bound:
            async with self._world() as env:
                mine, other = await self._attempt(env), await self._attempt(env)
                query, form = (
                    {k: mine.state if v == other.state else v for k, v in given.items()}
                    for given in (other.back.query, other.back.form)
                )
                await self._refused(env, mine.having(query, form))

    async def test_every_parameter_cut_emptied_or_dropped_is_refused(self) -> None:
        """No parameter is decoration, but those that the class declares."""
        async with self._world() as env:
            names = [name for name, _ in _mutilated((await self._attempt(env)).back)]
            for place in range(len(names)):
                attempt = await self._attempt(env)
                name, back = list(_mutilated(attempt.back))[place]
                if name not in self.unsigned_params:
                    await self._refused(env, attempt.having(back.query, back.form))

    async def test_concurrent_finish_succeeds_once(self) -> None:
        """Of five that come back at once with the same, one is let in."""
        async with self._world() as env:
            attempt = await self._attempt(env)
            outcomes = await asyncio.gather(
                *(self._vouched(env, attempt) for _ in range(5)), return_exceptions=True
            )
        vouched = [each for each in outcomes if isinstance(each, Assertion)]
        assert len(vouched) == (5 if self.make().flow is Flow.PASSWORD else 1)
        assert all(isinstance(each, Assertion | SSOError) for each in outcomes)

    async def test_subject_is_stable(self) -> None:
        """The same person is the same subject of the same issuer each time."""
        async with self._world() as env:
            one, two = [await self._vouched(env, await self._attempt(env)) for _ in range(2)]
        assert (one.issuer, one.subject) == (two.issuer, two.subject)

    async def test_values_are_text_tuples(self) -> None:
        """Every value is a tuple of texts, whatever the wire had."""
        async with self._world() as env:
            found = await self._vouched(env, await self._attempt(env))
        assert isinstance(found.subject, str)
        for name, values in found.attributes.items():
            assert isinstance(values, tuple), name
            assert all(isinstance(value, str) for value in values), name

    async def test_leading_zeros_survive(self) -> None:
        """A number is text."""
        await self._survives("a leading zero", lambda text: text.startswith("0"))

    async def test_chinese_and_ampersand_survive(self) -> None:
        """What has to be escaped on the wire comes out whole."""
        await self._survives("Chinese and &", lambda text: not text.isascii() and "&" in text)

    async def test_stash_under_4_kib(self) -> None:
        """The stash is small, and JSON of texts."""
        if not self._has_browser():
            return
        async with self._world() as env:
            stash = (await self.make().begin(env, new_state())).stash
        assert len(json.dumps(dict(stash)).encode()) < STASH_BYTES
        assert all(isinstance(text, str) for pair in stash.items() for text in pair)

    def test_flow_is_declared(self) -> None:
        """The class says its flow and has the method of it."""
        provider = self.make()
        method = {Flow.REDIRECT: "finish", Flow.PASSWORD: "verify", Flow.CODE: "exchange"}
        assert isinstance(provider.flow, Flow)
        name = method[provider.flow]
        assert getattr(type(provider), name) is not getattr(Provider, name)

    async def test_outage_is_upstream_under_10_s(self) -> None:
        """A server that says nothing, hangs up or is not there."""
        await self._endures(Ill.SILENT, Upstream)
        await self._endures(Ill.RESET, Upstream)
        async with hostile(Ill.RESET) as port:
            pass
        await self._endures_at(port, Upstream)

    async def test_slow_drip_is_cut(self) -> None:
        """A byte now and then does not keep us."""
        await self._endures(Ill.DRIP, Upstream)

    async def test_huge_body_is_cut(self) -> None:
        """An endless answer ends."""
        await self._endures(Ill.HUGE, Upstream)

    async def test_html_200_is_not_a_crash(self) -> None:
        """A page where data should be is an error like any other."""
        await self._endures(Ill.HTML, SSOError)

    async def test_clock_off_5_min_is_refused_30_s_is_fine(self) -> None:
        """Signed times are read by our clock; a small difference is not a forgery."""
        for off_seconds in (-30, 30):
            async with self._world(off_seconds) as env:
                assert (await self._vouched(env, await self._attempt(env))).subject
        for off_seconds in (-300, 300):
            async with self._world(off_seconds) as env:
                attempt = await self._attempt(env)
                if self.times_are_signed:
                    await self._refused(env, attempt)
                else:
                    assert (await self._vouched(env, attempt)).subject

    async def test_no_secret_in_errors_or_logs(self) -> None:
        """Neither secrets nor what was brought back show up in a log or an error."""
        said: list[str] = []
        private = list(self.secrets)
        with recorded() as lines:
            async with self._world(said=said) as env:
                attempts = [await self._attempt(env) for _ in range(3)]
                for attempt in attempts:
                    given = (*attempt.back.query.values(), *attempt.back.form.values())
                    stashed = (attempt.begin.stash.get(name) for name in self.private_stash)
                    private += [text for text in (*given, *stashed) if text]
                await self._vouched(env, attempts[0])
                said += _told(await self._refused(env, attempts[0])) if self._once_only() else []
                _, cut = next(_mutilated(attempts[1].back))
                said += _told(await self._refused(env, attempts[1].having(cut.query, cut.form)))
                said += [repr(check) async for check in self.make().check(env)]
        said += await self._endures(Ill.HTML, SSOError, attempts[2])
        everything = "\n".join([*lines, *said])
        private = [text for text in private if len(text) >= 6]  # shorter ones are words, too
        states = {attempt.state for attempt in attempts}
        assert [text for text in private if text not in states and text in everything] == []

    async def test_begin_url_has_no_secret(self) -> None:
        """What the browser is shown holds none of the secrets."""
        if not self._has_browser():
            return
        async with self._world() as env:
            begin = await self.make().begin(env, new_state())
        shown = "\n".join((begin.url, unquote(begin.url), *(begin.form or {}).values()))
        hidden = (*self.secrets, *(begin.stash.get(name, "") for name in self.private_stash))
        assert [text for text in hidden if text and text in shown] == []

    async def test_twenty_parallel_logins_do_not_cross(self) -> None:
        """Each gets the subject of the person who logged in."""
        async with self._world() as env:
            alone = [
                (await self._vouched(env, await self._attempt(env, person))).subject
                for person in range(self.people)
            ]
            assert len(set(alone)) == self.people
            people = [place % self.people for place in range(PARALLEL)]
            attempts = await asyncio.gather(*(self._attempt(env, person) for person in people))
            found = await asyncio.gather(*(self._vouched(env, each) for each in attempts))
        assert [each.subject for each in found] == [alone[person] for person in people]

    async def test_check_never_raises(self) -> None:
        """The probes tell what is wrong instead of failing, with and without a server."""
        async with self._world() as env:
            checks = [each async for each in self.make().check(env)]
        async with hostile(Ill.HTML) as port, self._world(port=port) as env:
            checks += [each async for each in self.make_facing(port).check(env)]
        assert all(isinstance(each, Check) for each in checks)

    async def test_unknown_logout_notice_is_ignored(self) -> None:
        """A notice that is none ends nothing and breaks nothing."""
        async with self._world() as env:
            for raw in _NOTICES:
                assert await self.make().logout_notice(env, raw) is None

    @cached_property
    def _once(self) -> MemoryOnce:
        return MemoryOnce()

    @asynccontextmanager
    async def _world(
        self, off_seconds: int = 0, *, port: int | None = None, said: list[str] | None = None
    ) -> AsyncIterator[Env]:
        async with standing(
            self.callback_url, self.reach, self._once, off_seconds=off_seconds,
            instead=f"http://{HOST}:{port}/" if port else None, said=said,
        ) as env:  # fmt: skip
            yield env

    def _has_browser(self) -> bool:
        """Flows without a browser begin nothing; then there is nothing to begin."""
        provider = self.make()
        browser = provider.flow is Flow.REDIRECT
        assert (type(provider).begin is not Provider.begin) == browser
        return browser

    def _once_only(self) -> bool:
        return self.make().flow is not Flow.PASSWORD

    async def _attempt(self, env: Env, person: int = 0) -> Attempt:
        provider, state = self.make(), new_state()
        if provider.flow is not Flow.REDIRECT:
            return Attempt(Begin("", {}), state, await self.login(None, state, person))
        begin = await provider.begin(env, state)
        return Attempt(begin, state, await self.login(begin, state, person))

    async def _vouched(
        self, env: Env, attempt: Attempt, provider: Provider | None = None
    ) -> Assertion:
        provider = provider or self.make()
        form = attempt.back.form
        match provider.flow:
            case Flow.REDIRECT:
                callback = attempt.callback(env.callback_url)
                stash = json.loads(json.dumps(dict(callback.stash)))
                return await provider.finish(
                    env, type(callback)(callback.url, callback.query, form, stash, callback.state)
                )
            case Flow.PASSWORD:
                return await provider.verify(
                    env, form.get("username", ""), form.get("password", "")
                )
            case Flow.CODE:
                return await provider.exchange(env, form.get("code", ""))

    async def _refused(
        self, env: Env, attempt: Attempt, provider: Provider | None = None
    ) -> SSOError:
        try:
            found = await self._vouched(env, attempt, provider)
        except SSOError as error:
            return error
        raise AssertionError(f"accepted, with {sorted(found.attributes)}")

    def _seen(self, found: Assertion) -> Mapping[str, tuple[str, ...]]:
        everything = {**found.attributes, "$subject": (found.subject,)}
        return {name: everything[name] for name in self.released if name in everything}

    async def _survives(self, what: str, is_one: Callable[[str], bool]) -> None:
        declared = [
            (name, value)
            for name, values in self.released.items()
            for value in values
            if is_one(value)
        ]
        assert declared, f"let the server release a value with {what}, and declare it"
        async with self._world() as env:
            seen = self._seen(await self._vouched(env, await self._attempt(env)))
        for name, value in declared:
            assert value in seen.get(name, ()), name

    async def _endures(
        self, ill: Ill, expected: type[SSOError], attempt: Attempt | None = None
    ) -> list[str]:
        async with hostile(ill) as port:
            return await self._endures_at(port, expected, attempt)

    async def _endures_at(
        self, port: int, expected: type[SSOError], attempt: Attempt | None = None
    ) -> list[str]:
        """Finishes while the server is at this port; what the error says."""
        if attempt is None:
            async with self._world() as env:
                attempt = await self._attempt(env)
        async with self._world(port=port) as env:
            provider, begun = self.make_facing(port), time.monotonic()
            if not self.asks_server:
                assert (await self._vouched(env, attempt, provider)).subject
                return []
            error = await self._refused(env, attempt, provider)
        assert time.monotonic() - begun < OUTAGE_SECONDS
        assert isinstance(error, expected), repr(error)
        return _told(error)


def _mutilated(back: Back) -> Iterator[tuple[str, Back]]:
    """Each parameter cut by a letter, emptied and dropped, with its name."""
    for name, text in back.query.items():
        for cut in (text[:-1], ""):
            yield name, Back({**back.query, name: cut}, back.form)
        yield name, Back({k: v for k, v in back.query.items() if k != name}, back.form)
    for name, text in back.form.items():
        for cut in (text[:-1], ""):
            yield name, Back(back.query, {**back.form, name: cut})
        yield name, Back(back.query, {k: v for k, v in back.form.items() if k != name})


def _told(error: SSOError) -> list[str]:
    return [str(error), repr(error), error.hint, repr(error.__cause__), repr(error.__context__)]
