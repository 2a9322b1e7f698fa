"""Passing a door: one key, one passage, one answer; a code opens once; refused, all stays."""

import asyncio
from dataclasses import replace
from datetime import time, timedelta

import pytest

from core.db.unit import Unit
from core.entry.records import (
    Direction,
    Door,
    DoorScene,
    EntryAnswer,
    EntryOutcome,
    Groups,
    Pair,
    Passback,
)
from core.entry.store.passages import lock_person
from core.kit.errors import IdempotencyConflict
from tests.factories.gates import CAMPUS_GATE, SOUTH_GATE, Gates, sign

DORMITORY = replace(
    CAMPUS_GATE, number=2, zone="dormitory", scene=DoorScene.DORMITORY, common=False,
    pairs=(Pair(7, 0), Pair(7, 2)),
)  # fmt: skip


def guarded(passback: Passback) -> tuple[Door, Door]:
    return replace(CAMPUS_GATE, passback=passback), replace(SOUTH_GATE, passback=passback)


async def test_granted_entry_leaves_one_passage(gates: Gates) -> None:
    holder = await gates.canteen.holder()
    asked = gates.asks(gates.passer(holder))
    answer = await gates.ask(asked)
    assert (answer.outcome, answer.response_code, answer.reason) == (
        EntryOutcome.GRANTED, "00", None,
    )  # fmt: skip
    assert answer.cardholder_id == holder.id
    assert (await gates.count(), await gates.is_inside(holder)) == (1, True)
    assert await gates.canteen.broken() == {}


async def test_repeat_hears_the_stored_answer_and_passes_no_second_time(gates: Gates) -> None:
    holder = await gates.canteen.holder()
    asked = gates.asks(gates.passer(holder))
    first, before = await gates.ask(asked), await gates.dump()
    gates.canteen.clock.advance(days=2)
    again = replace(asked, answered_at=gates.canteen.clock.now())
    second = await gates.ask(again, process=1)
    assert second == replace(first, is_repeat=True)
    assert second.signed_answer == first.signed_answer
    assert await gates.dump() == before


async def test_same_key_other_content_conflicts_and_changes_nothing(gates: Gates) -> None:
    holder = await gates.canteen.holder()
    asked = gates.asks(gates.passer(holder))
    await gates.ask(asked)
    before = await gates.dump()
    with pytest.raises(IdempotencyConflict):
        await gates.ask(replace(asked, content_hash=bytes(32)))
    assert await gates.dump() == before


async def test_fifty_parallel_equal_requests_pass_once(gates: Gates) -> None:
    holder = await gates.canteen.holder()
    for passer in (gates.passer(holder), gates.tapper(holder)):
        asked, before = gates.asks(passer), await gates.count()
        answers = await asyncio.gather(*(gates.ask(asked, at % 2) for at in range(50)))
        assert {answer.outcome for answer in answers} == {EntryOutcome.GRANTED}
        assert [answer.is_repeat for answer in answers].count(False) == 1
        assert len({answer.signed_answer for answer in answers}) == 1
        assert await gates.count() - before == 1
    assert await gates.canteen.broken() == {}


async def test_one_code_at_two_gates_opens_one(gates: Gates) -> None:
    for _ in range(10):
        passer = gates.passer(await gates.canteen.holder())
        codes = await asyncio.gather(
            gates.ask(gates.asks(passer), 0), gates.ask(gates.asks(passer, SOUTH_GATE), 1)
        )
        assert sorted(answer.response_code for answer in codes) == ["00", "C1"]
        assert {a.reason for a in codes} == {None, "CODE_USED"}
    assert await gates.count() == 10
    assert await gates.canteen.broken() == {}


async def test_one_code_of_many_people_opens_one(gates: Gates) -> None:
    code = gates.canteen.ids.bytes(13) + b"E"
    people = [await gates.canteen.holder() for _ in range(8)]
    asked = [gates.asks(gates.passer(each, code=code)) for each in people]
    answers = await asyncio.gather(*(gates.ask(each, at % 2) for at, each in enumerate(asked)))
    assert sorted(answer.response_code for answer in answers) == ["00", *["C1"] * 7]
    assert await gates.count() == 1


async def test_parallel_equal_refusals_are_one_answer(gates: Gates) -> None:
    asked = gates.asks(gates.passer(await gates.canteen.holder()))
    refused = EntryAnswer(
        asked.key, EntryOutcome.DENIED, "C2", "FORMAT", DoorScene.GATE, None, None, 1,
        asked.answered_at,
    )  # fmt: skip
    answers = await asyncio.gather(
        *(gates.processes[at % 2].refuse(7, bytes(32), refused, sign) for at in range(8))
    )
    assert [answer.is_repeat for answer in answers].count(False) == 1
    assert len({answer.signed_answer for answer in answers}) == 1
    with pytest.raises(IdempotencyConflict):
        await gates.ask(asked)
    assert [await gates.count(table) for table in ("entry_answer", "passage")] == [1, 0]


