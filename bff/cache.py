"""The connections to the cache: few, bounded in time, and made anew when they break."""

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NoConnection

REDIS_CONNECTIONS = 32
REDIS_SECONDS = 0.5


def open_redis(url: str) -> Redis:
    """A client that waits a moment for a connection instead of failing at once.

    A connection that broke is made anew once: after a restart of the server every kept one has.
    """
    return Redis.from_pool(
        BlockingConnectionPool.from_url(
            url,
            max_connections=REDIS_CONNECTIONS,
            timeout=REDIS_SECONDS,
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
            # What took too long is not sent again: a request waits for one deadline, not for two.
            retry=Retry(NoBackoff(), 1, (NoConnection,)),
        )
    )
