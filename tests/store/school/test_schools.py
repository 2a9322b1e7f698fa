"""Schools, their policy and their merchants, over a real database."""

import pytest

from core.school.records import (
    MerchantUnknown,
    PolicyInvalid,
    SchoolExists,
    SchoolFileOfOther,
    SchoolUnknown,
    Site,
)
from tests.factories.registry import OPERATOR, SCHOOL, Registry, school_file

HIGHER = school_file(policy="[policy.limit]\ndaily_minor = 6000\n")


async def versions(registry: Registry) -> list[int]:
    rows = await registry.rows("SELECT version FROM policy_version ORDER BY version")
    return [row["version"] for row in rows]


async def test_added_school_is_listed_with_its_campuses(registry: Registry) -> None:
    await registry.schools.add(school_file(3), OPERATOR)
    assert [school.id for school in await registry.schools.list_all()] == [3, SCHOOL]
    school = await registry.schools.get(SCHOOL)
    assert (school.code, school.name_zh, school.default_language) == ("sample-7", "示范", "zh")
    assert [campus.code for campus in await registry.schools.campuses(SCHOOL)] == ["MAIN"]


async def test_school_that_exists_is_refused(registry: Registry) -> None:
    with pytest.raises(SchoolExists):
        await registry.schools.add(HIGHER, OPERATOR)
    same_code = HIGHER.replace("id = 7", "id = 8")
    with pytest.raises(SchoolExists):
        await registry.schools.add(same_code, OPERATOR)
    assert [school.id for school in await registry.schools.list_all()] == [SCHOOL]
    assert await versions(registry) == [1]


async def test_bad_file_adds_nothing(registry: Registry) -> None:
    with pytest.raises(PolicyInvalid):
        await registry.schools.add(school_file(9, "[policy.limits]\nx = 1\n"), OPERATOR)
    assert [school.id for school in await registry.schools.list_all()] == [SCHOOL]


async def test_file_that_decides_otherwise_is_a_new_version(registry: Registry) -> None:
    assert (await registry.schools.policy(SCHOOL)).limit.daily_minor == 5_000
    assert await registry.schools.policy_activate(SCHOOL, HIGHER, OPERATOR) == 2
    assert (await registry.schools.policy(SCHOOL)).limit.daily_minor == 6_000
    assert await versions(registry) == [1, 2]


async def test_file_that_decides_alike_is_no_new_version(registry: Registry) -> None:
    stated = school_file(policy="[policy.limit]\ndaily_minor = 5000\n", name="新名")
    assert await registry.schools.policy_activate(SCHOOL, stated, OPERATOR) == 1
    assert await versions(registry) == [1]
    assert (await registry.schools.get(SCHOOL)).name_zh == "新名"


async def test_same_file_again_leaves_no_trace(registry: Registry) -> None:
    audited = await registry.count("audit_event")
    assert await registry.schools.policy_activate(SCHOOL, school_file(), OPERATOR) == 1
    assert await registry.count("audit_event") == audited


async def test_file_of_another_school_is_refused(registry: Registry) -> None:
    with pytest.raises(SchoolFileOfOther):
        await registry.schools.policy_activate(SCHOOL, school_file(8), OPERATOR)
    assert await versions(registry) == [1]


async def test_policy_of_another_process_is_seen_within_30_seconds(registry: Registry) -> None:
    await registry.schools.policy(SCHOOL)
    await registry.rows(
        "INSERT INTO policy_version SELECT school_id, 2,"
        " source || '[policy.limit]\ndaily_minor = 7000\n', digest, created_by, created_at"
        " FROM policy_version"
    )
    registry.clock.advance(seconds=29)
    assert (await registry.schools.policy(SCHOOL)).limit.daily_minor == 5_000
    registry.clock.advance(seconds=1)
    assert (await registry.schools.policy(SCHOOL)).limit.daily_minor == 7_000


async def test_unknown_school_has_no_policy(registry: Registry) -> None:
    with pytest.raises(SchoolUnknown):
        await registry.schools.policy(99)


async def test_merchants_are_numbered_and_have_an_account(registry: Registry) -> None:
    first = await registry.add_merchant()
    second = await registry.schools.merchant_add(SCHOOL, "书店", "Bookshop", OPERATOR)
    assert (first.number, second.number) == (1, 2)
    assert [m.number for m in await registry.schools.merchants(SCHOOL)] == [1, 2]
    assert await registry.schools.merchant(SCHOOL, 2) == second
    kinds = await registry.rows(f"SELECT kind FROM account WHERE owner_id = '{first.id}'")
    assert [row["kind"] for row in kinds] == ["MERCHANT"]


async def test_merchant_of_unknown_school_is_refused(registry: Registry) -> None:
    with pytest.raises(SchoolUnknown):
        await registry.schools.merchant_add(99, "无", "None", OPERATOR)
    assert await registry.count("merchant") == 0


async def test_policy_is_known_within_a_unit_too(registry: Registry) -> None:
    in_force = await registry.database.unit(SCHOOL, registry.schools.policy_in)
    assert in_force == await registry.schools.policy(SCHOOL)
    registry.clock.advance(seconds=30)
    assert await registry.database.unit(SCHOOL, registry.schools.policy_in) is in_force


async def test_unknown_school_gets_no_file_site_or_name(registry: Registry) -> None:
    with pytest.raises(SchoolUnknown):
        await registry.schools.policy_activate(99, school_file(99), OPERATOR)
    with pytest.raises(SchoolUnknown):
        await registry.schools.site_put(99, Site(0, "无", "None"), OPERATOR)
    with pytest.raises(SchoolUnknown):
        await registry.schools.get(99)
    assert await registry.rows("SELECT 1 FROM site", school_id=99) == []


async def test_site_is_renamed_in_place(registry: Registry) -> None:
    for name in ("Canteen", "New Canteen"):
        await registry.schools.site_put(SCHOOL, Site(3, "食堂", name), OPERATOR)
    assert await registry.schools.sites(SCHOOL) == [Site(3, "食堂", "New Canteen")]


async def test_unknown_merchant_is_refused(registry: Registry) -> None:
    with pytest.raises(MerchantUnknown):
        await registry.schools.merchant(SCHOOL, 1)
