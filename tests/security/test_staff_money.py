"""Staff and money (security.md 7, 8): two persons, never one's own card, always an audit row."""

import asyncio

import asyncpg
import pytest

from core.kit.money import MAXIMUM_MINOR
from core.school.records import (
    OwnCardExcluded,
    RequestContentChanged,
    RequestDecided,
    RequesterCannotApprove,
    RequestExpired,
    RequestUnknown,
    Role,
    SecondFactorStale,
    StaffCaller,
    StaffNotAllowed,
)
from core.top_up.records import AmountInvalid, CashAnswer
from tests.factories.registry import OPERATOR, SCHOOL, Registry, school_file
from tests.servers.fixtures import DatabaseDsn

ABOVE = 50_001


async def asked(registry: Registry, requester: StaffCaller, number: str = "S001") -> CashAnswer:
    """A request for cash above what one person may take."""
    holder = await registry.add_cardholder(number)
    return await registry.cash.take(SCHOOL, requester, holder, ABOVE, "key-1")


async def approve(registry: Registry, approver: StaffCaller, answer: CashAnswer) -> None:
    assert answer.request_id is not None
    assert answer.content_hash is not None
    await registry.four_eyes.approve(SCHOOL, approver, answer.request_id, answer.content_hash)


async def assert_nothing_posted(registry: Registry, state: str = "OPEN") -> None:
    assert await registry.count("transfer") == 0
    assert await registry.count("cash_top_up") == 0
    states = await registry.rows("SELECT state FROM four_eyes_request")
    assert [row["state"] for row in states] == [state]


async def test_requester_cannot_approve(registry: Registry) -> None:
    requester = await registry.caller("wang", Role.CASHIER, Role.CARD_MANAGER)
    answer = await asked(registry, requester)
    with pytest.raises(RequesterCannotApprove):
        await approve(registry, requester, answer)
    await assert_nothing_posted(registry)
    with pytest.raises(asyncpg.CheckViolationError):
        await registry.rows(
            "UPDATE four_eyes_request SET state = 'EXECUTED', approver_id = requester_id,"
            " decided_at = created_at"
        )


async def test_approved_content_cannot_change(
    registry: Registry, database_dsn: DatabaseDsn
) -> None:
    requester = await registry.caller("wang", Role.CASHIER)
    approver = await registry.caller("zhao", Role.CARD_MANAGER)
    answer = await asked(registry, requester)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await registry.rows("UPDATE four_eyes_request SET content = '{}'")
    other = CashAnswer(None, answer.request_id, bytes(32))
    with pytest.raises(RequestContentChanged):
        await approve(registry, approver, other)
    owner = await asyncpg.connect(database_dsn.owner)
    await owner.execute(
        f"SET app.school = {SCHOOL}; UPDATE four_eyes_request"
        " SET content = content || '{\"amount_minor\": 99999999}'"
    )
    await owner.close()
    with pytest.raises(RequestContentChanged):
        await approve(registry, approver, answer)
    await assert_nothing_posted(registry)


async def test_own_card_is_excluded(registry: Registry) -> None:
    own = await registry.caller("wang", Role.CASHIER, cardholder_number="S001")
    holder = await registry.add_cardholder("S001")
    for amount_minor in (100, ABOVE):
        with pytest.raises(OwnCardExcluded):
            await registry.cash.take(SCHOOL, own, holder, amount_minor, f"key-{amount_minor}")
    assert await registry.count("four_eyes_request") == 0
    assert await registry.count("transfer") == 0


async def test_own_card_of_the_approver_is_excluded(registry: Registry) -> None:
    requester = await registry.caller("wang", Role.CASHIER)
    approver = await registry.caller("zhao", Role.CASHIER, cardholder_number="S001")
    answer = await asked(registry, requester, "S001")
    with pytest.raises(OwnCardExcluded):
        await approve(registry, approver, answer)
    await assert_nothing_posted(registry)


async def test_request_runs_once_though_two_approve_at_once(registry: Registry) -> None:
    requester = await registry.caller("wang", Role.CASHIER)
    seconds = [await registry.caller(login, Role.CASHIER) for login in ("zhao", "qian")]
    answer = await asked(registry, requester)
    outcomes = await asyncio.gather(
        *(approve(registry, second, answer) for second in seconds), return_exceptions=True
    )
    assert sorted(type(o).__name__ for o in outcomes) == ["NoneType", "RequestDecided"]
    assert await registry.count("transfer") == 1
    assert await registry.count("cash_top_up") == 1


async def test_request_dies_after_24_hours(registry: Registry) -> None:
    requester = await registry.caller("wang", Role.CASHIER)
    second = await registry.caller("zhao", Role.CASHIER)
    answer = await asked(registry, requester)
    registry.clock.advance(hours=24)
    fresh = StaffCaller(second.staff_id, registry.clock.now())
    with pytest.raises(RequestExpired):
        await approve(registry, fresh, answer)
    await assert_nothing_posted(registry)


async def test_both_need_a_second_factor_of_15_minutes(registry: Registry) -> None:
    requester = await registry.caller("wang", Role.CASHIER)
    second = await registry.caller("zhao", Role.CASHIER)
    registry.clock.advance(minutes=15)
    answer = await asked(registry, requester)
    registry.clock.advance(seconds=1)
    holder = await registry.add_cardholder("S002")
    with pytest.raises(SecondFactorStale):
        await registry.cash.take(SCHOOL, requester, holder, ABOVE, "key-2")
    for stale in (second, StaffCaller(second.staff_id, None)):
        with pytest.raises(SecondFactorStale):
            await approve(registry, stale, answer)
    await assert_nothing_posted(registry)


