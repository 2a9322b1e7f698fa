"""What an edge decides while there is no line, and when it believes that there is none."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core.entry.records import Direction, DoorScene, Pair, Passback
from core.kit.clock import from_unix
from core.school.records import (
    DeviceClass,
    EnrolledTerminal,
    Merchant,
    Terminal,
    TerminalKey,
    TerminalState,
)
from terminals.authority import Held, Memory, Sale
from terminals.ccq import Purpose
from terminals.ccr import Outcome
from terminals.edge import (
    EntryAsked,
    LineState,
    PurchaseAsked,
    decide_entry,
    decide_purchase,
)
from terminals.keys import KeyRing, KeyUse
from terminals.message import KeyId
from terminals.parameters import SiteTerminals
from terminals.roll import RollInvalid, find_key, read, roll_of
from terminals.verification import Spent
from tests.factories.offline import PARAMETERS
from tests.unit.terminals import samples
from tests.unit.terminals.gatehouse import NORTH
from tests.unit.terminals.samples import SHOWN, VECTOR_1, VECTOR_5
from tests.unit.terminals.verdicts import bound, challenge, shown

MERCHANT = Merchant(UUID(int=1), 1, "店", "Shop", True, UUID(int=2))
SITE = SiteTerminals(site_no=1, name_zh="楼", name_en="Hall", terminals=[42])
HELD = Held(
    issuer=0,
    ring=samples.KEYS,
    parameters=PARAMETERS.model_copy(update={"sites": [SITE]}),
    denied=frozenset(),
    deny_is_fresh=True,
    clock_is_trusted=True,
    now=SHOWN,
)
NOTHING = Memory({}, frozenset())
SALE = Sale(42, VECTOR_1, 1_250, True)
DORMITORY = replace(
    NORTH, number=2, scene=DoorScene.DORMITORY, common=False, pairs=(Pair(7, 0), Pair(9, 3))
)


def enrolled(
    number: int = 42, device: DeviceClass = DeviceClass.TILL, *, active: bool = True
) -> EnrolledTerminal:
    terminal = Terminal(
        number, MERCHANT.id, 1, TerminalState.ACTIVE, device, ("MEAL", "GATE", "DORMITORY"), None,
        None, None,
    )  # fmt: skip
    at = from_unix(SHOWN)
    first = TerminalKey(1, b"\x01" * 32, at - timedelta(days=9), at)
    second = TerminalKey(2, b"\x02" * 32, at, None)
    return EnrolledTerminal(terminal, replace(MERCHANT, active=active), (first, second))


EDGE = enrolled(9, DeviceClass.EDGE)
ROLL = roll_of([enrolled(), EDGE], [NORTH, DORMITORY])
TILL = ROLL.terminals[0]
SHUT = roll_of([enrolled(active=False), EDGE], []).terminals[0]


def bought(held: Held = HELD, memory: Memory = NOTHING, **changes: Any) -> tuple[str, str | None]:
    sale = replace(SALE, **{k: changes.pop(k) for k in list(changes) if hasattr(SALE, k)})
    is_voided = changes.pop("is_voided", False)
    terminal = changes.pop("terminal", TILL)
    asked = PurchaseAsked(sale, **({"scene": "MEAL"} | changes))
    decided = decide_purchase(asked, terminal, held, memory, is_voided=is_voided)
    assert (decided.outcome is Outcome.APPROVED) == (decided.verified is not None)
    return decided.response_code, decided.reason


def passed(
    text: str = VECTOR_5, held: Held = HELD, memory: Memory = NOTHING, **changes: Any
) -> tuple[str, str | None]:
    came_in_at = changes.pop("came_in_at", None)
    terminal = changes.pop("terminal", TILL)
    given: dict[str, Any] = {"presented": text, "door_no": 2, "direction": Direction.IN} | changes
    decided = decide_entry(EntryAsked(**given), terminal, held, memory, came_in_at=came_in_at)
    assert (decided.outcome is Outcome.APPROVED) == (decided.verified is not None)
    return decided.response_code, decided.reason


def test_code_that_verifies_is_taken() -> None:
    assert bought() == ("00", None)
    asked = challenge()
    assert bought(presented=bound(asked), challenge=asked.text) == ("00", None)


@pytest.mark.parametrize(("changes", "answer"), [
    ({"is_voided": True}, ("22", "ALREADY_VOIDED")),
    ({"terminal": SHUT}, ("03", "MERCHANT_INVALID")),
    ({"scene": "LIBRARY"}, ("58", "TERMINAL_NOT_ALLOWED")),
    ({"minor_amount": 0}, ("13", "AMOUNT_INVALID")),
    ({"currency": "USD"}, ("13", "AMOUNT_INVALID")),
    ({"has_pin": True}, ("C8", "OFFLINE_OFF")),
    ({"is_captured": False}, ("C8", "OFFLINE_OFF")),
    ({"presented": None}, ("C8", "OFFLINE_OFF")),
    ({"presented": "134567890123456789"}, ("C8", "OFFLINE_OFF")),
    ({"presented": "CARD:0A1B2C3D"}, ("C8", "OFFLINE_OFF")),
    ({"presented": "91" + "0" * 18}, ("C8", "OFFLINE_OFF")),
    ({"presented": "CC1:hello"}, ("C2", "FORMAT")),
    ({"presented": "hello"}, ("C2", "FORMAT")),
    ({"presented": shown(mask=1)}, ("C8", "SITE_NOT_ALLOWED")),
    ({"terminal_no": 43}, ("C8", "SITE_NOT_ALLOWED")),
    ({"minor_amount": 2_001}, ("C7", "CAP_AMOUNT")),
    ({"presented": bound(challenge())}, ("C5", "CHALLENGE_UNEXPECTED")),
])  # fmt: skip
def test_what_an_edge_may_not_take_is_refused_with_its_code(
    changes: dict[str, Any], answer: tuple[str, str]
) -> None:
    assert bought(**changes) == answer


@pytest.mark.parametrize(("changes", "answer"), [
    ({"deny_is_fresh": False}, ("C8", "OFFLINE_OFF")),
    ({"clock_is_trusted": False}, ("C9", "CLOCK_UNTRUSTED")),
    ({"denied": frozenset({bytes.fromhex("a1b2c3d40001")})}, ("C3", "REVOKED")),
    ({"now": SHOWN + 61}, ("C0", "CODE_EXPIRED")),
    ({"issuer": 1}, ("15", "ISSUER_NOT_ACCEPTED")),
])  # fmt: skip
def test_what_an_edge_holds_decides(changes: dict[str, Any], answer: tuple[str, str]) -> None:
    assert bought(replace(HELD, **changes)) == answer


@pytest.mark.parametrize(("memory", "answer"), [
    (Memory({(0, 0xA1B2C3D4): Spent(3, 300)}, ()), ("C7", "CAP_COUNT")),
    (Memory({(0, 0xA1B2C3D4): Spent(1, 3_751)}, ()), ("C7", "CAP_TOTAL")),
    (Memory({(0, 0xA1B2C3D4): Spent(1, 3_750)}, ()), ("00", None)),
    (Memory({}, (), 2_000, 0), ("C8", "OFFLINE_OFF")),
    (Memory({}, (), 1_999, 2_000_000 - 1_249), ("C8", "OFFLINE_OFF")),
    (Memory({}, (), 1_999, 2_000_000 - 1_250), ("00", None)),
])  # fmt: skip
def test_what_an_edge_took_before_decides(memory: Memory, answer: tuple[str, str | None]) -> None:
    assert bought(memory=memory) == answer


def test_code_seen_before_is_used() -> None:
    decided = decide_purchase(PurchaseAsked(SALE, "MEAL"), TILL, HELD, NOTHING, is_voided=False)
    assert decided.verified is not None
    used = Memory({}, {decided.verified.replay_key})
    assert bought(memory=used) == ("C1", "CODE_USED")
    # The same screen still opens a door: another use, another replay key.
    assert passed(VECTOR_1, memory=used, door_no=1) == ("00", None)


def test_door_opens_to_its_pairs_or_as_a_common_one() -> None:
    assert passed() == ("00", None)
    assert passed(VECTOR_1, door_no=1) == ("00", None)
    assert passed(VECTOR_1) == ("E0", "DOOR_NOT_ALLOWED")
    asked = challenge(Purpose.ENTRY)
    assert passed(bound(asked), door_no=1, challenge=asked.text) == ("00", None)


@pytest.mark.parametrize(("changes", "answer"), [
    ({"door_no": 3}, ("58", "TERMINAL_NOT_ALLOWED")),
    ({"terminal": TILL.model_copy(update={"scenes": ["MEAL"]})}, ("58", "TERMINAL_NOT_ALLOWED")),
    ({"text": "CARD:0A1B2C3D"}, ("C8", "OFFLINE_OFF")),
    ({"text": "hello"}, ("C8", "OFFLINE_OFF")),
    ({"text": shown(flags=1), "door_no": 1}, ("E0", "USE_NOT_ALLOWED")),
    ({"held": replace(HELD, clock_is_trusted=False)}, ("C9", "CLOCK_UNTRUSTED")),
])  # fmt: skip
def test_door_stays_closed(changes: dict[str, Any], answer: tuple[str, str]) -> None:
    assert passed(**changes) == answer


@pytest.mark.parametrize(("passback", "direction", "came_in_at", "code"), [
    (Passback.HARD, Direction.IN, SHOWN - 60, "E1"),
    (Passback.HARD, Direction.IN, SHOWN - 86_400, "00"),
    (Passback.HARD, Direction.IN, None, "00"),
    (Passback.HARD, Direction.OUT, SHOWN - 60, "00"),
    (Passback.SOFT, Direction.IN, SHOWN - 60, "00"),
])  # fmt: skip
def test_passback_is_by_serial(
    passback: Passback, direction: Direction, came_in_at: int | None, code: str
) -> None:
    terminal = roll_of([enrolled(), EDGE], [replace(DORMITORY, passback=passback)]).terminals[0]
    assert passed(terminal=terminal, direction=direction, came_in_at=came_in_at)[0] == code


def test_hours_are_the_schools() -> None:
    local = from_unix(SHOWN) + timedelta(hours=8)
    opens, closes = (local + timedelta(hours=1)).time(), (local + timedelta(hours=2)).time()
    hours = replace(DORMITORY, opens_at=opens, closes_at=closes, opens_on_lost_clock=True)
    terminal = roll_of([enrolled(), EDGE], [hours]).terminals[0]
    assert passed(terminal=terminal) == ("E2", "OUT_OF_HOURS")
    lost = replace(HELD, clock_is_trusted=False)
    assert passed(terminal=terminal, held=lost) == ("00", None)


def test_line_is_slow_to_break_and_slower_to_mend() -> None:
    state = LineState()
    told = []
    for answered in (False, True, False, False, True, True, False, True, True, True, False):
        state = state.after(answered=answered, is_probe=True)
        told.append(state.is_up)
    assert told == [True, True, True, False, False, False, False, False, False, True, True]
    # What was sent before the line broke, and answered after, proves nothing.
    down = LineState(is_up=False)
    assert down.after(answered=True) == down


def test_roll_survives_its_bytes_without_the_edges_themselves() -> None:
    read_again = read(ROLL.write())
    assert read_again == ROLL
    assert read_again.at(1).keys() == {42}
    assert read_again.at(0) == {}
    assert roll_of([enrolled()], []).terminals == []
    assert read_again.terminals[0].find_door(2) == replace(DORMITORY, name_zh="", name_en="")
    with pytest.raises(RollInvalid):
        read(ROLL.write().replace(b'"siteNo":1', b'"siteNo":16'))


def test_door_in_words_of_a_newer_server_opens_to_nobody() -> None:
    newer = read(ROLL.write().replace(b'"passback":"OFF"', b'"passback":"SLOW"'))
    assert newer.terminals[0].find_door(2) is None
    assert passed(terminal=newer.terminals[0]) == ("58", "TERMINAL_NOT_ALLOWED")


@pytest.mark.parametrize(("key_no", "now", "key"), [
    (1, SHOWN - 1, 1), (1, SHOWN, None), (2, SHOWN, 2), (2, SHOWN - 1, None), (3, SHOWN, None),
])  # fmt: skip
def test_key_of_a_terminal_is_good_in_its_time(key_no: int, now: int, key: int | None) -> None:
    found = find_key(TILL, KeyId(0, 42, key_no), now)
    assert (found and found.public_key) == (key and bytes([key]) * 32)
    assert find_key(None, KeyId(0, 42, key_no), now) is None


def test_ring_finds_the_newest_key_of_a_sites_edge() -> None:
    old = replace(samples.PASS_KEY, kid=128, use=KeyUse.EDGE, site_no=3)
    new = replace(old, kid=129, sign_from=SHOWN)
    ring = KeyRing([old, new, replace(old, kid=130, site_no=4), samples.PASS_KEY])
    assert [ring.find_edge(0, 3, at) for at in (SHOWN - 1, SHOWN)] == [old, new]
    assert ring.find_edge(0, 2, SHOWN) is None
    assert ring.find_edge(1, 3, SHOWN) is None
