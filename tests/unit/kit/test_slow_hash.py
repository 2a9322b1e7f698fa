"""The bounded hashing of secrets."""

import asyncio

import pytest

from core.kit.errors import Overloaded
from core.kit.slow_hash import RUNNING, WAITING, SlowHash


async def test_only_the_right_secret_matches(slow_hash: SlowHash) -> None:
    stored = await slow_hash.make("right")
    assert await slow_hash.matches(stored, "right")
    assert not await slow_hash.matches(stored, "wrong")
    assert not await slow_hash.matches(None, "")


async def test_equal_secrets_have_unequal_hashes(slow_hash: SlowHash) -> None:
    assert await slow_hash.make("same") != await slow_hash.make("same")


async def test_flood_is_refused_beyond_the_queue(slow_hash: SlowHash) -> None:
    seats = RUNNING + WAITING
    answers = await asyncio.gather(
        *(slow_hash.matches(None, "x") for _ in range(seats + 5)), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, Overloaded)]
    assert (len(refused), answers.count(False)) == (5, seats)
    assert not await slow_hash.matches(None, "x")


@pytest.mark.parametrize("secret", ["密" * 128, ""])
async def test_any_text_can_be_hashed(slow_hash: SlowHash, secret: str) -> None:
    assert await slow_hash.matches(await slow_hash.make(secret), secret)
