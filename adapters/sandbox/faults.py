"""Switches that make a pretend provider fail on purpose, as real ones do."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

SLOW_SECONDS = 1.0
SILENCE_SECONDS = 60.0
"""Longer than any caller waits."""
ANY = "*"


class Fault(StrEnum):
    """What goes wrong. Each provider lists those it knows how to play."""

    REFUSE = "refuse"
    SLOW = "slow"
    SLOW_DRIP = "slow_drip"
    TIMEOUT_BEFORE = "timeout_before"
    TIMEOUT_AFTER_EFFECT = "timeout_after_effect"
    RESET = "reset"
    HTML_502 = "html_502"
    SYSTEM_ERROR = "system_error"
    UNSIGNED_ANSWER = "unsigned_answer"
    WRONG_SIGNATURE = "wrong_signature"
    UNKNOWN_SERIAL = "unknown_serial"
    BRACE_IN_TEXT = "brace_in_text"
    ESCAPED_SLASH = "escaped_slash"
    TOKEN_DEAD = "token_dead"  # noqa: S105 - the name of a fault
    QUOTA = "quota"
    KEY_ROTATED = "key_rotated"
    CLOCK_SKEW = "clock_skew"
    SIGNTEST = "signtest"
    REFUND_ABNORMAL = "refund_abnormal"
    BILL_NOT_READY = "bill_not_ready"
    PENDING_THEN_PAID = "pending_then_paid"
    PENDING_FOR_EVER = "pending_for_ever"


@dataclass(frozen=True, slots=True)
class Switch:
    """One fault of a provider's API (or of any, `*`), for the next `count` calls; -1: for ever."""

    provider: str
    api: str
    kind: Fault
    count: int


class Faults:
    """The switches that are on. `known` is which faults each provider plays."""

    def __init__(self) -> None:
        self.known: dict[str, frozenset[Fault]] = {}
        self._switches: list[Switch] = []
        self._mended = asyncio.Event()

    def put(self, switch: Switch) -> bool:
        """Turns a fault on; False if its provider does not play it."""
        if switch.kind not in self.known.get(switch.provider, frozenset()):
            return False
        self._switches.append(switch)
        return True

    def clear(self) -> None:
        """Turns everything off; what is held up goes on at once."""
        self._switches.clear()
        self._mended.set()
        self._mended = asyncio.Event()

    async def hold(self, seconds: float) -> None:
        """Holds an answer up, until everything is mended at the latest."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._mended.wait(), seconds)

    def take(self, provider: str, api: str) -> Fault | None:
        """The fault that this call suffers, counted down."""
        for place, switch in enumerate(self._switches):
            if switch.provider == provider and switch.api in {api, ANY}:
                if switch.count == 1:
                    del self._switches[place]
                elif switch.count > 1:
                    self._switches[place] = Switch(
                        switch.provider, switch.api, switch.kind, switch.count - 1
                    )
                return switch.kind
        return None

    async def around(self, provider: str, api: str, effect: Callable[[], None]) -> bool:
        """Runs an effect as its fault has it; False means that the provider refuses."""
        fault = self.take(provider, api)
        if fault is Fault.REFUSE:
            return False
        if fault is Fault.SLOW:
            await self.hold(SLOW_SECONDS)
        effect()
        if fault is Fault.TIMEOUT_AFTER_EFFECT:
            await self.hold(SILENCE_SECONDS)
        return True