async def test_refused_code_is_not_spent(gates: Gates) -> None:
    await gates.put(DORMITORY)
    passer = gates.passer(await gates.canteen.holder())
    assert await gates.code(gates.asks(passer, DORMITORY)) == "E0"
    assert await gates.code(gates.asks(passer)) == "00"


@pytest.mark.parametrize(
    ("what", "taps", "code"),
    [
        ("FREEZE", False, "62"),
        ("CLOSE", False, "46"),
        ("LOSE", True, "41"),
        ("SHUT", False, "54"),
        ("REVOKE", False, "C3"),
    ],
)
async def test_what_has_ended_passes_no_door(
    gates: Gates, what: str, taps: bool, code: str
) -> None:
    holder = await gates.canteen.holder()
    await gates.end(what, holder)
    tables = ("passage", "zone_presence", "entry_event", "cardholder", "card", "code_device")
    before = await gates.dump(*tables)
    passer = gates.tapper(holder) if taps else gates.passer(holder)
    asked = gates.asks(passer)
    assert await gates.code(asked) == code
    assert await gates.dump(*tables) == before
    assert (await gates.ask(asked)).is_repeat


async def test_lost_card_leaves_the_code_good(gates: Gates) -> None:
    holder = await gates.canteen.holder()
    await gates.end("LOSE", holder)
    assert await gates.code(gates.asks(gates.passer(holder))) == "00"


async def test_restricted_door_opens_by_right_or_by_entry_pass(gates: Gates) -> None:
    await gates.put(DORMITORY)
    holder = await gates.canteen.holder()
    pass_of = Groups(7, 0b100)
    assert await gates.code(gates.asks(gates.passer(holder), DORMITORY)) == "E0"
    assert await gates.code(gates.asks(gates.passer(holder, groups=pass_of), DORMITORY)) == "00"
    await gates.grant(holder, 8, 0b101)
    await gates.grant(holder, 7, 0b010)
    assert await gates.code(gates.asks(gates.tapper(holder), DORMITORY)) == "E0"
    await gates.grant(holder, 7, 0b100)
    assert await gates.code(gates.asks(gates.tapper(holder), DORMITORY)) == "00"
    await gates.grant(holder, 7, 0)
    assert await gates.code(gates.asks(gates.tapper(holder), DORMITORY)) == "E0"


async def test_hours_close_a_door_for_everybody(gates: Gates) -> None:
    door = replace(CAMPUS_GATE, opens_at=time(6), closes_at=time(23))
    await gates.put(door)
    holder = await gates.canteen.holder()
    late = gates.asks(gates.passer(holder), door, local_time=time(23))
    answer = await gates.ask(late)
    assert (answer.response_code, answer.reason) == ("E2", "OUT_OF_HOURS")
    assert await gates.count() == 0


