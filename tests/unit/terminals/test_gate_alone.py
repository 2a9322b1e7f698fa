"""A gate without a network: who passes by code, who by card, and the order in which it says no."""

from dataclasses import replace
from datetime import time
from typing import Any

import pytest

from core.entry.records import CardRight, Door, DoorScene, Pair, Passback
from terminals.gate import NEVER, Knowledge, Opened, Seen, decide
from terminals.parameters import DoorParameters, Parameters
from terminals.rights import Change, Rights, card_name
from tests.factories.offline import PARAMETERS
from tests.unit.terminals import samples
from tests.unit.terminals.samples import SHOWN

DOOR = Door(42, 1, "", "", "campus", Passback.HARD, DoorScene.GATE, True,
            opens_at=time(6), closes_at=time(23))  # fmt: skip
SALT = bytes([0x55]) * 16
UID = "04A1B2C3"
CARD = f"CARD:{UID}"
SERIAL = bytes.fromhex("a1b2c3d40001")
RIGHTS = Rights().following(
    1, Change(0, SALT, [CardRight(card_name(SALT, bytes.fromhex(UID)), 7, 0b100)])
)
NOON = SHOWN - SHOWN % 86_400 + 4 * 3_600
"""12:00 in Shanghai."""


def known(**changes: Any) -> Knowledge:
    made = Knowledge(
        issuer=0,
        keys=samples.KEYS,
        parameters=PARAMETERS.model_copy(update={"zone": "Asia/Shanghai"}),
        rights=RIGHTS,
        denied=frozenset(),
        used=frozenset(),
        whereabouts=lambda zone, bearer: NEVER,
        clock_is_trusted=True,
    )
    return replace(made, **changes)


def at_door(text: str = samples.VECTOR_1, now: int = SHOWN, way: str = "IN", *,
            door: dict[str, Any] | None = None, **changes: Any) -> Opened | str:  # fmt: skip
    opens = {"opens_at": None, "closes_at": None} | (door or {})
    return decide(text, replace(DOOR, **opens), way, now, known(**changes))


def test_good_code_opens_a_common_door_and_is_spent() -> None:
    opened = at_door()
    assert isinstance(opened, Opened)
    assert (opened.bearer, opened.is_noted_twice) == (SERIAL, False)
    assert opened.replay_key is not None
    assert opened.replay_key.endswith(b"E")


def test_card_on_the_list_opens_and_spends_nothing() -> None:
    assert at_door(CARD) == Opened(bytes.fromhex(UID), None)
    assert at_door(f"{CARD}:12") == Opened(bytes.fromhex(UID), None)


@pytest.mark.parametrize(
    ("pairs", "opens"),
    [((Pair(7, 2),), True), ((Pair(7, 1),), False), ((Pair(8, 2),), False)],
)
def test_card_opens_a_door_of_its_groups(pairs: tuple[Pair, ...], opens: bool) -> None:
    answer = at_door(CARD, door={"common": False, "pairs": pairs})
    assert isinstance(answer, Opened) == opens
    assert opens or answer == "DOOR_NOT_ALLOWED"


def test_entry_pass_opens_by_its_own_mask() -> None:
    here = {"common": False, "pairs": (Pair(7, 2),)}
    vector, shown = samples.VECTOR_5, samples.SHOWN
    assert isinstance(at_door(vector, shown, door=here), Opened)
    elsewhere = {"common": False, "pairs": (Pair(7, 1),)}
    assert at_door(vector, shown, door=elsewhere) == "DOOR_NOT_ALLOWED"
    assert at_door(vector, shown) == "DOOR_NOT_ALLOWED"  # no pair, and common is not for it


