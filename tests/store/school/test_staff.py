"""Staff: passwords, second factor and the limit on tries, over a real database."""

import asyncio

import pytest

from core.school.records import (
    LoginInvalid,
    LoginTaken,
    PasswordWeak,
    Role,
    SchoolUnknown,
    SecondFactorWrong,
    StaffNotAllowed,
)
from tests.factories.registry import OPERATOR, PASSWORD, SCHOOL, Registry


async def test_right_login_password_and_code_name_the_member(registry: Registry) -> None:
    made = await registry.add_staff("wang", Role.CASHIER)
    checked = await registry.staff.check(SCHOOL, "wang", PASSWORD, registry.code_of(made))
    assert checked == made.member.id
    assert await registry.staff.get(SCHOOL, made.member.id) == made.member


async def test_code_is_good_once(registry: Registry) -> None:
    made = await registry.add_staff("wang", Role.CASHIER)
    code = registry.code_of(made)
    tries = (registry.staff.check(SCHOOL, "wang", PASSWORD, code) for _ in range(3))
    answers = await asyncio.gather(*tries)
    assert sorted(answers, key=str) == [made.member.id, None, None]


async def test_older_code_is_refused_after_a_newer(registry: Registry) -> None:
    made = await registry.add_staff("wang", Role.CASHIER)
    now, before = registry.code_of(made), registry.code_of(made, -1)
    assert await registry.staff.check(SCHOOL, "wang", PASSWORD, now) == made.member.id
    assert await registry.staff.check(SCHOOL, "wang", PASSWORD, before) is None


@pytest.mark.parametrize(("login", "password", "drift"), [
    ("nobody", PASSWORD, 0), ("wang", "sample other words", 0), ("wang", PASSWORD, -2),
])  # fmt: skip
async def test_anything_wrong_gets_the_same_answer(
    registry: Registry, login: str, password: str, drift: int
) -> None:
    made = await registry.add_staff("wang", Role.CASHIER)
    code = registry.code_of(made, drift)
    assert await registry.staff.check(SCHOOL, login, password, code) is None


async def test_sixth_try_in_15_minutes_is_refused_though_right(registry: Registry) -> None:
    made = await registry.add_staff("wang", Role.CASHIER)
    for _ in range(5):
        assert await registry.staff.check(SCHOOL, "wang", "sample other words", "000000") is None
    assert await registry.staff.check(SCHOOL, "wang", PASSWORD, registry.code_of(made)) is None
    registry.clock.advance(minutes=15)
    checked = await registry.staff.check(SCHOOL, "wang", PASSWORD, registry.code_of(made))
    assert checked == made.member.id


async def test_success_gives_the_tries_back(registry: Registry) -> None:
    made = await registry.add_staff("wang", Role.CASHIER)
    for _ in range(4):
        await registry.staff.check(SCHOOL, "wang", "sample other words", "000000")
    assert await registry.staff.check(SCHOOL, "wang", PASSWORD, registry.code_of(made)) is not None
    assert await registry.count("attempt_counter") == 0


async def test_second_factor_alone_is_limited_too(registry: Registry) -> None:
    made = await registry.add_staff("wang", Role.CASHIER)
    staff_id = made.member.id
    proven = await registry.staff.prove_second_factor(SCHOOL, staff_id, registry.code_of(made))
    assert proven == registry.clock.now()
    registry.clock.advance(seconds=60)
    for _ in range(5):
        with pytest.raises(SecondFactorWrong):
            await registry.staff.prove_second_factor(SCHOOL, staff_id, "000000")
    with pytest.raises(SecondFactorWrong):
        await registry.staff.prove_second_factor(SCHOOL, staff_id, registry.code_of(made))


async def test_member_who_left_does_not_sign_in(registry: Registry) -> None:
    made = await registry.add_staff("wang", Role.CASHIER)
    await registry.rows("UPDATE staff SET active = false")
    assert await registry.staff.check(SCHOOL, "wang", PASSWORD, registry.code_of(made)) is None
    with pytest.raises(SecondFactorWrong):
        await registry.staff.prove_second_factor(SCHOOL, made.member.id, registry.code_of(made))


@pytest.mark.parametrize(("login", "password", "refusal"), [
    ("Wang", PASSWORD, LoginInvalid),
    ("lily", "short", PasswordWeak),
    ("lily", "the lily pond is deep", PasswordWeak),
    ("wang", PASSWORD, LoginTaken),
])  # fmt: skip
async def test_bad_login_or_password_adds_nobody(
    registry: Registry, login: str, password: str, refusal: type[Exception]
) -> None:
    await registry.add_staff("wang", Role.CASHIER)
    with pytest.raises(refusal):
        await registry.staff.create(
            SCHOOL, login, "示例", frozenset({Role.CLERK}), password, OPERATOR
        )
    assert await registry.count("staff") == 1


async def test_nothing_that_signs_in_is_stored_in_clear(registry: Registry) -> None:
    made = await registry.add_staff("wang", Role.CASHIER)
    row = (await registry.rows("SELECT password_hash, totp_sealed FROM staff"))[0]
    assert row["password_hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PASSWORD not in row["password_hash"]
    assert made.totp_secret.encode() not in row["totp_sealed"]
    assert made.totp_secret not in repr(made)


async def test_unknown_school_or_member_is_refused(registry: Registry) -> None:
    with pytest.raises(SchoolUnknown):
        await registry.staff.create(99, "wang", "示例", frozenset({Role.CLERK}), PASSWORD, OPERATOR)
    with pytest.raises(StaffNotAllowed):
        await registry.staff.get(SCHOOL, registry.ids.new())
