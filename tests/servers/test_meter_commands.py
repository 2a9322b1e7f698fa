"""Meters on the command line, over a real database."""

import pytest

from tests.servers.commands import SCHOOL_FILE, Commands

GROUP = ("meter", "group", "put", "--school", 1, "--group", 9, "--campus", "MAIN",
         "--name-zh", "示例浴室", "--name-en", "Sample bath house", "--price", 30,
         "--per-units", 10, "--maximum-units", 200, "--opens", "06:00", "--closes", "23:00",
         "--places", 2, "--stalls")  # fmt: skip
METER = ("meter", "put", "--school", 1, "--terminal", 1, "--meter", 1, "--group", 9)


@pytest.fixture
def bath(commands: Commands) -> Commands:
    """A school with one terminal that is a meter."""
    commands.told("school", "add", SCHOOL_FILE)
    names = ("--school", 1, "--name-zh", "浴室", "--name-en", "Baths")
    commands.told("site", "put", "--number", 0, *names)
    commands.told("merchant", "add", *names)
    commands.told("terminal", "activation", "--school", 1, "--merchant", 1, "--device", "METER",
                  "--scene", "METER")  # fmt: skip
    return commands


def test_group_and_meter_are_put_changed_and_listed(bath: Commands) -> None:
    told = bath.told(*GROUP)
    assert told == "Group 9: Sample bath house, a start holds 6.00 yuan, key 1\n"
    assert bath.told(*GROUP, "--new-key").endswith("key 2\n")
    assert bath.told(*GROUP).endswith("key 2\n"), "a key stays until a new one is asked for"
    assert bath.told(*METER, "--stall", 1) == "Meter 1 of terminal 1: group 9, stall 1\n"
    assert bath.told(*METER, "--stall", 2) == "Meter 1 of terminal 1: group 9, stall 2\n"
    listed = bath.told("meter", "group", "list", "--school", 1)
    for word in ("Sample", "SHOWER", "MAIN", "06:00-23:00", "0.30 / 10"):
        assert word in listed
    assert "Sample bath house" in bath.told("meter", "list", "--school", 1)
    assert bath.told("audit", "verify", "--school", 1) == "10 rows are sound\n"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((*GROUP, "--campus", "NOWHERE"), "METER_INVALID"),
        ((*GROUP, "--slot-minutes", 5), "METER_INVALID"),
        ((*METER, "--stall", 1, "--group", 8), "METER_GROUP_UNKNOWN"),
        ((*METER, "--stall", 1, "--terminal", 2), "TERMINAL_UNKNOWN"),
        ((*METER, "--stall", 3), "METER_INVALID"),
    ],
)
def test_what_cannot_be_is_not_put(bath: Commands, words: tuple[str | int, ...], code: str) -> None:
    bath.told(*GROUP)
    before = bath.told("meter", "group", "list", "--school", 1)
    refused = bath.run(*words)
    assert (refused.exit_code, refused.stderr.split(":")[0]) == (1, code)
    assert bath.told("meter", "group", "list", "--school", 1) == before
    assert "Sample" not in bath.told("meter", "list", "--school", 1)