class TestPassback:
    """Who is inside comes in no second time, as far as the zone says."""

    async def test_hard_zone_refuses_by_any_of_its_doors(self, gates: Gates) -> None:
        north, south = guarded(Passback.HARD)
        await gates.put(north, south)
        holder = await gates.canteen.holder()
        assert await gates.code(gates.asks(gates.passer(holder), north)) == "00"
        before = await gates.dump("passage", "zone_presence")
        again = gates.asks(gates.tapper(holder), south)
        answer = await gates.ask(again)
        assert (answer.response_code, answer.reason) == ("E1", "PASSBACK")
        assert await gates.dump("passage", "zone_presence") == before

    async def test_parallel_ways_in_let_one_through(self, gates: Gates) -> None:
        north, south = guarded(Passback.HARD)
        await gates.put(north, south)
        for _ in range(10):
            holder = await gates.canteen.holder()
            answers = await asyncio.gather(
                gates.ask(gates.asks(gates.passer(holder), north), 0),
                gates.ask(gates.asks(gates.tapper(holder), south), 1),
            )
            assert sorted(answer.response_code for answer in answers) == ["00", "E1"]

    async def test_question_waits_for_whoever_moves_the_same_person(self, gates: Gates) -> None:
        north, _ = guarded(Passback.HARD)
        await gates.put(north)
        holder, is_held = await gates.canteen.holder(), asyncio.Event()

        async def move(unit: Unit) -> None:
            await lock_person(unit, holder.id)
            await unit.execute(
                "INSERT INTO zone_presence (school_id, zone, cardholder_id, inside, moved_at)"
                " VALUES ($1, 'campus', $2, true, $3)",
                unit.school_id, holder.id, gates.canteen.clock.now(),
            )  # fmt: skip
            is_held.set()
            await asyncio.sleep(0.3)

        moving = asyncio.create_task(gates.unit(move))
        await is_held.wait()
        assert await gates.code(gates.asks(gates.tapper(holder), north)) == "E1"
        await moving

    async def test_soft_zone_lets_in_and_notes_it(self, gates: Gates) -> None:
        north, _ = guarded(Passback.SOFT)
        await gates.put(north)
        holder = await gates.canteen.holder()
        for _ in range(2):
            assert await gates.code(gates.asks(gates.tapper(holder), north)) == "00"
        flags = await gates.canteen.rows("SELECT flags FROM passage ORDER BY seq_no")
        assert flags == [([],), (["PASSBACK"],)]

    async def test_zone_that_is_off_notes_nothing(self, gates: Gates) -> None:
        holder = await gates.canteen.holder()
        for _ in range(2):
            assert await gates.code(gates.asks(gates.tapper(holder))) == "00"
        assert await gates.canteen.rows("SELECT DISTINCT flags FROM passage") == [([],)]

    async def test_whoever_went_out_comes_in_again(self, gates: Gates) -> None:
        north, _ = guarded(Passback.HARD)
        await gates.put(north)
        holder = await gates.canteen.holder()
        for way in (Direction.IN, Direction.OUT, Direction.OUT, Direction.IN):
            gates.canteen.clock.advance(seconds=1)
            assert await gates.code(gates.asks(gates.tapper(holder), north, way)) == "00"
        assert await gates.is_inside(holder) is True

    async def test_a_door_without_ways_says_nothing_of_inside(self, gates: Gates) -> None:
        north, _ = guarded(Passback.HARD)
        await gates.put(north)
        holder = await gates.canteen.holder()
        for _ in range(2):
            assert await gates.code(gates.asks(gates.tapper(holder), north, Direction.NONE)) == "00"
        assert await gates.is_inside(holder) is None

    async def test_another_zone_is_another_matter(self, gates: Gates) -> None:
        north, _ = guarded(Passback.HARD)
        library = replace(CAMPUS_GATE, number=3, zone="library", passback=Passback.HARD)
        await gates.put(north, library)
        holder = await gates.canteen.holder()
        assert await gates.code(gates.asks(gates.tapper(holder), north)) == "00"
        assert await gates.code(gates.asks(gates.tapper(holder), library)) == "00"

    async def test_who_left_unseen_is_let_in_the_next_day(self, gates: Gates) -> None:
        north, _ = guarded(Passback.HARD)
        await gates.put(north)
        holder = await gates.canteen.holder()
        assert await gates.code(gates.asks(gates.tapper(holder), north)) == "00"
        gates.canteen.clock.advance(hours=24, seconds=-1)
        assert await gates.code(gates.asks(gates.tapper(holder), north)) == "E1"
        assert await gates.passages.count_inside(7, "campus") == 1
        gates.canteen.clock.advance(seconds=1)
        assert await gates.passages.count_inside(7, "campus") == 0
        assert await gates.code(gates.asks(gates.tapper(holder), north)) == "00"


async def test_log_pages_by_time_and_is_ones_own(gates: Gates) -> None:
    holder, other = await gates.canteen.holder(), await gates.canteen.holder()
    for _ in range(5):
        await gates.ask(gates.asks(gates.tapper(holder)))
        gates.canteen.clock.advance(seconds=1)
    await gates.ask(gates.asks(gates.tapper(other)))
    whole = await gates.log(holder)
    assert (len(whole), len(set(whole))) == (5, 5)
    first = await gates.passages.page(7, holder.id, first=2)
    assert ([each.id for each in first.items], first.has_next) == (whole[:2], True)
    assert first.items[0].passed_at - first.items[1].passed_at == timedelta(seconds=1)
    assert first.items[0].door_name_en == "North gate"


async def test_old_passages_go_with_what_tells_of_them(gates: Gates) -> None:
    holder = await gates.canteen.holder()
    await gates.ask(gates.asks(gates.tapper(holder)))
    await gates.tell(gates.event(gates.passer(holder)))
    gates.canteen.clock.advance(days=180)
    await gates.ask(gates.asks(gates.tapper(holder)))
    assert await gates.passages.expire(7) == 0
    gates.canteen.clock.advance(seconds=1)
    assert await gates.passages.expire(7) == 4
    counts = [await gates.count(table) for table in ("passage", "entry_answer", "entry_event")]
    assert counts == [1, 1, 0]
    gates.canteen.clock.advance(days=2)
    assert await gates.passages.expire(7) == 1
    assert await gates.count("zone_presence") == 0
