"""Cash at the window (M-063), over a real database."""

import asyncio

import pytest

from core.identity.records import CardholderUnknown
from core.kit.errors import IdempotencyConflict
from core.school.records import Role, StaffNotAllowed
from core.top_up.records import CardholderNotActive, CashNotOffered
from tests.factories.registry import OPERATOR, SCHOOL, Registry, school_file

FOUR_EYES = 50_000


async def test_cash_is_in_the_main_purse_at_once(registry: Registry) -> None:
    cashier = await registry.caller("wang", Role.CASHIER)
    holder = await registry.add_cardholder()
    answer = await registry.cash.take(SCHOOL, cashier, holder, FOUR_EYES, "key-1")
    assert answer.top_up_id is not None
    assert answer.request_id is None
    assert await registry.balance(holder) == FOUR_EYES
    legs = await registry.rows(
        "SELECT a.kind, l.amount_minor FROM leg l JOIN account a ON a.id = l.account_id ORDER BY 2"
    )
    assert [tuple(leg) for leg in legs] == [("CASH", -FOUR_EYES), ("MAIN", FOUR_EYES)]
    assert (await registry.ledger.trial_balance(SCHOOL)).total_minor == 0


async def test_more_than_one_person_may_take_waits_for_the_second(registry: Registry) -> None:
    cashier = await registry.caller("wang", Role.CASHIER)
    second = await registry.caller("zhao", Role.CARD_MANAGER)
    holder = await registry.add_cardholder()
    answer = await registry.cash.take(SCHOOL, cashier, holder, FOUR_EYES + 1, "key-1")
    assert await registry.balance(holder) == 0
    assert answer.top_up_id is None
    assert answer.request_id is not None
    assert answer.content_hash is not None
    done = await registry.four_eyes.approve(SCHOOL, second, answer.request_id, answer.content_hash)
    assert await registry.balance(holder) == FOUR_EYES + 1
    rows = await registry.rows("SELECT id, staff_id, four_eyes_id FROM cash_top_up")
    assert [tuple(row) for row in rows] == [(rows[0]["id"], cashier.staff_id, answer.request_id)]
    assert done == {"top_up_id": str(rows[0]["id"])}


@pytest.mark.parametrize("amount_minor", [100, FOUR_EYES + 1])
async def test_repeat_answers_as_the_first_and_moves_nothing(
    registry: Registry, amount_minor: int
) -> None:
    cashier = await registry.caller("wang", Role.CASHIER)
    holder = await registry.add_cardholder()
    answers = await asyncio.gather(*(
        registry.cash.take(SCHOOL, cashier, holder, amount_minor, "key-1") for _ in range(8)
    ))  # fmt: skip
    assert len(set(answers)) == 1
    made = await registry.count("transfer"), await registry.count("four_eyes_request")
    assert made == ((1, 0) if amount_minor == 100 else (0, 1))


async def test_repeat_answers_as_the_first_though_the_holder_left(registry: Registry) -> None:
    cashier = await registry.caller("wang", Role.CASHIER)
    holder = await registry.add_cardholder()
    first = await registry.cash.take(SCHOOL, cashier, holder, 100, "key-1")
    await registry.rows("UPDATE cardholder SET status = 'CLOSED'")
    assert await registry.cash.take(SCHOOL, cashier, holder, 100, "key-1") == first


async def test_same_key_with_another_amount_conflicts(registry: Registry) -> None:
    cashier = await registry.caller("wang", Role.CASHIER)
    holder = await registry.add_cardholder()
    await registry.cash.take(SCHOOL, cashier, holder, 100, "key-1")
    with pytest.raises(IdempotencyConflict):
        await registry.cash.take(SCHOOL, cashier, holder, 200, "key-1")
    assert await registry.balance(holder) == 100


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.CASHIER}))
async def test_only_a_cashier_takes_cash(registry: Registry, role: Role) -> None:
    other = await registry.caller("wang", role)
    holder = await registry.add_cardholder()
    with pytest.raises(StaffNotAllowed):
        await registry.cash.take(SCHOOL, other, holder, 100, "key-1")
    assert await registry.balance(holder) == 0


async def test_role_taken_away_counts_at_once(registry: Registry) -> None:
    cashier = await registry.caller("wang", Role.CASHIER)
    holder = await registry.add_cardholder()
    await registry.rows("UPDATE staff SET roles = '{CLERK}'")
    with pytest.raises(StaffNotAllowed):
        await registry.cash.take(SCHOOL, cashier, holder, 100, "key-1")
    assert await registry.balance(holder) == 0


@pytest.mark.parametrize("status", ["FROZEN", "CLOSING", "CLOSED"])
async def test_money_is_taken_for_active_holders_only(registry: Registry, status: str) -> None:
    cashier = await registry.caller("wang", Role.CASHIER)
    holder = await registry.add_cardholder(status=status)
    with pytest.raises(CardholderNotActive):
        await registry.cash.take(SCHOOL, cashier, holder, 100, "key-1")
    assert await registry.balance(holder) == 0


async def test_unknown_holder_is_refused(registry: Registry) -> None:
    cashier = await registry.caller("wang", Role.CASHIER)
    with pytest.raises(CardholderUnknown):
        await registry.cash.take(SCHOOL, cashier, registry.ids.new(), 100, "key-1")
    assert await registry.count("idempotency") == 0


async def test_school_without_cash_takes_none(registry: Registry) -> None:
    no_cash = school_file(policy='[policy.top_up]\nchannels = ["ALIPAY"]\n')
    await registry.schools.policy_activate(SCHOOL, no_cash, OPERATOR)
    cashier = await registry.caller("wang", Role.CASHIER)
    holder = await registry.add_cardholder()
    with pytest.raises(CashNotOffered):
        await registry.cash.take(SCHOOL, cashier, holder, 100, "key-1")
    assert await registry.balance(holder) == 0


async def test_fifty_top_ups_at_once_all_arrive(registry: Registry) -> None:
    cashier = await registry.caller("wang", Role.CASHIER)
    holder = await registry.add_cardholder()
    await asyncio.gather(*(
        registry.cash.take(SCHOOL, cashier, holder, 10, f"key-{place}") for place in range(50)
    ))  # fmt: skip
    assert await registry.balance(holder) == 500
    assert await registry.count("cash_top_up") == 50
