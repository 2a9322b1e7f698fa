"""The whole demo: servers up, schools filled, the story told, then open to visitors."""

import asyncio
import os
import signal
import time
from pathlib import Path

import httpx2

from bff.clock import SystemClock
from bff.demo.doors import keep_secrets
from bff.demo.outside import Outside, outside
from bff.demo.people import PEOPLE, wallet_owners
from bff.demo.place import Memory, Place
from bff.demo.population import OPERATOR, populate
from bff.demo.process import check_free
from bff.demo.screen import Screen
from bff.demo.servers import Running, Stores, processes, stores
from bff.demo.shell import shell_file
from bff.demo.story import tell_story
from bff.ground import Ground
from bff.key_documents import Root, create_root, draft, load_root
from bff.keys import Keys, create_keys, load_keys
from bff.settings import Environment
from bff.wiring import Wired, wire
from clients.endpoint import Endpoint, NoAnswer, no_headers
from core.db.connection import PATIENT_SECONDS
from core.db.migrate import migrate
from core.db.provision import provision

START_SECONDS = 60


class NotReady(Exception):
    """The application gave no answer in `START_SECONDS`."""


def play(screen: Screen, port: int, *, once: bool, folder: Path | None = None) -> None:
    """Plays the demo; unless `once`, stays up until Ctrl-C.

    Raises: PortTaken, HomeInUse, BinariesMissing, ChildEnded, StepWrong, NotReady, NoAnswer,
    OutsideSilent.
    """
    check_free(port)
    began, place = time.monotonic(), Place(folder)
    memory = place.recall()
    if memory is None:
        place.clear()
        root, now = create_root(place.root, 1, os.urandom), SystemClock().now()
        roots = {root.kid: root.public_key}
        create_keys(place.keys, Environment.DEVELOPMENT, os.urandom, now, roots)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    screen.say("启动 PostgreSQL 和 Valkey", "starting PostgreSQL and Valkey")
    with stores(place) as data, outside(place) as world:
        asyncio.run(_play(screen, place, data, world, memory, port, began, once=once))


async def _play(
    screen: Screen,
    place: Place,
    data: Stores,
    world: Outside,
    memory: Memory | None,
    port: int,
    began: float,
    *,
    once: bool,
) -> None:
    await provision(data.superuser_url, data.owner_url, data.app_url)
    await migrate(data.owner_url)
    credentials = await world.credentials()
    keep_secrets(credentials, world.url, f"http://127.0.0.1:{port}", place.secrets)
    keys = load_keys(place.keys, Environment.DEVELOPMENT, SystemClock().now())
    ground = Ground(
        data.app_url, data.redis_url, keys, SystemClock(), os.urandom,
        command_seconds=PATIENT_SECONDS,
    )  # fmt: skip
    made = wire(ground)
    async with made.running():
        if memory is None:
            memory = await _populated(screen, made, place)
            await _publish_keys(made, keys, load_root(place.root))
            place.remember(memory)
        await world.settle(wallet_owners(memory), credentials["wecom"]["corp_id"])
        with processes(place, data, world, port) as running:
            await _wait(running)
            took = time.monotonic() - began
            screen.say(f"{took:.1f} 秒后应答", f"answers after {took:.1f} s")
            number = await tell_story(screen, running, place, made, memory)
            if once:
                return
            screen.invitation(running, place, memory, number)
            with shell_file(place, data, running, memory) as file:
                screen.say(f"另一个窗口里: . {file}", f"in another window: . {file}")
                while True:
                    running.check()
                    await asyncio.sleep(0.5)


async def _populated(screen: Screen, made: Wired, place: Place) -> Memory:
    with screen.progress("导入持卡人", "importing cardholders", PEOPLE) as bar:
        return await populate(made, place, lambda done: bar.update(bar.task_ids[0], completed=done))


async def _publish_keys(made: Wired, keys: Keys, root: Root) -> None:
    """What a custodian does for each school: signs its first key document."""
    for school in await made.services.schools.list_all():
        drafted = draft(keys, school.id, None)
        assert drafted is not None
        await made.services.documents.publish(root.sign(drafted), OPERATOR)


async def _wait(running: Running) -> None:
    """Until the first GraphQL answer."""
    async with httpx2.AsyncClient(base_url=running.url) as http:
        for _ in range(START_SECONDS * 10):
            running.check()
            try:
                await Endpoint(http).ask("Schools", {}, no_headers)
            except NoAnswer:
                await asyncio.sleep(0.1)
            else:
                return
    raise NotReady
