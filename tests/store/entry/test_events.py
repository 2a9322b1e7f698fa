"""Events that gates took offline: each judged by itself, kept once, safe to send again."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.entry.records import (
    Direction,
    EntryOutcome,
    EventAnswer,
    EventFlag,
    EventVerdict,
    Passback,
)
from core.kit.errors import IdempotencyConflict
from tests.factories.gates import CAMPUS_GATE, SOUTH_GATE, Gates

ACCEPTED = EventAnswer(EventVerdict.ACCEPTED)
SAME = EventAnswer(EventVerdict.DUPLICATE, "SAME_RECORD")


def flagged(*flags: EventFlag) -> EventAnswer:
    return replace(ACCEPTED, flags=flags)


async def test_event_becomes_a_passage_at_its_own_time(gates: Gates) -> None:
    holder = await gates.canteen.holder()
    event = gates.event(gates.passer(holder))
    gates.canteen.clock.advance(hours=24)
    assert await gates.tell(event) == ACCEPTED
    (passage,) = (await gates.passages.page(7, holder.id)).items
    assert (passage.passed_at, passage.is_offline) == (event.passed_at, True)
    assert await gates.is_inside(holder) is True
    assert await gates.canteen.broken() == {}


async def test_resent_event_is_the_same_and_passes_no_second_time(gates: Gates) -> None:
    event = gates.event(gates.passer(await gates.canteen.holder()))
    answers = await asyncio.gather(*(gates.tell(event, at % 2) for at in range(20)))
    assert sorted(str(answer.reason) for answer in answers) == ["None", *["SAME_RECORD"] * 19]
    before = await gates.dump()
    gates.canteen.clock.advance(days=20)
    assert await gates.tell(event) == SAME
    assert await gates.dump() == before


async def test_verdict_that_is_no_acceptance_is_repeated_in_full(gates: Gates) -> None:
    event = gates.event(None, refusal="ISSUER_SIGNATURE")
    rejected = EventAnswer(EventVerdict.REJECTED, "ISSUER_SIGNATURE")
    assert await gates.tell(event) == rejected
    before = await gates.dump()
    assert await gates.tell(event) == rejected
    assert await gates.dump() == before
    other = gates.event(None, refusal="FORMAT")
    answers = await asyncio.gather(*(gates.tell(other, at % 2) for at in range(8)))
    assert {answer.reason for answer in answers} == {"FORMAT"}
    assert [await gates.count(table) for table in ("entry_event", "passage")] == [2, 0]


async def test_other_record_under_a_known_key_conflicts(gates: Gates) -> None:
    holder = await gates.canteen.holder()
    event = gates.event(gates.passer(holder))
    asked = gates.asks(gates.passer(holder))
    await gates.tell(event)
    await gates.ask(asked)
    before = await gates.dump()
    conflict = EventAnswer(EventVerdict.REJECTED, "KEY_CONFLICT")
    assert await gates.tell(replace(event, record_hash=bytes(32))) == conflict
    other = gates.event(gates.passer(holder), key=asked.key, content_hash=bytes(32))
    assert await gates.tell(other) == conflict
    assert await gates.dump() == before


async def test_event_of_an_entry_answered_online_is_the_same(gates: Gates) -> None:
    passer = gates.passer(await gates.canteen.holder())
    asked = gates.asks(passer)
    await gates.ask(asked)
    before = await gates.dump()
    assert await gates.tell(gates.event(passer, key=asked.key)) == SAME
    assert await gates.dump() == before


async def test_lost_refusal_then_an_open_door_is_a_fact(gates: Gates) -> None:
    holder = await gates.canteen.holder()
    await gates.end("FREEZE", holder)
    asked = gates.asks(gates.passer(holder))
    refused = await gates.ask(asked)
    told = await gates.tell(gates.event(asked.passer, key=asked.key))
    assert told == flagged(EventFlag.OVERRODE_DECLINE)
    assert await gates.count() == 1
    assert await gates.ask(asked) == replace(refused, is_repeat=True)


async def test_question_that_comes_after_its_event_opens_and_passes_no_second_time(
    gates: Gates,
) -> None:
    tapper = gates.tapper(await gates.canteen.holder())
    asked = gates.asks(tapper)
    assert await gates.tell(gates.event(tapper, key=asked.key)) == ACCEPTED
    assert (await gates.ask(asked)).outcome is EntryOutcome.GRANTED
    assert await gates.count() == 1
    other = gates.asks(tapper, key=asked.key, content_hash=bytes(32))
    event = gates.event(tapper)
    await gates.tell(event)
    with pytest.raises(IdempotencyConflict):
        await gates.ask(replace(other, key=event.key))
    assert await gates.canteen.broken() == {}


async def test_late_question_of_an_event_moves_nobody_again(gates: Gates) -> None:
    holder = await gates.canteen.holder()
    event = gates.event(gates.tapper(holder))
    await gates.tell(event)
    gates.canteen.clock.advance(seconds=1)
    await gates.ask(gates.asks(gates.tapper(holder), way=Direction.OUT))
    gates.canteen.clock.advance(seconds=1)
    late = gates.asks(gates.tapper(holder), key=event.key, content_hash=event.content_hash)
    assert (await gates.ask(late)).outcome is EntryOutcome.GRANTED
    assert (await gates.count(), await gates.is_inside(holder)) == (2, False)


async def test_code_spent_before_passes_no_second_time(gates: Gates) -> None:
    passer = gates.passer(await gates.canteen.holder())
    assert await gates.tell(gates.event(passer)) == ACCEPTED
    own = EventAnswer(EventVerdict.DUPLICATE, "SAME_CODE")
    elsewhere = EventAnswer(EventVerdict.SUSPECT, "CODE_USED_ELSEWHERE")
    assert await gates.tell(gates.event(passer)) == own
    assert await gates.tell(gates.event(passer, SOUTH_GATE)) == elsewhere
    assert await gates.count() == 1


async def test_one_code_at_two_offline_gates_passes_once(gates: Gates) -> None:
    for _ in range(5):
        passer = gates.passer(await gates.canteen.holder())
        told = await asyncio.gather(
            gates.tell(gates.event(passer), 0), gates.tell(gates.event(passer, SOUTH_GATE), 1)
        )
        assert sorted(answer.verdict for answer in told) == ["ACCEPTED", "SUSPECT"]
    assert await gates.count() == 5


@pytest.mark.parametrize(
    ("after", "trusted", "expected"),
    [
        (timedelta(seconds=-120), True, ACCEPTED),
        (timedelta(seconds=-121), True, EventAnswer(EventVerdict.SUSPECT, "CLOCK")),
        (timedelta(hours=24), True, ACCEPTED),
        (timedelta(hours=24, seconds=1), True, flagged(EventFlag.LATE)),
        (timedelta(days=10), True, flagged(EventFlag.LATE)),
        (timedelta(days=10, seconds=1), True, EventAnswer(EventVerdict.SUSPECT, "TOO_OLD")),
        (timedelta(days=10, seconds=1), False, flagged(EventFlag.LATE)),
    ],
)
async def test_time_of_an_event_is_believed_within_bounds(
    gates: Gates, after: timedelta, trusted: bool, expected: EventAnswer
) -> None:
    passer = gates.passer(await gates.canteen.holder())
    at = gates.canteen.clock.now() - after
    event = gates.event(passer, passed_at=at, is_clock_trusted=trusted)
    assert await gates.tell(event) == expected
    assert await gates.count() == (expected.verdict is EventVerdict.ACCEPTED)


async def test_deny_list_that_the_gate_held_decides(gates: Gates) -> None:
    holder, serial = await gates.canteen.holder(), bytes.fromhex("a1b2c3d40001")

    def event(**changes: Any) -> Any:
        return gates.event(gates.passer(holder, serial=serial), **changes)

    before = event(passed_at=gates.canteen.clock.now())
    await gates.deny(bytes.fromhex("a1b2c3d50001"))
    gates.canteen.clock.advance(seconds=1)
    await gates.end("REVOKE", holder)
    await gates.deny(serial)
    gates.canteen.clock.advance(seconds=1)
    assert await gates.tell(before) == ACCEPTED
    after_report = flagged(EventFlag.AFTER_REPORT)
    assert await gates.tell(event()) == after_report
    assert await gates.tell(event(deny_version=1)) == after_report
    kept = await gates.dump("passage", "zone_presence")
    known = EventAnswer(EventVerdict.REJECTED, "REVOKED_KNOWN")
    assert await gates.tell(event(deny_version=2)) == known
    assert await gates.dump("passage", "zone_presence") == kept


async def test_lost_card_is_on_no_list_that_a_gate_holds(gates: Gates) -> None:
    holder = await gates.canteen.holder()
    await gates.end("LOSE", holder)
    gates.canteen.clock.advance(seconds=1)
    event = gates.event(gates.tapper(holder), deny_version=9)
    assert await gates.tell(event) == flagged(EventFlag.AFTER_REPORT)


@pytest.mark.parametrize("passback", [Passback.SOFT, Passback.HARD])
async def test_second_coming_in_is_noted_and_never_refused(
    gates: Gates, passback: Passback
) -> None:
    await gates.put(replace(CAMPUS_GATE, passback=passback))
    door, tapper = (
        replace(CAMPUS_GATE, passback=passback), gates.tapper(await gates.canteen.holder())
    )  # fmt: skip
    assert await gates.tell(gates.event(tapper, door)) == ACCEPTED
    gates.canteen.clock.advance(seconds=1)
    twice = gates.event(tapper, door)
    assert await gates.tell(twice) == flagged(EventFlag.PASSBACK)
    assert await gates.tell(twice) == replace(SAME, flags=(EventFlag.PASSBACK,))


async def test_what_happened_later_decides_where_somebody_is(gates: Gates) -> None:
    holder = await gates.canteen.holder()
    tapper = gates.tapper(holder)
    came_in = gates.event(tapper)
    gates.canteen.clock.advance(minutes=5)
    await gates.ask(gates.asks(tapper, way=Direction.OUT))
    assert await gates.tell(came_in) == ACCEPTED
    assert await gates.is_inside(holder) is False
