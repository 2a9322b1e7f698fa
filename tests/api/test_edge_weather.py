"""A day in which everything about an edge breaks by chance, and nobody pays twice."""

from random import Random  # noqa: TID251 - a test's own dice
from typing import Any

import httpx2
import pytest

from tests.api.edges import Hall
from tests.api.sample import ALICE, BOB

CARDS = {"S001": "CARD:00000000000001", "S002": "CARD:00000000000002"}
STEPS = 30
MINOR = 10


class Weather(httpx2.AsyncBaseTransport):
    """The canteen's own network: now and then an answer of the edge gets lost on it."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner
        self.loses = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self._inner.handle_async_request(request)
        if self.loses:
            raise httpx2.ReadTimeout("nothing came", request=request)
        return answer


class Day:
    """What the cashiers saw: a sale is paid if they were shown success and did not undo it."""

    def __init__(self, hall: Hall, seed: int, phones: dict[str, Any]) -> None:
        self._hall = hall
        self._dice = Random(seed)
        self._phones = phones
        self.sold: dict[tuple[int, ...], tuple[str, int]] = {}
        self._receipts: list[tuple[Any, Any]] = []

    async def step(self) -> None:
        """One thing that happens."""
        hall, dice = self._hall, self._dice
        hall.campus.clock.advance(seconds=1)
        acts = [self._sell] * 6 + [self._void, self._line, self._lose, self._kill, self._server]
        await dice.choice(acts)()

    async def _sell(self) -> None:
        stand, person = self._dice.choice(self._hall.stands), self._dice.choice(sorted(CARDS))
        is_tap = self._dice.random() < 0.3
        text = CARDS[person] if is_tap else self._phones[person].show()
        minor = MINOR + len(self._receipts)
        receipt = await stand.till.sell(text, minor)
        self._receipts.append((stand, receipt))
        if receipt.is_approved:
            self.sold[receipt.entry.key] = (person, minor)

    async def _void(self) -> None:
        paid = [each for each in self._receipts if each[1].entry.key in self.sold]
        if paid:
            stand, receipt = self._dice.choice(paid)
            await stand.till.void(receipt.entry.key)  # queued if nobody answers: it will be done
            del self.sold[receipt.entry.key]

    async def _line(self) -> None:
        is_cut = self._dice.random() < 0.5
        self._hall.network.cut = lambda _operation: is_cut
        await self._hall.edge.beat()

    async def _server(self) -> None:
        """Requests arrive, answers do not."""
        operation = self._dice.choice(["PurchaseAuthorise", "PurchaseVoid"])
        self._hall.network.lost = lambda asked: asked == operation

    async def _lose(self) -> None:
        weather = self._hall.http._transport
        assert isinstance(weather, Weather)
        weather.loses = not weather.loses

    async def _kill(self) -> None:
        await self._hall.open_edge()
        self._hall.http._transport = Weather(self._hall.http._transport)

    async def evening(self) -> None:
        """All is well again, and everything that waits is sent."""
        hall = self._hall
        hall.network.lost = hall.network.cut = lambda _operation: False
        await self._kill()
        await hall.mend_line()
        for stand in hall.stands:
            await stand.till.settle_open()
            assert stand.journal.list_open() == []
        judged = await hall.upload()
        unpaid = [each for each in judged if each.verdict != "ACCEPTED"]
        # What was taken at the edge and undone at the server: its record comes to a tombstone.
        assert {(each.verdict, each.reason) for each in unpaid} <= {("REJECTED", "KEY_CONFLICT")}
        assert not {each.key for each in unpaid} & self.sold.keys()
        for stand in hall.stands:
            await stand.batches.close(1)


@pytest.mark.parametrize("seed", [1, 2])
async def test_nobody_pays_twice_whatever_breaks(hall: Hall, seed: int) -> None:
    phones = {person.number: await hall.phone(person) for person in (ALICE, BOB)}
    before = {person.number: await hall.balance(person) for person in (ALICE, BOB)}
    day = Day(hall, seed, phones)
    await day._kill()
    for _ in range(STEPS):
        await day.step()
    await day.evening()
    for person in (ALICE, BOB):
        spent = sum(minor for who, minor in day.sold.values() if who == person.number)
        assert before[person.number] - await hall.balance(person) == spent
    states = await hall.campus.rows("SELECT state FROM authorisation WHERE held_minor > 0")
    captured = [row["state"] for row in states if row["state"] == "CAPTURED"]
    assert len(captured) == len(day.sold)
