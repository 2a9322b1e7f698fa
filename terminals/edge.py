"""What a site edge decides for its terminals while there is no line (terminals.md 10).

Pure: whoever calls stores the answer and its code durably before the terminal hears of it.
"""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from core.entry.decision import INSIDE, is_open
from core.entry.records import Direction, Door, Passback
from core.kit.clock import from_unix
from core.kit.money import CURRENCY, is_amount
from terminals import ccq
from terminals.authority import Held, Memory, Sale, judge_sale
from terminals.ccr import Outcome
from terminals.codes import CodeRefusal, Instrument, Use, classify
from terminals.response import response_to
from terminals.roll import TerminalLine
from terminals.verification import (
    OfflineAuthority,
    Refused,
    VerificationContext,
    Verified,
    verify,
)

DOWN_AFTER = 2
"""Lost answers in a row after which the edge decides at once, and only asks in the background."""
UP_AFTER = 3
"""Heartbeats in a row that have to be answered before the line is trusted again."""


@dataclass(frozen=True, slots=True)
class LineState:
    """Whether the server is there, slow to change its mind; `streak` counts towards the other."""

    is_up: bool = True
    streak: int = 0

    def after(self, *, answered: bool, is_probe: bool = False) -> "LineState":
        """The state after one question; while down only the edge's own heartbeats count."""
        if self.is_up:
            if answered:
                return LineState()
            is_down = self.streak + 1 >= DOWN_AFTER
            return LineState(False) if is_down else LineState(True, self.streak + 1)
        if not is_probe:
            return self
        if not answered:
            return LineState(False)
        return LineState() if self.streak + 1 >= UP_AFTER else LineState(False, self.streak + 1)


@dataclass(frozen=True, slots=True)
class PurchaseAsked:
    """A purchase as its terminal asks; `has_pin` also where a continuation stands for the scan."""

    sale: Sale
    scene: str
    currency: str = CURRENCY
    has_pin: bool = False


@dataclass(frozen=True, slots=True)
class EntryAsked:
    """Somebody at a door; the texts are stripped, `challenge` is the CCQ on its screen or empty."""

    presented: str
    door_no: int
    direction: Direction
    challenge: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, and the code that it spends."""

    outcome: Outcome
    response_code: str
    reason: str | None = None
    verified: Verified | None = None


def decide_purchase(
    asked: PurchaseAsked, terminal: TerminalLine, held: Held, memory: Memory, *, is_voided: bool
) -> Decision:
    """Whether the edge takes a purchase; the terminal writes the record of it."""
    sale = asked.sale
    if is_voided:
        return _declined("ALREADY_VOIDED")
    if not terminal.sells:
        return _declined("MERCHANT_INVALID")
    if asked.scene not in terminal.scenes:
        return _declined("TERMINAL_NOT_ALLOWED")
    if not is_amount(sale.minor_amount) or asked.currency != CURRENCY:
        return _declined("AMOUNT_INVALID")
    # Nobody here can open a PIN block.
    verdict = CodeRefusal.OFFLINE_OFF if asked.has_pin else judge_sale(sale, held, memory)
    if isinstance(verdict, CodeRefusal):
        return _declined(verdict)
    return Decision(Outcome.APPROVED, "00", verified=verdict)


def decide_entry(
    asked: EntryAsked,
    terminal: TerminalLine,
    held: Held,
    memory: Memory,
    *,
    came_in_at: int | None,
) -> Decision:
    """Whether a door opens; `came_in_at` is when this code's pass last came into the door's zone.

    By serial, for the edge knows no persons (terminals.md 9).
    """
    door = terminal.find_door(asked.door_no)
    if door is None or door.scene not in terminal.scenes:
        return _declined("TERMINAL_NOT_ALLOWED")
    if classify(asked.presented) is not Instrument.PRESENTATION:
        return _declined(CodeRefusal.OFFLINE_OFF)
    is_inside = came_in_at is not None and held.now < came_in_at + INSIDE.total_seconds()
    verdict = verify(
        asked.presented,
        _entry_context(asked, door, held, memory, comes_twice=is_inside),
    )
    if isinstance(verdict, Refused):
        return _declined(verdict.refusal, Use.ENTRY)
    local = from_unix(held.now).astimezone(ZoneInfo(held.parameters.zone)).time()
    if held.clock_is_trusted and not is_open(door, local):
        return _declined("OUT_OF_HOURS")
    return Decision(Outcome.APPROVED, "00", verified=verdict)


def _entry_context(
    asked: EntryAsked, door: Door, held: Held, memory: Memory, *, comes_twice: bool
) -> VerificationContext:
    challenge = ccq.read(asked.challenge)
    return VerificationContext(
        now=held.now,
        use=Use.ENTRY,
        issuers=(held.issuer,),
        keys=held.ring,
        challenge=None if isinstance(challenge, CodeRefusal) else challenge,
        skew_seconds=held.parameters.skew_seconds,
        life_seconds=held.parameters.life_seconds,
        denied=held.denied,
        seen=memory.seen,
        passback_refuses=door.passback is Passback.HARD
        and asked.direction is Direction.IN
        and comes_twice,
        offline=OfflineAuthority(
            clock_is_trusted=held.clock_is_trusted,
            opens_on_lost_clock=door.opens_on_lost_clock,
            is_common_door=door.common,
            doors=tuple((pair.profile, pair.bit) for pair in door.pairs),
        ),
    )


def _declined(reason: str, use: Use = Use.PAY) -> Decision:
    return Decision(Outcome.DECLINED, response_to(reason, use).code, reason)
