"""What each real server is asked besides the kit: forgeries that must fail, lies that must show."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from adapters.sso.api import (
    Assertion,
    Check,
    Denied,
    Env,
    Level,
    Misconfigured,
    ProtocolViolation,
    Provider,
    SSOError,
)
from tests.contract.sso.people import PASSWORD
from tests.contract.sso.stage import begun, came_back, read, refused, stage
from tests.lab.servers import LabServer


@dataclass(frozen=True, slots=True)
class Probe:
    """One question; `ask` raises AssertionError where the answer is not ours."""

    what: str
    ask: Callable[[LabServer, str], Awaitable[None]]


def _provider(server: LabServer, **change: Any) -> Provider:
    return read({**server.table, **change}, server.references).provider


async def _signed_on(server: LabServer, env: Env, provider: Provider, lie: str = "") -> Assertion:
    stash, state, page = await begun(provider, env)
    back = await server.log_in(page, env.callback_url, lie=lie)
    return await provider.finish(env, came_back(stash, state, back))


async def _outcome(server: LabServer, lie: str = "", **change: Any) -> Assertion:
    async with stage() as env:
        return await _signed_on(server, env, _provider(server, **change), lie)


async def _is(kind: type[SSOError], awaited: Awaitable[object]) -> None:
    error = await refused(awaited)
    assert isinstance(error, kind), repr(error)


async def _checks(server: LabServer, **change: Any) -> dict[str, Check]:
    async with stage() as env:
        return {each.name: each async for each in _provider(server, **change).check(env)}


async def _check_is_content(server: LabServer, _callback: str) -> None:
    found = await _checks(server)
    bad = [each for each in found.values() if each.level in {Level.FAIL, Level.WARN}]
    assert bad == [], bad


def _check_finds(name: str, **change: Any) -> Callable[[LabServer, str], Awaitable[None]]:
    async def ask(server: LabServer, _callback: str) -> None:
        found = await _checks(server, **change)
        assert found[name].level is Level.FAIL, found

    return ask


def _refuses(
    kind: type[SSOError], lie: str = "", **change: Any
) -> Callable[[LabServer, str], Awaitable[None]]:
    async def ask(server: LabServer, _callback: str) -> None:
        await _is(kind, _outcome(server, lie, **change))

    return ask


def _sees_through(**lie: Any) -> Callable[[LabServer, str], Awaitable[None]]:
    async def ask(server: LabServer, _callback: str) -> None:
        await server.lie(**lie)
        try:
            await _is(ProtocolViolation, _outcome(server))
        finally:
            await server.lie()

    return ask


async def _needs_no_kid(server: LabServer, _callback: str) -> None:
    await server.lie(header={"kid": None})
    assert (await _outcome(server)).subject == "pupil0"
    await server.lie()


async def _other_verifier(server: LabServer, _callback: str) -> None:
    async with stage() as env:
        provider = _provider(server)
        stash, state, page = await begun(provider, env)
        back = await server.log_in(page, env.callback_url)
        other = {**stash, "verifier": "x" * 43}
        await _is(Denied, provider.finish(env, came_back(other, state, back)))


async def _burnt_by_wrong_service(server: LabServer, _callback: str) -> None:
    async with stage() as env, stage() as again:
        provider = _provider(server)
        stash, state, page = await begun(provider, env)
        back = await server.log_in(page, env.callback_url)
        wrong = {**stash, "service": f"{env.callback_url}?state=other"}
        await _is(Denied, provider.finish(env, came_back(wrong, state, back)))
        await _is(Denied, provider.finish(again, came_back(stash, state, back)))


async def _encrypted(server: LabServer, _callback: str) -> None:
    assert (await _outcome(server, "encrypted")).subject == "pupil0"


async def _signed_response(server: LabServer, _callback: str) -> None:
    assert (await _outcome(server, "signed-response")).subject == "pupil0"


async def _transient(server: LabServer, _callback: str) -> None:
    await _is(Misconfigured, _outcome(server, "transient"))
    found = await _outcome(server, "transient", subject_attribute="employeeNumber")
    assert found.subject == "007001"


async def _empty_password(server: LabServer, _callback: str) -> None:
    async with stage() as env:
        await _is(Denied, _provider(server).verify(env, "pupil0", ""))


async def _injection(server: LabServer, _callback: str) -> None:
    async with stage() as env:
        for name in ("*", "pupil0)(uid=*", "pupil*"):
            await _is(Denied, _provider(server).verify(env, name, PASSWORD))


async def _locked(server: LabServer, _callback: str) -> None:
    async with stage() as env:
        provider = _provider(server)
        wrong = [await refused(provider.verify(env, "pupil3", "wrong")) for _ in range(4)]
        locked = await refused(provider.verify(env, "pupil3", PASSWORD))
        assert isinstance(locked, Denied)
        assert {each.hint for each in wrong} == {locked.hint}
        assert (await provider.verify(env, "pupil1", PASSWORD)).subject == "pupil1"


CHECKED = Probe("check finds nothing to mend", _check_is_content)
OIDC = (
    CHECKED,
    Probe("check finds a wrong secret", _check_finds("oidc_token", client_id="unknown")),
    Probe("check finds an algorithm not offered", _check_finds("oidc_algorithms", alg="ES256")),
    Probe("another PKCE verifier is refused", _other_verifier),
    Probe("an algorithm outside the pin is refused", _refuses(ProtocolViolation, alg="PS256")),
)
PROBES: dict[str, tuple[Probe, ...]] = {
    "oidc-rs256": OIDC,
    "oidc-hs256": (CHECKED, OIDC[3], OIDC[4]),
    "oidc-mock": (
        Probe("a token without kid verifies", _needs_no_kid),
        Probe("another subject than userinfo's", _sees_through(claims={"sub": "pupil1"})),
        Probe("another audience", _sees_through(claims={"aud": "other"})),
        Probe("another issuer", _sees_through(claims={"iss": "https://other.example"})),
        Probe("another nonce", _sees_through(claims={"nonce": "other"})),
        Probe("no nonce", _sees_through(claims={"nonce": None})),
        Probe("expired", _sees_through(claims={"exp": 1})),
        Probe("a token of yesterday", _sees_through(claims={"iat": 1})),
    ),
    "oauth2": (
        CHECKED,
        Probe("check finds a wrong client", _check_finds("oauth2_token", client_id="unknown")),
        Probe(
            "check finds a wrong method",
            _check_finds("oauth2_token", token_method="form", client_auth="body"),
        ),
        OIDC[3],
    ),
    "cas": (
        CHECKED,
        Probe("check finds a wrong path", _check_finds("cas_validate", validate_path="/x")),
        Probe("a wrong service burns the ticket", _burnt_by_wrong_service),
    ),
    "saml": (
        CHECKED,
        Probe("an encrypted assertion is opened", _encrypted),
        Probe("a signed response is enough", _signed_response),
        Probe("a transient name is refused", _transient),
        *(
            Probe(f"{lie}: refused", _refuses(ProtocolViolation, lie))
            for lie in (
                "other-destination", "other-recipient", "other-audience", "sha1", "unsigned",
            )
        ),
    ),
    "ldap": (
        CHECKED,
        Probe("check finds a wrong base", _check_finds("ldap_base", base="ou=x,dc=example")),
        Probe("an empty password is refused", _empty_password),
        Probe("a filter cannot be injected", _injection),
        Probe("locked looks like wrong", _locked),
    ),
}  # fmt: skip
