"""The launcher of real servers: who they run as, what they keep, how they end."""

import contextlib
import os
import pwd
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import psutil
import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError
from redis.retry import Retry

from bff.embedded import (
    HomeInUse,
    HomeUnusable,
    Postgres,
    StartFailed,
    Valkey,
    postgres_at,
    start_postgres,
    start_valkey,
    valkey_at,
)
from bff.embedded.account import server_account
from bff.embedded.binaries import find_postgres, find_valkey

ROOT_OF_CHECKOUT = Path(__file__).parents[2]
LAUNCHER = """
import sys, time
from pathlib import Path
from bff.embedded import server, start_postgres, start_valkey
if sys.argv[3] == "orphans":
    server._dies_with = lambda *_: None
postgres = start_postgres(Path(sys.argv[1]), durable=False)
valkey = start_valkey(Path(sys.argv[2]))
print(postgres.port, valkey.port, flush=True)
time.sleep(60)
"""


@pytest.fixture
def home() -> Iterator[Path]:
    with TemporaryDirectory(prefix="campus-card-") as folder:
        yield Path(folder)


@pytest.fixture
def second_home() -> Iterator[Path]:
    with TemporaryDirectory(prefix="campus-card-") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with (
        TemporaryDirectory(prefix="campus-card-") as folder,
        start_postgres(Path(folder), durable=True) as server,
    ):
        yield server


@pytest.fixture(scope="module")
def valkey() -> Iterator[Valkey]:
    with TemporaryDirectory(prefix="campus-card-") as folder, start_valkey(Path(folder)) as server:
        yield server


@contextlib.contextmanager
def as_normal_user() -> Iterator[None]:
    """Root becomes `nobody` for a while, also in what it starts; anybody else stays."""
    if os.geteuid() != 0:
        yield
        return
    nobody, groups = pwd.getpwnam("nobody"), os.getgroups()
    os.setgroups([])
    os.setresgid(nobody.pw_gid, nobody.pw_gid, 0)
    os.setresuid(nobody.pw_uid, nobody.pw_uid, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)
        os.setgroups(groups)


@contextlib.contextmanager
def killed_launcher(home: Path, second_home: Path, how: str) -> Iterator[tuple[int, int]]:
    """The ports of two servers whose launcher was just killed."""
    with subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(home), str(second_home), how],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT_OF_CHECKOUT,
    ) as launcher:
        assert launcher.stdout is not None
        ports = launcher.stdout.readline().split()
        launcher.kill()
    yield int(ports[0]), int(ports[1])


@contextlib.contextmanager
def process_of_the_servers_account() -> Iterator[subprocess.Popen[bytes]]:
    account = server_account()
    with subprocess.Popen(
        ["sleep", "60"], user=account.user, group=account.group, extra_groups=account.groups
    ) as process:
        try:
            yield process
        finally:
            process.kill()


async def answer(server: Postgres, question: str) -> object:
    connection = await asyncpg.connect(server.superuser_dsn)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


