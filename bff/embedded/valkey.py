"""An embedded Valkey: a cache that keeps nothing by itself, behind a password."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NoConnection
from redis.retry import Retry

from bff.embedded.binaries import find_valkey
from bff.embedded.server import Server


class Valkey(Server):
    """A running Valkey (or Redis). What was put in by SAVE is there again at the next start."""

    stop_signal = signal.SIGTERM
    immediate_signal = signal.SIGKILL

    def __init__(self, home: Path, *, port: int | None = None, binary: Path | None = None) -> None:
        super().__init__(home, port)
        self.binary = binary or find_valkey(self.account)

    @property
    def url(self) -> str:
        """The URL of database 0, as `redis.asyncio` reads it."""
        return f"redis://:{self.secret}@127.0.0.1:{self.port}/0"

    def _command(self) -> list[str]:
        return [str(self.binary), "-"]

    def _configuration(self) -> str:
        return (
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {self.secret}\n"
            f'dir "{self.data}"\nsave ""\nappendonly no\n'
        )

    def _is_ready(self) -> bool:
        with Redis.from_url(self.url, socket_timeout=1, retry=Retry(NoBackoff(), 0)) as client:
            try:
                return bool(client.ping())
            except NoConnection:
                return False


def start_valkey(home: Path, *, port: int | None = None, binary: Path | None = None) -> Valkey:
    """Valkey with its directory in `home`, listening on 127.0.0.1.

    Raises: BinariesMissing, HomeInUse, HomeUnusable, StartFailed.
    """
    return Valkey(home, port=port, binary=binary).start_again()


@contextmanager
def valkey_at(url: str | None, home: Path) -> Iterator[str]:
    """The URL given, or else that of a server of our own for the time being.

    Raises: as `start_valkey`.
    """
    if url:
        yield url
        return
    with start_valkey(home) as server:
        yield server.url
