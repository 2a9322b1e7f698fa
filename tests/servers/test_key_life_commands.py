"""A quarter's change and a leak by hand, as an operator types them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.servers.commands import Commands


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def signing(file: Path) -> list[tuple[int, str]]:
    return [(seed["kid"], seed["use"]) for seed in read(file)["signing"]]


def read(file: Path) -> Any:
    return json.loads(file.read_text("utf-8"))


def test_next_keys_are_added_shown_and_not_added_again(commands: Commands, file: Path) -> None:
    told = commands.told("keys", "next", file)
    assert told.startswith("Added: PASS 4, ANSWER 5, DOCUMENT 6.")
    assert signing(file)[3:] == [(4, "PASS"), (5, "ANSWER"), (6, "DOCUMENT")]
    before = file.read_bytes()
    assert commands.told("keys", "next", file).startswith("Added: 0.")
    assert file.read_bytes() == before
    shown = commands.told("keys", "show", file)
    assert (shown.count("SIGNS"), shown.count("COMING")) == (3, 3)
    assert "待启用" in commands.told("--language", "zh", "keys", "show", file)


def test_key_that_signs_too_soon_is_refused(commands: Commands, file: Path) -> None:
    before = file.read_bytes()
    assert commands.run("keys", "next", file, "--days", 3).exit_code == 2
    assert file.read_bytes() == before
    told = commands.told("keys", "next", file, "--at-once", "--use", "ANSWER")
    assert told.startswith("Added: ANSWER 4.")


def test_check_says_what_runs_out_before_it_does(commands: Commands, file: Path) -> None:
    asked = ("keys", "check", file, "--for", "development")
    assert commands.told(*asked) == f"{file} is fit for use\n"
    late = commands.run(*asked, "--days", 101)
    assert (late.exit_code, late.stdout) == (1, "")
    assert late.stderr.startswith("Running out within 101 days: PASS, ANSWER, DOCUMENT;")
    commands.told("keys", "next", file)
    commands.told(*asked, "--days", 101)


def test_leaked_key_is_withdrawn_once(commands: Commands, file: Path) -> None:
    assert commands.told("keys", "withdraw", file, "--kid", 1).startswith(
        "Withdrew 1; in its place 4."
    )
    assert signing(file)[3:] == [(4, "PASS")]
    assert read(file)["signing"][0]["withdrawn_at"] is not None
    before = file.read_bytes()
    again = commands.run("keys", "withdraw", file, "--kid", 1)
    assert (again.exit_code, again.stdout) == (1, "")
    assert again.stderr == "No key 1 is there to withdraw\n"
    assert file.read_bytes() == before
