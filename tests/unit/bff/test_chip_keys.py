"""The keys of chips: one of each card, as the page for makers says."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bff.cli.root import app
from bff.clock import SystemClock
from bff.keys import create_keys, load_keys
from bff.settings import Environment
from terminals.chips import card_key
from tests.factories.chance import counted_entropy

UID = "04A1B2C3"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A key file of development, fit for now."""
    made = tmp_path / "keys.json"
    now = SystemClock().now()
    create_keys(made, Environment.DEVELOPMENT, counted_entropy("chips"), now)
    return made


def type_(file: Path, school: str = "1", uid: str = UID) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["keys", "chip", str(file), school, uid, "--for", "development"])
    return done.exit_code, done.output.strip()


def test_prints_the_key_of_one_chip(file: Path) -> None:
    keys = load_keys(file, Environment.DEVELOPMENT, SystemClock().now())
    (school_key,) = keys.chip_keys(1)
    assert type_(file) == (0, card_key(school_key, UID).hex())
    assert type_(file, uid=UID.lower()) == type_(file)
    assert type_(file, school="2") != type_(file)


def test_says_why_there_is_none(file: Path) -> None:
    assert type_(file, uid="04A1")[0] == 1
    kept = json.loads(file.read_text("utf-8"))
    del kept["chips"]
    file.write_text(json.dumps(kept), "utf-8")
    assert type_(file)[0] == 1


def test_newest_key_comes_first_and_all_stay(file: Path) -> None:
    kept = json.loads(file.read_text("utf-8"))
    kept["chips"]["2"] = bytes(range(7, 39))[::-1].hex()[:62] + "a7"
    file.write_text(json.dumps(kept), "utf-8")
    keys = load_keys(file, Environment.DEVELOPMENT, SystemClock().now())
    assert [len(key) for key in keys.chip_keys(1)] == [32, 32]
    del kept["chips"]["1"]
    file.write_text(json.dumps(kept), "utf-8")
    alone = load_keys(file, Environment.DEVELOPMENT, SystemClock().now())
    assert alone.chip_keys(1) == keys.chip_keys(1)[:1]
