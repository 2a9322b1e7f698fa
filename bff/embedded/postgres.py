"""An embedded PostgreSQL: passwords always, data checksums always, fsync unless told otherwise."""

import hashlib
import hmac
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from bff.embedded.binaries import find_postgres
from bff.embedded.server import Server, StartFailed

SUPERUSER = "postgres"
_CONNECTIONS_MAXIMUM = 200


class Postgres(Server):
    """A running PostgreSQL; `binaries` also holds its tools (psql, pgbench, pg_dump)."""

    stop_signal = signal.SIGINT
    immediate_signal = signal.SIGQUIT

    def __init__(
        self, home: Path, *, durable: bool, port: int | None = None, binaries: Path | None = None
    ) -> None:
        super().__init__(home, port)
        self.durable = durable
        self.binaries = binaries or find_postgres(self.account)

    @property
    def superuser_dsn(self) -> str:
        """The superuser's DSN for the maintenance database."""
        return f"postgresql://{SUPERUSER}:{self.secret}@127.0.0.1:{self.port}/postgres"

    def dsn(self, user: str, database: str) -> str:
        """The DSN of a role and a database, which `core.db.provision` makes."""
        return role_dsn(self.superuser_dsn, user, database)

    def _command(self) -> list[str]:
        flushes = "on" if self.durable else "off"
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "port": self.port,
            "max_connections": _CONNECTIONS_MAXIMUM,
            "timezone": "UTC",
            "log_timezone": "UTC",
            "fsync": flushes,
            "synchronous_commit": flushes,
            "full_page_writes": flushes,
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(self.binaries / "postgres"), "-D", str(self.data), *options]

    def _prepare(self) -> None:
        if self.data.exists():
            self._drop_stale_pid_file()
            return
        fresh = self.home / "fresh"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self._give(fresh)
        self._initialise(fresh)
        fresh.rename(self.data)  # only a whole database directory ever has the final name

    def _drop_stale_pid_file(self) -> None:
        """Remove PostgreSQL's own pid file if it names our last server, which is gone.

        PostgreSQL would refuse to start if that number is another process of the account by now.
        """
        ours, theirs = self.home / "server.pid", self.data / "postmaster.pid"
        if (
            ours.exists()
            and theirs.exists()
            and theirs.read_text().split()[:1] == [ours.read_text()]
        ):
            theirs.unlink()

    def _initialise(self, folder: Path) -> None:
        with tempfile.TemporaryFile() as password, self._log() as log:
            password.write(self.secret.encode())
            password.flush()
            os.fchmod(password.fileno(), 0o600)
            if self.account.user is not None and self.account.group is not None:
                os.fchown(password.fileno(), self.account.user, self.account.group)
            command = [
                *(str(self.binaries / "initdb"), "-D", str(folder), "-U", SUPERUSER),
                *("--encoding=UTF8", "--no-locale", "--data-checksums"),
                *("--auth=scram-sha-256", f"--pwfile=/dev/fd/{password.fileno()}"),
                *(() if self.durable else ("--no-sync",)),
            ]
            made = subprocess.run(  # noqa: S603 - our own arguments, no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={"LC_ALL": "C"},
                pass_fds=[password.fileno()],
                user=self.account.user,
                group=self.account.group,
                extra_groups=self.account.groups,
                check=False,
            )
        if made.returncode != 0:
            raise StartFailed((self.home / "server.log").read_text(errors="replace")[-2000:])

    def _is_ready(self) -> bool:
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"


def start_postgres(
    home: Path, *, durable: bool, port: int | None = None, binaries: Path | None = None
) -> Postgres:
    """PostgreSQL on the data in `home`, made at the first start, listening on 127.0.0.1.

    `durable=False` (demo and tests only) turns off fsync, synchronous_commit and full_page_writes.
    Raises: BinariesMissing, HomeInUse, HomeUnusable, StartFailed.
    """
    return Postgres(home, durable=durable, port=port, binaries=binaries).start_again()


@contextmanager
def postgres_at(dsn: str | None, home: Path, *, durable: bool) -> Iterator[str]:
    """The superuser's DSN of the server given, or else of one of our own for the time being.

    Raises: as `start_postgres`.
    """
    if dsn:
        yield dsn
        return
    with start_postgres(home, durable=durable) as server:
        yield server.superuser_dsn


def role_dsn(superuser_dsn: str, role: str, database: str) -> str:
    """The DSN of a role on the superuser's server; its password follows from the superuser's.

    So it is the same at each start and kept nowhere. A superuser without a password (trust) has
    roles without one.
    """
    parts = urlsplit(superuser_dsn)
    credentials = quote(role)
    if role == parts.username:
        credentials = parts.netloc.rpartition("@")[0]
    elif parts.password:
        key = parts.password.encode()
        credentials += ":" + hmac.new(key, role.encode(), hashlib.sha256).hexdigest()
    address = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{credentials}@{address}", path=f"/{database}"))
