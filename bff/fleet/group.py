"""Tills behind one line, which is cut and mended through the day."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial

from bff.fleet.cashier import Cashier
from bff.fleet.crowd import Part
from bff.fleet.diary import Diary
from bff.fleet.dice import Dice
from bff.fleet.plan import Plan
from bff.fleet.proxy import Mode, Proxy

GROUP = 7
"""So many devices share a line, and an address that the server sees."""
Act = Callable[[Cashier], Coroutine[None, None, None]]
_ONLINE_SALES, _LOSSY_SALES = 2, 2
_CUTS = (Mode.GONE, Mode.GONE, Mode.CUT, Mode.HOLE)


@dataclass(frozen=True, slots=True)
class Group:
    """One line and the cashiers behind it."""

    line: Proxy
    cashiers: Sequence[Cashier]
    diary: Diary
    dice: Dice
    plan: Plan

    async def work(self) -> None:
        """The rounds of a day; each one's batches are closed at its end."""
        for number in range(1, self.plan.rounds + 1):
            self._set(Mode.PASS)
            await self._each(Cashier.open_day)
            await self._each(partial(Cashier.sell, count=_ONLINE_SALES))
            if self.plan.chaos:
                self._set(Mode.LOSE_ANSWERS)
                await self._each(partial(Cashier.sell, count=_LOSSY_SALES))
            self._set(self.dice.pick(_CUTS) if self.plan.chaos else Mode.GONE)
            share = number / self.plan.rounds
            await self._each(partial(_alone, share=share, forgets=number == 1))
            if self.plan.chaos:
                for mode in (Mode.LOSE_ANSWERS, Mode.CUT):
                    self._set(mode)
                    await self._each(Cashier.upload)
            self._set(Mode.PASS)
            await self._each(Cashier.end_day)

    async def _each(self, act: Act) -> None:
        async with asyncio.TaskGroup() as group:
            for cashier in self.cashiers:
                group.create_task(act(cashier))

    def _set(self, mode: Mode) -> None:
        self.line.set(mode)
        if mode is not Mode.PASS:
            self.diary.note("fault", till=0, name=f"line: {mode.value}")


async def _alone(cashier: Cashier, *, share: float, forgets: bool) -> None:
    """Without a line: the thieves come first, and at the end a disk may forget something."""
    await cashier.steal(cashier.crowd.of(Part.THIEF))
    await cashier.sell_until(share)
    if cashier.forgets and forgets:
        await cashier.lose_record()
