"""Cards whose chips hold money: a school of them, their chips, and what tills and kiosks ask."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bff.proof import PROOF
from clients.terminal.chip import Chip
from core.db.invariants import judge
from core.identity.records import RosterRow
from core.kit.clock import unix_seconds
from core.school.records import Role, StaffCaller
from terminals.message import RequestKey, seal_pin
from tests.api.campus import Campus
from tests.api.devices import SCHOOL, Till
from tests.api.sample import ALICE, OPERATOR, PIN, school_file

ON_CARD = """
[policy.purse]
model = "ON_CARD"

[policy.claim]
via = ["NETWORKED_POS", "SPENDING_POS", "KIOSK"]

[policy.replace]
via = ["KIOSK"]
fee_minor = 2000
"""
APP = 'release_via = ["APP", "WINDOW"]'
KIOSK = 'release_via = ["WINDOW", "KIOSK"]'
"""Where a chip holds money, a card is not released on a phone."""
ANSWERED = """outcome responseCode responseName text action reason retrievalReference replayed
    signedAnswer answeredAt triesLeft"""
LOAD = f"load {{ {ANSWERED} loadId command amount {{ minorAmount }} }}"
CARD = f"card {{ {ANSWERED} cardState command }}"
JOB = f"job {{ {ANSWERED} jobId fee {{ minorAmount }} }}"
LISTED = """holder { name number } balance { minorAmount } waiting { minorAmount }
    held { minorAmount } responseCode text triesLeft
    pending { kind amount { minorAmount } at }
    loads { amount { minorAmount } state retrievalReference madeAt endedAt }"""
NEW_UID = "00000000000009"
SINGLE = '[policy.replace]\nvia = ["KIOSK"]\nfee_minor = 2000\n'
ROWS = ("idempotency", "card_load", "chip", "vend_job", "transfer", "leg", "account", "card")


async def use_policy(campus: Campus, policy: str = ON_CARD) -> None:
    """Changes what the school decided."""
    text = school_file(SCHOOL, policy).replace(APP, KIOSK)
    await campus.wired.services.schools.policy_activate(SCHOOL, text, OPERATOR)


def card_key(campus: Campus, uid: str) -> bytes:
    """The key that a card maker puts into a chip, made as docs/terminals.md says."""
    (school_key,) = campus.keys.chip_keys(SCHOOL)
    message = b"ccx0" + bytes.fromhex(uid)
    return hmac.new(school_key, message, hashlib.sha256).digest()[:16]


@dataclass
class Purse:
    """A holder with a chip, and what our books hold for them."""

    campus: Campus
    chip: Chip
    person: RosterRow = field(default_factory=lambda: ALICE)

    @classmethod
    def of(cls, campus: Campus, folder: Path, person: RosterRow = ALICE) -> "Purse":
        """A new chip in a person's card."""
        assert person.card_uid is not None
        key = card_key(campus, person.card_uid)
        return cls(campus, Chip.make(folder / person.card_uid, person.card_uid, key), person)

    async def put(self, minor: int) -> None:
        """Cash at the window."""
        campus = self.campus
        cashier = campus.staff.get("cashier") or await campus.add_staff("cashier", Role.CASHIER)
        holder_id = await campus.id_of(self.person.number)
        caller, key = StaffCaller(cashier.member.id, None), str(campus.wired.ids.new())
        await campus.wired.services.cash.take(SCHOOL, caller, holder_id, minor, key)

    def becomes(self, **facts: Any) -> None:
        """Lets the chip be what no server has made of it."""
        self.chip._keep(replace(self.chip.memory, **facts))

    async def purses(self) -> dict[str, tuple[int, int]]:
        """Balance and held sum of each purse."""
        holder_id = await self.campus.id_of(self.person.number)
        balances = await self.campus.wired.services.ledger.balances(SCHOOL, holder_id)
        return {p.kind: (p.balance_minor, p.pending_minor) for p in balances.purses}

    def tap(self, till: Till, key: dict[str, int]) -> dict[str, Any]:
        """What the reader makes of the card under a request's key."""
        said = self.chip.say(packed(till, key))
        return {"cardUid": self.chip.memory.uid, "chip": b64encode(said).decode()}

    async def claim(self, till: Till, **given: Any) -> Any:
        """The answer to a claim."""
        key = given.pop("key", None) or till.next_key()
        given = {"key": key, "tap": self.tap(till, key), **given}
        return await load_of(till, "loadClaim", given)

    async def confirm(self, till: Till, load_id: str, result: str = "WRITTEN", **given: Any) -> Any:
        """The answer to a confirmation by what the chip says now."""
        key = given.pop("key", None) or till.next_key()
        given = {
            "key": key, "loadId": load_id, "result": result, "tap": self.tap(till, key), **given,
        }  # fmt: skip
        return await load_of(till, "loadConfirm", given)

    async def refresh(self, till: Till, **given: Any) -> Any:
        """The answer to a refresh."""
        key = given.pop("key", None) or till.next_key()
        payload = await till.ask(
            "cardRefresh", {"key": key, "tap": self.tap(till, key), **given}, CARD
        )
        assert payload["userErrors"] == []
        return payload["card"]

    def write(self, load: Any) -> None:
        """Gives the chip its command."""
        self.chip.write(b64decode(load["command"]))

    async def spend(self, till: Till, minor: int, **given: Any) -> Any:
        """A purchase that the chip pays."""
        key = given.pop("key", None) or till.next_key()
        presented = self.chip.debit(minor, packed(till, key))
        return await till.sell(presented, minor, key=key, **given)


