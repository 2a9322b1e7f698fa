"""The way out: which addresses, which certificates, how long, how much, and what is never told."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from adapters.conformance.ground import recorded
from adapters.sso.address import is_allowed
from adapters.sso.api import Misconfigured, Reach, SettingsInvalid, Upstream
from adapters.sso.http import BODY_BYTES, SchoolHttp, tls_context
from tests.contract.sandbox import free_port
from tests.contract.sso.certificates import tls_files
from tests.contract.sso.serving import serve
from tests.contract.sso.stage import read, refused

HERE = Reach(plain_loopback=True)


class School:
    """A server that counts what reaches it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []

    def application(self) -> Starlette:
        """The server."""
        return Starlette(routes=[Route("/{path:path}", self.answer, methods=["GET", "POST"])])

    async def answer(self, request: Request) -> Response:
        """By the path."""
        self.asked.append(request.url.path)
        self.headers.append(dict(request.headers))
        match request.path_params["path"]:
            case "away":
                return RedirectResponse("http://127.0.0.1:1/")
            case "full":
                return Response(b"x" * BODY_BYTES)
            case "over":
                return Response(b"x" * (BODY_BYTES + 1))
            case "bomb":
                return Response(
                    gzip.compress(b"x" * 9_000_000), headers={"content-encoding": "gzip"}
                )
            case "gzip":
                return Response(gzip.compress(b"fine"), headers={"content-encoding": "gzip"})
            case "cookie":
                return Response(headers={"set-cookie": "person=one; Path=/"})
            case _:
                return PlainTextResponse("fine")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Authority, certificate of 127.0.0.1, key."""
    return tls_files(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def plain() -> Iterator[tuple[School, str]]:
    """Without TLS."""
    school = School()
    with serve(school.application()) as url:
        yield school, url


@pytest.fixture(scope="module")
def secure(files: tuple[Path, Path, Path]) -> Iterator[tuple[School, str]]:
    """With a certificate of its own authority."""
    school = School()
    with serve(school.application(), (files[1], files[2])) as url:
        yield school, url


@asynccontextmanager
async def client(reach: Reach) -> AsyncIterator[SchoolHttp]:
    """A way out, closed afterwards."""
    http = SchoolHttp(reach)
    yield http
    await http.close()


@pytest.mark.parametrize(
    ("address", "public", "private"),
    [
        ("8.8.8.8", True, True),
        ("2001:4860:4860::8888", True, True),
        ("10.1.2.3", False, True),
        ("172.31.0.1", False, True),
        ("192.168.0.1", False, True),
        ("100.64.0.1", False, True),
        ("127.0.0.1", False, True),
        ("::1", False, True),
        ("fd00::1", False, True),
        ("::ffff:10.0.0.1", False, True),
        ("64:ff9b::a00:1", False, True),
        ("2002:a00:1::", False, True),
        ("169.254.169.254", False, False),
        ("::ffff:169.254.169.254", False, False),
        ("fe80::1", False, False),
        ("0.0.0.0", False, False),
        ("::", False, False),
        ("224.0.0.1", False, False),
        ("ff02::1", False, False),
        ("255.255.255.255", False, False),
        ("192.0.2.1", False, False),
    ],
)
def test_which_addresses_are_allowed(address: str, public: bool, private: bool) -> None:
    assert is_allowed(ip_address(address), Reach()) is public
    assert is_allowed(ip_address(address), Reach(allow_private=True)) is private


async def test_private_address_needs_flag(
    secure: tuple[School, str], files: tuple[Path, Path, Path]
) -> None:
    school, url = secure
    school.asked.clear()
    async with client(Reach(ca_file=str(files[0]))) as http:
        error = await refused(http.get(f"{url}/x"))
        assert isinstance(error, Misconfigured)
        assert "allow_private" in error.hint
        for address in ("169.254.169.254", "[::1]", "2130706433", "0x7f.1"):
            assert isinstance(await refused(http.get(f"https://{address}/x")), Misconfigured)
    assert school.asked == []
    async with client(Reach(allow_private=True, ca_file=str(files[0]))) as http:
        assert (await http.get(f"{url}/x")).body == b"fine"


async def test_a_name_is_asked_once_and_the_checked_address_is_used(
    plain: tuple[School, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, url = plain
    port = url.rpartition(":")[2]
    answers = ["127.0.0.1", "10.0.0.1"]
    loop = asyncio.get_running_loop()
    real = loop.getaddrinfo
    asked: list[str] = []

    async def rebinding(host: Any, port: Any, **rest: Any) -> Any:
        if host == "localhost":
            asked.append(host)
            return [(2, 1, 6, "", (answers[len(asked) - 1], port))]
        return await real(host, port, **rest)

    monkeypatch.setattr(loop, "getaddrinfo", rebinding)
    async with client(HERE) as http:
        assert (await http.get(f"http://localhost:{port}/x")).body == b"fine"
        assert asked == ["localhost"]
        assert isinstance(await refused(http.get(f"http://localhost:{port}/x")), Misconfigured)


async def test_a_name_with_one_forbidden_address_is_refused(
    plain: tuple[School, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    school, url = plain
    port = url.rpartition(":")[2]
    school.asked.clear()

    async def mixed(host: Any, port: Any, **rest: Any) -> Any:
        return [(2, 1, 6, "", (address, port)) for address in ("127.0.0.1", "169.254.169.254")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", mixed)
    async with client(HERE) as http:
        assert isinstance(await refused(http.get(f"http://localhost:{port}/x")), Misconfigured)
    assert school.asked == []


async def test_tls_cannot_be_off(
    secure: tuple[School, str], files: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    school, url = secure
    school.asked.clear()
    for reach in (Reach(), Reach(ca_file=str(files[0]), tls_min="1.0")):
        context = tls_context(reach)
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
    async with client(Reach(allow_private=True, plain_loopback=True)) as http:
        error = await refused(http.get(f"{url}/x"))
        assert isinstance(error, Upstream)
        assert "certificate" in error.hint
    other = tls_files(tmp_path, "other.example")
    with serve(School().application(), (other[1], other[2])) as foreign:
        async with client(Reach(allow_private=True, ca_file=str(other[0]))) as http:
            error = await refused(http.get(f"{foreign}/x"))
    assert "not valid for '127.0.0.1'" in error.hint
    assert school.asked == []
    for key in ("verify", "tls_verify", "insecure", "verify_tls"):
        with pytest.raises(SettingsInvalid, match="Unknown key"):
            read({"kind": "cas", "server": "https://a.example", key: False})


async def test_the_certificate_is_compared_with_the_name_not_the_address(tmp_path: Path) -> None:
    authority, certificate, key = tls_files(tmp_path, "localhost")
    with serve(School().application(), (certificate, key)) as url:
        named = url.replace("127.0.0.1", "localhost")
        async with client(Reach(allow_private=True, ca_file=str(authority))) as http:
            assert (await http.get(f"{named}/x")).body == b"fine"
            error = await refused(http.get(f"{url}/x"))
    assert "not valid for '127.0.0.1'" in error.hint


@pytest.mark.parametrize(
    "url",
    [
        "http://school.example/x",
        "ftp://school.example/x",
        "//school.example",
        "x",
        "",
        "https://",
        "https://user@school.example/",
        "https://[/",
        "http://127.0.0.1.evil.example/",
    ],
)
async def test_only_https_leaves_and_http_stays_on_this_machine(url: str) -> None:
    async with client(HERE) as http:
        assert isinstance(await refused(http.get(url)), Misconfigured)


async def test_plain_http_on_this_machine_is_for_development_only(
    plain: tuple[School, str],
) -> None:
    school, url = plain
    school.asked.clear()
    async with client(Reach(allow_private=True)) as http:
        assert isinstance(await refused(http.get(f"{url}/x")), Misconfigured)
    assert school.asked == []


async def test_a_redirect_is_an_answer_and_is_not_followed(plain: tuple[School, str]) -> None:
    school, url = plain
    school.asked.clear()
    async with client(HERE) as http:
        assert (await http.get(f"{url}/away")).status == 307
    assert school.asked == ["/away"]


async def test_an_answer_is_256_kib_at_most_and_never_compressed(
    plain: tuple[School, str],
) -> None:
    school, url = plain
    async with client(HERE) as http:
        assert len((await http.get(f"{url}/full")).body) == 262_144
        for path in ("over", "bomb", "gzip"):
            assert isinstance(await refused(http.get(f"{url}/{path}")), Upstream)
    assert school.headers[-1]["accept-encoding"] == "identity"


async def test_no_cookie_of_one_person_is_sent_for_the_next(plain: tuple[School, str]) -> None:
    school, url = plain
    async with client(HERE) as http:
        await http.get(f"{url}/cookie")
        await http.get(f"{url}/x")
    assert "cookie" not in school.headers[-1]


async def test_a_request_is_repeated_only_if_no_connection_came_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    accepted = 0

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal accepted
        accepted += 1
        await reader.read(100)
        writer.transport.abort()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with client(HERE) as http:
        assert isinstance(await refused(http.get(f"http://127.0.0.1:{port}/")), Upstream)
        assert accepted == 1
        server.close()
        sent = []
        real = SchoolHttp._send

        async def counted(self: SchoolHttp, *given: Any) -> Any:
            sent.append(given)
            return await real(self, *given)

        monkeypatch.setattr(SchoolHttp, "_send", counted)
        error = await refused(http.post(f"http://127.0.0.1:{free_port()}/", b"x"))
    assert isinstance(error, Upstream)
    assert len(sent) == 2


async def test_secrets_never_logged(plain: tuple[School, str]) -> None:
    _, url = plain
    said: list[str] = []
    with recorded() as lines:
        async with client(HERE) as http:
            secret = "client_secret=hunter2&ticket=ST-hunter2"
            await http.get(f"{url}/x?{secret}", {"Authorization": "Basic hunter2"})
            await http.post(f"{url}/x?{secret}", b"password=hunter2")
            for broken in (f"{url}/over?{secret}", f"http://127.0.0.1:{free_port()}/?{secret}",
                           f"http://hunter2@127.0.0.1/?{secret}"):  # fmt: skip
                error = await refused(http.get(broken))
                said += [repr(error), error.hint, repr(error.__cause__)]
            answer = await http.get(f"{url}/x")
            said.append(repr(answer))
    assert "hunter2" not in "\n".join([*lines, *said])


def test_a_ca_file_that_is_none_is_our_fault(tmp_path: Path) -> None:
    for content in (None, "no certificate"):
        path = tmp_path / "ca.pem"
        if content:
            path.write_text(content)
        with pytest.raises(Misconfigured, match="ca_file"):
            tls_context(Reach(ca_file=str(path)))
