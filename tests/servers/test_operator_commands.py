"""Operators of merchants on the command line, over a real database."""

from tests.servers.commands import SCHOOL_FILE, Commands

PIN, OF_FIRST = "741963", ("--school", "green-bamboo", "--merchant", 1)
PUT = ("merchant", "operator", "put", 1001, *OF_FIRST, "--name", "示例收银")


def opened(commands: Commands) -> None:
    """A school with a merchant."""
    commands.told("school", "add", SCHOOL_FILE)
    commands.told("merchant", "add", "--school", 1, "--name-zh", "店", "--name-en", "Shop")


def test_operator_is_put_changed_blocked_and_listed(commands: Commands) -> None:
    opened(commands)
    told = commands.told(*PUT, "--right", "REFUND", "--right", "SALE", typed=f"{PIN}\n{PIN}\n")
    assert told.endswith("Operator 1001 of merchant 1: 示例收银, SALE REFUND\n")
    assert PIN not in told
    told = commands.told(*PUT, "--right", "SALE", "--keep-pin")
    assert told == "Operator 1001 of merchant 1: 示例收银, SALE\n"
    why = ("--reason", "left")
    told = commands.told("merchant", "operator", "block", 1001, *OF_FIRST, *why)
    assert told == "Operator 1001 is blocked\n"
    assert "yes" in commands.told("merchant", "operator", "list", "--school", 1)
    told = commands.told("merchant", "operator", "unblock", 1001, *OF_FIRST, *why)
    assert told == "Operator 1001 may sign on\n"
    listed = commands.told("merchant", "operator", "list", "--school", 1)
    assert ("1001" in listed, "yes" in listed) == (True, False)
    # school, merchant, two changes, a block and its end
    assert commands.told("audit", "verify", "--school", 1) == "6 rows are sound\n"


def test_what_is_no_operator_is_refused_by_name(commands: Commands) -> None:
    opened(commands)
    typed = f"{PIN}\n{PIN}\n"
    for words, code in (
        ((*PUT, "--right", "SALE", "--keep-pin"), "OPERATOR_INVALID"),
        ((*PUT, "--right", "SALE", "--merchant", 9), "MERCHANT_UNKNOWN"),
        (("merchant", "operator", "block", 7, *OF_FIRST, "--reason", "left"), "OPERATOR_UNKNOWN"),
    ):
        refused = commands.run(*words, typed=typed)
        assert (refused.exit_code, refused.stderr.split(":")[0]) == (1, code)
    assert commands.told("audit", "verify", "--school", 1) == "2 rows are sound\n"
