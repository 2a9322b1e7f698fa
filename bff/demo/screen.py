"""What the demo prints: steps in Chinese and English, a code, and where to go next."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bff.demo.place import Memory, Place
from bff.demo.servers import Running
from clients.screen import qr

SCHOOL = "cloud-hill"


class Screen:
    """The demo's output."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._steps = 0

    def say(self, zh: str, en: str) -> None:
        """One line of what goes on."""
        self._console.print(f"[dim]{escape(zh)} · {escape(en)}[/]")

    def step(self, zh: str, en: str) -> None:
        """The next step of the story."""
        self._steps += 1
        self._console.print(
            f"\n[bold green]{self._steps:>2}[/] {escape(zh)}\n   [dim]{escape(en)}[/]"
        )

    def fact(self, text: str) -> None:
        """What came of a step."""
        self._console.print(f"   [cyan]{escape(text)}[/]")

    def code(self, text: str) -> None:
        """A code as people would scan it, and its text."""
        self._console.print(qr(text), markup=False)
        self._console.print(f"   [dim]{escape(text)}[/]")

    def wrong(self, text: str) -> None:
        """Why the demo ends."""
        self._console.print(f"[bold red]✗[/] {escape(text)}")

    @contextmanager
    def progress(self, zh: str, en: str, total: int) -> Iterator[Progress]:
        """A progress bar; its one task counts to `total`."""
        columns = (
            TextColumn(f"{zh} · {en}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self._console) as bar:
            bar.add_task("", total=total)
            yield bar

    def invitation(self, running: Running, place: Place, memory: Memory, number: str) -> None:
        """Addresses, log-ins, and three things to try."""
        addresses = Table.grid(padding=(0, 2))
        for name, text in (
            ("GraphQL", f"{running.url}/graphql"),
            ("GraphiQL", f"{running.url}/graphiql"),
            ("沙箱邮箱 mailbox", running.outside.url),
            ("沙箱钱包 wallet", f"{running.outside.url}/_wallet"),
        ):
            addresses.add_row(name, f"[link={text}]{text}[/]")
        for desk in memory.staff:
            if desk.school_code == SCHOOL:
                addresses.add_row(
                    f"{desk.school_code} / {desk.login}",
                    f"{desk.password}  TOTP {desk.totp_secret}",
                )
        addresses.add_row("持卡人 cardholders", "S000001 … S000400 · s000001@people.example …")
        self._console.print(Panel(addresses, title="地址与登录 · addresses and log-ins"))
        self._tries(running.url, place, number)
        self.say("按 Ctrl-C 结束", "Ctrl-C ends it")

    def _tries(self, url: str, place: Place, number: str) -> None:
        """Commands to copy: never framed or cut, whatever the width of the window."""
        python = _near(Path(sys.executable))
        phone = f"{python} -m clients.phone --wallet {_near(place.phone)} --url {url} code"
        till = f"{python} -m clients.terminal --journal {_near(place.till)} --url {url} sell 12.50"
        for number_of_try, (zh, en, command) in enumerate(
            (
                (f"出示一个码({number})", "show a code", phone),
                ("收一笔款,超过 30 元要密码", "take a payment; above ¥30 it asks the PIN", till),
                ("在 GraphiQL 里查询", "ask in GraphiQL", "{ schools { code nameZh nameEn } }"),
            ),
            start=1,
        ):
            self._console.print(f"\n[bold]{number_of_try}[/] {escape(zh)} · {escape(en)}")
            self._console.print(f"   [cyan]{escape(command)}[/]")
        self._console.print()


def _near(path: Path) -> Path:
    """The path as one would type it here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
