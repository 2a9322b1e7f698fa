"""Events of gates: who it was, by the checks that a gate without a line had to make."""

from dataclasses import replace
from typing import Any

import pytest

from core.entry.records import Direction, EntryEvent, EventVerdict, Groups
from core.kit.clock import from_unix
from terminals.cc1 import Flags
from terminals.ccq import Purpose
from terminals.codes import Use
from terminals.passages import EntryMessage, EventMessage
from tests.unit.terminals import samples
from tests.unit.terminals.gatehouse import (
    ASKED,
    GATE,
    SERIAL,
    TAP,
    Gatehouse,
    entry_challenge,
    event,
    make_events,
    owner_without,
)
from tests.unit.terminals.samples import SHOWN
from tests.unit.terminals.tills import CARD_OWNER, OWNER
from tests.unit.terminals.verdicts import bound, challenge, shown

DAY = 86_400


async def judged(core: Gatehouse, *events: EventMessage, now: int = SHOWN + DAY) -> list[Any]:
    return await make_events(core, now).judge(GATE, events)


async def reason(
    message: EntryMessage, core: Gatehouse | None = None, **changes: Any
) -> str | None:
    (said,) = await judged(core or Gatehouse(), event(message, **changes))
    return said.reason if said.verdict is EventVerdict.REJECTED else None


def recorded(core: Gatehouse) -> EntryEvent:
    assert isinstance(core.asked[-1], EntryEvent)
    return core.asked[-1]


async def test_event_is_verified_at_its_own_time() -> None:
    core = Gatehouse()
    assert await reason(ASKED, core) is None
    kept = recorded(core)
    assert kept.passer is not None
    assert (kept.passed_at, kept.deny_version) == (from_unix(SHOWN), 9)
    assert (kept.passer.cardholder_id, kept.passer.serial) == (OWNER.cardholder_id, SERIAL)
    assert await reason(ASKED, at=SHOWN + 60) is None
    assert await reason(ASKED, at=SHOWN + 61) == "CODE_EXPIRED"


async def test_content_is_that_of_the_question_and_the_record_has_more() -> None:
    core = Gatehouse()
    await judged(core, event(), event(at=SHOWN + 1), event(deny_version=8),
                 event(is_clock_trusted=False), event(replace(ASKED, door_no=6)),
                 event(replace(ASKED, direction=Direction.OUT)))  # fmt: skip
    first, *others = core.asked
    assert first.content_hash == ASKED.content_hash()
    assert len({each.record_hash for each in core.asked}) == 6
    assert [each.content_hash == first.content_hash for each in others] == [True] * 3 + [False] * 2


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"presented": "nonsense"}, "FORMAT"),
        ({"presented": "91" + "0" * 18}, "OFFLINE_NOT_ALLOWED"),
        ({"presented": "90" + "0" * 18}, "OFFLINE_NOT_ALLOWED"),
        ({"presented": "62" + "0" * 17}, "OFFLINE_NOT_ALLOWED"),
        ({"presented": "CARD:99"}, "CARD_UNKNOWN"),
        ({"presented": shown(flags=Flags.PAY)}, "USE_NOT_ALLOWED"),
        ({"presented": shown(issuer=9)}, "ISSUER_NOT_ACCEPTED"),
        ({"presented": shown(pass_no=9)}, "REVOKED"),
        ({"door_no": 9}, "DOOR_UNKNOWN"),
        ({"door_no": 4}, "DOOR_NOT_ALLOWED"),
        ({"door_no": 4, "presented": samples.VECTOR_5}, None),
        ({"door_no": 1, "presented": samples.VECTOR_5}, "DOOR_NOT_ALLOWED"),
    ],
)
async def test_what_the_gate_had_to_refuse_is_rejected(
    changes: dict[str, Any], expected: str | None
) -> None:
    core = Gatehouse()
    core.owned(bytes.fromhex("a1b2c3d50001"))
    assert await reason(replace(ASKED, **changes), core) == expected
    assert (recorded(core).passer is None) == (expected is not None)


async def test_what_the_gate_could_not_know_is_left_to_the_core() -> None:
    core = Gatehouse()
    core.owners = {
        SERIAL: replace(owner_without(Use.ENTRY), is_revoked=True),
        "0A1B2C3D": CARD_OWNER,
    }
    assert await reason(ASKED, core) is None
    assert await reason(TAP, core) is None
    core.owned(bytes.fromhex("a1b2c3d50001"))
    await judged(core, event(replace(ASKED, presented=samples.VECTOR_5, door_no=4)))
    passer = recorded(core).passer
    assert passer is not None
    assert passer.groups == Groups(7, 5)


async def test_lost_clock_opens_only_where_life_depends_on_it() -> None:
    core = Gatehouse()
    assert await reason(ASKED, core, is_clock_trusted=False) == "CLOCK_UNTRUSTED"
    life = replace(ASKED, door_no=6)
    assert await reason(life, core, is_clock_trusted=False, at=5) is None
    assert recorded(core).passed_at == from_unix(SHOWN + DAY)  # when we heard of it


async def test_bound_code_needs_the_doors_own_challenge() -> None:
    text = bound(challenge(Purpose.ENTRY))
    with_it = replace(ASKED, presented=text, challenge=entry_challenge())
    assert await reason(with_it) is None
    assert await reason(replace(with_it, challenge=None)) == "CHALLENGE_UNEXPECTED"


async def test_events_are_judged_as_they_were_taken_and_answered_as_they_were_sent() -> None:
    core = Gatehouse()
    sent = [event(replace(ASKED, seq_no=3)), event(replace(ASKED, seq_no=1, presented="nonsense")),
            event(replace(ASKED, seq_no=2))]  # fmt: skip
    answers = await judged(core, *sent)
    assert [each.key.seq_no for each in core.asked] == [1, 2, 3]
    assert [each.verdict for each in answers] == ["ACCEPTED", "REJECTED", "ACCEPTED"]
