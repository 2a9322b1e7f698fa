"""T0 codes: their index lives in Redis, their single use in PostgreSQL."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import pytest
from redis import Redis

from bff.wiring import Wired, wire
from core.authorisation.records import Answer
from core.ports.codes import PassKind
from terminals.payments import PurchaseMessage, Till
from terminals.scenes import Scene
from tests.faults.bank.town import Size, found, ground
from tests.servers.fixtures import DatabaseDsn

SCHOOL = 71


@dataclass
class Counter:
    """One till, and one cardholder with a phone."""

    wires: Wired
    till: Till
    holder_id: UUID
    device_id: UUID

    async def token(self) -> str:
        """A fresh T0 code."""
        codes = self.wires.services.codes
        return (
            await codes.issue_token(SCHOOL, self.holder_id, self.device_id, PassKind.VIRTUAL_CARD)
        ).text

    async def sell(self, seq_no: int, presented: str) -> Answer:
        """Asks for 100 fen."""
        message = PurchaseMessage(1, seq_no, 100, Scene.MEAL, presented=presented)
        return (await self.wires.services.authoriser.authorise(self.till, message)).answer

    async def balance(self) -> int:
        """What is in the purses."""
        return (await self.wires.services.ledger.balances(SCHOOL, self.holder_id)).balance_minor


@pytest.fixture
async def counter(
    database_dsn: DatabaseDsn, redis_url: str, tmp_path: Path
) -> AsyncIterator[Counter]:
    wires = wire(ground(database_dsn.app, redis_url, tmp_path / "keys.json"))
    async with wires.running():
        await found(wires, SCHOOL, Size(tills=1, holders=1))
        ((holder_id, device_id, account_id),) = await wires.database.unit(
            SCHOOL,
            lambda unit: unit.rows(
                "SELECT d.cardholder_id, d.id, m.account_id FROM code_device d"
                " JOIN merchant m ON m.school_id = $1 AND m.number = 1 WHERE d.school_id = $1",
                SCHOOL,
            ),
        )
        till = Till(SCHOOL, 1, {}, account_id, True, frozenset({Scene.MEAL}))
        yield Counter(wires, till, holder_id, device_id)


async def test_redis_flush_spends_nothing_twice(counter: Counter, redis_url: str) -> None:
    before, token = await counter.balance(), await counter.token()
    with Redis.from_url(redis_url) as cache:
        snapshot = {key: (cache.dump(key), cache.pttl(key)) for key in cache.scan_iter()}
        paid = await counter.sell(1, token)
        cache.flushall()
        again = await counter.sell(1, token)
        elsewhere = await counter.sell(2, token)
        for key, (value, life) in snapshot.items():
            cache.restore(key, max(0, life), value, replace=True)
        after_restore = await counter.sell(3, token)
    assert paid.response_code == "00"
    assert again == replace(paid, verdict="REPEATED")
    assert (elsewhere.response_code, after_restore.response_code) == ("C0", "C1")
    assert await counter.balance() == before - 100
