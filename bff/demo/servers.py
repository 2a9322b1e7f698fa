"""The demo's servers: PostgreSQL, Valkey, the worker and the application."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from bff.demo.outside import Outside
from bff.demo.place import Place
from bff.demo.process import Child
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
    outside: Outside
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
def processes(place: Place, data: Stores, world: Outside, port: int) -> Iterator[Running]:
    """The worker and the application, each a process of its own."""
    url = f"http://127.0.0.1:{port}"
    environment = {
        "BFF_ENVIRONMENT": "development",
        "BFF_DATABASE_URL": data.app_url,
        "BFF_REDIS_URL": data.redis_url,
        "BFF_KEYS_FILE": str(place.keys),
        "BFF_PORT": str(port),
        "BFF_PUBLIC_URL": url,
        "BFF_MAIL_URL": f"smtp://127.0.0.1:{world.smtp_port}",
        "BFF_MAIL_SENDER": "card@school.example",
        "BFF_SMS_URL": world.url,
        "BFF_SMS_KEY_ID": "sandbox",
        "BFF_SMS_SECRET": world.sms_secret,
    }
    commands = {"worker": ("bff", "worker"), "application": ("bff", "serve")}
    with ExitStack() as stack:
        children = [
            stack.enter_context(Child(name, command, environment, place.log(name)))
            for name, command in commands.items()
        ]
        try:
            yield Running(url, world, [world.child, *children])
        finally:
            for child in children:  # together, so that the slowest alone is waited for
                child.ask_to_stop()
