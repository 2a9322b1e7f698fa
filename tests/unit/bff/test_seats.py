"""Seats: lent while free, then by share; refused quickly when crowded."""

import asyncio
import time

import pytest

from bff.guards import Head
from bff.refusal import Refused
from bff.seats import WAITING_PER_SEAT, LoopLag, SeatClass, Seats
from tests.api.house import House, seeded


async def full(count: int = 1, lag: float = 0.0) -> Seats:
    """Seats all held by reads."""
    seats = Seats(count, lambda: lag, seeded())
    for _ in range(count):
        await seats.take(SeatClass.READ)
    return seats


async def waiting(seats: Seats, kind: SeatClass) -> asyncio.Task[None]:
    task = asyncio.create_task(seats.take(kind))
    await asyncio.sleep(0)
    return task


async def count_seated(seats: Seats, kind: SeatClass, tries: int) -> int:
    """How many of `tries` are seated at once; the others leave the queue."""
    tasks = [await waiting(seats, kind) for _ in range(tries)]
    seated = [task.done() and task.exception() is None for task in tasks]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return sum(seated)


async def test_one_class_may_hold_every_free_seat() -> None:
    assert await count_seated(Seats(12, lambda: 0.0, seeded()), SeatClass.READ, 13) == 12


async def test_wait_ends_after_300_ms_with_overloaded_and_jitter() -> None:
    seats = await full()
    started = asyncio.get_running_loop().time()
    with pytest.raises(Refused) as refusal:
        await seats.take(SeatClass.TERMINAL)
    assert 0.25 < asyncio.get_running_loop().time() - started < 10  # a busy machine takes its time
    assert refusal.value.code == "OVERLOADED"
    assert refusal.value.retry_after in range(1, 6)


async def test_freed_seat_goes_to_the_class_furthest_below_its_share() -> None:
    seats = await full(4)
    for _ in range(2):
        seats.give(SeatClass.READ)
        await seats.take(SeatClass.TERMINAL)
    read = await waiting(seats, SeatClass.READ)
    terminal = await waiting(seats, SeatClass.TERMINAL)
    seats.give(SeatClass.READ)  # reads hold 1 of 15 parts, terminals 2 of 50
    await terminal
    assert not read.done()
    seats.give(SeatClass.READ)
    await read


async def test_small_class_is_not_starved_by_the_largest() -> None:
    seats = Seats(3, lambda: 0.0, seeded())
    for _ in range(3):
        await seats.take(SeatClass.TERMINAL)
    terminal = await waiting(seats, SeatClass.TERMINAL)
    read = await waiting(seats, SeatClass.READ)
    seats.give(SeatClass.TERMINAL)
    await read
    assert not terminal.done()
    seats.give(SeatClass.TERMINAL)
    await terminal


async def test_void_is_seated_before_all_others() -> None:
    seats = await full()
    terminal = await waiting(seats, SeatClass.TERMINAL)
    void = await waiting(seats, SeatClass.URGENT)
    seats.give(SeatClass.READ)
    await void
    assert not terminal.done()
    seats.give(SeatClass.URGENT)
    await terminal


async def test_late_loop_refuses_at_once_but_not_a_void() -> None:
    seats = await full(lag=0.2)
    with pytest.raises(Refused) as refusal:
        await asyncio.wait_for(seats.take(SeatClass.TERMINAL), 0.05)
    assert refusal.value.code == "OVERLOADED"
    void = await waiting(seats, SeatClass.URGENT)
    assert not void.done()
    seats.give(SeatClass.READ)
    await void
    assert await count_seated(seats, SeatClass.URGENT, 1) == 0


async def test_late_loop_with_a_free_seat_serves() -> None:
    assert await count_seated(Seats(1, lambda: 9.0, seeded()), SeatClass.TERMINAL, 2) == 1


async def test_queue_is_bounded() -> None:
    seats = await full()
    tasks = [await waiting(seats, SeatClass.MONEY) for _ in range(WAITING_PER_SEAT)]
    with pytest.raises(Refused) as refusal:
        await asyncio.wait_for(seats.take(SeatClass.MONEY), 0.05)
    assert refusal.value.code == "OVERLOADED"
    assert [task.done() for task in tasks] == [False] * WAITING_PER_SEAT
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_client_cancelled_in_the_queue_loses_no_seat() -> None:
    seats = await full()
    queued = await waiting(seats, SeatClass.MONEY)
    queued.cancel()
    granted = await waiting(seats, SeatClass.MONEY)
    seats.give(SeatClass.READ)
    granted.cancel()  # after its seat was granted, before it could run
    await asyncio.gather(queued, granted, return_exceptions=True)
    assert await count_seated(seats, SeatClass.READ, 2) == 1


async def test_loop_lag_is_seen_while_the_loop_is_late() -> None:
    lag = LoopLag(interval=0.01)
    assert lag.seconds() == 0
    lag.start()
    await asyncio.sleep(0.02)
    time.sleep(0.08)  # noqa: ASYNC251  # the fault under test: somebody blocks the loop
    assert lag.seconds() > 0.05
    lag.stop()
    assert lag.seconds() == 0


@pytest.mark.parametrize(
    ("operation", "signed_by_terminal", "kind"),
    [
        ("Pay", False, SeatClass.MONEY),
        ("Unknown", False, SeatClass.READ),
        ("Void", False, SeatClass.READ),
        ("Void", True, SeatClass.URGENT),
        ("Pay", True, SeatClass.TERMINAL),
        ("", True, SeatClass.TERMINAL),
    ],
)
def test_head_chooses_the_queue(operation: str, signed_by_terminal: bool, kind: SeatClass) -> None:
    headers = {b"x-operation": operation.encode()}
    if signed_by_terminal:
        headers[b"signature-input"] = b'term=();tag="cc-term"'
    assert House().guards.seat_class(Head("/graphql", headers, "")) is kind


async def test_a_seat_given_back_as_the_wait_ends_leaves_a_refusal() -> None:
    seats = await full()
    late = await waiting(seats, SeatClass.TERMINAL)
    seats._queues[SeatClass.TERMINAL][0].set_result(False)  # what the timer does
    seats.give(SeatClass.READ)
    with pytest.raises(Refused) as refusal:
        await late
    assert refusal.value.code == "OVERLOADED"
    assert await count_seated(seats, SeatClass.READ, 2) == 1
