"""The kinds of fault, each aimed at our own processes, servers and links only."""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil
from redis import Redis
from redis.exceptions import RedisError

from bff.embedded import Postgres, Valkey
from bff.fleet.dice import Dice
from bff.fleet.proxy import Mode, Proxy
from tests.faults.bank.processes import Child

Query = Callable[[str], list[Any]]
LINK_SECONDS = (0.3, 0.9)


@dataclass(frozen=True, slots=True)
class Targets:
    """What may be hit. `query` runs a statement as the superuser, past every proxy."""

    apps: list[Child]
    workers: list[Child]
    clients: list[Child]
    postgres: Postgres
    valkey: Valkey
    links: dict[str, Proxy]
    query: Query


def kill_app(at: Targets, dice: Dice) -> bool:
    """kill -9 of an app process; it is started again at once."""
    return _killed(dice.pick(at.apps))


def kill_worker(at: Targets, dice: Dice) -> bool:
    """kill -9 of the worker."""
    return _killed(dice.pick(at.workers))


def kill_client(at: Targets, dice: Dice) -> bool:
    """kill -9 of a client, which goes on from its journal."""
    return _killed(dice.pick(at.clients))


def _killed(child: Child) -> bool:
    hit = child.kill()
    child.start()
    return hit


def stall_app(at: Targets, dice: Dice) -> bool:
    """SIGSTOP of an app process for 0.2 to 1.2 s."""
    app = dice.pick(at.apps)
    hit = app.signal(signal.SIGSTOP)
    time.sleep(dice.between(0.2, 1.2))
    return app.signal(signal.SIGCONT) and hit


def restart_database(at: Targets, _dice: Dice) -> bool:
    """Immediate restart: no checkpoint, recovery from the log."""
    at.postgres.stop(immediate=True)
    at.postgres.start_again()
    return True


def kill_backend(at: Targets, dice: Dice) -> bool:
    """kill -9 of one backend: PostgreSQL ends all of them and recovers."""
    found = at.query("SELECT pid FROM pg_stat_activity WHERE usename = 'campus_app'")
    if not found:
        return False
    psutil.Process(dice.pick(found)[0]).kill()
    return True


def cut_backends(at: Targets, _dice: Dice) -> bool:
    """All connections of the app are ended by the database."""
    sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'campus_app'"
    return bool(at.query(sql))


def stall_database(at: Targets, dice: Dice) -> bool:
    """SIGSTOP of the whole database."""
    return _stalled(at.postgres.pid, dice.between(0.3, 1.0))


def stall_cache(at: Targets, dice: Dice) -> bool:
    """SIGSTOP of Valkey."""
    return _stalled(at.valkey.pid, dice.between(0.5, 1.5))


def _stalled(pid: int, seconds: float) -> bool:
    main = psutil.Process(pid)
    family = [main, *main.children(recursive=True)]
    for process in family:
        _suspend(process)
    time.sleep(seconds)
    for process in reversed(family):
        _resume(process)
    return True


def _suspend(process: psutil.Process) -> None:
    try:
        process.suspend()
    except psutil.NoSuchProcess:
        return


def _resume(process: psutil.Process) -> None:
    try:
        process.resume()
    except psutil.NoSuchProcess:
        return


def flush_cache(at: Targets, _dice: Dice) -> bool:
    """FLUSHALL."""
    with Redis.from_url(at.valkey.url) as cache:
        try:
            return bool(cache.flushall())
        except RedisError:
            return False


def kill_cache(at: Targets, _dice: Dice) -> bool:
    """kill -9 of Valkey; it comes back empty."""
    at.valkey.kill()
    at.valkey.start_again()
    return True


def _link(name: str, mode: Mode) -> Callable[[Targets, Dice], bool]:
    def fault(at: Targets, dice: Dice) -> bool:
        proxies = [proxy for link, proxy in at.links.items() if link.startswith(name)]
        proxy = dice.pick(proxies)
        proxy.set(mode)
        time.sleep(dice.between(*LINK_SECONDS))
        hits = proxy.hits
        proxy.set(Mode.PASS)
        return hits > 0

    fault.__name__ = f"{name}_{mode.name.lower()}"
    return fault


Fault = Callable[[Targets, Dice], bool]
"""Does its worst and undoes it; whether it hit anything."""

KINDS: tuple[Fault, ...] = (
    kill_app, kill_worker, stall_app, kill_client, restart_database, kill_backend, cut_backends,
    stall_database, flush_cache, kill_cache, stall_cache,
    *(_link("client", mode) for mode in (Mode.CUT, Mode.LAG, Mode.LOSE_ANSWERS)),
    *(_link("database", mode) for mode in (Mode.CUT, Mode.HOLE, Mode.LAG, Mode.LOSE_ANSWERS)),
    *(_link("cache", mode) for mode in (Mode.CUT, Mode.HOLE)),
)  # fmt: skip
