"""The command line: what it prints and with which code it ends."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bff.cli.root import app

GOOD, OTHER = (Path("config/schools", name) for name in ("a.toml", "b.toml"))


def run(*words: object, **environment: str | None) -> Result:
    unset = {"BFF_DATABASE_URL": None, "BFF_KEYS_FILE": None, "LC_ALL": None, "LANG": "C.UTF-8"}
    return CliRunner().invoke(app, [str(word) for word in words], env={**unset, **environment})


@pytest.mark.parametrize(("locale", "text"), [
    ("zh_CN.UTF-8", f"{GOOD} 正确：青竹示范大学\n"),
    ("en_GB.UTF-8", f"{GOOD} is good: Green Bamboo Sample University\n"),
])  # fmt: skip
def test_good_file_is_said_to_be_good_in_the_shell_language(locale: str, text: str) -> None:
    result = run("policy", "check", GOOD, LANG=locale)
    assert (result.exit_code, result.stdout) == (0, text)


def test_language_option_wins_over_the_shell() -> None:
    result = run("--language", "zh", "policy", "check", GOOD, LANG="en_GB.UTF-8")
    assert "正确" in result.stdout


def test_bad_file_names_each_line_and_ends_with_1(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text(GOOD.read_text("utf-8") + "\n[policy.limit]\ndaly_minor = 5\n", "utf-8")
    line = len(bad.read_text("utf-8").splitlines())
    result = run("policy", "check", bad)
    assert result.exit_code == 1
    assert result.stderr == (
        f"{bad}:{line}: policy.limit.daly_minor: Unknown key; did you mean"
        " policy.limit.daily_minor?\nPOLICY_INVALID: The policy text has faults; nothing was"
        " changed.\n"
    )


@pytest.mark.parametrize(("content", "text"), [
    (None, "Cannot use {}: No such file or directory\n"),
    (b"\xff\xfe", "{} is not UTF-8; save it as UTF-8\n"),
])  # fmt: skip
def test_file_that_cannot_be_read_ends_with_2(
    tmp_path: Path, content: bytes | None, text: str
) -> None:
    file = tmp_path / "school.toml"
    if content is not None:
        file.write_bytes(content)
    result = run("policy", "check", file)
    assert (result.exit_code, result.stderr) == (2, text.format(file))


def test_difference_is_told_in_words() -> None:
    result = run("policy", "diff", GOOD, OTHER)
    assert result.exit_code == 0
    assert "Rule of the initial PIN (pin.default): ID6 → ID6_X_TO_0\n" in result.stdout
    alike = run("--language", "zh", "policy", "diff", GOOD, GOOD)
    assert alike.stdout == "两份文件效果相同\n"


def test_missing_settings_are_named_with_what_to_do() -> None:
    result = run("school", "list")
    assert (result.exit_code, result.stderr) == (
        2,
        "Set in the environment: BFF_DATABASE_URL: missing, BFF_KEYS_FILE: missing\n",
    )


def test_created_keys_are_fit_for_what_they_are_made_for(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    assert run("keys", "create", file, "--for", "development").exit_code == 0
    assert run("keys", "check", file, "--for", "development").exit_code == 0
    refused = run("keys", "check", file)
    assert refused.exit_code == 2
    assert "made_for: keys of development in production" in refused.stderr
    again = run("keys", "create", file)
    assert (again.exit_code, "File exists" in again.stderr) == (2, True)


def test_activation_asks_for_one_of_merchant_and_terminal() -> None:
    result = run("terminal", "activation", "--school", "7")
    assert (result.exit_code, "Give either --merchant" in result.stderr) == (2, True)


def test_module_runs_without_a_warning() -> None:
    command = [sys.executable, "-W", "error", "-m", "bff", "policy", "check", str(GOOD)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
