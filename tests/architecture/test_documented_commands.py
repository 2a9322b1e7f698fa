"""Every command and option that a page names exists."""

import re
import shlex
from collections.abc import Iterator

import pytest
from typer import Typer
from typer.testing import CliRunner

from bff.cli.root import app as bff
from clients.phone.__main__ import app as phone
from clients.terminal.__main__ import app as terminal
from tests.architecture.tree import ROOT

PROGRAMS = {"bff": bff, "clients.phone": phone, "clients.terminal": terminal}
_COMMAND = re.compile(r"python -m (bff|clients\.\w+) ([^|&;#)`<>\n]+)")


def documented() -> Iterator[tuple[str, str]]:
    """Each program with the words that some page gives it."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        text = page.read_text("utf-8").replace("\\\n", " ")
        yield from ((found[1], found[2].strip()) for found in _COMMAND.finditer(text))


def help_of(app: Typer, words: str) -> int:
    """How asking for help after these words ends: unknown commands and options end it badly."""
    # What a shell fills in stands for a value.
    plain = re.sub(r'"?\$\(.*|"?\$\w+"?', "x", words.replace('"$@"', ""))
    return CliRunner().invoke(app, [*shlex.split(plain), "--help"]).exit_code


@pytest.mark.parametrize(("program", "words"), sorted(set(documented())))
def test_documented_command_exists(program: str, words: str) -> None:
    assert help_of(PROGRAMS[program], words) == 0


@pytest.mark.parametrize("words", ["policy czech FILE", "serve --wokers 2"])
def test_command_that_does_not_exist_is_noticed(words: str) -> None:
    assert help_of(bff, words) == 2
