"""The kiosk as somebody types to it, against the real application."""

from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from clients.terminal import kiosk
from clients.terminal.__main__ import app
from clients.terminal.batches import Batches
from clients.terminal.cards import Cards
from clients.terminal.chip import Chip
from clients.terminal.desk import Desk, Options
from tests.api.claims import NEW_UID, ON_CARD, Purse, card_key, report_lost, use_policy
from tests.api.counter import ALICES_CARD, Counter
from tests.api.sample import ALICE, PIN


class Typist:
    """Types commands of a terminal and reads what they say."""

    def __init__(self, machine: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
        self._works: list[Any] = []
        options = Options(Path("till.db"), "", "en")
        batches = Batches(machine.journal, machine.line, machine.line.store)
        cards = Cards(machine.journal, machine.till)
        self._desk = Desk(options, machine.journal, machine.line, machine.till, batches, cards)
        monkeypatch.setattr(kiosk, "at_desk", lambda _context, work: self._works.append(work))

    async def types(self, *words: str) -> int:
        """The exit code of a command."""
        typed = CliRunner().invoke(app, ["kiosk", *words])
        assert typed.exit_code == 0, typed.output
        try:
            await self._works.pop()(self._desk)
        except typer.Exit as ended:
            return ended.exit_code
        return 0


async def test_day_at_a_kiosk(
    machine: Counter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await use_policy(machine.campus, ON_CARD.replace("fee_minor = 2000", "fee_minor = 100"))
    phone, typist = await machine.phone(), Typist(machine, monkeypatch)
    uid, file = ALICE.card_uid or "", str(tmp_path / "card.json")
    made = CliRunner().invoke(
        app, ["kiosk", "chip", file, uid, card_key(machine.campus, uid).hex()]
    )
    assert made.output == f"{uid}  ¥0.00\n"
    await Purse(machine.campus, Chip(Path(file))).put(3_000)
    assert await typist.types("list", ALICES_CARD, "--pin", "999999") == 1
    assert "55  " in capsys.readouterr().out
    assert await typist.types("list", ALICES_CARD, "--pin", PIN) == 0
    assert "待领 waiting ¥30.00" in capsys.readouterr().out
    assert await typist.types("claim", file, "--pin", PIN) == 0
    assert "卡上 on the card ¥30.00" in capsys.readouterr().out
    assert await typist.types("spend", file, "12.50") == 1  # a kiosk sells no meals
    assert await typist.types("list", ALICES_CARD, "--pin", PIN) == 0
    assert "POSTED  ¥30.00" in capsys.readouterr().out
    assert phone.wallet.access_token is not None
    await report_lost(machine.campus, phone.wallet.access_token)
    assert await typist.types("refresh", file) == 1
    assert await typist.types("release", file, "--pin", PIN) == 0
    assert await typist.types("replace", phone.show(), NEW_UID, "--pin", PIN) == 1
    assert "12  " in capsys.readouterr().out  # released, so nothing is to replace
    await report_lost(machine.campus, phone.wallet.access_token)
    machine.campus.clock.advance(minutes=1)
    done = await typist.types("replace", phone.show(), NEW_UID, "--pin", PIN)
    assert (done, await machine.balance("S001")) == (0, 5_000 + 3_000 - 100)


def test_pin_is_asked_for_where_it_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typer, "prompt", lambda _text, hide_input: PIN if hide_input else "")
    assert kiosk._asked(None) == PIN
