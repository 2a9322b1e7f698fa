"""Switches that make a pretend provider fail on purpose."""

import asyncio
from collections.abc import Callable
from enum import StrEnum

SLOW_SECONDS = 1.0
SILENCE_SECONDS = 60.0
"""Longer than any caller waits."""


class Mode(StrEnum):
    """How the provider behaves."""

    OK = "ok"
    TIMEOUT_AFTER_EFFECT = "timeout_after_effect"
    REFUSE = "refuse"
    SLOW = "slow"


class Faults:
    """The one switch of the process."""

    def __init__(self) -> None:
        self.mode = Mode.OK

    async def around(self, effect: Callable[[], None]) -> bool:
        """Runs the effect as the mode has it; False means that the provider refuses."""
        if self.mode is Mode.REFUSE:
            return False
        if self.mode is Mode.SLOW:
            await asyncio.sleep(SLOW_SECONDS)
        effect()
        if self.mode is Mode.TIMEOUT_AFTER_EFFECT:
            await asyncio.sleep(SILENCE_SECONDS)
        return True
