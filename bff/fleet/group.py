"""Tills behind one line, which is cut and mended through the day."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bff.fleet.cashier import Cashier
from bff.fleet.crowd import Part
from bff.fleet.diary import Diary
from bff.fleet.dice import Dice
from bff.fleet.plan import ROUNDS
from bff.fleet.proxy import Mode, Proxy

GROUP = 7
"""So many devices share a line, and an address that the server sees."""
_ONLINE_SALES, _LOSSY_SALES = 2, 2
_CUTS = (Mode.GONE, Mode.GONE, Mode.CUT, Mode.HOLE)


@dataclass(frozen=True, slots=True)
class Group:
    """One line and the cashiers behind it."""

    number: int
    line: Proxy
    cashiers: Sequence[Cashier]
    diary: Diary
    dice: Dice
    chaos: bool

    async def work(self) -> None:
        """The rounds of a day; each one's batches are closed at its end."""
        for number in range(1, ROUNDS + 1):
            self._set(Mode.PASS)
            await self._each(lambda cashier: cashier.open_day())
            await self._each(lambda cashier: cashier.sell(_ONLINE_SALES))
            if self.chaos:
                self._set(Mode.LOSE_ANSWERS)
                await self._each(lambda cashier: cashier.sell(_LOSSY_SALES))
            self._set(self.dice.pick(_CUTS) if self.chaos else Mode.GONE)
            share = number / ROUNDS
            await self._each(lambda cashier, share=share: _alone(cashier, share))  # type: ignore[misc]
            if self.chaos:
                for mode in (Mode.LOSE_ANSWERS, Mode.CUT):
                    self._set(mode)
                    await self._each(lambda cashier: cashier.upload())
            self._set(Mode.PASS)
            await self._each(lambda cashier: cashier.end_day())

    async def _each(self, act: Callable[[Cashier], Awaitable[None]]) -> None:
        async with asyncio.TaskGroup() as group:
            for cashier in self.cashiers:
                group.create_task(_once(act, cashier))

    def _set(self, mode: Mode) -> None:
        self.line.set(mode)
        if mode is not Mode.PASS:
            self.diary.note("fault", till=0, name=f"line: {mode.value}")


async def _once(act: Callable[[Cashier], Awaitable[None]], cashier: Cashier) -> None:
    await act(cashier)


async def _alone(cashier: Cashier, share: float) -> None:
    """Without a line: the thieves come first, in between a disk may forget something."""
    await cashier.steal(cashier.crowd.of(Part.THIEF))
    await cashier.sell_until(share)
    if cashier.forgets and share == 2 / ROUNDS:
        await cashier.lose_record()
