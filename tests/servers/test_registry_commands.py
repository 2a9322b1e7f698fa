"""The command line over a real database, from the empty one to an enrolled terminal."""

import asyncio
import hashlib
import re
from pathlib import Path

import asyncpg

from tests.servers.commands import SCHOOL_FILE, Commands
from tests.servers.fixtures import DatabaseDsn


def test_school_is_set_up_by_hand(commands: Commands) -> None:
    assert commands.told("migrate") == "The database is up to date\n"
    assert commands.told("school", "add", SCHOOL_FILE) == (
        "Added school 1: Green Bamboo Sample University\n"
    )
    assert "green-bamboo" in commands.told("school", "list")
    names = ("--school", 1, "--name-zh", "食堂", "--name-en", "Canteen")
    assert commands.told("site", "put", "--number", 0, *names) == "Site 0: Canteen\n"
    assert commands.told("merchant", "add", *names) == "Merchant 1: Canteen\n"
    told = commands.told("terminal", "activation", "--school", 1, "--merchant", 1)
    assert re.fullmatch(
        r"Activation code of terminal 1: [0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4},"
        r" good once until \d\d:\d\d UTC\n",
        told,
    )
    listed = commands.told("terminal", "list", "--school", 1)
    assert "NEW" in listed
    assert "protected on 0 of 0 active terminals" in listed
    assert commands.told("audit", "verify", "--school", "green-bamboo") == "5 rows are sound\n"


def test_commands_take_a_schools_code_or_number_and_no_other_word(commands: Commands) -> None:
    commands.told("school", "add", SCHOOL_FILE)
    by_number, by_code = (
        commands.told("audit", "verify", "--school", n) for n in (1, "green-bamboo")
    )
    assert by_number == by_code == "1 rows are sound\n"
    for name in ("01", "GREEN-BAMBOO", "2"):
        unknown = commands.run("merchant", "add", "--school", name, "--name-zh", "店",
                               "--name-en", "Shop")  # fmt: skip
        assert (unknown.exit_code, unknown.stderr.split(":")[0]) == (1, "SCHOOL_UNKNOWN")
    assert commands.told("audit", "verify", "--school", 1) == by_number


def test_enrolled_terminal_is_confirmed_by_its_fingerprint(
    commands: Commands, database_dsn: DatabaseDsn
) -> None:
    commands.told("school", "add", SCHOOL_FILE)
    names = ("--school", 1, "--name-zh", "食堂", "--name-en", "Canteen")
    commands.told("site", "put", "--number", 0, *names)
    commands.told("merchant", "add", *names)
    commands.told("terminal", "activation", "--school", 1, "--merchant", 1)
    asyncio.run(enrolled_by_hand(database_dsn))
    mark = hashlib.sha256(bytes(32)).hexdigest()[:8]
    words = ("terminal", "confirm", 1, "--school", 1, "--fingerprint")
    wrong = commands.run(*words, "00000000")
    assert (wrong.exit_code, wrong.stderr.startswith("FINGERPRINT_MISMATCH: ")) == (1, True)
    assert commands.told(*words, mark) == "Terminal 1 is active\n"


async def enrolled_by_hand(dsn: DatabaseDsn) -> None:
    """The rows of an enrolment, for the command looks at nothing else."""
    owner = await asyncpg.connect(dsn.owner)
    await owner.execute(
        "SET app.school = 1; UPDATE terminal SET state = 'PENDING'; INSERT INTO terminal_key"
        " (school_id, terminal_no, key_no, public_key, valid_from)"
        " SELECT 1, 1, 1, decode(repeat('00', 32), 'hex'), created_at FROM terminal"
    )
    await owner.close()


def test_new_file_is_put_in_force(commands: Commands, tmp_path: Path) -> None:
    for file in (SCHOOL_FILE, SCHOOL_FILE.with_name("b.toml")):
        commands.told("school", "add", file)
    newer = tmp_path / "a.toml"
    text = SCHOOL_FILE.read_text("utf-8")
    newer.write_text(text.replace('default = "ID6"', 'default = "ID6"\ntries = 4'), "utf-8")
    words = ("policy", "activate", newer, "--school")
    assert commands.told(*words, 1) == "Version in force: 2\n"
    assert commands.told(*words, 1) == "Version in force: 2\n"
    other = commands.run(*words, 2)
    assert (other.exit_code, other.stderr.startswith("SCHOOL_FILE_OF_OTHER: ")) == (1, True)


def test_changed_audit_row_is_reported(commands: Commands, database_dsn: DatabaseDsn) -> None:
    commands.told("school", "add", SCHOOL_FILE)
    asyncio.run(audit_changed_by_hand(database_dsn))
    report = commands.run("audit", "verify", "--school", 1)
    assert (report.exit_code, "was changed; report it at once" in report.stderr) == (1, True)


async def audit_changed_by_hand(dsn: DatabaseDsn) -> None:
    """What only the owner of the tables can do."""
    owner = await asyncpg.connect(dsn.owner)
    await owner.execute("SET app.school = 1; UPDATE audit_event SET actor_id = actor_id || '?'")
    await owner.close()


def test_refusals_end_with_1_and_say_what_to_do(commands: Commands) -> None:
    commands.told("school", "add", SCHOOL_FILE)
    again = commands.run("school", "add", SCHOOL_FILE)
    assert (again.exit_code, again.stderr) == (
        1,
        "SCHOOL_EXISTS: A school has number 1 or code green-bamboo already.\n",
    )
    unknown = commands.run("--language", "zh", "terminal", "activation", "--school", 1,
                           "--terminal", 5)  # fmt: skip
    assert (unknown.exit_code, unknown.stderr) == (
        1,
        "TERMINAL_UNKNOWN: 本校没有这台终端,请先登记。\n",
    )


def test_member_of_staff_gets_a_second_factor(commands: Commands) -> None:
    commands.told("school", "add", SCHOOL_FILE)
    words = ("staff", "add", "wang", "--school", 1, "--name", "示例", "--role", "CASHIER")
    told = commands.told(*words, typed="sample plain words\nsample plain words\n")
    assert "otpauth://totp/green-bamboo:wang?secret=" in told
    assert "sample plain words" not in told
    weak = commands.run(*words, "--password", "short")
    assert (weak.exit_code, weak.stderr.startswith("PASSWORD_WEAK: ")) == (1, True)
