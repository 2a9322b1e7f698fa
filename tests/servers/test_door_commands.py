"""Doors on the command line, over a real database."""

from pathlib import Path

import pytest

from bff.sample_people import sample_people
from tests.factories.identity import roster
from tests.servers.commands import SCHOOL_FILE, Commands


@pytest.fixture
def gate(commands: Commands) -> Commands:
    """A school with one terminal that is a gate."""
    commands.told("school", "add", SCHOOL_FILE)
    names = ("--school", 1, "--name-zh", "北门", "--name-en", "North gate")
    commands.told("site", "put", "--number", 0, *names)
    commands.told("merchant", "add", *names)
    commands.told("terminal", "activation", "--school", 1, "--merchant", 1, "--device", "GATE",
                  "--scene", "GATE", "--scene", "DORMITORY")  # fmt: skip
    return commands


PUT = ("door", "put", "--school", 1, "--terminal", 1, "--door", 1, "--zone", "campus",
       "--name-zh", "北门", "--name-en", "North gate")  # fmt: skip


def test_door_is_put_changed_and_listed(gate: Commands) -> None:
    assert gate.told(*PUT) == "Door 1 of terminal 1: North gate, zone campus, passback OFF\n"
    restricted = (
        *PUT, "--scene", "DORMITORY", "--restricted", "--pair", "7:0", "--pair", "7:2",
        "--passback", "HARD", "--opens", "06:00", "--closes", "23:00",
    )  # fmt: skip
    assert gate.told(*restricted).endswith("passback HARD\n")
    assert gate.told(*PUT).endswith("passback HARD\n"), "the zone keeps what nobody changed"
    gate.told(*restricted)
    listed = gate.told("door", "list", "--school", 1)
    for word in ("North gate", "DORMITORY", "campus", "HARD", "7:0 7:2"):
        assert word in listed
    assert gate.told("door", "inside", "campus", "--school", 1) == "0 inside campus\n"
    assert gate.told("audit", "verify", "--school", 1) == "9 rows are sound\n"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--scene", "BUS"), "DOOR_INVALID"),
        (("--pair", "256:0"), "DOOR_INVALID"),
        (("--opens", "06:00"), "DOOR_INVALID"),
        (("--terminal", 2), "TERMINAL_UNKNOWN"),
    ],
)
def test_door_that_cannot_be_is_not_put(
    gate: Commands, words: tuple[str | int, ...], code: str
) -> None:
    refused = gate.run(*PUT, *words)
    assert (refused.exit_code, refused.stderr.split(":")[0]) == (1, code)
    assert "North" not in gate.told("door", "list", "--school", 1)


@pytest.mark.parametrize("words", [("--pair", "7"), ("--opens", "25:00"), ("--passback", "NO")])
def test_word_that_is_none_is_told(gate: Commands, words: tuple[str, str]) -> None:
    assert gate.run(*PUT, *words).exit_code == 2


def test_groups_are_granted_to_a_cardholder_of_the_school(gate: Commands, tmp_path: Path) -> None:
    grant = ("door", "grant", "--school", 1, "--profile", 7, "--reason", "moves in")
    roster_file = tmp_path / "roster.csv"
    (person,) = sample_people(1)
    roster_file.write_bytes(roster(person))
    gate.told("roster", "import", roster_file, "--school", 1)
    told = gate.told(*grant, person.number, "--group", 2, "--group", 0, "--group", 2)
    assert told == f"Groups of {person.number} under profile 7: [0, 2]\n"
    refused = gate.run(*grant, "S999", "--group", 2)
    assert (refused.exit_code, refused.stderr.split(":")[0]) == (1, "CARDHOLDER_UNKNOWN")
