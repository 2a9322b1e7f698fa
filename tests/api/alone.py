"""A till of the real application that lost its network: it writes records, and uploads later."""

from dataclasses import dataclass, field
from typing import Any

from core.kit.clock import unix_seconds
from terminals import offline
from terminals.keys import signer
from terminals.message import RequestKey
from terminals.offline import Record, RecordKind
from tests.api.campus import Campus, b64
from tests.api.devices import SCHOOL, Till
from tests.api.sample import OPERATOR, school_file

VERDICTS = """verdicts { seqNo judgement { verdict reason flags } first { verdict reason flags }
    retrievalReference }"""
BATCH = """batch { balanced missing extra headKnown settledAt net { minorAmount }
    different { kind instrument claimed { count sum { minorAmount } } counted { count } } }"""
OFFLINE = "[policy.offline]\nmoney = true\ncap_class = 1\naccepted_loss_minor = 100_000\n"


@dataclass
class Alone:
    """The records of one batch, and the versions of the documents it went by."""

    till: Till
    parameters_version: int = 1
    deny_version: int = 0
    items: list[dict[str, Any]] = field(default_factory=list)
    head: bytes = b""

    def __post_init__(self) -> None:
        self.head = self.first

    @property
    def first(self) -> bytes:
        """h0 of its batch."""
        return offline.first_link(SCHOOL, self.till.number, 1)

    def write(
        self, presented: str, minor: int = 500, key: dict[str, int] | None = None, **changes: Any
    ) -> dict[str, Any]:
        """One record as it is uploaded."""
        seq_no = (key or self.till.next_key())["seqNo"]
        kind = changes.pop("record_kind", RecordKind.PURCHASE)
        asked = changes.pop("asked", "")
        record = Record(
            issuer=SCHOOL,
            key=RequestKey(self.till.number, 1, seq_no),
            kind=kind,
            created_at=unix_seconds(self.till.campus.clock.now()),
            minor_amount=minor,
            parameters_version=self.parameters_version,
            deny_version=self.deny_version,
            clock_state=1,
            presented=presented,
            challenge=asked,
        )
        previous, self.head = self.head, offline.link(self.head, record.packed())
        item = {
            "seqNo": seq_no,
            "kind": kind.name,
            "createdAt": record.created_at,
            "minorAmount": str(minor),
            "parametersVersion": self.parameters_version,
            "denyVersion": self.deny_version,
            "clockState": "TRUSTED",
            "presented": presented,
            "challenge": asked or None,
            "previousHash": b64(previous),
            "signature": b64(offline.sign_link(self.head, signer(bytes(self.till.key)))),
            **changes,
        }
        self.items.append(item)
        return item

    async def upload(self, *items: dict[str, Any]) -> list[Any]:
        """The verdicts."""
        payload = await self.till.ask("offlineBatchUpload", self.request(*items), VERDICTS)
        assert payload["userErrors"] == []
        found: list[Any] = payload["verdicts"]
        return found

    def request(self, *items: dict[str, Any]) -> dict[str, Any]:
        """The input of an upload; all records if none is named."""
        return {
            "key": self.till.next_key(0),
            "batchNo": 1,
            "previousHash": b64(self.first),
            "items": list(items or self.items),
        }

    async def close(self, *totals: dict[str, Any], **changes: Any) -> Any:
        """The payload of a close."""
        given = {
            "key": self.till.next_key(0),
            "batchNo": 1,
            "lastSeq": self.till.seq,
            "unused": [],
            "totals": list(totals),
            "headHash": b64(self.head),
            **changes,
        }
        return await self.till.ask("batchClose", given, BATCH)


async def open_offline(campus: Campus, policy: str = OFFLINE) -> None:
    """Switches offline money on, and publishes what the terminals go by."""
    await campus.wired.services.schools.policy_activate(
        SCHOOL, school_file(SCHOOL, policy), OPERATOR
    )
    campus.clock.advance(seconds=61)
    await campus.wired.services.publisher.refresh(SCHOOL)
