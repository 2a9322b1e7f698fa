"""Bundles of offline records against the path that settles each alone, on the same uploads."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from random import Random  # noqa: TID251 - seeded
from typing import Any

import pytest

from terminals.offline import Item
from tests.factories.canteen import canteen_on
from tests.factories.offline import Stall, failed_bundles
from tests.factories.twins import KINDS, POOR, RESERVED, REVOKED, RICH, Deed, Twin
from tests.servers.fixtures import DatabaseDsn

SCHOOLS = (7, 8)
UPLOADS = 30
MINOR = (1, 300, 300, 300, 700, 1_200, 2_000, 2_001, 0)
AGO = (*(0,) * 12, 90_000, 90_000, 950_000, -121)


def deeds_of(chance: Random) -> list[Deed]:
    """What two tills did: many plain sales, few people, few screens."""
    return [
        Deed(
            till=chance.choice((0, 0, 1)),
            kind=chance.choice(KINDS) if chance.random() < 0.2 else "plain",
            person=chance.choice((RICH, RICH, POOR, RESERVED, REVOKED)),
            screen=chance.randrange(9),
            minor=chance.choice(MINOR),
            ago=chance.choice(AGO),
        )
        for _ in range(chance.randint(4, 24))
    ]


@dataclass(frozen=True, slots=True)
class Part:
    """What is uploaded before the whole."""

    till: int
    first: int
    count: int
    step: int


def parts_of(chance: Random) -> list[Part]:
    """Some of the records, before all of them."""
    return [
        Part(chance.randrange(2), chance.randrange(8), chance.randint(1, 9), chance.choice((1, -1)))
        for _ in range(chance.randrange(4))
    ]


class World:
    """Two schools on one database for all uploads: one settles in bundles, the other each alone."""

    def __init__(self, dsn: str) -> None:
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        made = canteen_on(dsn, lanes=1, school_ids=SCHOOLS)
        self.stalls = [Stall(each) for each in self.run(self.stack.enter_async_context(made))]
        alone = self.stalls[1]
        alone.uploads = alone.uploads_with(records=alone.bundles_of(maximum=0))

    def run(self, work: Any) -> Any:
        """Plays one step on the world's own loop."""
        return self.runner.run(work)

    def close(self) -> None:
        """Closes the connections, then the loop."""
        self.run(self.stack.aclose())
        self.runner.close()


async def play(
    stall: Stall, batch_no: int, deeds: list[Deed], parts: list[Part], *, is_closed: bool
) -> tuple[list[Any], dict[str, Any]]:
    """What one school told and holds after some uploads."""
    stall.canteen.clock.advance(seconds=60)
    twin = Twin(stall, batch_no)
    await twin.settle_in(is_closed=is_closed)
    written: tuple[list[Item], list[Item]] = ([], [])
    for deed in deeds:
        written[deed.till].append(await twin.write(deed))
    told = []
    for part in parts:
        items = written[part.till][part.first : part.first + part.count]
        told += await twin.told(await twin.upload(part.till, items[:: part.step]))
        stall.canteen.clock.advance(seconds=1)
    for till, items in enumerate(written):
        told += await twin.told(await twin.upload(till, items))
    await twin.check_signatures()
    return told, await twin.books()


@pytest.fixture
def world(database_dsn: DatabaseDsn) -> Iterator[World]:
    """The database that the uploads share."""
    made = World(database_dsn.app)
    yield made
    made.close()


def test_bundles_tell_and_keep_what_each_alone_would(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for seed in range(UPLOADS):
            # Batches count down: of an earlier one each of these records would be too old.
            chance, batch_no = Random(seed), UPLOADS - seed
            deeds, parts, is_closed = deeds_of(chance), parts_of(chance), chance.random() < 0.3
            mine, theirs = (
                world.run(play(stall, batch_no, deeds, parts, is_closed=is_closed))
                for stall in world.stalls
            )
            assert mine == theirs, f"upload {seed}"
    assert failed_bundles(caplog) == []
    for stall in world.stalls:
        assert world.run(stall.canteen.broken()) == {}
