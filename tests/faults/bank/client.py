"""One client process: `python -m tests.faults.bank.client HOME INDEX COUNT SEED URL URL`."""

import asyncio
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from time import time as unix_time  # noqa: TID251 - tills have clocks of their own

import httpx2

from bff.fleet.dice import Dice
from clients.endpoint import Endpoint
from tests.faults.bank.doors import DOOR_SECONDS, Doors
from tests.faults.bank.guesses import AT_ONCE, guess_by_hundreds
from tests.faults.bank.hall import Hall
from tests.faults.bank.journal import Journal, read
from tests.faults.bank.mix import ACTS
from tests.faults.bank.scenes import Street
from tests.faults.bank.teller import Teller
from tests.faults.bank.town import Town
from tests.faults.bank.visits import Deck
from tests.faults.bank.wire import Intent, Wire

DRAIN_SECONDS = 30
HTTP_SECONDS = 2.5
VISITORS = 2
"""Scenes at the doors that a client plays at once; more would take the tills their processors."""
BETWEEN_VISITS_SECONDS = (0.2, 0.8)
LIMITS = httpx2.Limits(max_connections=AT_ONCE, max_keepalive_connections=20)
"""So many that what is asked at once is on its way at once."""


async def play(home: Path, index: int, count: int, seed: str, urls: list[str]) -> None:
    """Goes on from the journal, then works until the stop file appears, then drains."""
    incarnation = os.environ["BANK_INCARNATION"]  # noqa: TID251 - given by the supervisor
    town = Town.read(home / "town.json")
    path = home / f"client-{index}.jsonl"
    left = list(read(path))
    async with AsyncExitStack() as stack:
        apps: list[Wire] = []
        dice = Dice(seed, index, incarnation)
        teller = Teller(Journal(path), apps, dice)
        street = Street(town, teller, (index, count), dice)

        async def client(url: str, seconds: float) -> httpx2.AsyncClient:
            # All in plain HTTP: reading the trust store would be for nothing.
            opened = httpx2.AsyncClient(
                base_url=url, timeout=seconds, trust_env=False, verify=False, limits=LIMITS
            )
            return await stack.enter_async_context(opened)

        outside = await client(town.outside_url, DOOR_SECONDS)
        for url in urls:
            pages = await client(url, DOOR_SECONDS)
            doors = Doors(Endpoint(pages), pages, outside, dice)
            http = await client(url, HTTP_SECONDS)
            apps.append(Wire(Endpoint(http), street.identities, unix_time, dice, doors))
        teller.note("born", incarnation=int(incarnation))
        hall = Hall(town.folk, street, (index, count), int(incarnation))
        stop = home / "stop"
        ended = asyncio.create_task(_ended(stop, teller))
        async with asyncio.TaskGroup() as group:
            for intent in teller.go_on(left):
                group.create_task(_finish(teller, intent))
            for till in street.tills:
                group.create_task(_work(street, till, stop))
            deck = Deck(dice, town.visits)
            if index == 0 and (not town.visits or guess_by_hundreds.__name__ in town.visits):
                group.create_task(guess_by_hundreds(hall))
            for place in range(VISITORS):
                group.create_task(_visit(hall, deck, place, stop))
        ended.cancel()


async def _finish(teller: Teller, intent: Intent) -> None:
    await teller.insist(intent)


async def _work(street: Street, till: int, stop: Path) -> None:
    while not stop.exists():  # noqa: ASYNC240 - one stat
        await street.dice.pick(ACTS)(street, till)


async def _visit(hall: Hall, deck: Deck, place: int, stop: Path) -> None:
    """Goes on with some of the hall's persons, whom nobody else plays."""
    persons = hall.persons[place::VISITORS]
    while not stop.exists():  # noqa: ASYNC240 - as above
        await deck.deal()(hall, hall.dice.pick(persons))
        await asyncio.sleep(hall.dice.between(*BETWEEN_VISITS_SECONDS))


async def _ended(stop: Path, teller: Teller) -> None:
    while not stop.exists():  # noqa: ASYNC110, ASYNC240 - told by another process
        await asyncio.sleep(0.1)
    await asyncio.sleep(DRAIN_SECONDS)
    teller.gives_up.set()


if __name__ == "__main__":
    asyncio.run(
        play(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5:])
    )
