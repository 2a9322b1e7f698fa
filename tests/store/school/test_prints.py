"""Printed codes: registry, revocation, and the terminal that is no device."""

import asyncio

import pytest

from core.school.records import (
    DeviceClass,
    MerchantUnknown,
    PrintUnknown,
    SchoolUnknown,
    Site,
    SiteUnknown,
    TerminalState,
    TerminalStateInvalid,
)
from core.school.service import Prints
from tests.factories.registry import OPERATOR, SCHOOL, Registry


@pytest.fixture
def prints(registry: Registry) -> Prints:
    """The registry of prints."""
    return Prints(registry.database, registry.clock, registry.audit)


async def acts(registry: Registry) -> list[tuple[str, str]]:
    """The audited acts on prints."""
    rows = await registry.rows("SELECT act, subject FROM audit_event WHERE act LIKE 'print.%'")
    return sorted((row["act"], row["subject"]) for row in rows)


async def test_prints_are_numbered_under_one_virtual_terminal(
    registry: Registry, prints: Prints
) -> None:
    till = await registry.add_terminal()
    made = await asyncio.gather(*(prints.issue(SCHOOL, 1, 0, 0, 2, OPERATOR) for _ in range(5)))
    assert {each.terminal_no for each in made} == {till.number + 1}
    assert sorted(each.number for each in made) == [1, 2, 3, 4, 5]
    virtual = (await registry.terminals.list_all(SCHOOL))[-1]
    assert (virtual.device_class, virtual.state) == (DeviceClass.VIRTUAL, TerminalState.ACTIVE)
    found = await registry.terminals.find_enrolled(SCHOOL, virtual.number)
    assert found is not None
    assert (found.keys, found.merchant.number) == ((), 1)
    assert await acts(registry) == [("print.issue", f"print:2.{n}") for n in range(1, 6)]
    listed = await prints.list_all(SCHOOL, 1)
    assert [each.number for each in listed] == [1, 2, 3, 4, 5]


async def test_revoked_print_stays_listed_and_is_audited_once(
    registry: Registry, prints: Prints
) -> None:
    await registry.add_merchant()
    made = await prints.issue(SCHOOL, 1, 0, 500, 2, OPERATOR)
    registry.clock.advance(seconds=5)
    ended = await prints.revoke(SCHOOL, 1, made.number, OPERATOR)
    assert ended.revoked_at == registry.clock.now()
    registry.clock.advance(seconds=5)
    assert await prints.revoke(SCHOOL, 1, made.number, OPERATOR) == ended
    assert await prints.find(SCHOOL, made.terminal_no, made.number) == ended
    assert await acts(registry) == [("print.issue", "print:1.1"), ("print.revoke", "print:1.1")]


async def test_each_merchant_has_a_virtual_terminal_of_its_own(
    registry: Registry, prints: Prints
) -> None:
    await registry.add_merchant()
    await registry.add_merchant()
    one = await prints.issue(SCHOOL, 1, 0, 0, 2, OPERATOR)
    two = await prints.issue(SCHOOL, 2, 0, 0, 2, OPERATOR)
    assert (one.number, two.number) == (1, 1)
    assert one.terminal_no != two.terminal_no
    await prints.revoke(SCHOOL, 1, 1, OPERATOR)
    assert await prints.find(SCHOOL, two.terminal_no, 1) == two


async def test_print_needs_its_merchant_and_site(registry: Registry, prints: Prints) -> None:
    await registry.add_merchant()
    for merchant, site, refusal in ((9, 0, MerchantUnknown), (1, 9, SiteUnknown)):
        with pytest.raises(refusal):
            await prints.issue(SCHOOL, merchant, site, 0, 2, OPERATOR)
    with pytest.raises(SchoolUnknown):
        await prints.issue(99, 1, 0, 0, 2, OPERATOR)
    for number in (1, 2):
        with pytest.raises(PrintUnknown):
            await prints.revoke(SCHOOL, 1, number, OPERATOR)
    with pytest.raises(MerchantUnknown):
        await prints.list_all(SCHOOL, 9)
    assert await registry.count("terminal") == 0
    assert await registry.count("printed_code") == 0
    assert await acts(registry) == []


async def test_no_device_enrols_as_a_virtual_terminal(registry: Registry, prints: Prints) -> None:
    await registry.add_merchant()
    made = await prints.issue(SCHOOL, 1, 0, 0, 2, OPERATOR)
    with pytest.raises(TerminalStateInvalid):
        await registry.terminals.activation_open(SCHOOL, made.terminal_no, "A" * 12, OPERATOR)
    with pytest.raises(TerminalStateInvalid):
        await registry.terminals.register(SCHOOL, 1, 0, DeviceClass.VIRTUAL, ["SHOP"], OPERATOR)
    assert await registry.count("activation_code") == 0
    assert await registry.count("terminal") == 1


async def test_print_is_told_to_the_second(registry: Registry, prints: Prints) -> None:
    await registry.add_merchant()
    registry.clock.advance(milliseconds=750)
    made = await prints.issue(SCHOOL, 1, 0, 0, 2, OPERATOR)
    assert made.issued_at.microsecond == 0
    assert await prints.find(SCHOOL, made.terminal_no, 1) == made


async def test_first_site_is_taken_where_none_is_named(registry: Registry, prints: Prints) -> None:
    await registry.schools.merchant_add(SCHOOL, "示范店", "Sample Shop", OPERATOR)
    with pytest.raises(SiteUnknown):
        await prints.issue(SCHOOL, 1, None, 0, 2, OPERATOR)
    for number in (5, 3):
        await registry.schools.site_put(SCHOOL, Site(number, "楼", "Hall"), OPERATOR)
    await prints.issue(SCHOOL, 1, None, 0, 2, OPERATOR)
    (virtual,) = await registry.terminals.list_all(SCHOOL)
    assert virtual.site_number == 3
