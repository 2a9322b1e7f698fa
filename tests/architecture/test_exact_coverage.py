"""A line that no test runs is found where every line must be run."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, plant

GATE = ROOT / "tests/architecture/exact_coverage.toml"


def judge(folder: Path, module: str, arguments: str) -> subprocess.CompletedProcess[str]:
    """What the gate says after the module's only function was called so."""
    text = "def decide(paid):\n    if paid:\n        return 1\n    return 0\n"
    plant(folder, {module: text + f"\n\nfor each in {arguments}:\n    decide(each)\n"})
    run = [sys.executable, "-m", "coverage"]
    subprocess.run(
        [*run, "run", "--rcfile=", "--branch", f"--source={folder}", module], cwd=folder, check=True
    )
    return subprocess.run(
        [*run, "report", f"--rcfile={GATE}"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("module", ["terminals/cc1.py", "schema/node.py", "core/card/pin.py"])
def test_line_never_run_fails_the_gate(tmp_path: Path, module: str) -> None:
    judged = judge(tmp_path, module, "[False]")
    assert judged.returncode == 2
    assert module in judged.stdout


def test_every_line_run_passes_the_gate(tmp_path: Path) -> None:
    assert judge(tmp_path, "terminals/cc1.py", "[False, True]").returncode == 0
