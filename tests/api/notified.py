"""A school that the providers of its apps post to, and one who has the card in each app."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.api.campus import Campus, campus_on
from tests.api.devices import OTHER_SCHOOL, SCHOOL
from tests.api.posters import Posted, Poster, bound, connect, foreign_posters, post, posters
from tests.api.sample import ALICE, BOB
from tests.servers.fixtures import DatabaseDsn

PUBLIC = "http://127.0.0.1:8000"
TOUCHED = ("provider_notice", "binding", "session", "audit_event", "outbox")


@dataclass
class Notified:
    """A school whose apps' providers can post, and one who has the card in three of them."""

    campus: Campus
    posters: dict[str, Poster]
    foreign: dict[str, Poster]
    native: str
    """The token of ALICE's own app, which no provider knows of."""

    async def as_bob(self) -> "Notified":
        """The same house of another cardholder."""
        return replace(self, native=await self.campus.bind(BOB))

    async def bound(self, provider: str, subject: str = "open-1") -> str:
        """The token of ALICE in a provider's app."""
        return await bound(self.campus, self.posters[provider], self.native, subject)

    async def post(self, provider: str, posted: Posted, school: int = SCHOOL) -> tuple[int, str]:
        """The answer."""
        answer = await post(self.campus, provider, posted, school)
        return answer.status_code, answer.text

    async def viewer(self, token: str) -> str:
        """What a token is worth."""
        answer = await self.campus.query("{ viewer { kind } }", token)
        if answer["data"] is None:
            return str(answer["errors"][0]["extensions"]["code"])
        return str(answer["data"]["viewer"]["kind"])

    async def kept(self) -> list[tuple[str, str, str]]:
        """The notices that were kept."""
        rows = await self.campus.rows(
            "SELECT provider, notice_id, event FROM provider_notice ORDER BY event, notice_id"
        )
        return [tuple(row) for row in rows]

    async def ends(self) -> list[tuple[str, ...]]:
        """Every ended binding as the audit has it."""
        rows = await self.campus.rows(
            "SELECT actor_kind, actor_id, act, reason FROM audit_event WHERE act = 'binding.end'"
        )
        return [tuple(row) for row in rows]

    async def live(self) -> list[str]:
        """The issuers that still have a binding."""
        rows = await self.campus.rows(
            "SELECT issuer FROM binding WHERE ended_at IS NULL ORDER BY issuer"
        )
        return [row["issuer"] for row in rows]

    async def dump(self) -> Any:
        """All that a notice might touch."""
        return await self.campus.dump(*TOUCHED)


@pytest.fixture
async def notified(
    database_dsn: DatabaseDsn, redis_url: str, tmp_path: Path
) -> AsyncIterator[Notified]:
    """Two schools, each with an app of every provider."""
    async with campus_on(database_dsn, redis_url, tmp_path, connected_at=PUBLIC) as campus:
        ours, theirs = posters(campus.clock), foreign_posters(campus.clock)
        await connect(campus, tmp_path, *ours.values())
        await connect(campus, tmp_path, *theirs.values(), school=OTHER_SCHOOL)
        yield Notified(campus, ours, theirs, await campus.bind(ALICE))
