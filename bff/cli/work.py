"""The worker's command: while it runs, messages are sent, holds expire, sign-ons are checked."""

import asyncio
import os
import signal
from pathlib import Path

import typer

from bff.cli.voice import voice_of
from bff.clock import SystemClock
from bff.connections import Connections
from bff.ground import Ground
from bff.keys import load_keys
from bff.readiness import Readiness
from bff.senders import open_senders
from bff.settings import Environment, Settings, load_settings
from bff.wiring import wire
from bff.worker import Worker
from core.identity.service.messages import KIND

POOL_MAXIMUM = 4


def work(context: typer.Context) -> None:
    """Send messages, expire holds and passages until stopped 运行后台任务."""
    with voice_of(context).answering():
        asyncio.run(_work(load_settings()))


async def _work(settings: Settings) -> None:
    clock = SystemClock()
    database_url, redis_url, keys_file = settings.needed("database_url", "redis_url", "keys_file")
    keys = load_keys(Path(keys_file), settings.environment, clock.now())
    ground = Ground(
        database_url,
        redis_url,
        keys,
        clock,
        os.urandom,
        POOL_MAXIMUM,
        public_url=settings.browser_url,
        development=settings.environment is Environment.DEVELOPMENT,
    )
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_senders(settings, clock) as senders:
        made = wire(ground, senders)

        async def schools() -> list[int]:
            return [school.id for school in await made.services.schools.list_all()]

        async def expire(school_id: int) -> None:
            await made.services.authorisations.expire_holds(school_id)
            await made.reserves.give_back(school_id)
            await made.services.passages.expire(school_id)
            await made.meters.expire_tries(school_id)
            await made.services.cards.refresh_denials(school_id)
            await made.services.deny.forget(school_id)
            await made.services.batches.close_silent(school_id)
            await made.services.card_desk.jobs.expire(school_id)
            await made.services.batches.adjust_touched(school_id)
            await made.services.channel_sign_in.expire(school_id)
            await made.services.campus_links.expire(school_id)
            await made.attempts.expire(school_id)
            await made.notices.expire(school_id)

        async def publish(school_id: int) -> None:
            await made.services.publisher.refresh(school_id)

        handlers = {KIND: made.messages.deliver}
        assert isinstance(made.outside, Connections)  # nothing else stands for it here
        readiness = Readiness(made.outside)
        hooks = [expire, publish, readiness.look]
        async with made.running():
            try:
                await Worker(made.database, clock, schools, handlers, hooks).run(stop)
            finally:
                await readiness.close()
