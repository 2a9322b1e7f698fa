"""Purchases decided together are answered, paid and refused as each would be alone."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from core.authorisation import store
from core.authorisation.records import Answer, Key, PurchaseRequest
from core.db.unit import Unit
from tests.factories.canteen import PURSES, Canteen, canteen_on, key_of
from tests.servers.fixtures import DatabaseDsn


async def together(canteen: Canteen, requests: list[PurchaseRequest]) -> list[Answer]:
    """What one batch answers."""
    async with canteen.lanes[0].take() as lane:
        return await store.authorise(lane, (canteen.school_id, PURSES), requests)


async def queue_of_all_kinds(canteen: Canteen) -> list[PurchaseRequest]:
    """One purchase for each way it can end, all of different cardholders."""

    async def buy(amount: int, **changes: object) -> PurchaseRequest:
        holder = await canteen.holder(main_minor=1000, subsidy_minor=300)
        return canteen.purchase(holder, amount, **changes)

    async def change(table: str, column: str, id_: object, value: object) -> None:
        await canteen.rows(
            f"UPDATE {table} SET {column} = $3 WHERE school_id = $1 AND id = $2",
            canteen.school_id, id_, value,
        )  # fmt: skip

    frozen, closed, lost, expired, revoked = [await buy(1) for _ in range(5)]
    await change("cardholder", "status", frozen.cardholder_id, "FROZEN")
    await change("cardholder", "status", closed.cardholder_id, "CLOSED")
    await change("card", "state", lost.card_id, "LOST")
    await change("card", "state", expired.card_id, "NOT_OPENED")
    await change("code_device", "revoked_at", revoked.device_id, canteen.clock.now())
    repeated, voided, spent = [await buy(200) for _ in range(3)]
    await together(canteen, [repeated])
    await canteen.answer(canteen.follow("VOID", voided))
    await together(canteen, [spent])
    proven = await buy(400, single_minor=300)
    (asked,) = await together(canteen, [proven])
    tapped = await buy(1, instrument="CARD", replay_key=None)
    return [
        await buy(1300), await buy(1301), await buy(300), await buy(301, manual=True),
        await buy(301, single_minor=300), await buy(301, daily_minor=300), tapped,
        frozen, closed, lost, expired, revoked, canteen.retry(repeated), voided,
        replace(canteen.retry(spent), seq_no=spent.seq_no + 500),
        replace(
            canteen.retry(proven), seq_no=proven.seq_no + 500, pin_proven=True,
            continuation_id=asked.continuation_id,
        ),
        await buy(1, cardholder_id=canteen.ids.new()),
    ]  # fmt: skip


async def test_a_batch_answers_and_pays_as_one_by_one(database_dsn: DatabaseDsn) -> None:
    async with canteen_on(database_dsn.app, school_ids=(7, 8)) as (batched, single):
        heard = await together(batched, await queue_of_all_kinds(batched))
        alone = [(await together(single, [r]))[0] for r in await queue_of_all_kinds(single)]
        said = [
            (a.verdict, a.outcome, a.response_code, a.reason, a.available_minor, a.spent_minor)
            for a in heard
        ]
        assert said == [
            (a.verdict, a.outcome, a.response_code, a.reason, a.available_minor, a.spent_minor)
            for a in alone
        ]
        assert [(code, reason, available) for _, _, code, reason, available, _ in said] == [
            ("00", None, 0), ("51", None, 1300), ("00", None, 1000), ("00", None, 999),
            ("70", "SINGLE", 1300), ("70", "DAILY", 1300), ("00", None, 1299), ("62", None, 1300),
            ("46", None, 1300), ("41", None, 1300), ("54", None, 1300), ("C3", "REVOKED", 1300),
            ("00", None, 1100), ("22", None, 1300), ("C1", "CODE_USED", 1100), ("00", None, 900),
            ("14", None, 0),
        ]  # fmt: skip
        assert await batched.counts() == await single.counts()
        assert (await batched.broken(), await single.broken()) == ({}, {})


@pytest.mark.parametrize("amounts", [(700, 900), (9000, 700), (700, 9000)])
async def test_one_key_of_two_payers_in_one_batch_has_one_answer(
    canteen: Canteen, amounts: tuple[int, int]
) -> None:
    holders = [await canteen.holder(5000) for _ in range(2)]
    requests = [
        canteen.purchase(holder, amount, seq_no=1)
        for holder, amount in zip(holders, amounts, strict=True)
    ]
    answers = await together(canteen, requests)
    assert sorted(a.verdict for a in answers) == ["CONFLICT", "NEW"]
    kept = [a.verdict for a in answers].index("NEW")
    assert {a.cardholder_id for a in answers} == {holders[kept].id}
    assert {a.response_code for a in answers} == {"51" if amounts[kept] == 9000 else "00"}
    paid = 0 if amounts[kept] == 9000 else amounts[kept]
    assert await canteen.funds(holders[kept]) == (5000 - paid, 5000 - paid)
    assert await canteen.funds(holders[1 - kept]) == (5000, 5000)
    assert await canteen.broken() == {}


async def test_a_reference_given_twice_is_a_fault_and_not_a_void(canteen: Canteen) -> None:
    holder = await canteen.holder(5000)
    reference = (await canteen.authorise(canteen.purchase(holder, 700))).retrieval_reference
    before = await canteen.counts()
    unlucky = canteen.purchase(holder, 700, retrieval_reference=reference)
    with pytest.raises(asyncpg.UniqueViolationError, match="authorisation_reference"):
        await canteen.authorise(unlucky)
    assert await canteen.counts() == before
    assert await canteen.funds(holder) == (4300, 4300)
    again = await canteen.authorise(canteen.retry(unlucky))
    assert (again.verdict, again.response_code) == ("NEW", "00")
    assert await canteen.funds(holder) == (3600, 3600)


async def test_a_void_that_commits_while_its_purchase_waits_wins(canteen: Canteen) -> None:
    holder, other = await canteen.holder(5000), await canteen.holder(5000)
    request, neighbour = canteen.purchase(holder, 700), canteen.purchase(other, 300)
    batch = sorted((request, neighbour), key=lambda r: r.cardholder_id)

    async def void(unit: Unit) -> "asyncio.Task[list[Answer]]":
        await store.insert_tombstone(unit, key_of(request), canteen.clock.now())
        deciding = asyncio.create_task(together(canteen, batch))
        async with asyncio.timeout(5):
            while not await unit.value("SELECT 1 FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110 - no event tells of it
                await asyncio.sleep(0.01)
        return deciding

    answers = await (await canteen.database.unit(canteen.school_id, void))
    said = {a.cardholder_id: (a.outcome, a.response_code, a.available_minor) for a in answers}
    assert said == {holder.id: ("VOIDED", "22", 5000), other.id: ("APPROVED", "00", 4700)}
    again = await canteen.authorise(canteen.retry(request))
    assert (again.verdict, again.response_code, again.spent_minor) == ("REPEATED", "22", 0)
    assert await canteen.funds(holder) == (5000, 5000)
    assert await canteen.broken() == {}


async def test_a_purse_moves_forward_in_time_whatever_the_clock_says(canteen: Canteen) -> None:
    holders = [await canteen.holder(5000) for _ in range(2)]
    now = canteen.clock.now()
    late = [canteen.purchase(h, 10, answered_at=now + timedelta(seconds=5)) for h in holders]
    early = [canteen.purchase(h, 10, answered_at=now) for h in holders]
    await together(canteen, late)
    await together(canteen, early)
    instants = await canteen.rows(
        "SELECT l.posted_at FROM leg l JOIN account x ON x.school_id = $1 AND x.id = l.account_id"
        " WHERE l.school_id = $1 AND x.owner_id = $2 AND l.amount_minor < 0 ORDER BY 1",
        canteen.school_id, holders[0].id,
    )  # fmt: skip
    first = now + timedelta(seconds=5)
    assert instants == [(first,), (first + timedelta(microseconds=1),)]
    assert (await canteen.authorisations.status(7, Key(42, 1, late[0].seq_no))).state == "CAPTURED"
    assert await canteen.broken() == {}
