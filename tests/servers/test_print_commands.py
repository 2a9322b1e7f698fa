"""Printed codes on the command line, over a real database."""

import re

from terminals import ccq
from terminals.ccq import Purpose, SignedChallenge
from tests.servers.commands import SCHOOL_FILE, Commands

OF_FIRST = ("--school", "green-bamboo", "--merchant", 1)


def opened(commands: Commands) -> None:
    """A school with a merchant."""
    commands.told("school", "add", SCHOOL_FILE)
    names = ("--school", 1, "--name-zh", "店", "--name-en", "Shop")
    commands.told("site", "put", "--number", 0, *names)
    commands.told("merchant", "add", *names)


def challenge_in(told: str) -> ccq.Challenge:
    """The challenge of the code that a command printed."""
    text = told.rstrip("\n").rpartition("\n")[2]
    signed = ccq.read(text)
    assert isinstance(signed, SignedChallenge), told
    return signed.challenge


def test_code_is_printed_shown_again_and_revoked(commands: Commands) -> None:
    opened(commands)
    told = commands.told("merchant", "code", "print", *OF_FIRST)
    assert told.startswith("Printed code 1 of merchant 1, amount: typed\n")
    assert "█" in told
    made = challenge_in(told)
    assert (made.purpose, made.issuer, made.life_seconds) == (Purpose.PRINTED, 1, 0)
    assert (made.key, made.minor_amount) == ((1, 0, 1), 0)
    second = commands.told("merchant", "code", "print", *OF_FIRST, "--amount", "12.50")
    assert second.startswith("Printed code 2 of merchant 1, amount: ¥12.50\n")
    assert challenge_in(second).minor_amount == 1_250
    shown = commands.told("merchant", "code", "show", 1, *OF_FIRST)
    assert shown == told.partition("\n")[2]
    revoked = commands.told("merchant", "code", "revoke", 1, *OF_FIRST)
    assert revoked == "Printed code 1 of merchant 1 is revoked\n"
    listed = commands.told("merchant", "code", "list", *OF_FIRST)
    rows = [re.findall(r"[^│\s]+", row) for row in listed.splitlines() if "│" in row]
    assert [row[:2] for row in rows] == [["1", "typed"], ["2", "¥12.50"]]
    assert [len(row) for row in rows] == [4, 3]
    # school, site, merchant, two prints, one revocation
    assert commands.told("audit", "verify", "--school", 1) == "6 rows are sound\n"


def test_what_is_not_there_is_refused_by_name(commands: Commands) -> None:
    opened(commands)
    for words, code in (
        (("print", "--school", 1, "--merchant", 2), "MERCHANT_UNKNOWN"),
        (("print", *OF_FIRST, "--site", 3), "SITE_UNKNOWN"),
        (("revoke", 1, *OF_FIRST), "PRINT_UNKNOWN"),
        (("show", 1, *OF_FIRST), "PRINT_UNKNOWN"),
    ):
        refused = commands.run("merchant", "code", *words)
        assert (refused.exit_code, refused.stderr.split(":")[0]) == (1, code)
    assert commands.told("audit", "verify", "--school", 1) == "3 rows are sound\n"


def test_no_device_is_activated_for_prints(commands: Commands) -> None:
    opened(commands)
    commands.told("merchant", "code", "print", *OF_FIRST)
    for words in (("--terminal", 1), ("--merchant", 1, "--device", "VIRTUAL")):
        refused = commands.run("terminal", "activation", "--school", 1, *words)
        assert (refused.exit_code, refused.stderr.split(":")[0]) == (1, "TERMINAL_STATE_INVALID")
