"""PARAMETERS and DENY: published when something changes, fetched as deltas, acknowledged."""

from base64 import b64decode
from dataclasses import replace
from typing import Any

import pytest
from nacl.signing import SigningKey

from core.school.records import DocumentKind, SignedDocument
from terminals import deny, parameters
from terminals.deny import DenyList
from terminals.documents import verify_by_ring
from terminals.keys import KeyRing
from terminals.operators import matches_offline
from tests.api.alone import OFFLINE, open_offline
from tests.api.campus import Campus
from tests.api.devices import SCHOOL, Phone, Till
from tests.api.operators import NUMBER, PIN, register
from tests.api.sample import OPERATOR, school_file
from tests.api.test_terminal_sync import named
from tests.unit.school.test_till_facts import TILLS

DOCUMENTS = "documents { kind issuer version kid content signature }"
BEAT = "heartbeat { directives keysVersion parametersVersion denyVersion }"


async def sync(till: Till, **held: int | None) -> list[SignedDocument]:
    """The documents newer than those held."""
    given = {"key": till.next_key(0), "keysVersion": 0, **held}
    payload = await till.ask("terminalSyncParameters", given, DOCUMENTS)
    assert payload["userErrors"] == []
    return [
        SignedDocument(
            DocumentKind[each["kind"]], each["issuer"], each["version"], each["kid"],
            b64decode(each["content"]), b64decode(each["signature"]),
        )
        for each in payload["documents"]
    ]  # fmt: skip


async def beat(till: Till, **held: int | None) -> Any:
    given = {"key": till.next_key(0), "clock": 1, "clockLost": False, "queue": 0, **held}
    return (await named(till, "terminalHeartbeat", given, BEAT))["heartbeat"]


def ring(campus: Campus) -> KeyRing:
    return KeyRing(campus.keys.public_keys(SCHOOL))


async def revoke(campus: Campus, phone: Phone) -> None:
    given = {"deviceId": phone.device_id}
    payload = await campus.do("codeDeviceRevoke", given, "device { id }", phone.token)
    assert payload["userErrors"] == []
    campus.clock.advance(seconds=6)


async def test_parameters_follow_policy_and_registry(campus: Campus) -> None:
    till = await campus.till()
    refresh = campus.wired.services.publisher.refresh
    first = await refresh(SCHOOL)
    assert first is not None
    assert first.version == 1
    assert await refresh(SCHOOL) is None, "nothing changed"
    assert verify_by_ring(first, DocumentKind.PARAMETERS, SCHOOL, 0, ring(campus)) is None
    assert not parameters.read(first.content).offline_money
    await open_offline(campus)
    (found,) = await sync(till, parametersVersion=1)
    assert found.version == 2
    told = parameters.read(found.content)
    assert told.offline_money
    assert told.site_of(till.number) == 0
    assert await sync(till, parametersVersion=2) == []
    assert await sync(till) == [], "who names no version fetches none"
    assert (await beat(till, parametersVersion=1))["directives"] == ["SYNC"]
    assert (await beat(till, parametersVersion=2))["directives"] == []
    other = await campus.till()
    campus.clock.advance(seconds=61)
    third = await refresh(SCHOOL)
    assert third is not None
    assert parameters.read(third.content).site_of(other.number) == 0


async def test_parameters_follow_operators_prices_and_what_tills_show(campus: Campus) -> None:
    till = await campus.till()
    services = campus.wired.services
    refresh = services.publisher.refresh
    assert await refresh(SCHOOL) is not None
    await register(campus)
    second = await refresh(SCHOOL)
    assert second is not None
    own = parameters.read(second.content).merchant_of(till.number)
    assert own is not None
    entry = own.operator(NUMBER)
    assert entry is not None
    assert matches_offline(PIN, entry.salt, entry.iterations, entry.hash)
    await services.operators.registry.block(SCHOOL, 1, NUMBER, "left", OPERATOR)
    third = await refresh(SCHOOL)
    assert third is not None
    assert parameters.read(third.content).merchant_of(till.number) is None
    text = school_file(SCHOOL) + TILLS
    await services.schools.policy_activate(SCHOOL, text, OPERATOR)
    fourth = await refresh(SCHOOL)
    assert fourth is not None
    told = parameters.read(fourth.content)
    sold = told.merchant_of(till.number)
    assert sold is not None
    assert [price.name_en for price in sold.prices] == ["Rice"]
    assert [meal.name_en for meal in told.meal_periods] == ["Breakfast", "Dinner"]
    assert (told.display is not None, fourth.version) == (True, 4)


async def test_two_workers_publish_one_version(campus: Campus) -> None:
    await campus.till()
    services = campus.wired.services
    stale = services.publisher
    assert await stale.refresh(SCHOOL) is not None
    await services.schools.policy_activate(SCHOOL, school_file(SCHOOL, OFFLINE), OPERATOR)
    campus.clock.advance(seconds=61)
    newest = await services.documents.find_newest(SCHOOL, DocumentKind.PARAMETERS)
    assert newest is not None
    assert await stale.refresh(SCHOOL) is not None
    services.documents._cache[SCHOOL, DocumentKind.PARAMETERS] = (campus.clock.now(), newest)
    assert await stale.refresh(SCHOOL) is None
    versions = await campus.rows("SELECT version FROM signed_document WHERE kind = 2")
    assert [row[0] for row in versions] == [1, 2]


