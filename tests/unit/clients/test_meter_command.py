"""The reference meter as somebody presses its keys."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner, Result

from clients.endpoint import Endpoint
from clients.screen import unix_clock
from clients.terminal import __main__ as command
from clients.terminal import desk
from clients.terminal.receipt import Patience
from clients.terminal.till import Till
from terminals.ccr import Outcome
from terminals.message import RequestKey
from terminals.water import Slot, code, seal_key
from tests.unit.clients.pretend_server import ISSUER, PretendServer

Press = Callable[..., Result]
KEY = bytes([0x77]) * 32
TARIFF = {"price": {"minorAmount": 30}, "perUnits": 10, "maximumUnits": 200}
SLOT_SECONDS = 1_800


class PretendMeters(PretendServer):
    """The pretended server with one meter: every code that it can prove holds 600 fen."""

    def _answer(
        self, request: httpx2.Request, body: bytes, operation: str, variables: Any
    ) -> dict[str, Any]:
        answered = super()._answer(request, body, operation, variables)
        if operation == "MeterStart":
            shown = answered["data"]["meterStart"]["authorisation"]
            run = {"meterNo": 1, "startedAt": self.now, "endsAt": self.slot.starts_at
                   + SLOT_SECONDS, "tariff": TARIFF}  # fmt: skip
            answered["data"]["meterStart"]["run"] = run if shown["outcome"] == "APPROVED" else None
        return answered

    def _money(self, operation: str, key: RequestKey, given: Any) -> dict[str, Any]:
        if operation == "MeterSync":
            return {}
        told = {name: given[name] for name in given if name != "startedAt"}
        return super()._money(operation, key, told)

    def _decided(self, operation: str, key: RequestKey, given: Any) -> dict[str, Any]:
        if operation == "MeterStart":
            if given.get("code8") != self.code8:
                return {**self._shown(Outcome.DECLINED, key, "M1", 0), "amount": {"minorAmount": 0}}
            self.held[key] = 600
            shown = self._shown(Outcome.APPROVED, key, "00", 600)
            return {**shown, "amount": {"minorAmount": 600}}
        if operation == "MeterStop":
            named = given["original"]
            original = RequestKey(42, named["batchNo"], named["seqNo"])
            del self.held[original]
            amount = given["minorAmount"] or 0
            if amount == 0:
                return self._shown(Outcome.VOIDED, original, "00", 0)
            self.paid[original] = amount
            return self._shown(Outcome.APPROVED, key, "00", amount)
        return super()._decided(operation, key, given)

    @property
    def slot(self) -> Slot:
        """The slot that is now."""
        return Slot(9, 0, self.now // SLOT_SECONDS * SLOT_SECONDS, SLOT_SECONDS)

    @property
    def code8(self) -> str:
        """The first code of it."""
        return code(KEY, self.slot, 0)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> PretendMeters:
    """The school's server, in place of the network; its clock is that of this machine."""
    made = PretendMeters()
    made.now = int(unix_clock())

    @asynccontextmanager
    async def endpoint(settings: desk.Options) -> AsyncIterator[Endpoint]:
        async with httpx2.AsyncClient(transport=made, base_url=settings.url) as http:
            yield Endpoint(http, settings.language)

    monkeypatch.setattr(command, "open_endpoint", endpoint)
    monkeypatch.setattr(desk, "open_endpoint", endpoint)
    monkeypatch.setattr(
        desk, "Till", lambda journal, line: Till(journal, line, Patience(5, 5, 1_000, 1))
    )
    return made


@pytest.fixture
def press(server: PretendMeters, tmp_path: Path) -> Press:
    """Runs one command of an enrolled meter that knows its group, in English."""

    def run(*words: str, typed: str = "", language: str = "en") -> Result:
        fixed = ["--journal", str(tmp_path / "meter.db"), "--language", language]
        return CliRunner().invoke(command.app, [*fixed, *words], input=typed)

    assert run("enrol", str(ISSUER), "0123-4567-89ab").exit_code == 0
    assert run("heartbeat").exit_code == 0
    known = {
        "meterNo": 1, "groupNo": 9, "stall": 0, "kind": "SHOWER", "slotSeconds": SLOT_SECONDS,
        "firstSlotAt": server.slot.starts_at, "slotCount": 1, "tariff": TARIFF,
        "sealedKey": b64encode(seal_key(KEY, server._terminal or b"")).decode(),
    }  # fmt: skip
    really = server._answer

    def answer(request: httpx2.Request, body: bytes, operation: str, variables: Any) -> Any:
        if operation == "MeterSync":
            return {"data": {"meterSync": {"meters": [known], "userErrors": []}}}
        return really(request, body, operation, variables)

    server._answer = answer  # type: ignore[method-assign]  # a tap in the pretended network
    assert run("meter", "sync").output == "水控机 meter 1  SHOWER  组 group 9  ¥0.30 / 10\n"
    return run


