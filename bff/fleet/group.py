"""Devices behind one line, which is cut and mended through the day."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from bff.fleet.device import Device
from bff.fleet.diary import Diary
from bff.fleet.dice import Dice
from bff.fleet.plan import Plan
from bff.fleet.proxy import Mode, Proxy

GROUP = 7
"""So many devices share a line, and an address that the server sees."""
_ONLINE, _LOSSY = 2, 2
_KEY_SECONDS = 0.3
_CUTS = (Mode.GONE, Mode.GONE, Mode.CUT, Mode.HOLE)


class Keeper(Protocol):
    """Who keeps a device: a cashier, a porter."""

    device: Device

    @property
    def number(self) -> int:
        """Of the terminal."""
        ...

    async def open_day(self) -> None:
        """Fetches what the device needs; on a good line, as the end of the day is."""
        ...

    async def serve(self, count: int) -> None:
        """So many people, whatever comes of them."""
        ...

    async def alone(self, share: float) -> None:
        """Serves without a line until this share of the day's work is done."""
        ...

    async def upload(self) -> None:
        """Tries to tell what was done alone, over whatever the line is."""
        ...

    async def end_day(self) -> None:
        """Tells everything, and settles what is open."""
        ...


Act = Callable[[Keeper], Coroutine[None, None, None]]


@dataclass(frozen=True, slots=True)
class Group:
    """One line and who keeps the devices behind it."""

    line: Proxy
    keepers: Sequence[Keeper]
    diary: Diary
    dice: Dice
    plan: Plan

    async def work(self) -> None:
        """The rounds of a day; each one's batches are closed at its end."""
        chaos, rounds = self.plan.chaos, self.plan.rounds
        for number in range(1, rounds + 1):
            self._set(Mode.PASS)
            await self._each(lambda keeper: keeper.open_day())
            await self._each(lambda keeper: keeper.serve(_ONLINE))
            if chaos:
                self._set(Mode.LOSE_ANSWERS)
                await self._each(lambda keeper: keeper.serve(_LOSSY))
            self._set(self.dice.pick(_CUTS) if chaos else Mode.GONE)
            share = number / rounds
            await self._each(partial(_alone, share=share))
            for mode in (Mode.LOSE_ANSWERS, Mode.CUT) if chaos else ():
                self._set(mode)
                await self._each(lambda keeper: keeper.upload())
            if chaos and number == (rounds + 1) // 2:
                self._set(Mode.LOSE_ANSWERS)
                await self._each(self._rotate_unheard)
                self._set(Mode.PASS)
                await self._each(self._rotate)
            self._set(Mode.PASS)
            await self._each(lambda keeper: keeper.end_day())

    async def _rotate_unheard(self, keeper: Keeper) -> None:
        """Asks for a new key and hears nothing of it; half of them lose the power, too."""
        if self.dice.below(2):
            await keeper.device.ask("rotate")
            return
        self.diary.note("fault", till=0, name="power cut at a new key")
        await keeper.device.ask_and_cut(self.dice.between(0, _KEY_SECONDS), "rotate")
        await keeper.device.start()

    async def _rotate(self, keeper: Keeper) -> None:
        """Takes the new key for good, while what the one before signed still waits."""
        answer = await keeper.device.insist("rotate")
        self.diary.note("rotated", till=keeper.number, keyNo=answer["keyNo"])

    async def _each(self, act: Act) -> None:
        async with asyncio.TaskGroup() as group:
            for keeper in self.keepers:
                group.create_task(act(keeper))

    def _set(self, mode: Mode) -> None:
        self.line.set(mode)
        if mode is not Mode.PASS:
            self.diary.note("fault", till=0, name=f"line: {mode.value}")


async def _alone(keeper: Keeper, share: float) -> None:
    await keeper.alone(share)
