"""Physical cards that a till took alone: whose they are, what they may take, who bears a loss."""

from typing import Any

import pytest

from core.card.service.denials import CardDenials
from core.db.unit import Unit
from terminals.parameters import CardCap
from terminals.taps import Tap
from tests.factories.canteen import TILLS, Holder
from tests.factories.offline import (
    ACCEPTED,
    PARAMETERS,
    VERSION,
    Lane,
    Stall,
    key_of,
    later,
    refused,
    rich,
)

CAP = CardCap(amount_minor=1_000, count=2, total_minor=1_500)


@pytest.fixture
def stall(stall: Stall) -> Stall:
    """Its school takes cards without a network."""
    stall.parameters[VERSION] = PARAMETERS.model_copy(update={"card_cap": CAP})
    return stall


def tap(holder: Holder, more: str = "") -> str:
    """What the reader says of a holder's card."""
    return f"CARD:{holder.physical_id.hex[-8:]}{more}"


async def move(stall: Stall, holder: Holder, state: str = "LOST", status: str = "ACTIVE") -> int:
    """The card, or its holder, changes; the version of the deny list after that."""
    stall.canteen.clock.advance(seconds=60)

    async def work(unit: Unit) -> None:
        await unit.execute(
            "UPDATE card SET state = $3 WHERE school_id = $1 AND id = $2",
            unit.school_id, holder.physical_id, state,
        )  # fmt: skip
        await unit.execute(
            "UPDATE cardholder SET status = $3 WHERE school_id = $1 AND id = $2",
            unit.school_id, holder.id, status,
        )  # fmt: skip
        await CardDenials(stall.canteen.clock, stall.deny).refresh(unit, holder.physical_id)

    await stall.canteen.database.unit(7, work)
    stall.canteen.clock.advance(seconds=60)
    return (await stall.deny.changes(7, 0))[0]


async def test_tapped_card_really_pays_and_counts_for_its_caps(stall: Stall) -> None:
    holder, lane = await rich(stall), stall.lane()
    assert await stall.one(lane.write(tap(holder), 900)) == (*ACCEPTED, set())
    row = await stall.canteen.rows(
        "SELECT cardholder_id, card_id, instrument FROM authorisation WHERE school_id = 7"
    )
    assert row == [(holder.id, holder.physical_id, "CARD")]
    await refused(stall, lane.write(tap(holder), 1_001), "CAP_EXCEEDED")
    await refused(stall, lane.write(tap(holder), 601), "CAP_EXCEEDED")
    assert await stall.one(lane.write(tap(holder, ":7"), 600)) == (*ACCEPTED, set())
    await refused(stall, lane.write(tap(holder), 1), "CAP_EXCEEDED")
    elsewhere = stall.lane(TILLS[1])
    assert await stall.one(elsewhere.write(tap(holder), 500)) == (*ACCEPTED, set())
    stall.canteen.clock.advance(seconds=86_400)
    await refused(stall, lane.write(tap(holder), 1), "CAP_EXCEEDED")
    stall.canteen.clock.advance(seconds=1)
    assert await stall.one(lane.write(tap(holder), 500)) == (*ACCEPTED, set()), "another day"
    assert await stall.balance(holder) == 20_000 - 900 - 600 - 500 - 500
    assert await stall.canteen.broken() == {}


async def test_what_is_no_card_of_ours_or_not_to_be_taken_alone_is_rejected(
    stall: Stall,
) -> None:
    holder, lane = await rich(stall), stall.lane()
    await refused(stall, lane.write("CARD:DEADBEEF", 500), "CARD_UNKNOWN")
    await refused(stall, lane.write("CARD:DEADBEEF0", 500), "FORMAT")
    await refused(stall, lane.write(tap(holder), 500, clock_state=2), "CLOCK_UNTRUSTED")
    await refused(stall, lane.write(tap(holder), 500, parameters_version=9), "STALE_DOCUMENTS")
    await refused(stall, lane.write(tap(holder), 500, deny_version=9), "STALE_DOCUMENTS")
    stall.parameters[VERSION] = PARAMETERS
    await refused(stall, lane.write(tap(holder), 500), "CAP_EXCEEDED")
    nowhere = {"card_cap": CAP, "sites": []}
    stall.parameters[VERSION] = PARAMETERS.model_copy(update=nowhere)
    await refused(stall, lane.write(tap(holder), 500), "SITE_NOT_ALLOWED")
    assert await stall.balance(holder) == 20_000


