"""What the demo prints: steps in Chinese and English, a code, and where to go next."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bff.demo.place import Memory, Place
from bff.demo.servers import Running
from clients.screen import qr

SCHOOL = "green-bamboo"


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
            ("沙箱邮箱 mailbox", running.mailbox_url),
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
        phone = f"python -m clients.phone --wallet {place.phone} --url {running.url}"
        till = f"python -m clients.terminal --journal {place.till} --url {running.url}"
        tries = (
            f"[bold]1[/] 出示一个码 · show a code ({number})\n   {phone} code\n"
            f"[bold]2[/] 收一笔款(超过 30 元要密码)· take a payment (above ¥30 asks for the PIN)\n"
            f"   {till} sell 12.50\n"
            f"[bold]3[/] 在 GraphiQL 里查询 · ask in GraphiQL\n"
            "   {{ schools {{ code nameZh nameEn }} }}".replace("{{", "{").replace("}}", "}")
        )
        self._console.print(Panel(tries, title="试试看 · three things to try"))
        self.say("按 Ctrl-C 结束", "Ctrl-C ends it")
