"""The storm in its small form, as `make storm` plays it: real servers, two worker processes."""

import re
import subprocess
import sys

SECONDS = 240


def storm() -> subprocess.CompletedProcess[str]:
    """A storm of 300 purchases at fifty tills, in a process of its own."""
    sizes = ("--purchases", "300", "--terminals", "50", "--holders", "60")
    return subprocess.run(
        [sys.executable, "-m", "tests.faults.storm", *sizes],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_fifty_terminals_pay_through_repeats_voids_and_lost_answers_and_the_books_agree() -> None:
    passed = storm()
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert re.search(r"^violations=0$", passed.stdout, re.MULTILINE)
    assert "never happened: nothing that should have" in passed.stdout
    counts = {
        name: int(count)
        for count, name in re.findall(r"^ +(\d+)  (.+)$", passed.stdout, re.MULTILINE)
    }
    acts = {"repeated": 30, "voided": 9, "voided before": 6, "lost, then asked": 3,
            "lost, then repeated": 3, "lost, then voided": 3}  # fmt: skip
    assert {name: counts[name] for name in acts} == acts
