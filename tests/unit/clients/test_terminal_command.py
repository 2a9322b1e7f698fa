"""The reference terminal as a cashier types to it."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
import typer
from typer.testing import CliRunner, Result

from clients.device_key import public_key
from clients.endpoint import Endpoint
from clients.screen import unix_clock
from clients.terminal import __main__ as command
from clients.terminal import desk
from clients.terminal.journal import Journal
from clients.terminal.receipt import Patience
from clients.terminal.till import Till
from terminals import parameters
from terminals.documents import DocumentKind
from terminals.keys import fingerprint
from terminals.message import RequestKey
from tests.unit.clients.outage import OPEN, code
from tests.unit.clients.pretend_keys import school_document
from tests.unit.clients.pretend_server import ISSUER, NOW, PretendServer
from tests.unit.clients.test_till import CODE, every

Type = Callable[..., Result]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> PretendServer:
    """The school's server, in place of the network; its clock is that of this machine."""
    made = PretendServer()
    made.now = int(unix_clock())

    @asynccontextmanager
    async def endpoint(settings: desk.Options) -> AsyncIterator[Endpoint]:
        async with httpx2.AsyncClient(transport=made, base_url=settings.url) as http:
            yield Endpoint(http, settings.language)

    monkeypatch.setattr(command, "open_endpoint", endpoint)
    monkeypatch.setattr(desk, "open_endpoint", endpoint)
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
    monkeypatch.setattr(desk, "Till", lambda journal, line: Till(journal, line, impatient))
    server.fault = every("LOSE_ANSWER")
    unknown = type_("sell", "12.50", CODE)
    assert unknown.exit_code == 1
    assert "Do not hand over the goods" in unknown.output
    server.fault = lambda operation: None
    assert "42.1.2  ¥12.50  Voided" in type_("heartbeat").output
    assert server.paid == {}


def test_sells_offline_uploads_and_closes(
    type_: Type, server: PretendServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = server.now
    server.documents.append(school_document(DocumentKind.PARAMETERS, 7, parameters.write(OPEN)))
    assert "SYNC" in type_("heartbeat").output
    type_("heartbeat")
    impatient = Patience(budget_seconds=0.02, pause_seconds=0.001, status_tries=1)
    monkeypatch.setattr(desk, "Till", lambda journal, line: Till(journal, line, impatient))
    server.fault = every("LOSE_REQUEST")
    shown = now - NOW
    text = code(at=now, not_before=NOW - 3_600 + shown)
    sold = type_("sell", "12.50", text)
    assert (sold.exit_code, server.paid) == (0, {})
    assert "Accepted offline and recorded" in sold.output
    server.fault = lambda operation: None
    assert "42.1.1  ¥12.50  ACCEPTED" in type_("upload").output
    server.paid[RequestKey(42, 1, 9)] = 1
    assert "not balanced" in type_("close", "--batch", "1").output
    del server.paid[RequestKey(42, 1, 9)]
    assert "batch 1  ¥12.50" in type_("close", "--batch", "1").output


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


def test_fingerprint_is_that_of_the_terminals_own_key(
    server: PretendServer, tmp_path: Path
) -> None:
    path = tmp_path / "own.db"
    words = ["--journal", str(path), "enrol", str(ISSUER), "0123456789AB"]
    told = CliRunner().invoke(command.app, words).output
    with Journal(path) as journal:
        own = fingerprint(public_key(bytes.fromhex(journal.identity.seed)))
    assert f"fingerprint {own}" in told
    assert "00000000" not in told, "what the answer claims is no proof of our own key"


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


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the till draws as QR codes; no time passes between two looks."""
    drawn: list[str] = []

    def draw(text: str) -> str:
        drawn.append(text)
        return ""

    monkeypatch.setattr(command, "qr", draw)
    monkeypatch.setattr(command, "POLL_SECONDS", 0.0)
    return drawn


def test_shows_a_code_and_sees_it_paid(
    type_: Type, server: PretendServer, shown: list[str]
) -> None:
    def pays(operation: str) -> None:
        if operation == "PurchaseStatus" and not server.paid:
            server.scan(shown[0])

    server.fault = pays
    asked = type_("ask", "12.50")
    assert asked.exit_code == 0
    assert "¥12.50  00  Approved" in asked.output
    assert shown[0] in asked.output
    assert list(server.paid.values()) == [1_250]


def test_takes_the_receipt_where_there_is_no_network(
    type_: Type, server: PretendServer, shown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    receipts: list[str] = []

    def scanned(*_words: object, **_named: object) -> str:
        receipts.append("CCR:nonsense" if not receipts else server.scan(shown[0]))
        return receipts[-1]

    monkeypatch.setattr(typer, "prompt", scanned)
    server.fault = lambda operation: "LOSE_REQUEST" if operation == "PurchaseStatus" else None
    asked = type_("ask", "12.50", language="zh")
    assert asked.exit_code == 0
    assert "请扫手机上的回执" in asked.output
    assert "C2  无法识别  FORMAT" in asked.output
    assert "00  交易成功" in asked.output


def test_takes_a_bound_code_of_a_phone_without_network(
    type_: Type, server: PretendServer, shown: list[str]
) -> None:
    asked = type_("ask", "60", "--scan", typed=f"{CODE}\n314159\n")
    assert asked.exit_code == 0
    assert list(server.paid.values()) == [6_000]
    sold = next(body for body in server.bodies if b"challenge" in body)
    assert shown[0].encode() in sold


def test_empty_line_gives_the_code_up(type_: Type, server: PretendServer, shown: list[str]) -> None:
    asked = type_("ask", "12.50", "--scan", typed="\n")
    assert asked.exit_code == 1
    assert "voided, nothing was paid" in asked.output
    server.scan(shown[0])
    assert server.paid == {}


def test_code_is_voided_when_its_time_is_over(
    type_: Type, server: PretendServer, shown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Till, "is_over", lambda _till, _shown: True)
    assert type_("ask", "12.50").exit_code == 1
    server.scan(shown[0])
    assert server.paid == {}


def test_code_is_not_shown_by_a_clock_that_nobody_set(type_: Type, server: PretendServer) -> None:
    server.fault = lambda operation: "LOSE_REQUEST"
    asked = type_("ask", "12.50")
    assert (asked.exit_code, "the clock is not set" in asked.output) == (2, True)