def test_confirm_digits_water_pause_and_cancel(press: Press, server: PretendMeters) -> None:
    told = press(
        "meter", "use", "confirm", server.code8, "water:40", "wait:10", "confirm", "confirm",
        "water:35", "cancel",
    )  # fmt: skip
    assert told.exit_code == 0, told.output
    assert [line.split("  ")[0] for line in told.output.splitlines()] == [
        "TYPING", "42.1.1", "出水 water runs", "RUNNING", "RUNNING", "RUNNING", "停水 water stands",
        "PAUSED", "出水 water runs", "RUNNING", "RUNNING", "停水 water stands", "42.1.2", "READY",
    ]  # fmt: skip
    assert list(server.paid.values()) == [225]
    assert server.held == {}


def test_wrong_code_and_scan_start_nothing(press: Press, server: PretendMeters) -> None:
    told = press("meter", "use", "confirm", "00000000", "scan:CC1:x")
    assert told.output.count("M1  Wrong code") == 2
    assert server.held == {}


def test_keys_are_asked_for_one_by_one(press: Press, server: PretendMeters) -> None:
    told = press("meter", "use", typed=f"confirm\n{server.code8}\nwater:500\n\n")
    assert told.exit_code == 0
    assert list(server.paid.values()) == [600]


def test_key_that_is_none_is_told(press: Press) -> None:
    assert press("meter", "use", "press").exit_code == 2


def test_program_that_ends_while_water_runs_tells_what_was_written(
    press: Press, server: PretendMeters
) -> None:
    press("meter", "use", "confirm", server.code8, "water:40", "wait:10", "water:30")
    assert (list(server.paid.values()), list(server.held.values())) == ([], [600])
    assert press("meter", "settle").output.endswith("waiting 0\n")
    assert list(server.paid.values()) == [120]


def test_meter_without_a_network_settles_later(press: Press, server: PretendMeters) -> None:
    server.fault = lambda operation: "LOSE_REQUEST"
    told = press("meter", "use", "confirm", server.code8, "water:40", "cancel")
    assert "Accepted offline" in told.output
    assert press("meter", "settle").output.endswith("waiting 1\n")
    server.fault = lambda operation: None
    assert press("meter", "settle").output.endswith("waiting 0\n")
    assert list(server.paid.values()) == [120]
    sent = [json.loads(body)["variables"]["input"] for body in server.bodies]
    assert any(given.get("startedAt") for given in sent)


@pytest.mark.parametrize("fault", ["NOT_ALLOWED", "QUESTION"])
def test_start_that_the_server_refuses_to_judge_runs_nothing(
    press: Press, server: PretendMeters, fault: str
) -> None:
    really = server._answer

    def answer(request: httpx2.Request, body: bytes, operation: str, variables: Any) -> Any:
        if operation == "MeterStart" and fault == "QUESTION":
            error = {"code": "IDEMPOTENCY_CONFLICT", "message": "no", "path": []}
            return {"data": {"meterStart": {"authorisation": None, "userErrors": [error]}}}
        if operation == "MeterStart":
            facts = {"code": "FORBIDDEN", "reason": "TERMINAL_LOCKED"}
            return {"errors": [{"message": "no", "extensions": facts}]}
        return really(request, body, operation, variables)

    server._answer = answer  # type: ignore[method-assign]  # a tap in the pretended network
    told = press("meter", "use", "confirm", server.code8)
    assert told.exit_code == 0
    assert "water runs" not in told.output
    assert server.voided == {RequestKey(42, 1, 1)}


def test_stop_that_the_server_refuses_to_judge_waits(press: Press, server: PretendMeters) -> None:
    press("meter", "use", "confirm", server.code8, "water:40", "wait:10")
    server.fault = lambda operation: "LOSE_REQUEST" if operation == "MeterStop" else None
    assert press("meter", "settle").output.endswith("waiting 1\n")
    really = server._answer

    def answer(request: httpx2.Request, body: bytes, operation: str, variables: Any) -> Any:
        if operation == "MeterStop":
            error = {"code": "IDEMPOTENCY_CONFLICT", "message": "no", "path": []}
            return {"data": {"meterStop": {"authorisation": None, "userErrors": [error]}}}
        return really(request, body, operation, variables)

    server.fault = lambda operation: None
    server._answer = answer  # type: ignore[method-assign]  # a tap in the pretended network
    assert press("meter", "settle").output.endswith("waiting 1\n")
    assert list(server.held.values()) == [600]