def listens(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def closes_within(seconds: float, port: int) -> bool:
    deadline = time.monotonic() + seconds
    while listens(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_servers_never_run_as_root(postgres: Postgres, valkey: Valkey) -> None:
    expected = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()
    assert set(psutil.Process(postgres.pid).uids()) == {expected}
    assert set(psutil.Process(valkey.pid).uids()) == {expected}


def test_data_and_secret_are_closed_to_others(postgres: Postgres, valkey: Valkey) -> None:
    for server in (postgres, valkey):
        assert server.data.stat().st_mode & 0o777 == 0o700
        for name in ("secret", "server.log"):
            assert (server.home / name).stat().st_mode & 0o777 == 0o600
        assert server.secret not in " ".join(psutil.Process(server.pid).cmdline())


def test_servers_listen_on_loopback_only(postgres: Postgres, valkey: Valkey) -> None:
    for server in (postgres, valkey):
        open_sockets = psutil.Process(server.pid).net_connections("all")
        listening = [s.laddr for s in open_sockets if s.status == psutil.CONN_LISTEN]
        assert listening == [("127.0.0.1", server.port)]
        assert [s for s in open_sockets if s.family == socket.AF_UNIX and s.laddr] == []


async def test_servers_ask_for_the_password(postgres: Postgres, valkey: Valkey) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.superuser_dsn.replace(postgres.secret, "guess"))
    with (
        Redis(port=valkey.port, retry=Retry(NoBackoff(), 0)) as stranger,
        pytest.raises(AuthenticationError, match="authenticated"),
    ):
        stranger.get("anything")


async def test_database_is_utf8_with_checksums_and_no_locale(postgres: Postgres) -> None:
    assert await answer(postgres, "SHOW data_checksums") == "on"
    assert await answer(postgres, "SHOW server_encoding") == "UTF8"
    assert await answer(postgres, "SHOW lc_messages") == "C"
    assert await answer(postgres, "SHOW timezone") == "UTC"


@pytest.mark.parametrize(("durable", "value"), [(True, "on"), (False, "off")])
async def test_flushes_are_off_only_when_not_durable(home: Path, durable: bool, value: str) -> None:
    with start_postgres(home, durable=False):
        pass
    with start_postgres(home, durable=durable) as server:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert await answer(server, f"SHOW {setting}") == value


async def test_second_start_keeps_data_and_password(home: Path) -> None:
    with start_postgres(home, durable=False) as server:
        await answer(server, "CREATE TABLE kept AS SELECT 41 AS amount_minor")
        first_dsn = server.dsn("campus_app", "campus")
    with start_postgres(home, durable=False, port=server.port) as server:
        assert await answer(server, "SELECT amount_minor FROM kept") == 41
        assert server.dsn("campus_app", "campus") == first_dsn


@pytest.mark.parametrize("immediate", [False, True])
async def test_stopped_server_starts_again_on_its_port(postgres: Postgres, immediate: bool) -> None:
    await answer(postgres, "CREATE TABLE IF NOT EXISTS written (amount_minor int)")
    before, port = postgres.pid, postgres.port
    postgres.stop(immediate=immediate)
    assert not listens(port)
    postgres.start_again()
    assert postgres.pid != before
    assert postgres.port == port
    assert await answer(postgres, "SELECT count(*) FROM written") == 0


async def test_killed_server_starts_again_with_what_it_acknowledged(
    postgres: Postgres,
) -> None:
    await answer(postgres, "CREATE TABLE acknowledged AS SELECT 7 AS amount_minor")
    postgres.kill()
    assert await answer(postgres.start_again(), "SELECT amount_minor FROM acknowledged") == 7
    os.kill(postgres.pid, signal.SIGKILL)  # by somebody else, behind the launcher's back
    assert await answer(postgres.start_again(), "SELECT amount_minor FROM acknowledged") == 7


def test_killed_valkey_starts_again_empty_or_with_what_was_saved(home: Path) -> None:
    with start_valkey(home) as server, Redis.from_url(server.url) as client:
        client.set("saved", "1")
        client.save()
        client.set("unsaved", "1")
        server.kill()
        server.start_again()
        assert client.get("saved") == b"1"
        assert client.get("unsaved") is None


async def test_stale_pid_file_naming_another_process_is_cleaned(home: Path) -> None:
    server = start_postgres(home, durable=False)
    server.kill()
    with process_of_the_servers_account() as other:
        pid_file = server.data / "postmaster.pid"
        _, rest = pid_file.read_text().split("\n", 1)
        pid_file.write_text(f"{other.pid}\n{rest}")
        (home / "server.pid").write_text(str(other.pid))
        with server.start_again():
            assert await answer(server, "SELECT 1") == 1
        assert other.poll() is None


if sys.platform == "linux":  # elsewhere the next start replaces them, as the next test shows

    def test_parents_death_stops_the_servers(home: Path, second_home: Path) -> None:
        with killed_launcher(home, second_home, "linux") as (postgres_port, valkey_port):
            assert closes_within(10, postgres_port)
            assert closes_within(10, valkey_port)


async def test_servers_left_by_a_dead_launcher_are_replaced(home: Path, second_home: Path) -> None:
    with killed_launcher(home, second_home, "orphans") as (postgres_port, valkey_port):
        assert listens(postgres_port)
        assert listens(valkey_port)
        with start_postgres(home, durable=False) as server, start_valkey(second_home):
            assert not listens(postgres_port)
            assert not listens(valkey_port)
            assert await answer(server, "SELECT 1") == 1


async def test_home_of_a_running_server_is_refused_and_the_server_goes_on(
    postgres: Postgres,
) -> None:
    before = postgres.pid
    with pytest.raises(HomeInUse, match="in use by another running process"):
        start_postgres(postgres.home, durable=True)
    assert postgres.pid == before
    assert await answer(postgres, "SELECT 1") == 1


def test_failed_start_tells_the_log_and_leaves_nothing(home: Path) -> None:
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartFailed, match="could not bind"):
            start_postgres(home, durable=False, port=port)
    with start_postgres(home, durable=False, port=port) as server:
        assert server.port == port


def test_servers_start_from_the_main_thread_only(home: Path) -> None:
    seen: list[BaseException] = []

    def start() -> None:
        try:
            start_valkey(home)
        except RuntimeError as error:
            seen.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert [str(error) for error in seen] == [
        "servers are started from the main thread: they end with it"
    ]
    assert not (home / "server.pid").exists()


@pytest.mark.usefixtures("postgres", "valkey")  # started first: all that is imported late, is now
async def test_normal_user_starts_both_servers() -> None:
    postgres_binaries = find_postgres(server_account())
    valkey_binary = find_valkey(server_account())
    with contextlib.ExitStack() as stack:
        with as_normal_user():
            homes = [
                Path(stack.enter_context(TemporaryDirectory(prefix="campus-card-"))) for _ in "12"
            ]
            own = stack.enter_context(
                start_postgres(homes[0], durable=False, binaries=postgres_binaries)
            )
            cache = stack.enter_context(start_valkey(homes[1], binary=valkey_binary))
            assert psutil.Process(own.pid).uids().real == os.geteuid()
        assert await answer(own, "SELECT 1") == 1
        assert stack.enter_context(Redis.from_url(cache.url)).ping() is True
        assert [home.stat().st_mode & 0o777 for home in homes] == [0o700, 0o700]


def test_home_of_somebody_else_is_refused() -> None:
    with as_normal_user(), pytest.raises(HomeUnusable, match="/usr must be ours"):
        start_valkey(Path("/usr"))


def test_given_servers_win_and_nothing_is_started(home: Path) -> None:
    given, url = "postgresql://somebody:secret@db.example.edu/postgres", "redis://cache.example.edu"
    with postgres_at(given, home, durable=False) as dsn, valkey_at(url, home) as cache:
        assert (dsn, cache) == (given, url)
    assert list(home.iterdir()) == []
