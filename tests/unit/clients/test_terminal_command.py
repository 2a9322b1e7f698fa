"""The reference terminal as a cashier types to it."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner, Result

from clients.endpoint import Endpoint
from clients.screen import unix_clock
from clients.terminal import __main__ as command
from clients.terminal.till import Patience, Till
from tests.unit.clients.pretend_server import ISSUER, PretendServer
from tests.unit.clients.test_till import CODE, every

Type = Callable[..., Result]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> PretendServer:
    """The school's server, in place of the network; its clock is that of this machine."""
    made = PretendServer()
    made.now = int(unix_clock())

    @asynccontextmanager
    async def endpoint(settings: command.Options) -> AsyncIterator[Endpoint]:
        async with httpx2.AsyncClient(transport=made, base_url=settings.url) as http:
            yield Endpoint(http, settings.language)

    monkeypatch.setattr(command, "_endpoint", endpoint)
    return made


@pytest.fixture
def type_(server: PretendServer, tmp_path: Path) -> Type:
    """Runs one command of a terminal in English."""

    def run(*words: str, typed: str = "", language: str = "en") -> Result:
        fixed = ["--journal", str(tmp_path / "till.db"), "--language", language]
        return CliRunner().invoke(command.app, [*fixed, *words], input=typed)

    assert run("enrol", str(ISSUER), "0123-4567-89ab").exit_code == 0
    return run


def test_sells_and_voids(type_: Type, server: PretendServer) -> None:
    sold = type_("sell", "12.50", CODE)
    assert sold.exit_code == 0
    assert "42.1.1  ¥12.50  00  Approved" in sold.output
    assert list(server.paid.values()) == [1250]
    assert "Approved  CAPTURED" in type_("status", "1").output
    voided = type_("void", "1", language="zh")
    assert "已撤销" in voided.output
    assert server.paid == {}
    listed = type_("journal").output.splitlines()
    assert listed == ["42.1.2  VOID -> 42.1.1  ¥12.50  VOIDED", "42.1.1  AUTHORISE  ¥12.50  VOIDED"]


def test_asks_for_the_pin_until_it_is_right(type_: Type, server: PretendServer) -> None:
    sold = type_("sell", "60", typed=f"{CODE}\n111111\n314159\n")
    assert sold.exit_code == 0
    assert "Wrong PIN, 4 tries left" in sold.output
    assert "314159" not in sold.output
    assert list(server.paid.values()) == [6_000]


def test_holds_captures_and_refunds(type_: Type, server: PretendServer) -> None:
    assert type_("sell", "20", CODE, "--hold").exit_code == 0
    assert type_("capture", "1", "15").exit_code == 0
    assert type_("refund", "1", "4.5", "--reason", "cold soup").exit_code == 0
    assert list(server.paid.values()) == [1_050]


def test_gate_lets_pass_or_ends_with_one(type_: Type, server: PretendServer) -> None:
    passed = type_("gate", "pass", CODE, "--door", "1", "--direction", "OUT")
    assert (passed.exit_code, passed.output) == (0, "42.1.1  00  Please pass  学生 student\n")
    assert server.passed == ["OUT"]
    refused = type_("gate", "pass", CODE, "--door", "2")
    assert (refused.exit_code, refused.output.split("  ")[1]) == (1, "58")


def test_unknown_outcome_says_so_and_ends_with_the_next_command(
    type_: Type, server: PretendServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient = Patience(budget_seconds=0.02, pause_seconds=0.001)
    monkeypatch.setattr(command, "Till", lambda journal, line: Till(journal, line, impatient))
    server.fault = every("LOSE_ANSWER")
    unknown = type_("sell", "12.50", CODE)
    assert unknown.exit_code == 1
    assert "Do not hand over the goods" in unknown.output
    server.fault = lambda operation: None
    assert "42.1.2  ¥12.50  Voided" in type_("heartbeat").output
    assert server.paid == {}


def test_locked_terminal_says_so_and_sells_nothing(type_: Type, server: PretendServer) -> None:
    server.is_locked = True
    assert "LOCK" in type_("heartbeat").output
    refused = type_("sell", "12.50", CODE)
    assert (refused.exit_code, server.paid) == (2, {})
    assert "the school has locked this terminal" in refused.output


def test_says_what_is_missing(type_: Type, tmp_path: Path) -> None:
    assert type_("void", "9").exit_code == 2
    assert "not in the journal: 42.1.9" in type_("void", "9").output
    assert type_("sell", "12.505", CODE).exit_code == 2
    fresh = CliRunner().invoke(command.app, ["--journal", str(tmp_path / "new.db"), "heartbeat"])
    assert fresh.exit_code == 2
    assert "not enrolled" in fresh.output


def test_wrong_activation_code_enrols_nobody(server: PretendServer, tmp_path: Path) -> None:
    path = tmp_path / "till.db"
    words = ["--journal", str(path), "enrol", str(ISSUER), "BADBADBADBAD"]
    refused = CliRunner().invoke(command.app, words)
    assert refused.exit_code == 3
    assert "ACTIVATION_INVALID" in refused.output
    assert not path.exists()


def test_shell_runs_line_after_line(type_: Type, server: PretendServer) -> None:
    worked = type_("shell", typed=f"sell 1 {CODE}\nnonsense\nsell 2 {CODE}\n\n")
    assert worked.exit_code == 0
    assert len(re.findall(r"00  Approved", worked.output)) == 2
    assert list(server.paid.values()) == [100, 200]