async def load_of(till: Till, name: str, given: dict[str, Any]) -> Any:
    """The load that a request is answered."""
    payload = await till.ask(name, given, LOAD)
    assert payload["userErrors"] == []
    return payload["load"]


async def job_of(till: Till, name: str, given: dict[str, Any]) -> Any:
    """The job that a request is answered."""
    payload = await till.ask(name, {"key": till.next_key(), **given}, JOB)
    assert payload["userErrors"] == []
    return payload["job"]


def packed(till: Till, key: dict[str, int]) -> bytes:
    """A key as a chip's MAC binds it."""
    return RequestKey(till.number, key["batchNo"], key["seqNo"]).packed()


def pin_block(till: Till, key: dict[str, int], pin: str = PIN) -> str:
    """A PIN sealed for a key."""
    campus = till.campus
    public = campus.wired.services.terminal_keys.pin_public_key
    named = RequestKey(till.number, key["batchNo"], key["seqNo"])
    return seal_pin(pin, named, unix_seconds(campus.clock.now()), public)


async def report_lost(campus: Campus, token: str) -> None:
    """The holder reports the physical card."""
    lost = (await campus.holder("physicalCard { id }", token))["physicalCard"]["id"]
    given = {"cardId": lost, "pin": PIN}
    payload = await campus.do("cardReportLost", given, "card { state }", token)
    assert payload["card"] == {"state": "LOST"}


async def look(till: Till, presented: str, pin: str | None = PIN) -> Any:
    """What a kiosk lists."""
    key = till.next_key(0)
    block = None if pin is None else pin_block(till, key, pin)
    given = {"key": key, "presented": presented, "scene": "KIOSK", "pinBlock": block}
    payload = await till.ask("holderLookUp", given, LISTED)
    assert payload["userErrors"] == []
    return payload


async def broken(campus: Campus) -> dict[str, tuple[str, ...]]:
    """The invariants that do not hold, with their witnesses."""
    found = await judge(campus.wired.database, SCHOOL, PROOF, campus.clock.now())
    return {each.invariant.id: each.witnesses for each in found if each.count}


@pytest.fixture
async def purse(campus: Campus, tmp_path: Path) -> Purse:
    """A holder with an empty chip and 30 yuan that wait."""
    await use_policy(campus)
    made = Purse.of(campus, tmp_path)
    await made.put(3_000)
    return made
