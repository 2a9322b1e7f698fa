"""Importing a roster by hand, over a real database."""

import csv
from collections.abc import Iterable
from pathlib import Path

import pytest

from bff.sample_people import sample_people
from core.identity.records import RosterRow
from tests.factories.identity import person_like, roster
from tests.servers.commands import SCHOOL_FILE, Commands

PEOPLE = list(sample_people(7))
FIRST = """\
Read 7 rows: 7 created, 0 changed, 0 unchanged, 0 refused; 0 leavers
Old balances of 7.77 yuan: 7.77 posted now, 0.00 posted before; reconciled
"""
AGAIN = """\
Read 7 rows: 0 created, 0 changed, 7 unchanged, 0 refused; 0 leavers
Old balances of 7.77 yuan: 0.00 posted now, 7.77 posted before; reconciled
Nothing changed
"""


@pytest.fixture
def commands(commands: Commands) -> Commands:
    """With the sample school added."""
    commands.told("school", "add", SCHOOL_FILE)
    return commands


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A clean roster of seven people."""
    return written(tmp_path / "roster.csv", PEOPLE)


def written(path: Path, people: Iterable[RosterRow]) -> Path:
    path.write_bytes(roster(*people))
    return path


def test_second_import_of_a_file_changes_nothing(commands: Commands, file: Path) -> None:
    assert commands.told("roster", "import", file, "--school", "green-bamboo") == FIRST
    assert commands.told("roster", "import", file, "--school", 1) == AGAIN
    assert list(file.parent.glob("*.errors.csv")) == []


def test_refused_rows_are_listed_until_a_later_file_mends_them(
    commands: Commands, file: Path
) -> None:
    words = ("roster", "import", file, "--school", "green-bamboo")
    written(file, [*PEOPLE[:6], person_like(PEOPLE[6], id_number="99999920010101001X")])
    errors = file.with_name("roster.errors.csv")
    told = commands.told(*words)
    assert told.startswith("Read 7 rows: 6 created, 0 changed, 0 unchanged, 1 refused; 0 leavers\n")
    assert told.endswith(f"The refused rows are listed in {errors}\n")
    head, *rows = csv.reader(errors.read_text("utf-8-sig").splitlines())
    assert [row[:3] for row in rows] == [["8", "id_number", "ID_CHECK_DIGIT"]]

    written(file, PEOPLE)
    assert commands.told(*words).startswith("Read 7 rows: 1 created, 0 changed, 6 unchanged, 0 ref")
    assert list(csv.reader(errors.read_text("utf-8-sig").splitlines())) == [head]


def test_refused_rows_are_listed_where_the_operator_wants(
    commands: Commands, file: Path, tmp_path: Path
) -> None:
    written(file, [PEOPLE[0], person_like(PEOPLE[0], name="示甲子")])
    listed = tmp_path / "elsewhere.csv"
    commands.told("roster", "import", file, "--school", 1, "--errors", listed)
    assert "DUPLICATE_NUMBER" in listed.read_text("utf-8-sig")
    assert list(tmp_path.glob("*.errors.csv")) == []


def test_roster_is_not_overwritten_by_its_refusals(commands: Commands, file: Path) -> None:
    before = file.read_bytes()
    refused = commands.run("roster", "import", file, "--school", 1, "--errors", file)
    assert (refused.exit_code, refused.stderr) == (2, "--errors must not be the roster itself\n")
    assert file.read_bytes() == before


def test_leavers_are_named(commands: Commands, file: Path) -> None:
    commands.told("roster", "import", file, "--school", 1)
    told = commands.told("roster", "import", written(file, PEOPLE[:5]), "--school", 1)
    lines = told.splitlines()
    assert lines[:2] == [
        "Not in the roster, left as they are: S000006 S000007",
        "Read 5 rows: 0 created, 0 changed, 5 unchanged, 0 refused; 2 leavers",
    ]
    assert lines[-1] == f"The leavers are listed in {file.with_name('roster.leavers.csv')}"


def test_many_leavers_are_counted_and_listed_until_a_later_file_names_them(
    commands: Commands, file: Path
) -> None:
    words, many = ("roster", "import", file, "--school", 1), list(sample_people(12))
    written(file, many)
    commands.told(*words)
    told = commands.told("roster", "import", written(file, many[:1]), "--school", 1)
    first_ten = " ".join(person.number for person in many[1:11])
    assert told.startswith(f"Not in the roster, left as they are: {first_ten} …\n")
    assert "; 11 leavers\n" in told
    gone = file.with_name("roster.leavers.csv")
    assert told.endswith(f"The leavers are listed in {gone}\n")
    head, *rows = csv.reader(gone.read_text("utf-8-sig").splitlines())
    assert rows == [[person.number] for person in many[1:]]

    written(file, many)
    assert "leavers are listed" not in commands.told(*words)
    assert list(csv.reader(gone.read_text("utf-8-sig").splitlines())) == [head]


@pytest.mark.parametrize(("language", "why", "refusal"), [
    ("en", "Missing columns: name, kind", "The file is no readable roster; nothing was changed."),
    ("zh", "缺少列：name, kind", "这不是可读取的名册文件,未做任何更改。"),
])  # fmt: skip
def test_unusable_file_is_refused_and_changes_nothing(
    commands: Commands, file: Path, tmp_path: Path, language: str, why: str, refusal: str
) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("学号\n1\n", "utf-8")
    refused = commands.run("--language", language, "roster", "import", bad, "--school", 1)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == f"{bad}: {why}\nROSTER_FILE_INVALID: {refusal}\n"
    assert commands.told("roster", "import", file, "--school", 1) == FIRST


def test_unknown_school_is_refused(commands: Commands, file: Path) -> None:
    refused = commands.run("roster", "import", file, "--school", "red-plum")
    assert (refused.exit_code, refused.stderr) == (
        1,
        "SCHOOL_UNKNOWN: There is no such school; add it first.\n",
    )


def test_terminal_shows_how_far_the_import_is(commands: Commands, file: Path) -> None:
    shown = commands.run("roster", "import", file, "--school", 1, FORCE_COLOR="1")
    assert "Importing the roster" in shown.stderr
    assert "7/7" in shown.stderr
