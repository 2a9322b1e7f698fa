"""What is forgotten of what terminals knew, and what never is."""

from typing import Any

from core.school.service.deny import KEPT
from tests.factories.canteen import TILLS
from tests.factories.offline import SAME, Stall, rich, verdicts

DAY = 86_400


async def days(stall: Stall, count: float) -> int:
    """Time goes by and the worker looks; how much was forgotten."""
    stall.canteen.clock.advance(seconds=count * DAY)
    return await stall.deny.forget(7)


async def acknowledged(stall: Stall) -> list[tuple[Any, ...]]:
    return await stall.canteen.rows(
        "SELECT terminal_no, version FROM document_acknowledgement WHERE school_id = 7"
        " ORDER BY 1, 2"
    )


async def test_only_the_last_word_of_thirty_days_ago_is_kept_of_acknowledgements(
    stall: Stall,
) -> None:
    versions = []
    for _ in range(3):
        stall.canteen.clock.advance(seconds=60)
        versions.append(await stall.revoke(await stall.phone(await rich(stall))))
        await stall.acknowledge(versions[-1])
    await stall.acknowledge(versions[0], TILLS[1])
    assert await days(stall, KEPT.days - 1) == 0
    newest = await stall.revoke(await stall.phone(await rich(stall)))
    await stall.acknowledge(newest)
    assert len(await acknowledged(stall)) == 5
    assert await days(stall, 0.5) == 0, "once a day"
    assert await days(stall, 0.6) == 2
    assert await acknowledged(stall) == [
        (TILLS[0], versions[2]), (TILLS[0], newest), (TILLS[1], versions[0]),
    ]  # fmt: skip
    assert await days(stall, 1.1) == 3, "the serials ended a day after they were denied"
    left = await stall.canteen.rows("SELECT version FROM deny_entry WHERE school_id = 7")
    assert left == [(newest,)]


async def test_verdict_stands_for_ever_so_a_record_is_never_paid_twice(stall: Stall) -> None:
    lane, holder = stall.lane(), await rich(stall)
    item = lane.write(stall.show(await stall.phone(holder)), 500)
    await stall.upload(item)
    await days(stall, 4_000)
    before = await stall.money()
    assert verdicts(await stall.upload(item)) == [SAME]
    assert await stall.money() == before
