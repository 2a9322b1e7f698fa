"""Scanned codes over a scripted core: what is asked of it, in which order, and what is not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

import pytest

from core.authorisation.records import (
    Answer,
    CodeUsed,
    Format,
    Key,
    PurchaseRequest,
    ScanKey,
    Status,
)
from core.kit.clock import from_unix
from core.kit.errors import IdempotencyConflict, Refusal
from core.school.records import (
    DeviceClass,
    EnrolledTerminal,
    Merchant,
    Terminal,
    TerminalKey,
    TerminalState,
    TerminalUnknown,
)
from terminals import ccr
from terminals.merchant_codes import MerchantCodes, Payer, Registry, ScanMessage
from tests.unit.terminals import samples
from tests.unit.terminals.samples import SHOWN, counted_ids
from tests.unit.terminals.tills import KEYS, TERMS

PAYER = Payer(0, UUID(int=1))
CARD = UUID(int=2)
MERCHANT = Merchant(UUID(int=6), 1, "示例食堂", "Canteen", True, UUID(int=5))
TERMINAL = Terminal(
    42, MERCHANT.id, 0, TerminalState.ACTIVE, DeviceClass.TILL, ("MEAL", "SHOP"), None, None, None
)
TERMINAL_KEY = TerminalKey(
    1, samples.public(samples.TERMINAL_SEED), from_unix(SHOWN) - timedelta(days=1), None
)
ENROLLED = EnrolledTerminal(TERMINAL, MERCHANT, (TERMINAL_KEY,))
VECTOR_2_KEY = Key(42, 12, 345)


@dataclass
class ScriptedScans:
    """Remembers what it was asked, in order; approves, or answers what the test says."""

    enrolled: EnrolledTerminal | None = ENROLLED
    before: Answer | None = None
    kept: Answer | Exception | None = None
    state: str | None = None
    outcome: str = "APPROVED"
    pin: Refusal | None = None
    asked: list[str] = field(default_factory=list)
    requests: list[PurchaseRequest] = field(default_factory=list)

    async def repeated_scan(self, school_id: int, own: ScanKey) -> Answer | None:
        self.asked.append("repeated_scan")
        return self.before

    async def pay_scan(
        self,
        school_id: int,
        purses: Sequence[str],
        own: ScanKey,
        key: Key,
        make: Callable[[Key], PurchaseRequest],
        sign: Callable[[Answer], str],
    ) -> Answer:
        self.asked.append("pay_scan")
        request = make(key)
        self.requests.append(request)
        bare = Answer.bare(
            key, self.outcome, "00", request.amount_minor, "6A0000000001", 2, request.answered_at
        )
        return replace(bare, signed_answer=request.signed_answer)

    async def status(self, school_id: int, original: Key) -> Status:
        return Status(None, self.state)

    async def repeated(
        self, school_id: int, key: Key, content_hash: bytes, sign: Callable[[Answer], str]
    ) -> Answer | None:
        self.asked.append("repeated")
        if isinstance(self.kept, Exception):
            raise self.kept
        return self.kept

    async def find_terminal(self, school_id: int, number: int) -> EnrolledTerminal | None:
        self.asked.append("find_terminal")
        return self.enrolled if number == 42 else None

    async def find_print(self, school_id: int, terminal_no: int, number: int) -> None:
        self.asked.append("find_print")

    async def find_card(self, school_id: int, cardholder_id: UUID) -> UUID:
        self.asked.append("find_card")
        return CARD

    async def prove_pin(self, school_id: int, cardholder_id: UUID, pin: str) -> None:
        self.asked.append(f"pin {pin}")
        if self.pin is not None:
            raise self.pin


def codes_over(scans: ScriptedScans, now: int = SHOWN) -> MerchantCodes:
    """Merchant codes over a scripted core."""

    async def terms(_: int) -> object:
        return TERMS

    registry = Registry(
        find_terminal=scans.find_terminal,
        find_print=scans.find_print,
        find_card=scans.find_card,
        prove_pin=scans.prove_pin,
        terms=terms,  # type: ignore[arg-type]  # the terms of every till here
        keys=lambda _: KEYS,
    )
    return MerchantCodes(scans, registry, samples.FixedClock(now), counted_ids())


def message(pin: str | None = None) -> ScanMessage:
    """Vector 2, scanned."""
    return ScanMessage("k1", samples.VECTOR_2 + "\r\n", None, pin)


async def test_vector_2_is_paid_under_the_key_it_names() -> None:
    scans = ScriptedScans()
    paid = await codes_over(scans).pay(PAYER, message())
    (request,) = scans.requests
    assert paid.merchant == MERCHANT
    assert Key(request.terminal_no, request.batch_no, request.seq_no) == VECTOR_2_KEY
    assert (request.amount_minor, request.card_id, request.scene) == (1_250, CARD, "MEAL")
    assert (request.instrument, request.manual, request.pin_proven) == ("CCQ", False, False)
    assert request.replay_key == bytes.fromhex("03 0000 0000002a 00000c 000159 50")
    receipt = ccr.read(request.signed_answer)
    assert isinstance(receipt, ccr.SignedAnswer)
    assert receipt.answer.key == (42, 12, 345)
    assert (receipt.answer.outcome, receipt.answer.answered_at) == (ccr.Outcome.APPROVED, SHOWN)


async def test_another_payer_asks_for_other_content() -> None:
    scans = ScriptedScans()
    codes = codes_over(scans)
    for payer in (PAYER, PAYER, Payer(0, UUID(int=9))):
        await codes.pay(payer, message())
    first, again, other = (request.content_hash for request in scans.requests)
    assert first == again != other


async def test_nothing_is_looked_up_for_a_text_that_is_no_code() -> None:
    scans = ScriptedScans()
    with pytest.raises(Format):
        await codes_over(scans).pay(PAYER, replace(message("271828"), text="nonsense"))
    assert scans.asked == ["repeated_scan"]


async def test_repeat_is_answered_before_anything_is_checked() -> None:
    bare = Answer.bare(VECTOR_2_KEY, "APPROVED", "00", 1_250, "6A0000000001", 2, from_unix(SHOWN))
    scans = ScriptedScans(before=replace(bare, verdict="REPEATED", signed_answer="CCR:"))
    paid = await codes_over(scans, now=SHOWN + 9_999).pay(PAYER, message("000001"))
    assert paid.answer == scans.before
    assert scans.asked == ["repeated_scan", "find_terminal"]


async def test_pin_is_tried_last_and_not_for_a_code_that_is_used_or_answered() -> None:
    scans = ScriptedScans()
    await codes_over(scans).pay(PAYER, message("271828"))
    assert scans.asked[-3:] == ["find_card", "pin 271828", "pay_scan"]
    assert scans.requests[0].pin_proven
    used = ScriptedScans(kept=IdempotencyConflict("key"))
    with pytest.raises(CodeUsed):
        await codes_over(used).pay(PAYER, message("271828"))
    assert used.asked[-1] == "repeated"
    answered = ScriptedScans(kept=scans_answer())
    await codes_over(answered).pay(PAYER, message("271828"))
    assert "pin 271828" not in answered.asked


def scans_answer() -> Answer:
    """What the payer was answered for vector 2 before."""
    return Answer.bare(VECTOR_2_KEY, "APPROVED", "00", 1_250, "6A0000000001", 2, from_unix(SHOWN))


@pytest.mark.parametrize("state", [s for s in TerminalState if s is not TerminalState.ACTIVE])
async def test_terminal_that_does_not_sell_is_unknown(state: TerminalState) -> None:
    scans = ScriptedScans(replace(ENROLLED, terminal=replace(TERMINAL, state=state)))
    with pytest.raises(TerminalUnknown):
        await codes_over(scans).pay(PAYER, message("271828"))
    assert scans.asked == ["repeated_scan", "find_terminal"]
