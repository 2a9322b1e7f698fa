"""The reference gate without a network: it writes, opens, tells later, and is settled once."""

from itertools import count
from typing import Any

import pytest

from clients.endpoint import NoAnswer
from clients.terminal.receipt import Direction, Patience, Receipt
from clients.terminal.till import Till
from clients.terminal.words import tell, tell_passed
from core.entry.records import CardRight
from terminals import rights
from terminals.cc1 import Flags
from terminals.ccr import Outcome
from terminals.documents import DocumentKind
from terminals.message import RequestKey
from terminals.parameters import DoorParameters
from terminals.rights import Change, card_name
from tests.unit.clients.conftest import Counter
from tests.unit.clients.outage import code, publish, publish_deny, restore
from tests.unit.clients.pretend_keys import school_document
from tests.unit.clients.pretend_server import NOW
from tests.unit.clients.test_power_cut import cut_at

SALT = bytes([0x55]) * 16
CARD, OTHER_CARD = "CARD:04A1B2C3", "CARD:04A1B2C4"
DOORS = [
    DoorParameters(
        terminal_no=42, door_no=number, zone="campus", passback=passback, scene="GATE",
        common=True, groups=[],
    )
    for number, passback in ((1, "HARD"), (2, "OFF"))
]  # fmt: skip


def cut(counter: Counter, fault: str = "LOSE_REQUEST") -> None:
    """No answer comes to questions of doors."""
    counter.server.fault = lambda operation: fault if operation == "EntryAuthorise" else None


def publish_rights(counter: Counter, version: int, *lines: CardRight, base: int = 0) -> None:
    content = rights.write(Change(base, SALT, lines))
    counter.server.documents.append(school_document(DocumentKind.RIGHTS, version, content))


def listed(uid: str, mask: int | None = 0) -> CardRight:
    return CardRight(card_name(SALT, bytes.fromhex(uid.split(":")[1])), 0, mask)


async def prepare(counter: Counter, **changes: Any) -> None:
    """The gate fetches what it needs; afterwards the network fails on every question."""
    publish(counter, doors=DOORS, **changes)
    publish_rights(counter, 3, listed(CARD))
    for _ in range(3):
        await counter.till.line.set_clock()
    cut(counter)


def shown(cap_tag: int = 1) -> str:
    return code(cap_tag, flags=Flags.PAY | Flags.ENTRY, intent=0)


async def enter(counter: Counter, presented: str, door: int = 2) -> Receipt:
    return await counter.till.enter(presented, door, Direction.IN)


async def test_code_and_card_pass_without_a_network_and_are_told_later(counter: Counter) -> None:
    await prepare(counter)
    for presented in (shown(), CARD):
        receipt = await enter(counter, presented)
        assert (receipt.is_offline, receipt.is_approved) == (True, True)
        assert counter.journal.get(receipt.entry.key).outcome is Outcome.APPROVED
        assert tell(receipt, "en").endswith("Please pass (offline, recorded)")
    assert counter.server.passed == []
    assert counter.till.gate.store.waiting() == 2
    restore(counter)
    told = await counter.till.gate.upload()
    assert [each.verdict for each in told] == ["ACCEPTED", "ACCEPTED"]
    assert tell_passed(told[0]) == "42.1.1  ACCEPTED"
    assert counter.server.passed == ["IN", "IN"]
    assert (await counter.till.gate.upload(), counter.till.gate.store.waiting()) == ([], 0)


async def test_grant_whose_answer_was_lost_is_settled_by_the_event_of_its_key(
    counter: Counter,
) -> None:
    await prepare(counter)
    cut(counter, "LOSE_ANSWER")
    receipt = await enter(counter, CARD, door=1)
    assert receipt.is_offline
    assert counter.server.passed == ["IN"]
    restore(counter)
    (told,) = await counter.till.gate.upload()
    assert (told.key, told.verdict, told.reason) == (
        receipt.entry.key, "DUPLICATE", "SAME_RECORD",
    )  # fmt: skip
    assert counter.server.passed == ["IN"]


@pytest.mark.parametrize(
    ("presented", "reason"),
    [
        (OTHER_CARD, "CARD_UNKNOWN"),
        ("91" + "0" * 18, "OFFLINE_NOT_ALLOWED"),
        (code(1), "USE_NOT_ALLOWED"),
        (code(1, at=NOW - 300, flags=Flags.ENTRY, intent=0), "CODE_EXPIRED"),
    ],
)
async def test_whatever_is_no_right_keeps_the_door_shut(
    counter: Counter, presented: str, reason: str
) -> None:
    await prepare(counter)
    receipt = await enter(counter, presented)
    assert not receipt.is_approved
    assert tell(receipt, "en").endswith(f"the door stayed closed {reason}")
    assert counter.till.gate.store.waiting() == 0
    assert counter.journal.get(receipt.entry.key).outcome is Outcome.DECLINED


async def test_code_opens_once_also_after_it_was_sent_online(counter: Counter) -> None:
    await prepare(counter)
    restore(counter)
    assert (await enter(counter, shown(), door=1)).outcome is Outcome.APPROVED
    cut(counter)
    for presented, answer in ((shown(), "CODE_USED"), (shown(2), None), (shown(2), "CODE_USED")):
        receipt = await enter(counter, presented)
        assert receipt.is_approved == (answer is None)
        assert answer is None or answer in tell(receipt, "en")


