"""What a sign-in has shown so far: what was verified for it, and a proof that waits."""

from dataclasses import dataclass

from core.db.unit import Unit
from core.identity.linking import CLAIM_LIFE, Claims
from core.identity.records import PendingLink, SessionRecord
from core.identity.store import links, subjects
from core.kit.clock import Clock
from core.ports.channels import ClaimKind

MANUAL = "MANUAL"
"""How a proof is called that only the counter may complete."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Claims of the last half hour, and the pending proof if there is one."""

    claims: Claims
    link: PendingLink | None

    @property
    def tells_name(self) -> bool:
        """Whether a wallet told its certified name."""
        return any(kind == ClaimKind.NAME for kind, _ in self.claims)


class EvidenceReader:
    """Reads it within a unit."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def of(self, unit: Unit, session: SessionRecord) -> Evidence:
        """The evidence of a sign-in; its pending proof is held until the unit ends."""
        now = self._clock.now()
        claims = await subjects.claims_of(unit, session.family_id, now - CLAIM_LIFE)
        link = await links.find(unit, session.family_id, now)
        return Evidence(claims, None if link is not None and link.method == MANUAL else link)
