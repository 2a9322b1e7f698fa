"""What every service of a process stands on."""

from collections.abc import Callable
from dataclasses import dataclass

from redis.asyncio import Redis

from adapters.tokens import Tokens
from bff.connection_tables import Parts
from bff.keys import Keys
from bff.one_time_store import RedisOneTimeStore
from bff.settings import resolve_secret
from core.db.connection import COMMAND_SECONDS
from core.kit.clock import Clock


@dataclass(frozen=True, slots=True)
class Ground:
    """What everything stands on: where the data is, the keys, time and chance."""

    database_url: str
    redis_url: str
    keys: Keys
    clock: Clock
    entropy: Callable[[int], bytes]
    pool_maximum: int = 10
    command_seconds: float = COMMAND_SECONDS
    public_url: str = "http://127.0.0.1:8000"
    """Where browsers reach this deployment; callbacks are built from it and nothing else."""
    resolve: Callable[[str], str] = resolve_secret
    """Finds the secret behind a reference of a school's file."""
    development: bool = False
    """Whether a school's server may be plain HTTP on this machine."""

    def start_url(self, school_id: int, provider: str, start_id: str) -> str:
        """Where a browser begins a campus sign-on."""
        return f"{self.public_url}/sso/{school_id}/{provider}/start/{start_id}"

    def parts(self, redis: Redis) -> Parts:
        """What the channels and sign-ons of a process share."""
        return parts_over(
            redis, self.clock, self.entropy, self.resolve, self.public_url, self.development
        )


def parts_over(
    redis: Redis,
    clock: Clock,
    entropy: Callable[[int], bytes],
    resolve: Callable[[str], str],
    public_url: str,
    plain_loopback: bool,
) -> Parts:
    """The same for a command without a database."""
    tokens, store = Tokens(redis, clock, entropy), RedisOneTimeStore(redis)
    return Parts(clock, entropy, tokens, store, resolve, public_url, plain_loopback)
