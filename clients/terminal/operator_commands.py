"""Operators and the till's screen on the command line."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Protocol

import typer

from clients.terminal.operators import SignedOn
from clients.terminal.till import Till
from clients.terminal.words import response_line


class Settings(Protocol):
    """What holds for every command."""

    @property
    def language(self) -> str:
        """The cashier's."""
        ...


class Desk(Protocol):
    """An opened terminal."""

    @property
    def options(self) -> Settings:
        """What holds for every command."""
        ...

    @property
    def till(self) -> Till:
        """Its requests."""
        ...


AtDesk = Callable[[typer.Context, Callable[[Desk], Awaitable[None]]], None]


def commands(at_desk: AtDesk) -> typer.Typer:
    """`operator on` and `operator off`, for terminals that `at_desk` opens."""
    operator = typer.Typer(no_args_is_help=True, help="操作员 · Who works this till")

    @operator.command("on")
    def sign_on(
        context: typer.Context,
        number: Annotated[str, typer.Argument(help="操作员编号 · the operator's number")],
    ) -> None:
        """签到 · Signs an operator on; without a network by the parameters."""

        async def work(desk: Desk) -> None:
            pin = typer.prompt("密码 PIN", hide_input=True)
            signed = await desk.till.operators.sign_on(number, pin)
            typer.echo(_tell(desk, signed))
            if signed.shift is None:
                raise typer.Exit(1)

        at_desk(context, work)

    @operator.command("off")
    def sign_off(context: typer.Context) -> None:
        """签退 · Ends the shift."""

        async def work(desk: Desk) -> None:
            shift = await desk.till.operators.sign_off()
            number = "-" if shift is None else shift.operator_no
            typer.echo(f"已签退 signed off  {number}")

        at_desk(context, work)

    return operator


def _tell(desk: Desk, signed: SignedOn) -> str:
    if signed.shift is None:
        held = desk.till.line.store.parameters()
        return response_line(signed.response_code, desk.options.language, held, signed.tries_left)
    shift = signed.shift
    alone = "" if shift.id else "  (脱机 offline)"
    rights = " ".join(sorted(shift.rights))
    return f"已签到 signed on  {shift.operator_no}  {shift.display_name}  {rights}{alone}"
