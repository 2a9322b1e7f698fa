"""The demo's servers: PostgreSQL, Valkey, the sandbox, the worker and the application."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bff.demo.place import Memory, Place
from bff.demo.process import Child, free_port
from bff.embedded import role_dsn, start_postgres, start_valkey
from core.db.provision import APP_ROLE, OWNER_ROLE

DATABASE = "campus_card"


@dataclass(frozen=True, slots=True)
class Stores:
    """Where the data is."""

    superuser_url: str = field(repr=False)
    redis_url: str = field(repr=False)

    @property
    def app_url(self) -> str:
        """The database as the application."""
        return role_dsn(self.superuser_url, APP_ROLE, DATABASE)

    @property
    def owner_url(self) -> str:
        """The database as its owner, who migrates it."""
        return role_dsn(self.superuser_url, OWNER_ROLE, DATABASE)


@dataclass(frozen=True, slots=True)
class Running:
    """The processes, and where people and programs reach them."""

    url: str
    mailbox_url: str
    children: list[Child]

    def check(self) -> None:
        """Nothing, while all of them run.

        Raises: ChildEnded.
        """
        for child in self.children:
            child.check()


@contextmanager
def stores(place: Place) -> Iterator[Stores]:
    """PostgreSQL without fsync, and Valkey; both for the time being."""
    with (
        start_postgres(place.folder / "postgres", durable=False) as postgres,
        start_valkey(place.folder / "valkey") as valkey,
    ):
        yield Stores(postgres.superuser_dsn, valkey.url)


@contextmanager
def processes(place: Place, data: Stores, memory: Memory, port: int) -> Iterator[Running]:
    """The sandbox, the worker and the application, each a process of its own."""
    sandbox_port, smtp_port = free_port(), free_port()
    environment = {
        "BFF_ENVIRONMENT": "development",
        "BFF_DATABASE_URL": data.app_url,
        "BFF_REDIS_URL": data.redis_url,
        "BFF_KEYS_FILE": str(place.keys),
        "BFF_PORT": str(port),
        "BFF_MAIL_URL": f"smtp://127.0.0.1:{smtp_port}",
        "BFF_MAIL_SENDER": "card@school.example",
        "BFF_SMS_URL": f"http://127.0.0.1:{sandbox_port}",
        "BFF_SMS_KEY_ID": "sandbox",
        "BFF_SMS_SECRET": memory.sms_secret,
    }
    sandbox = (
        "adapters.sandbox",
        *("--port", str(sandbox_port), "--smtp-port", str(smtp_port)),
        *("--sms-secret", memory.sms_secret),
    )
    commands = {
        "sandbox": sandbox,
        "worker": ("bff", "worker"),
        "application": ("bff", "serve"),
    }
    with ExitStack() as stack:
        children = [
            stack.enter_context(Child(name, command, environment, _log(place, name)))
            for name, command in commands.items()
        ]
        yield Running(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{sandbox_port}", children)


def _log(place: Place, name: str) -> Path:
    path = place.log(name)
    path.touch(mode=0o600)
    return path
