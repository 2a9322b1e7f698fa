"""The load guard: whether this machine is calm enough to judge times (correctness always is)."""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

_SPIN = "import time\nend=time.monotonic()+{s}\nn=0\nwhile time.monotonic()<end: n+=1\nprint(n)"


@dataclass(frozen=True, slots=True)
class Calibration:
    """Two spin loops against one, p99 of a 10 ms sleep and of a 4 KiB write, load per core."""

    parallel: float
    sleep_p99_ms: float
    write_p99_ms: float
    load_per_core: float

    @property
    def is_green(self) -> bool:
        """Whether times measured here mean something."""
        return (
            self.parallel >= 1.6
            and self.sleep_p99_ms <= 20
            and self.write_p99_ms <= 20
            and self.load_per_core <= 1.5
        )


def calibrate() -> Calibration:
    """Three seconds of measuring."""
    one = sum(_spin(1))
    two = sum(_spin(2))
    sleeps = sorted(_timed(lambda: time.sleep(0.01)) for _ in range(40))
    with tempfile.NamedTemporaryFile() as file:
        block = bytes(4096)

        def write() -> None:
            file.write(block)
            file.flush()
            os.fdatasync(file.fileno())

        writes = sorted(_timed(write) for _ in range(100))
    return Calibration(
        round(two / one, 2),
        round(sleeps[-1] * 1000 - 10, 1),
        round(writes[-2] * 1000, 1),
        round(os.getloadavg()[0] / (os.cpu_count() or 1), 2),
    )


def _spin(count: int) -> list[int]:
    command = [sys.executable, "-S", "-c", _SPIN.format(s=0.8)]
    spinning = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(count)]
    return [int(process.communicate()[0]) for process in spinning]


def _timed(work: object) -> float:
    started = time.monotonic()
    work()  # type: ignore[operator]  # a callable without arguments
    return time.monotonic() - started


def free_home(parent: Path | None = None) -> Path:
    """A fresh directory that the servers' account may enter."""
    home = Path(tempfile.mkdtemp(prefix="campus-bank-", dir=parent))
    home.chmod(0o755)
    return home
