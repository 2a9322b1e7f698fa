"""The reference terminal as a gate: it opens for a verified yes and for nothing else."""

import pytest

from clients.terminal.journal import Operation, TillLocked
from clients.terminal.receipt import Direction, Receipt
from clients.terminal.words import tell
from terminals.ccr import Outcome
from tests.unit.clients.conftest import Counter
from tests.unit.clients.test_till import CODE, every, on


async def enter(counter: Counter, door: int = 1) -> Receipt:
    return await counter.till.enter(f"{CODE}\r\n", door, Direction.IN)


async def test_verified_yes_opens_and_is_in_the_journal(counter: Counter) -> None:
    receipt = await enter(counter)
    assert receipt.is_approved
    assert receipt.entry.given == {"presented": CODE, "doorNo": 1, "direction": "IN"}
    assert counter.server.passed == ["IN"]
    assert counter.journal.get(receipt.entry.key).outcome is Outcome.APPROVED
    assert tell(receipt, "en") == "42.1.1  00  Please pass  学生 student"
    assert tell(receipt, "zh") == "42.1.1  00  请通行  学生 student"


async def test_refusal_is_an_answer(counter: Counter) -> None:
    receipt = await enter(counter, door=9)
    assert (receipt.outcome, receipt.is_approved) == (Outcome.DECLINED, False)
    assert tell(receipt, "en") == "42.1.1  58  Not allowed on this terminal"
    assert counter.server.passed == []


async def test_lost_answer_is_asked_again_and_passes_once(counter: Counter) -> None:
    counter.server.fault = on("EntryAuthorise", "LOSE_ANSWER", times=2)
    receipt = await enter(counter)
    assert receipt.is_approved
    assert counter.server.asked.count("EntryAuthorise") == 3
    assert counter.server.passed == ["IN"]


@pytest.mark.parametrize("fault", ["LOSE_REQUEST", "LOSE_ANSWER", "FORGE", "OVERLOADED"])
async def test_whatever_is_no_verified_yes_keeps_the_door_shut(
    counter: Counter, fault: str
) -> None:
    counter.server.fault = every(fault)
    receipt = await enter(counter)
    assert (receipt.answer, receipt.is_approved) == (None, False)
    told = "42.1.1  No answer came: the door stayed closed DOOR_UNKNOWN"
    assert tell(receipt, "en") == told
    counter.server.fault = lambda operation: None
    asked = len(counter.server.asked)
    assert await counter.till.settle_open() == []
    assert len(counter.server.asked) == asked


async def test_power_cut_leaves_a_closed_door_and_asks_nobody(counter: Counter) -> None:
    given = {"presented": CODE, "doorNo": 1, "direction": "IN"}
    entry = counter.journal.write(Operation.ENTRY, given, 0)
    counter.reopen()
    assert await counter.till.settle_open() == []
    assert counter.journal.list_open() == []
    assert counter.journal.get(entry.key).outcome is Outcome.DECLINED
    assert "EntryAuthorise" not in counter.server.asked


async def test_locked_gate_asks_nothing(counter: Counter) -> None:
    counter.journal.set_locked(locked=True)
    with pytest.raises(TillLocked):
        await enter(counter)
    assert "EntryAuthorise" not in counter.server.asked