async def test_chip_that_does_not_prove_itself_is_rejected(stall: Stall) -> None:
    holder, lane = await rich(stall), stall.lane()
    seen: list[Tap] = []

    def forged(one: Tap) -> bool:
        seen.append(one)
        return False

    stall.uploads = stall.uploads_with(chip_check=forged)
    await refused(stall, lane.write(tap(holder, ":7:ab"), 500), "CARD_NOT_PROVEN")
    assert [(one.name, one.counter, one.mac) for one in seen] == [
        (holder.physical_id.hex[-8:].upper(), 7, b"\xab")
    ]


@pytest.mark.parametrize(("state", "status"), [
    ("LOST", "ACTIVE"), ("ACTIVE", "FROZEN"), ("CLOSED", "CLOSED"), ("REPLACED", "ACTIVE"),
])  # fmt: skip
async def test_card_that_was_denied_before_the_tap(stall: Stall, state: str, status: str) -> None:
    holder, lane = await rich(stall), stall.lane()
    before = lane.write(tap(holder), 100)
    version = await move(stall, holder, state, status)
    unheard = lane.write(tap(holder), 200)
    knew = lane.write(tap(holder), 300, deny_version=version)
    assert await stall.one(before) == (*ACCEPTED, set()), "taken before the report"
    assert await stall.one(unheard) == (*ACCEPTED, {"AFTER_REPORT"})
    await refused(stall, knew, "REVOKED_KNOWN")
    assert await stall.balance(holder) == 19_900
    assert await stall.account("LOSS") == -200
    assert await stall.canteen.broken() == {}


async def test_card_that_was_found_again_pays_and_what_was_acknowledged_counts(
    stall: Stall,
) -> None:
    holder, lane = await rich(stall), stall.lane()
    lost = await move(stall, holder)
    await stall.acknowledge(lost)
    stall.canteen.clock.advance(seconds=60)
    told = lane.write(tap(holder), 200)
    found = await move(stall, holder, "ACTIVE")
    assert found == lost + 1
    still = lane.write(tap(holder), 200)
    again = lane.write(tap(holder), 300, deny_version=found)
    await refused(stall, told, "REVOKED_KNOWN")
    await refused(stall, still, "REVOKED_KNOWN")
    assert await stall.one(again) == (*ACCEPTED, set())
    assert (await stall.deny.changes(7, 0))[1] == [], "a whole list has nothing to take off"
    (line,) = (await stall.deny.changes(7, lost))[1]
    assert (line.is_removed, line.version) == (True, found)


async def online(stall: Stall, lane: Lane, holder: Holder, **changes: Any) -> None:
    """The same sale arrived, and its answer was lost."""
    asked = stall.canteen.purchase(
        holder, 700, batch_no=1, seq_no=lane.seq_no, instrument="CARD", replay_key=None,
        device_id=None, card_id=holder.physical_id, **changes,
    )  # fmt: skip
    assert (await stall.canteen.authorise(asked)).outcome == "APPROVED"


async def test_tap_that_was_paid_online_under_the_key_is_matched(stall: Stall) -> None:
    holder, other, lane = await rich(stall), await rich(stall), stall.lane()
    item = lane.write(tap(holder), 700)
    await online(stall, lane, holder)
    assert await stall.one(item) == (*ACCEPTED, {"ALREADY_POSTED"})
    assert await stall.balance(holder) == 19_300
    strange = lane.write(tap(other), 700)
    await online(stall, lane, holder)
    await refused(stall, strange, "KEY_CONFLICT")
    unknown = lane.write("CARD:DEADBEEF", 700)
    await online(stall, lane, holder)
    await refused(stall, unknown, "KEY_CONFLICT")
    assert await stall.canteen.broken() == {}


async def test_card_purchase_goes_back_and_owes_like_any_other(stall: Stall) -> None:
    holder, lane = await stall.canteen.holder(main_minor=300), stall.lane()
    assert await stall.one(lane.write(tap(holder), 900)) == (*ACCEPTED, {"ARREARS"})
    undo = stall.canteen.follow("VOID", key_of(lane), key=later(1))
    assert (await stall.canteen.answer(undo)).response_code == "00"
    assert (await stall.balance(holder), await stall.account("ARREARS")) == (300, 0)
    assert await stall.canteen.broken() == {}