@pytest.mark.parametrize(
    ("text", "changes", "refusal"),
    [
        ("nonsense", {}, "FORMAT"),
        ("91" + "0" * 18, {}, "OFFLINE_NOT_ALLOWED"),
        ("CARD:0000000F", {}, "CARD_UNKNOWN"),
        ("CARD:04A1B2C3D", {}, "FORMAT"),
        (samples.VECTOR_1, {"issuer": 9}, "ISSUER_NOT_ACCEPTED"),
        (samples.VECTOR_1, {"denied": {SERIAL}}, "REVOKED"),
        (samples.VECTOR_1, {"clock_is_trusted": False}, "CLOCK_UNTRUSTED"),
        (CARD, {"clock_is_trusted": False}, "CLOCK_UNTRUSTED"),
        (CARD, {"rights": Rights()}, "CARD_UNKNOWN"),
    ],
)
def test_each_reason_keeps_the_door_shut(text: str, changes: dict[str, Any], refusal: str) -> None:
    assert at_door(text, **changes) == refusal


def test_code_opens_once() -> None:
    opened = at_door()
    assert isinstance(opened, Opened)
    assert at_door(used={opened.replay_key}) == "CODE_USED"


def test_code_is_good_from_skew_before_to_life_and_skew_after() -> None:
    assert [isinstance(at_door(now=SHOWN + by), Opened) for by in (-16, -15, 60, 61)] == [
        False, True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize(("hour", "opens"), [(5, False), (6, True), (22, True), (23, False)])
def test_hours_close_a_door_for_cards_too(hour: int, opens: bool) -> None:
    hours = {"opens_at": time(6), "closes_at": time(23)}
    answer = at_door(CARD, NOON + (hour - 12) * 3_600, door=hours)
    assert isinstance(answer, Opened) == opens
    assert opens or answer == "OUT_OF_HOURS"


def test_door_for_the_worst_opens_on_a_lost_clock_at_any_hour() -> None:
    worst = {"opens_on_lost_clock": True, "opens_at": time(6), "closes_at": time(7)}
    for text, now in ((CARD, NOON), (samples.VECTOR_1, SHOWN + 86_400)):
        opened = at_door(text, now, door=worst, clock_is_trusted=False)
        assert isinstance(opened, Opened)
    assert at_door(CARD, NOON, door=worst) == "OUT_OF_HOURS"
    assert at_door("CARD:00000000", NOON, door=worst, clock_is_trusted=False) == "CARD_UNKNOWN"


@pytest.mark.parametrize(
    ("passback", "way", "seen_before", "answer"),
    [
        (Passback.HARD, "IN", 1, "PASSBACK"),
        (Passback.HARD, "OUT", 1, False),
        (Passback.HARD, "NONE", 1, False),
        (Passback.HARD, "IN", 86_399, "PASSBACK"),
        (Passback.HARD, "IN", 86_400, False),
        (Passback.SOFT, "IN", 1, True),
        (Passback.OFF, "IN", 1, False),
    ],
)
def test_who_came_in_here_comes_in_no_second_time(
    passback: Passback, way: str, seen_before: int, answer: str | bool
) -> None:
    def where(zone: str, bearer: bytes) -> Seen:
        assert (zone, bearer) == ("campus", bytes.fromhex(UID))
        return Seen.at(SHOWN - seen_before, inside=True)

    found = at_door(CARD, way=way, door={"passback": passback}, whereabouts=where)
    if isinstance(answer, str):
        assert found == answer
    else:
        assert isinstance(found, Opened)
        assert found.is_noted_twice is answer


def test_parameters_carry_a_door_and_back() -> None:
    said = DoorParameters(
        terminal_no=42, door_no=2, zone="campus", passback="SOFT", scene="GATE", common=False,
        groups=[], opens_at=6 * 3_600 + 61, closes_at=None, open_on_lost_clock=True,
    )  # fmt: skip
    held = PARAMETERS.model_copy(update={"doors": [said]})
    again = Parameters.model_validate_json(held.model_dump_json(by_alias=True))
    door = again.door_of(42, 2)
    assert door is not None
    assert (door.opens_at, door.closes_at, door.passback) == (time(6, 1, 1), None, Passback.SOFT)
    assert (again.door_of(42, 1), again.door_of(41, 2)) == (None, None)
    unknown = said.model_copy(update={"passback": "DOUBLE"})
    assert held.model_copy(update={"doors": [unknown]}).door_of(42, 2) is None
