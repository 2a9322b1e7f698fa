"""The audit: a row stands or falls with its act, and a changed row is named."""

import asyncpg
import pytest

from core.audit.records import AuditReport, FactNotAllowed
from core.audit.service import Audit
from core.db.unit import Unit
from tests.factories.registry import AUDIT_KEYS, OPERATOR, SCHOOL, Registry
from tests.servers.fixtures import DatabaseDsn


class ActFailed(Exception):
    """The act of a test that does not stand."""


async def test_row_falls_with_its_act(registry: Registry) -> None:
    before = await registry.count("audit_event")

    async def act(unit: Unit) -> None:
        await registry.audit.append(unit, OPERATOR, "test.act", "school:7", {})
        raise ActFailed

    with pytest.raises(ActFailed):
        await registry.database.unit(SCHOOL, act)
    assert await registry.count("audit_event") == before


async def test_personal_facts_are_no_facts_of_a_row(registry: Registry) -> None:
    before = await registry.count("audit_event")
    with pytest.raises(FactNotAllowed, match="id_number, phone"):
        await registry.database.unit(
            SCHOOL,
            lambda unit: registry.audit.append(
                unit, OPERATOR, "test.act", "school:7", {"phone": "0", "id_number": "0"}
            ),
        )
    assert await registry.count("audit_event") == before


@pytest.mark.parametrize("change", [
    "reason = 'other'", "actor_id = 'other'", "act = 'other'", "subject = 'other'",
    "actor_kind = 'SYSTEM'", "occurred_at = occurred_at + interval '1 microsecond'",
    "facts = facts || '{\"role\": \"CLERK\"}'", "key_id = 1", "key_id = 9",
    "mac = decode(repeat('00', 32), 'hex')", "id = '01990000-0000-7000-8000-000000000000'",
])  # fmt: skip
async def test_changed_row_is_named(
    registry: Registry, database_dsn: DatabaseDsn, change: str
) -> None:
    await registry.add_merchant()
    ids = [row["id"] for row in await registry.rows("SELECT id FROM audit_event ORDER BY id")]
    assert await registry.audit.verify(SCHOOL) == AuditReport(len(ids), None)
    owner = await asyncpg.connect(database_dsn.owner)
    await owner.execute(f"SET app.school = {SCHOOL}")
    target = await owner.fetchval(
        f"UPDATE audit_event SET {change} WHERE id = $1 RETURNING id", ids[1]
    )
    await owner.close()
    report = await registry.audit.verify(SCHOOL)
    assert report.first_broken_id == target


async def test_old_keys_verify_what_they_wrote(registry: Registry) -> None:
    newer = Audit(registry.database, registry.clock, registry.ids, {**AUDIT_KEYS, 3: b"k" * 32})
    assert (await newer.verify(SCHOOL)).first_broken_id is None
    only_newer = Audit(registry.database, registry.clock, registry.ids, {3: b"k" * 32})
    assert (await only_newer.verify(SCHOOL)).sound == 0
