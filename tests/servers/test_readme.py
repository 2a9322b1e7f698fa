"""The pages' blocks run as printed, against the demo as a newcomer starts it."""

import os
import re
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from bff.demo.process import free_port
from tests.architecture.tree import ROOT

LITTLE_CURL = ROOT / "tests/servers/little_curl.py"
START_SECONDS = 180
BLOCK_SECONDS = 180
_WINDOW = ". .venv/bin/activate && . .data/demo.env\n"
"""The block that a reader's second window begins with; the test has its own."""

SAID = {
    "README.md": [
        r'"virtualCard": \{\s*"state": "ACTIVE"',
        r"policy\.limit\.daly_minor: .*policy\.limit\.daily_minor",
        r"2-\d+ +PENDING",
        r"¥12\.50  00  交易成功",
        r"VOID -> \d+\.1\.1  ¥12\.50  VOIDED",
        r"1 created, 0 changed, 0 unchanged, 1 refused",
        r'"topUp": ?\{"amount": ?\{"amount": ?"50\.00"\}, ?"balance": ?\{"amount": ?"50\.00"\}\}',
        r"violations=0",
        r"rows are sound",
    ],
    "docs/mini-programs.md": [
        r'"code": ?"green-bamboo"',
        r'"resendAfterSeconds": ?60',
        r'"bindingCreate": ?\{"cardholder": ?\{"number": ?"S\d+"',
        r'"status": ?"ACTIVE"',
    ],
    "docs/policy.md": [r"config/schools/a\.toml is good"],
}
"""What each page's blocks have to have said, in this order."""


@pytest.fixture(scope="module")
def shell_file() -> Iterator[Path]:
    """The variables of a demo that is up; `nobody` can pass through what lies above its data."""
    folder = Path(mkdtemp(prefix="campus-card-readme-"))
    folder.chmod(0o755)
    ready = folder / "demo.env"
    with subprocess.Popen(
        [sys.executable, "-m", "bff", "demo", "--data", str(folder / "demo")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "BFF_PORT": str(free_port())},  # noqa: TID251 - a child's own
    ) as demo:
        try:
            give_up_at = time.monotonic() + START_SECONDS
            while not ready.exists() and demo.poll() is None and time.monotonic() < give_up_at:
                time.sleep(0.1)
            if not ready.exists():
                demo.terminate()
                assert demo.stdout is not None
                pytest.fail(demo.stdout.read().decode())
            yield ready
        finally:
            demo.terminate()
            demo.communicate(timeout=30)
            left = ready.exists()
            shutil.rmtree(folder)
    assert not left, "variables of a demo that is gone"


def blocks(page: str) -> list[str]:
    """The runnable blocks of a page."""
    text = (ROOT / page).read_text("utf-8")
    found = re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [block for block in found if block != _WINDOW]


@pytest.mark.parametrize("page", SAID)
def test_blocks_run_as_printed(page: str, shell_file: Path, tmp_path: Path) -> None:
    (tmp_path / ".data").mkdir()
    (tmp_path / "config").symlink_to(ROOT / "config")
    script = "\n".join(["set -euo pipefail", f". '{shell_file}'", *blocks(page)])
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # noqa: TID251 - what a shell starts with
    if shutil.which("curl", path=path) is None:
        script = f"curl() {{ '{sys.executable}' '{LITTLE_CURL}' \"$@\"; }}\n{script}"
    told = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=BLOCK_SECONDS,
        check=False,
        env={"PATH": path, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "PYTHONUTF8": "1"},
    )
    assert told.returncode == 0, told.stdout
    assert '"errors"' not in told.stdout
    position = 0
    for pattern in SAID[page]:
        said = re.compile(pattern).search(told.stdout, position)
        assert said, f"not said: {pattern}\n{told.stdout}"
        position = said.end()


def test_variables_are_their_owners(shell_file: Path) -> None:
    assert stat.S_IMODE(shell_file.stat().st_mode) == 0o600


@pytest.mark.parametrize("page", SAID)
def test_both_languages_print_the_same_blocks(page: str) -> None:
    assert blocks(page) == blocks(page.replace(".md", ".zh.md"))
    assert blocks(page)