async def test_only_so_many_parameters_are_remembered(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("terminals.publisher._KEPT", 1)
    publisher, documents = campus.wired.services.publisher, campus.wired.services.documents
    made = await publisher.refresh(SCHOOL)
    assert made is not None
    await documents.publish(replace(made, version=2), OPERATOR)
    for version in (1, 2, 1):
        assert await publisher.parameters(SCHOOL, version) is not None
        assert list(publisher._read) == [(SCHOOL, version)]


async def test_parameters_of_a_version_are_found_or_are_none(campus: Campus) -> None:
    publisher = campus.wired.services.publisher
    assert await publisher.parameters(SCHOOL, 1) is None
    made = await publisher.refresh(SCHOOL)
    assert made is not None
    for _ in range(2):
        assert await publisher.parameters(SCHOOL, 1) == parameters.read(made.content)
    broken = replace(made, version=2, content=b"{}")
    await campus.wired.services.documents.publish(broken, OPERATOR)
    assert await publisher.parameters(SCHOOL, 2) is None


async def test_deny_list_comes_whole_then_as_changes(campus: Campus) -> None:
    till = await campus.till()
    await open_offline(campus)
    assert await sync(till, denyVersion=0) == []
    phones = [await campus.phone()]
    await revoke(campus, phones[0])
    (whole,) = await sync(till, denyVersion=0)
    assert verify_by_ring(whole, DocumentKind.DENY, SCHOOL, 0, ring(campus)) is None
    now = 0
    held = DenyList().following(whole.version, deny.read(whole.content), now)
    assert held.serials() == {phones[0].content[4:10]}
    second = await _enrolled_again(campus, phones[0].token)
    await revoke(campus, second)
    (change,) = await sync(till, denyVersion=held.version)
    said = deny.read(change.content)
    assert (said.base_version, len(said.entries)) == (1, 1)
    after = held.following(change.version, said, now)
    assert after.serials() == {phones[0].content[4:10], second.content[4:10]}
    assert await sync(till, denyVersion=2) == []
    assert await sync(till, denyVersion=9) == []
    campus.clock.advance(days=2)
    (late,) = await sync(till, denyVersion=0)
    assert deny.read(late.content).entries == [], "what ended is purged"


async def _enrolled_again(campus: Campus, token: str) -> Phone:
    """Another device of the same holder, with a pass of its own."""
    key = SigningKey(campus.entropy(32))
    device = await campus.enrol_device(token, key)
    issued = await campus.do(
        "codePassIssue",
        {"deviceId": device["id"], "kinds": ["VIRTUAL_CARD"]},
        "issue { passes { content notBefore } }",
        token,
    )
    first = issued["issue"]["passes"][0]
    return Phone(campus, token, key, device["id"], b64decode(first["content"]), first["notBefore"])


async def test_cut_limit_ends_the_passes_and_a_raised_one_does_not(campus: Campus) -> None:
    phone = await campus.phone()
    services, holder = campus.wired.services, await campus.id_of("S001")
    change = services.limits.change
    await change(SCHOOL, holder, single_minor=2_000, daily_minor=4_000, maximum_minor=9_000)
    assert (await services.deny.changes(SCHOOL, 0))[0] == 1
    live = "SELECT count(*) FROM code_pass WHERE revoked_at IS NULL AND serial = $1"
    assert (await campus.rows(live, phone.content[4:10]))[0][0] == 0
    again = await campus.do(
        "codePassIssue",
        {"deviceId": phone.device_id, "kinds": ["VIRTUAL_CARD"]},
        "issue { passes { content } }",
        phone.token,
    )
    fresh = b64decode(again["issue"]["passes"][0]["content"])
    assert fresh[4:10] != phone.content[4:10]
    assert fresh[4:8] == phone.content[4:8], "the slot keeps its tag"
    await change(SCHOOL, holder, single_minor=3_000, daily_minor=4_000, maximum_minor=9_000)
    assert (await services.deny.changes(SCHOOL, 0))[0] == 1
    await change(SCHOOL, holder, single_minor=3_000, daily_minor=3_999, maximum_minor=9_000)
    version, lines = await services.deny.changes(SCHOOL, 0)
    assert (version, len(lines)) == (2, 2)


async def test_acknowledged_versions_are_kept_and_shown(campus: Campus) -> None:
    tills = [await campus.till() for _ in range(3)]
    await open_offline(campus)
    await revoke(campus, await campus.phone())
    for till, held in zip(tills, (1, 0, None), strict=True):
        await beat(till, parametersVersion=1, denyVersion=held)
        await beat(till, parametersVersion=1, denyVersion=held)
    known = await campus.wired.services.deny.protection(SCHOOL)
    numbers = [till.number for till in tills]
    assert known.count_protected(numbers) == 1
    assert (known.parameters_version, known.deny_version) == (1, 1)
    rows = await campus.rows("SELECT kind, count(*) FROM document_acknowledgement GROUP BY 1")
    assert sorted(map(tuple, rows)) == [(2, 3), (3, 1)]
    assert known.deny_version_of(numbers[2]) == 0


async def test_a_locked_terminal_acknowledges_nothing(campus: Campus) -> None:
    till = await campus.till()
    await open_offline(campus)
    terminals = campus.wired.services.terminals
    await terminals.change_state(SCHOOL, till.number, "LOCK", "sample", OPERATOR)
    assert (await beat(till, parametersVersion=1))["directives"] == ["LOCK"]
    assert await campus.rows("SELECT 1 FROM document_acknowledgement") == []