@pytest.mark.parametrize("role", [Role.CLERK, Role.IT_ADMIN, Role.AUDITOR])
async def test_approver_needs_the_role_for_the_act(registry: Registry, role: Role) -> None:
    requester = await registry.caller("wang", Role.CASHIER)
    other = await registry.caller("zhao", role)
    answer = await asked(registry, requester)
    with pytest.raises(StaffNotAllowed):
        await approve(registry, other, answer)
    await assert_nothing_posted(registry)


async def test_request_of_a_cashier_who_left_does_not_run(registry: Registry) -> None:
    requester = await registry.caller("wang", Role.CASHIER)
    second = await registry.caller("zhao", Role.CASHIER)
    answer = await asked(registry, requester)
    await registry.rows("UPDATE staff SET active = false WHERE login = 'wang'")
    with pytest.raises(StaffNotAllowed):
        await approve(registry, second, answer)
    await assert_nothing_posted(registry)


async def test_refused_or_withdrawn_request_never_runs(registry: Registry) -> None:
    requester = await registry.caller("wang", Role.CASHIER)
    second = await registry.caller("zhao", Role.CASHIER)
    answer = await asked(registry, requester)
    assert answer.request_id is not None
    await registry.four_eyes.refuse(SCHOOL, requester, answer.request_id, "typed wrongly")
    with pytest.raises(RequestDecided):
        await approve(registry, second, answer)
    with pytest.raises(RequestDecided):
        await registry.four_eyes.refuse(SCHOOL, second, answer.request_id, "too late")
    await assert_nothing_posted(registry, "REFUSED")


async def test_each_staff_transfer_has_audit_row(registry: Registry) -> None:
    requester = await registry.caller("wang", Role.CASHIER)
    second = await registry.caller("zhao", Role.CASHIER)
    holder = await registry.add_cardholder("S009")
    await registry.cash.take(SCHOOL, requester, holder, 100, "key-0")
    await approve(registry, second, await asked(registry, requester))
    pairs = await registry.rows(
        "SELECT t.id, t.amount_minor, c.staff_id, e.actor_id, e.facts ->> 'transfer_id' AS named,"
        " (e.facts ->> 'amount_minor')::bigint AS audited, c.four_eyes_id FROM transfer t"
        " LEFT JOIN cash_top_up c ON c.school_id = t.school_id AND c.transfer_id = t.id"
        " LEFT JOIN audit_event e ON e.school_id = t.school_id AND e.id = c.audit_id"
        " ORDER BY t.amount_minor"
    )
    assert [(row["amount_minor"], row["audited"]) for row in pairs] == [(100, 100), (ABOVE, ABOVE)]
    assert [row["named"] for row in pairs] == [str(row["id"]) for row in pairs]
    assert {row["actor_id"] for row in pairs} == {str(requester.staff_id)}
    assert [row["four_eyes_id"] is None for row in pairs] == [True, False]
    report = await registry.audit.verify(SCHOOL)
    assert report.first_broken_id is None


@pytest.mark.parametrize("statement", [
    "UPDATE audit_event SET reason = 'other'", "DELETE FROM audit_event", "TRUNCATE audit_event",
    "UPDATE cash_top_up SET amount_minor = 1", "DELETE FROM cash_top_up",
])  # fmt: skip
async def test_audit_table_refuses_update_delete(registry: Registry, statement: str) -> None:
    before = await registry.count("audit_event")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await registry.rows(statement)
    assert await registry.count("audit_event") == before


@pytest.mark.parametrize("amount_minor", [-1, 0, MAXIMUM_MINOR + 1, 2**31, 2**63])
async def test_amounts_at_bounds(registry: Registry, amount_minor: int) -> None:
    cashier = await registry.caller("wang", Role.CASHIER)
    holder = await registry.add_cardholder()
    with pytest.raises(AmountInvalid):
        await registry.cash.take(SCHOOL, cashier, holder, amount_minor, "key-1")
    assert await registry.count("transfer") == 0
    assert await registry.count("idempotency") == 0


async def test_smallest_and_largest_amounts_pass(registry: Registry) -> None:
    all_by_one = school_file(policy=f"[policy.staff]\nfour_eyes_minor = {MAXIMUM_MINOR}\n")
    await registry.schools.policy_activate(SCHOOL, all_by_one, OPERATOR)
    cashier = await registry.caller("wang", Role.CASHIER)
    holder = await registry.add_cardholder()
    for amount_minor in (1, MAXIMUM_MINOR):
        await registry.cash.take(SCHOOL, cashier, holder, amount_minor, f"key-{amount_minor}")
    assert await registry.balance(holder) == MAXIMUM_MINOR + 1


async def test_unknown_request_is_refused(registry: Registry) -> None:
    second = await registry.caller("zhao", Role.CASHIER)
    with pytest.raises(RequestUnknown):
        await registry.four_eyes.approve(SCHOOL, second, registry.ids.new(), bytes(32))
    assert await registry.count("four_eyes_request") == 0
