"""No secret lies in the tree, nor anywhere in its history."""

import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.architecture.tree import ROOT, plant

SECRETS = {
    "private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
    "cloud key": r"\b(?:AKIA|LTAI|AKID)[0-9A-Za-z]{16,}\b",
    "code host token": r"\b(?:gh[pousr]_[0-9A-Za-z]{36}|glpat-[\w-]{20})\b",
    "payment key": r"\b[sr]k_live_[0-9A-Za-z]{16,}\b",
    "signed web token": r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",
    "session token": r"\bcc_[0-9]{1,5}_[\w-]{43}\b",
    "database password": r"\b(?:postgres(?:ql)?|rediss?)://[^\s:/@{}]*:(?!password@)[^\s@{}/]{8,}@",
    "named secret": (
        r"(?i)\b\w*(?:secret|passw(?:or)?d|pepper|api_?key|private_?key|access_?token)\w*"
        r"[\"']?\s*[:=]\s*[\"'][0-9A-Za-z+/_=-]{24,}[\"']"
    ),
}
_SKIPPED_FOLDERS = {".git", ".venv", ".data", "node_modules", "__pycache__"} | {
    # What tools keep between runs: the names of tests, for example, hold their examples.
    ".pytest_cache", ".hypothesis", ".mypy_cache", ".ruff_cache", ".import_linter_cache",
}  # fmt: skip


def secrets_in(lines: Iterable[str]) -> list[str]:
    """The kinds of secret that some lines hold, one entry for each line and kind."""
    patterns = {kind: re.compile(pattern) for kind, pattern in SECRETS.items()}
    return [kind for line in lines for kind, pattern in patterns.items() if pattern.search(line)]


def secrets_in_tree(root: Path) -> list[str]:
    """Every secret in a text file below `root`, as `path: kind`."""
    found = []
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if not path.is_file() or _SKIPPED_FOLDERS & set(relative.parts):
            continue
        lines = path.read_text("utf-8", errors="ignore").splitlines()
        found += [f"{relative}: {kind}" for kind in secrets_in(lines)]
    return found


def secrets_in_history(root: Path) -> list[str]:
    """Every secret in a line that some commit before HEAD added; nothing without a history."""
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return []
    command = [git, "-c", f"safe.directory={root}", "-C", str(root), "log", "-p", "-U0", "HEAD"]
    log = subprocess.run(command, capture_output=True, check=True).stdout
    lines = log.decode("utf-8", errors="ignore").splitlines()
    return secrets_in(line for line in lines if line.startswith("+"))


def _one_of_each() -> dict[str, str]:
    # Put together here, or this file would break its own rule.
    return {
        "private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
        "cloud key": "AKIA" + "A1" * 8,
        "code host token": "ghp_" + "a1" * 18,
        "payment key": "sk_live_" + "a1" * 8,
        "signed web token": "eyJ" + "a" * 10 + ".eyJ" + "b" * 10 + "." + "c" * 10,
        "session token": "cc_42_" + "a" * 43,
        "database password": "postgresql://campus:" + "hunter2hunter2@db.example/campus",
        "named secret": 'WECHAT_SECRET = "' + "a1" * 12 + '"',
    }


def test_tree_holds_no_secret() -> None:
    assert secrets_in_tree(ROOT) == []


def test_history_holds_no_secret() -> None:
    assert secrets_in_history(ROOT) == []


def test_each_kind_of_secret_is_found(tmp_path: Path) -> None:
    examples = _one_of_each()
    assert {kind: secrets_in([line]) for kind, line in examples.items()} == {
        kind: [kind] for kind in SECRETS
    }
    plant(tmp_path, {"config/a.toml": examples["named secret"], ".venv/b": examples["cloud key"]})
    assert secrets_in_tree(tmp_path) == ["config/a.toml: named secret"]


def test_harmless_lines_are_left_alone() -> None:
    lines = [
        'secret = "env:WECHAT_SECRET"',
        "postgresql://campus:{password}@db/x",
        "postgresql://user:password@host/database",
        "cc_42_short",
    ]
    assert secrets_in(lines) == []


def test_secret_that_was_removed_is_found_in_history(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    for text in (_one_of_each()["private key"], "clean"):
        plant(tmp_path, {"key.pem": text})
        subprocess.run([*git, "add", "key.pem"], check=True)
        subprocess.run([*git, "commit", "-q", "-m", "key"], check=True)
    assert secrets_in_tree(tmp_path) == []
    assert secrets_in_history(tmp_path) == ["private key"]