async def test_code_that_opened_alone_is_not_sent_when_the_line_is_back(counter: Counter) -> None:
    await prepare(counter)
    assert (await enter(counter, shown())).is_offline
    restore(counter)
    asked = list(counter.server.asked)
    again = await enter(counter, shown())
    assert (again.is_approved, counter.server.asked) == (False, asked)
    assert tell(again, "en").endswith("the door stayed closed CODE_USED")
    assert [told.verdict for told in await counter.till.gate.upload()] == ["ACCEPTED"]


async def test_denied_pass_and_a_card_that_left_the_list_open_nothing(counter: Counter) -> None:
    await prepare(counter)
    restore(counter)
    publish_deny(counter, 4, 1)
    publish_rights(counter, 5, listed(CARD, None), listed(OTHER_CARD), base=3)
    await counter.till.line.set_clock()
    cut(counter)
    denied, gone, new = [await enter(counter, each) for each in (shown(1), CARD, OTHER_CARD)]
    assert "REVOKED" in tell(denied, "en")
    assert "CARD_UNKNOWN" in tell(gone, "en")
    assert new.is_offline


async def test_who_was_let_in_online_comes_in_no_second_time_offline(counter: Counter) -> None:
    await prepare(counter)
    restore(counter)
    assert (await enter(counter, CARD, door=1)).outcome is Outcome.APPROVED
    cut(counter)
    again = await enter(counter, CARD, door=1)
    assert "PASSBACK" in tell(again, "en")
    out = await counter.till.enter(CARD, 1, Direction.OUT)
    assert out.is_offline
    assert (await enter(counter, CARD, door=1)).is_offline


async def test_lost_clock_opens_only_the_door_for_the_worst(counter: Counter) -> None:
    worst = DOORS[1].model_copy(update={"open_on_lost_clock": True})
    publish(counter, doors=[DOORS[0], worst])
    publish_rights(counter, 3, listed(CARD))
    for _ in range(3):
        await counter.till.line.set_clock()
    cut(counter)
    counter.clock_seconds = NOW - 60  # set back: no longer to be believed
    assert "CLOCK_UNTRUSTED" in tell(await enter(counter, CARD, door=1), "en")
    assert (await enter(counter, CARD)).is_offline
    (event,) = counter.till.gate.store.untold(10)
    assert event.is_clock_lost
    restore(counter)
    counter.clock_seconds = NOW
    assert [each.verdict for each in await counter.till.gate.upload()] == ["ACCEPTED"]


async def test_gate_fetches_rights_and_a_till_fetches_none(counter: Counter) -> None:
    publish(counter)
    publish_rights(counter, 3, listed(CARD))
    for _ in range(3):
        await counter.till.line.set_clock()
    assert counter.till.line.store.version(DocumentKind.RIGHTS) == 0
    await prepare(counter, skew_seconds=14)
    assert counter.till.line.store.version(DocumentKind.RIGHTS) == 0  # an older version of both
    publish(counter, 8, doors=DOORS)
    restore(counter)
    for _ in range(3):
        await counter.till.line.set_clock()
    assert counter.till.line.store.version(DocumentKind.RIGHTS) == 3
    counter.reopen()
    assert counter.till.line.store.rights().of(bytes.fromhex("04A1B2C3")) is not None


async def test_judged_events_go_once_their_codes_have(counter: Counter) -> None:
    await prepare(counter)
    await enter(counter, shown())
    restore(counter)
    await counter.till.gate.upload()
    assert len(counter.till.gate.store.used_codes()) == 1
    counter.clock_seconds += 181
    await counter.till.gate.upload()
    assert counter.till.gate.store.used_codes() == set()


@pytest.mark.parametrize("network", ["LOSE_ANSWER", "LOSE_REQUEST"])
async def test_kill_at_every_step_of_a_gate(counter: Counter, network: str) -> None:
    """Whoever saw a door open is in the log once; what is in the log was opened or asked online."""
    counter.patience = Patience(budget_seconds=0.02, pause_seconds=0.002)
    counter.reopen()
    await prepare(counter)
    opened: list[RequestKey] = []

    async def work(till: Till) -> None:
        for presented in (shown(next(people)), CARD):
            receipt = await till.enter(presented, 2, Direction.IN)
            if receipt.is_approved:
                opened.append(receipt.entry.key)
        await _told(till)

    people = count(1)
    for step in count():
        cut(counter, network)
        was_cut = await cut_at(counter, step, work)
        restore(counter)
        counter.reopen()
        await counter.till.settle_open()
        await _told(counter.till)
        assert set(opened) <= counter.server.opened
        assert len(counter.server.passed) == len(counter.server.opened)
        assert counter.till.gate.store.waiting() == 0
        assert counter.journal.list_open() == []
        if network == "LOSE_REQUEST":
            in_journal = {
                entry.key
                for entry in counter.journal.list_newest(10_000)
                if entry.outcome is Outcome.APPROVED
            }
            assert in_journal == counter.server.opened
        if not was_cut:
            assert step > 15
            break


async def _told(till: Till) -> None:
    try:
        await till.gate.upload()
    except NoAnswer:
        return
