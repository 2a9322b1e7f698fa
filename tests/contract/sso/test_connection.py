"""A provider with its map as the core sees it: identities, or SignOnFailed and nothing else."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from adapters.conformance.ground import MemoryOnce, new_state
from adapters.sso import connection as module
from adapters.sso.api import (
    Assertion,
    Begin,
    Callback,
    Denied,
    Env,
    Flow,
    LogoutNotice,
    Provider,
)
from adapters.sso.check import check, map_sample
from adapters.sso.connection import Connection, Ground, connect
from adapters.sso.probing import well
from adapters.sso.settings import SignOn
from core.ports.campus_sign_on import (
    CampusSignOn,
    LinkMode,
    SignOnFailed,
    SignOnFlow,
    SignOnReturn,
)
from core.ports.campus_sign_on import LogoutNotice as CoreNotice
from tests.contract.sso.cas_server import CasServer, facts, success
from tests.contract.sso.ldap_server import BASE, SERVICE_DN, SERVICE_PASSWORD, LdapServer
from tests.contract.sso.people import PASSWORD, PUPILS
from tests.contract.sso.serving import serve
from tests.contract.sso.stage import CALLBACK, read
from tests.contract.sso.test_cas import whole
from tests.factories.chance import HandClock, counted_entropy
from tests.lab.browser import log_in

MAP = {"subject": "$subject", "person_no": "employeeNumber", "name": "cn", "kind": {
    "from": "userType", "values": {"教师": "STAFF", "*": "STUDENT"}}}  # fmt: skip


def ground(said: list[str] | None = None) -> Ground:
    """What a process gives its providers."""
    lines: list[str] = [] if said is None else said
    return Ground(MemoryOnce(), HandClock().now, lines.append, counted_entropy("sso"))


@pytest.fixture(scope="module")
def cas_url() -> Iterator[str]:
    """A CAS server."""
    with serve(CasServer().application()) as url:
        yield url


def cas(url: str, **more: Any) -> Connection:
    """A connection to it."""
    table = {"kind": "cas", "server": f"{url}/cas", "map": MAP, "link": {"mode": "person_no"}}
    return connect(read({**table, **more}), "sample", CALLBACK, ground())


async def returned(one: Connection, person: int = 0) -> SignOnReturn:
    """What a browser brings back."""
    state = new_state()
    begun = await one.begin(state)
    back = await log_in(begun.url, CALLBACK, {"username": PUPILS[person].login})
    return SignOnReturn(CALLBACK, back.query, back.form, begun.stash, state)


async def test_a_sign_on_ends_in_what_the_map_keeps(cas_url: str) -> None:
    one: CampusSignOn = cas(cas_url)
    assert isinstance(one, Connection)
    assert (one.id, one.flow, one.link) == ("kind", SignOnFlow.REDIRECT, LinkMode.PERSON_NO)
    assert (one.label_zh, one.label_en) == ("统一身份认证", "Campus sign-on")
    identity = await one.finish(await returned(one, 2))
    assert (identity.subject, identity.person_no) == ("pupil2", "007003")
    assert (identity.name, identity.kind, identity.phone) == ("示例丁", "STAFF", None)
    assert (identity.session_ref or "").startswith("ST-")
    assert "pupil2" not in repr(identity)
    await one.close()


async def test_what_was_released_can_be_looked_at_before_the_map(cas_url: str) -> None:
    one = cas(cas_url)
    attributes, identity = await one.explain(await returned(one))
    assert set(attributes) == set(facts(PUPILS[0]))
    assert identity.person_no == "007001"
    await one.close()


async def test_a_number_that_must_be_there_is_missed_by_name(cas_url: str) -> None:
    one = cas(cas_url, map={**MAP, "person_no": "studentNumber"})
    with pytest.raises(SignOnFailed) as failed:
        await one.finish(await returned(one))
    assert failed.value.code == "INCOMPLETE"
    assert failed.value.hint == (
        "no value for person_no; the school released cn, containerId, employeeNumber, userType"
    )
    loose = cas(cas_url, map={**MAP, "person_no": "no"}, link={"mode": "prove_card"})
    assert (await loose.finish(await returned(loose))).person_no is None
    await one.close()
    await loose.close()


async def test_a_password_passes_through_and_a_wrong_one_is_denied() -> None:
    async with LdapServer().running() as server:
        table = {
            "kind": "ldap", "url": f"ldap://127.0.0.1:{server.port}", "base": BASE,
            "bind_dn": SERVICE_DN, "bind_password": "${env:L}", "consent": "x", "map": MAP,
        }  # fmt: skip
        one = connect(read(table, {"env:L": SERVICE_PASSWORD}), "sample", CALLBACK, ground())
        assert one.flow is SignOnFlow.PASSWORD
        assert (await one.verify("pupil0", PASSWORD)).person_no == "007001"
        with pytest.raises(SignOnFailed) as failed:
            await one.verify("pupil0", "wrong")
        await one.close()
    assert (failed.value.code, failed.value.__cause__) == ("DENIED", None)


class Foreign(Provider):
    """A kind that does whatever a test wants of it."""

    flow = Flow.REDIRECT

    def __init__(self, does: Any) -> None:
        self.does = does

    async def begin(self, env: Env, state: str) -> Begin:
        """Does it."""
        found: Begin = await self.does()
        return found

    async def finish(self, env: Env, cb: Callback) -> Assertion:
        """Does it."""
        found: Assertion = await self.does()
        return found

    async def exchange(self, env: Env, code: str) -> Assertion:
        """Does it."""
        found: Assertion = await self.does()
        return found

    async def logout_notice(self, env: Env, raw: bytes) -> LogoutNotice | None:
        """Does it."""
        found: LogoutNotice | None = await self.does()
        return found

    async def logout_url(self, env: Env, session_ref: str, back: str) -> str | None:
        """Does it."""
        found: str | None = await self.does()
        return found


def foreign(does: Any) -> Connection:
    """A connection of a foreign kind."""
    sign_on: SignOn = replace(
        read({"kind": "cas", "server": "https://x.example"}), provider=Foreign(does)
    )
    return connect(sign_on, "sample", CALLBACK, ground())


RETURNED = SignOnReturn(CALLBACK, {}, {}, {}, "0" * 24)


async def test_whatever_a_kind_raises_is_a_sign_on_that_failed() -> None:
    async def crashes() -> None:
        raise KeyError("a person's name")

    async def denies() -> None:
        raise Denied("no")

    for does, code, hint in (
        (crashes, "MISCONFIGURED", "the kind raised KeyError"),
        (denies, "DENIED", "no"),
    ):
        one = foreign(does)
        for call in (
            one.begin("x"), one.finish(RETURNED), one.exchange("x"), one.explain(RETURNED),
            one.logout_notice(b""), one.logout_url("x", "y"),
        ):  # fmt: skip
            with pytest.raises(SignOnFailed) as failed:
                await call
            assert (failed.value.code, failed.value.hint) == (code, hint)
            assert failed.value.__cause__ is None
        with pytest.raises(SignOnFailed, match="MISCONFIGURED"):
            await one.verify("x", "y")
        await one.close()


async def test_a_kind_that_hangs_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WHOLE_SECONDS", 0.05)

    async def hangs() -> None:
        await asyncio.sleep(60)

    one = foreign(hangs)
    with pytest.raises(SignOnFailed) as failed:
        await one.finish(RETURNED)
    assert failed.value.code == "UPSTREAM"
    await one.close()


async def test_a_large_stash_is_refused_and_notices_pass_on() -> None:
    async def large() -> Begin:
        return Begin("https://x.example/", {"x": "y" * 4096})

    async def notice() -> LogoutNotice:
        return LogoutNotice("ref", None)

    one, other = foreign(large), foreign(notice)
    with pytest.raises(SignOnFailed) as failed:
        await one.begin("x")
    assert failed.value.hint == "the stash of this kind is 4 KiB or more"
    assert await other.logout_notice(b"") == CoreNotice("ref", None)
    await one.close()
    await other.close()


async def test_a_probe_that_breaks_is_a_failed_check() -> None:
    class Broken(Foreign):
        async def check(self, env: Env) -> Any:
            """Breaks after its first word."""
            yield well("first", "好", "good")
            raise KeyError("x")

    one = foreign(None)
    one.sign_on = replace(one.sign_on, provider=Broken(None))
    found = await check(one)
    assert [(each.level, each.name) for each in found] == [("ok", "first"), ("fail", "kind_check")]
    await one.close()


SAMPLES: Mapping[str, tuple[dict[str, Any], bytes]] = {
    "cas": (
        {"kind": "cas", "server": "https://x.example"},
        whole(success("jasig", PUPILS[0])),
    ),
    "oidc": (
        {"kind": "oidc", "issuer": "https://x.example", "client_id": "x", "auth_method": "none"},
        '{"sub": "pupil0", "employeeNumber": "007001", "cn": "示例甲&乙"}'.encode(),
    ),
    "oauth2": (
        {
            "kind": "oauth2", "authorize_url": "https://x.example", "token_url": "https://x.example",
            "userinfo_url": "https://x.example", "client_id": "x", "client_secret": "${env:X}",
            "subject": "id", "userinfo_path": "data",
        },
        '{"data": {"id": "pupil0", "employeeNumber": "007001", "cn": "示例甲&乙"}}'.encode(),
    ),
    "ldap": (
        {
            "kind": "ldap", "url": "ldaps://x.example", "base": BASE, "bind_dn": SERVICE_DN,
            "bind_password": "${env:X}", "consent": "x",
        },
        '{"subject": "pupil0", "attributes": {"employeeNumber": ["007001"], "cn": "示例甲&乙"}}'
        .encode(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", list(SAMPLES))
def test_the_map_is_tried_on_a_saved_answer(kind: str) -> None:
    table, body = SAMPLES[kind]
    sign_on = read({**table, "map": MAP, "link": {"mode": "person_no"}}, {"env:X": "value"})
    tried = map_sample(sign_on, body)
    assert tried.identity is not None
    assert (tried.identity.subject, tried.identity.person_no) == ("pupil0", "007001")
    assert tried.identity.name == "示例甲&乙"
    assert tried.error is None
    wrong = map_sample(replace(sign_on, map=read(
        {**table, "map": {**MAP, "person_no": "no"}}, {"env:X": "value"}).map), body)  # fmt: skip
    assert wrong.identity is None
    assert "employeeNumber" in wrong.released
    assert wrong.error is not None
    assert wrong.error.hint.startswith("no value for person_no")


@pytest.mark.parametrize("kind", list(SAMPLES))
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"<a>", b"\xff"])
def test_a_sample_that_is_none_is_an_error_and_no_crash(kind: str, body: bytes) -> None:
    table, _ = SAMPLES[kind]
    tried = map_sample(read({**table, "map": MAP}, {"env:X": "value"}), body)
    assert tried.identity is None
    assert tried.error is not None
