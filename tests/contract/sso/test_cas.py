"""CAS: what is refused, and every shape that schools send, against a server of our own."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from starlette.responses import RedirectResponse, Response

from adapters.conformance.ground import Back, MemoryOnce
from adapters.sso.api import (
    Answer,
    Denied,
    LogoutNotice,
    Misconfigured,
    ProtocolViolation,
    Provider,
    Upstream,
)
from adapters.sso.cas_answer import NotRegistered, failure, read_cas
from tests.contract.sso.cas_server import NS, CasServer, success
from tests.contract.sso.people import PUPILS
from tests.contract.sso.serving import serve
from tests.contract.sso.stage import CALLBACK, begun, came_back, read, refused, stage
from tests.lab.browser import log_in

PUPIL = PUPILS[0]
TYPED = {"username": PUPIL.login}


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[CasServer, str]]:
    """The server and its base URL."""
    server = CasServer()
    with serve(server.application()) as url:
        yield server, url


@pytest.fixture
def cas(running: tuple[CasServer, str]) -> Iterator[CasServer]:
    """The server in working order."""
    server, _ = running
    yield server
    server.raw, server.shape, server.charset = None, "jasig", "utf-8"
    server.login_param = "service"
    server.asked.clear()
    server.hosts.clear()


@pytest.fixture
def url(running: tuple[CasServer, str]) -> str:
    """Its base URL."""
    return running[1]


def provider(url: str, **settings: Any) -> Provider:
    """A provider of it."""
    return read({"kind": "cas", "server": f"{url}/cas", **settings}).provider


async def answered(cas: CasServer, url: str, body: bytes | str, media_type: str) -> Any:
    """What `finish` makes of a ticket to which the server answers so."""
    cas.raw = Response(body, media_type=media_type)
    one = provider(url)
    async with stage() as env:
        stash, state, _ = await begun(one, env)
        back = Back({"ticket": "ST-1", "state": state})
        return await one.finish(env, came_back(stash, state, back))


def whole(inner: str, charset: str = "utf-8") -> bytes:
    """A CAS answer around something."""
    text = f'<?xml version="1.0" encoding="{charset}"?><cas:serviceResponse {NS}>{inner}'
    return f"{text}</cas:serviceResponse>".encode(charset)


@pytest.mark.parametrize("state_in", ["query", "path", "cookie"])
async def test_the_state_travels_where_the_registry_allows(
    cas: CasServer, url: str, state_in: str
) -> None:
    one = provider(url, state_in=state_in)
    async with stage() as env:
        stash, state, page = await begun(one, env)
        back = await log_in(page, CALLBACK, TYPED)
        found = await one.finish(env, came_back(stash, state, back))
    assert found.attributes["employeeNumber"] == ("007001",)
    service = {"query": f"{CALLBACK}?state={state}", "path": f"{CALLBACK}/{state}"}
    assert stash["service"] == service.get(state_in, CALLBACK)


async def test_a_login_page_may_call_the_service_by_another_name(cas: CasServer, url: str) -> None:
    cas.login_param = "goto"
    one = provider(url, service_param="goto")
    async with stage() as env:
        stash, state, page = await begun(one, env)
        back = await log_in(page, CALLBACK, TYPED)
        assert (await one.finish(env, came_back(stash, state, back))).subject == PUPIL.login


@pytest.mark.parametrize(
    "ticket", ["", "x", "ST-", "st-1", "TGT-1", "ST-1\n", "ST-ä", "ST- 1", "ST-" + "1" * 300]
)
async def test_ticket_format(cas: CasServer, url: str, ticket: str) -> None:
    one = provider(url)
    async with stage() as env:
        stash, state, _ = await begun(one, env)
        back = Back({"ticket": ticket, "state": state})
        error = await refused(one.finish(env, came_back(stash, state, back)))
    assert isinstance(error, ProtocolViolation)
    assert cas.asked == []


async def test_proxy_ticket_refused(cas: CasServer, url: str) -> None:
    one = provider(url)
    async with stage() as env:
        stash, state, _ = await begun(one, env)
        back = Back({"ticket": "PT-1", "state": state})
        error = await refused(one.finish(env, came_back(stash, state, back)))
    assert isinstance(error, ProtocolViolation)
    assert cas.asked == []
    chain = "<cas:proxies><cas:proxy>https://x.example/</cas:proxy></cas:proxies>"
    proxied = success("jasig", PUPIL).replace("</cas:user>", f"</cas:user>{chain}")
    assert (await refused(answered(cas, url, whole(proxied), "text/xml"))).hint == (
        "the ticket came through a proxy"
    )
    with_json = b'{"authenticationSuccess": {"user": "x", "proxies": ["https://x.example/"]}}'
    assert (await refused(answered(cas, url, with_json, "application/json"))).hint == (
        "the ticket came through a proxy"
    )


async def test_ticket_once_10_min(cas: CasServer, url: str) -> None:
    kept: dict[str, int] = {}

    class Once(MemoryOnce):
        async def __call__(self, key: str, seconds: int) -> bool:
            kept[key] = seconds
            return await super().__call__(key, seconds)

    one, once = provider(url), Once()
    cas.raw = Response(whole(success("jasig", PUPIL)), media_type="text/xml")
    async with stage(once) as env:
        stash, state, _ = await begun(one, env)
        callback = came_back(stash, state, Back({"ticket": "ST-1", "state": state}))
        assert (await one.finish(env, callback)).session_ref == "ST-1"
        error = await refused(one.finish(env, callback))
    assert isinstance(error, Denied)
    assert len(cas.asked) == 1
    ((key, seconds),) = kept.items()
    assert seconds == 600
    assert "ST-1" not in key


@pytest.mark.parametrize(
    "callback", ["https://card.example/sso/a/b", "https://card.example/sso/%E6%95%99/b%2Fc"]
)
async def test_service_equal_bytes(cas: CasServer, url: str, callback: str) -> None:
    one = provider(url)
    async with stage() as anywhere:
        env = replace(anywhere, callback_url=callback)
        stash, state, page = await begun(one, env)
        back = await log_in(page, callback, TYPED)
        await one.finish(env, came_back(stash, state, back))
    asked = parse_qs(urlsplit(cas.asked[0]).query)["service"]
    shown = parse_qs(urlsplit(page).query)["service"]
    assert asked == shown == [f"{callback}?state={state}"]


async def test_host_header_ignored(cas: CasServer, url: str) -> None:
    one = provider(url)
    async with stage() as env:
        stash, state, page = await begun(one, env)
        back = await log_in(page, CALLBACK, TYPED)
        evil = came_back(stash, state, back, "https://evil.example/sso/sample/kind/callback")
        await one.finish(env, evil)
    assert parse_qs(urlsplit(cas.asked[0]).query)["service"] == [f"{CALLBACK}?state={state}"]
    assert cas.hosts == [urlsplit(url).netloc]


async def test_no_retry_after_send() -> None:
    connections = 0

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.read(4096)
        writer.transport.abort()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    one = provider(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    async with stage() as env:
        stash, state, _ = await begun(one, env)
        callback = came_back(stash, state, Back({"ticket": "ST-1", "state": state}))
        error = await refused(one.finish(env, callback))
    server.close()
    assert isinstance(error, Upstream)
    assert connections == 1


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE a [<!ENTITY u "pupil0">]>',
        '<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd">',
        "<!doctype html>",
    ],
)
async def test_dtd_refused(cas: CasServer, url: str, head: str) -> None:
    inner = success("jasig", PUPIL)
    body = f"{head}<cas:serviceResponse {NS}>{inner}</cas:serviceResponse>"
    error = await refused(answered(cas, url, body, "text/xml"))
    assert isinstance(error, ProtocolViolation | Misconfigured)


async def test_two_success_refused(cas: CasServer, url: str) -> None:
    good = success("jasig", PUPIL)
    no = '<cas:authenticationFailure code="INVALID_TICKET">no</cas:authenticationFailure>'
    for inner in (
        good + good,
        good + no,
        "",
        f"<cas:x>{good}</cas:x>",
        f"<cas:x>{good}</cas:x>{no}",
    ):
        error = await refused(answered(cas, url, whole(inner), "text/xml"))
        assert error.hint == "the answer does not hold exactly one verdict"
    both = b'{"authenticationSuccess": {"user": "x"}, "authenticationFailure": {"code": "x"}}'
    error = await refused(answered(cas, url, both, "application/json"))
    assert error.hint == "the answer does not hold exactly one verdict"


async def test_body_over_256_kib_cut(cas: CasServer, url: str) -> None:
    padding = f"<!--{'x' * 262_144}-->"
    error = await refused(answered(cas, url, whole(success("jasig", PUPIL) + padding), "text/xml"))
    assert isinstance(error, Upstream)
    assert error.hint == "127.0.0.1 gave no answer (answer too long)"


async def test_redirect_on_validate_refused(cas: CasServer, url: str) -> None:
    cas.raw = RedirectResponse(f"{url}/cas/serviceValidate", 302)
    one = provider(url)
    async with stage() as env:
        stash, state, _ = await begun(one, env)
        callback = came_back(stash, state, Back({"ticket": "ST-1", "state": state}))
        error = await refused(one.finish(env, callback))
    assert isinstance(error, Misconfigured)
    assert len(cas.asked) == 1


@pytest.mark.parametrize("charset", ["gbk", "GB2312", "gb18030"])
async def test_gbk_declared_xml_read(cas: CasServer, url: str, charset: str) -> None:
    found = await answered(cas, url, whole(success("jasig", PUPIL), charset), "text/xml")
    assert found.attributes["cn"] == ("示例甲&乙",)
    body = whole(success("jasig", PUPIL)).replace(b"utf-8", charset.encode())
    error = await refused(answered(cas, url, body[:-30] + b"\xff\xff", "text/xml"))
    assert isinstance(error, ProtocolViolation)


@pytest.mark.parametrize(
    ("shape", "prefix"),
    [("jasig", ""), ("flat", ""), ("nested", "person."), ("named", ""), ("json", "")],
)
async def test_all_five_shapes(cas: CasServer, url: str, shape: str, prefix: str) -> None:
    cas.shape = shape
    one = provider(url)
    async with stage() as env:
        stash, state, page = await begun(one, env)
        back = await log_in(page, CALLBACK, TYPED)
        found = await one.finish(env, came_back(stash, state, back))
    assert found.subject == "pupil0"
    assert dict(found.attributes) == {
        f"{prefix}employeeNumber": ("007001",),
        f"{prefix}cn": ("示例甲&乙",),
        f"{prefix}userType": ("全日制学生",),
        f"{prefix}containerId": ("uid=007001,ou=people,dc=school,dc=example",),
    }


async def test_what_is_said_in_two_shapes_counts_once(cas: CasServer, url: str) -> None:
    named = success("named", PUPIL).partition("</cas:user>")[2]
    both = success("jasig", PUPIL).replace("</cas:authenticationSuccess>", named)
    found = await answered(cas, url, whole(both), "text/xml")
    assert found.attributes["employeeNumber"] == ("007001",)


@pytest.mark.parametrize("version", [1, 2, 3])
async def test_every_version_is_spoken(cas: CasServer, url: str, version: int) -> None:
    one = provider(url, version=version)
    async with stage() as env:
        stash, state, page = await begun(one, env)
        back = await log_in(page, CALLBACK, TYPED)
        found = await one.finish(env, came_back(stash, state, back))
    assert (found.subject, found.issuer) == ("pupil0", f"{url}/cas")
    assert bool(found.attributes) == (version > 1)


async def test_bad_xml_for_one_user_is_named(cas: CasServer, url: str) -> None:
    bad = success("jasig", PUPIL).replace("&amp;", "&")
    error = await refused(answered(cas, url, whole(bad), "text/xml"))
    assert isinstance(error, ProtocolViolation)
    assert error.hint == (
        "the answer stops being XML in <cas:cn>: the server does not escape this value"
    )


async def test_a_comment_does_not_split_a_name(cas: CasServer, url: str) -> None:
    split = success("jasig", PUPIL).replace("pupil0", "pupil0<!-- x -->.admin")
    assert (await answered(cas, url, whole(split), "text/xml")).subject == "pupil0.admin"


async def test_deep_xml_is_refused(cas: CasServer, url: str) -> None:
    deep = "<a>" * 20_000 + "</a>" * 20_000
    error = await refused(answered(cas, url, whole(deep), "text/xml"))
    assert error.hint == "the answer is XML of too many levels"


@pytest.mark.parametrize(
    ("body", "media_type", "error"),
    [
        (b"<html><body>login</body></html>", "text/html", Misconfigured),
        (b"", "text/xml", ProtocolViolation),
        (b"<a/>", "text/xml", ProtocolViolation),
        (b"{", "application/json", ProtocolViolation),
        (b"{}", "application/json", ProtocolViolation),
        (b"[]", "text/xml", ProtocolViolation),
        (b"no\n\n", "text/plain", Denied),
        (b"yes\n\n", "text/plain", Denied),
        (b'{"authenticationSuccess": {"user": ""}}', "application/json", ProtocolViolation),
        (whole("<cas:authenticationSuccess/>"), "text/xml", ProtocolViolation),
        (b'<?xml version="1.0" encoding="utf-7"?><a/>', "text/xml", ProtocolViolation),
        (b"\xff\xfe<a/>", "text/xml", ProtocolViolation),
    ],
)
async def test_nonsense_is_an_error_of_ours(
    cas: CasServer, url: str, body: bytes, media_type: str, error: type[Exception]
) -> None:
    assert isinstance(await refused(answered(cas, url, body, media_type)), error)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("INVALID_TICKET", Denied),
        ("INVALID_SERVICE", Denied),
        ("UNAUTHORIZED_SERVICE", NotRegistered),
        ("INVALID_REQUEST", Misconfigured),
        ("INTERNAL_ERROR", Upstream),
        ("WHATEVER", Denied),
    ],
)
def test_failure_codes_are_told_apart(code: str, error: type[Exception]) -> None:
    assert type(failure(code)) is error


def test_a_charset_of_the_header_counts_where_the_xml_names_none() -> None:
    body = f"<cas:serviceResponse {NS}>{success('jasig', PUPIL)}</cas:serviceResponse>"
    answer = Answer(200, {"content-type": "text/xml; charset=GBK"}, body.encode("gbk"))
    assert read_cas(answer).attributes["cn"] == ("示例甲&乙",)


def test_a_server_error_is_an_outage() -> None:
    with pytest.raises(Upstream):
        read_cas(Answer(502, {}, b""))


async def test_a_logout_post_names_its_ticket(url: str) -> None:
    one = provider(url)
    request = (
        '<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="1">'
        "<samlp:SessionIndex>ST-17-abc</samlp:SessionIndex></samlp:LogoutRequest>"
    )
    raw = httpx2.QueryParams({"logoutRequest": request})
    evil = httpx2.QueryParams({"logoutRequest": f'<!DOCTYPE a [<!ENTITY x "y">]>{request}'})
    async with stage() as env:
        notice = await one.logout_notice(env, str(raw).encode())
        assert notice == LogoutNotice("ST-17-abc", None)
        assert await one.logout_notice(env, str(evil).encode()) is None
        back = "https://card.example/"
        assert await one.logout_url(env, "ST-17-abc", back) == (
            f"{url}/cas/logout?service=https%3A%2F%2Fcard.example%2F"
        )
