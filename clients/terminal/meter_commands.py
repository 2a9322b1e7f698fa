"""The meter on the command line: a keypad whose keys, scans, water and seconds are typed."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Annotated, Protocol

import typer

from clients.screen import yuan
from clients.terminal.journal import Journal
from clients.terminal.meter import Meter
from clients.terminal.meter_store import Running
from clients.terminal.protocol import Line
from clients.terminal.receipt import Receipt
from clients.terminal.till import Till
from clients.terminal.words import tell
from terminals.keypad import (
    Allowed,
    Ask,
    Cancel,
    Confirm,
    Counted,
    Digit,
    Effect,
    Event,
    Flush,
    Keypad,
    Refused,
    Scanned,
    Stop,
    Tick,
    Valve,
    step,
)

_HELP = (
    "confirm | cancel | 12345678 | scan:CODE | water:UNITS | wait:SECONDS"
    " · 确认、取消、数字、扫码、出水计量、等待"
)


class Desk(Protocol):
    """An opened terminal."""

    @property
    def journal(self) -> Journal:
        """Its file."""
        ...

    @property
    def line(self) -> Line:
        """Its line."""
        ...

    @property
    def till(self) -> Till:
        """Its requests."""
        ...


AtDesk = Callable[[typer.Context, Callable[[Desk], Awaitable[None]]], None]


class Head:
    """One head with its keypad; `passed` seconds are added to the clock by `wait:`."""

    def __init__(self, meter: Meter, line: Line, meter_no: int, language: str) -> None:
        self._meter = meter
        self._line = line
        self._meter_no = meter_no
        self._language = language
        self._pad = Keypad()
        self._run: Running | None = None
        self._passed = 0

    async def meet(self, word: str) -> None:
        """Everything that one typed word does.

        Raises: typer.BadParameter.
        """
        for event in self._events(word):
            await self._take(event)
        typer.echo(f"{self._pad.mode}  {self._pad.units}")

    def _events(self, word: str) -> Iterator[Event]:
        name, _, value = word.partition(":")
        if name.isascii() and name.isdigit():
            yield from (Digit(int(each)) for each in name)
        elif name == "scan" and value:
            yield Scanned(value)
        elif name == "water" and value.isdigit():
            yield Counted(int(value))
        elif name == "wait" and value.isdigit():
            for _ in range(int(value)):
                self._passed += 1
                yield Tick()
        elif word in ("confirm", "cancel"):
            yield Confirm() if word == "confirm" else Cancel()
        else:
            raise typer.BadParameter(_HELP)

    async def _take(self, event: Event) -> None:
        self._pad, effects = step(self._pad, event, self._line.now() + self._passed)
        for effect in effects:
            await self._do(effect)

    async def _do(self, effect: Effect) -> None:
        match effect:
            case Ask(code8, presented):
                receipt, self._run = await self._meter.start(
                    self._meter_no, code8=code8, presented=presented
                )
                typer.echo(tell(receipt, self._language))
                run = self._run
                allowed = Refused() if run is None else Allowed(run.maximum_units, run.ends_at)
                await self._take(allowed)
            case Valve(is_open):
                typer.echo("出水 water runs" if is_open else "停水 water stands")
            case Flush(units):
                assert self._run is not None  # it was allowed
                self._meter.flush(self._run, units)
            case Stop(units, reason):
                assert self._run is not None  # it was allowed
                for receipt in await self._meter.stop(self._run, units, reason):
                    typer.echo(tell(receipt, self._language))
                self._run = None


def commands(at_desk: AtDesk) -> typer.Typer:
    """The group of commands; `at_desk` opens the terminal."""
    meter = typer.Typer(no_args_is_help=True, help="水控机 · A terminal that is a meter")

    async def opened(desk: Desk, language: str) -> Meter:
        made = Meter(desk.journal, desk.line, desk.till)
        made.power_up()
        told: list[Receipt] = await made.settle()
        for receipt in [*told, *await desk.till.settle_open()]:
            typer.echo(tell(receipt, language))
        return made

    @meter.command()
    def sync(context: typer.Context) -> None:
        """更新 · Fetches the meters, their prices and the keys of their codes."""

        async def work(desk: Desk) -> None:
            made = await opened(desk, context.obj.language)
            for known in await made.sync():
                tariff = known["tariff"]
                typer.echo(
                    f"水控机 meter {known['meterNo']}  {known['kind']}  组 group {known['groupNo']}"
                    f"  {yuan(tariff['price']['minorAmount'])} / {tariff['perUnits']}"
                )

        at_desk(context, work)

    @meter.command()
    def use(
        context: typer.Context,
        keys: Annotated[list[str] | None, typer.Argument(help=_HELP)] = None,
        number: Annotated[int, typer.Option("--meter", min=1, help="水控机号 · which")] = 1,
    ) -> None:
        """使用 · Presses the keys of a meter one by one; without any, asks for them."""

        async def work(desk: Desk) -> None:
            made = await opened(desk, context.obj.language)
            head = Head(made, desk.line, number, context.obj.language)
            for word in keys or ():
                await head.meet(word)
            while not keys and (word := typer.prompt("按键 key", default="", show_default=False)):
                await head.meet(word)

        at_desk(context, work)

    @meter.command()
    def settle(context: typer.Context) -> None:
        """补报 · Tells what ran before a power cut, or without a network."""

        async def work(desk: Desk) -> None:
            await opened(desk, context.obj.language)
            waiting = Meter(desk.journal, desk.line, desk.till).store.runs()
            typer.echo(f"待补报 waiting {len(waiting)}")

        at_desk(context, work)

    return meter
