"""The terminal as a command opens it: its file, its line, and what an earlier run left open."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import typer

from clients.endpoint import Endpoint, NoAnswer
from clients.screen import unix_clock
from clients.terminal.batches import Batches, BatchNotWhole
from clients.terminal.cards import Cards
from clients.terminal.chip import ChipRefused
from clients.terminal.journal import Journal, NotEnrolled, RequestUnknown, TillLocked
from clients.terminal.operators import RightMissing
from clients.terminal.protocol import Line
from clients.terminal.receipt import ClockUntrusted, CodeTaken, Receipt
from clients.terminal.till import Till
from clients.terminal.words import response_line, tell
from terminals.message import RequestKey

HTTP_SECONDS = 5.0


@dataclass(slots=True)
class Options:
    """What holds for every command."""

    journal: Path
    url: str
    language: str


@dataclass(frozen=True, slots=True)
class Desk:
    """An opened terminal."""

    options: Options
    journal: Journal
    line: Line
    till: Till
    batches: Batches
    cards: Cards

    def key(self, seq_no: int, batch_no: int | None) -> RequestKey:
        """A key of this terminal; the current batch if none is named."""
        terminal_no = self.journal.identity.terminal_no
        return RequestKey(terminal_no, batch_no or self.journal.batch_no(), seq_no)

    def show(self, receipt: Receipt) -> None:
        """Tells the cashier; a request that is not done ends the program with 1."""
        typer.echo(tell(receipt, self.options.language, self.line.store.parameters()))
        if not receipt.is_approved:
            raise typer.Exit(1)


@asynccontextmanager
async def open_endpoint(settings: Options) -> AsyncIterator[Endpoint]:
    """The server, as the options say."""
    async with httpx2.AsyncClient(base_url=settings.url, timeout=HTTP_SECONDS) as http:
        yield Endpoint(http, settings.language)


def at_desk(context: typer.Context, work: Callable[[Desk], Awaitable[None]]) -> None:
    """Opens the terminal, ends what an earlier run left open, and works."""
    settings: Options = context.obj

    async def opened() -> None:
        with Journal(settings.journal) as journal:
            async with open_endpoint(settings) as endpoint:
                line = Line(endpoint, journal, unix_clock, os.urandom)
                till = Till(journal, line)
                cards = Cards(journal, till)
                for receipt in await cards.settle_open():
                    typer.echo(tell(receipt, settings.language))
                batches = Batches(journal, line, line.store)
                try:
                    await work(Desk(settings, journal, line, till, batches, cards))
                except RightMissing as missing:
                    held = line.store.parameters()
                    typer.echo(
                        response_line(missing.response_code, settings.language, held), err=True
                    )
                    raise typer.Exit(1) from None

    run(opened)


def run(work: Callable[[], Awaitable[None]]) -> None:
    """Works, and tells in one line what went wrong."""

    async def once() -> None:
        await work()

    try:
        asyncio.run(once())
    except NotEnrolled:
        typer.echo("终端未激活 · not enrolled: clients.terminal enrol ISSUER CODE", err=True)
        raise typer.Exit(2) from None
    except TillLocked:
        typer.echo("学校已停用本机 · the school has locked this terminal", err=True)
        raise typer.Exit(2) from None
    except CodeTaken:
        typer.echo("C1  码已使用,请刷新 · this code was taken here: refresh it", err=True)
        raise typer.Exit(1) from None
    except ClockUntrusted:
        typer.echo("终端时间未校准,请联网 · the clock is not set: go online once", err=True)
        raise typer.Exit(2) from None
    except RequestUnknown as unknown:
        typer.echo(f"日志中无此交易 · not in the journal: {unknown}", err=True)
        raise typer.Exit(2) from None
    except BatchNotWhole as open_:
        typer.echo(f"批次未平 · not balanced: {open_}", err=True)
        raise typer.Exit(1) from None
    except ChipRefused as refusal:
        typer.echo(f"卡拒绝 · the chip refuses: {refusal}", err=True)
        raise typer.Exit(1) from None
    except NoAnswer as none:
        typer.echo(f"服务器无应答 · no answer: {none.reason}", err=True)
        raise typer.Exit(3) from None
