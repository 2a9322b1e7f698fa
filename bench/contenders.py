"""The contenders: pgbench, and processes of our own that drive something as fast as they can."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import processor
from bench.rounds import Run
from bench.stand import Stand, password, pgbench

CLIENTS = 32
DRIVERS = 2
ROOT = Path(__file__).parent.parent
_RATE = re.compile(r"tps = ([0-9.]+) \(without initial connection time\)")
_LATENCY = re.compile(r"latency average = ([0-9.]+) ms")
_COUNT = re.compile(r"transactions actually processed: ([0-9]+)")


class RunFailed(Exception):
    """A contender answered something else than what was to be measured."""


@dataclass(slots=True)
class Pgbench:
    """pgbench with prepared statements: TPC-B, or a script with variables."""

    name: str
    stand: Stand
    user: str
    database: str
    script: Path | None = None
    variables: Mapping[str, int] = field(default_factory=dict)
    batch: int = 900_000
    pace: float | None = None
    """Transactions per second that are due; None: as many as it can."""

    def run(self, seconds: float) -> Run:
        """One run, counted without the time that the connections took."""
        self.batch += 1
        postgres = self.stand.postgres
        command = [
            *pgbench(postgres, self.user, self.database), "--no-vacuum", "--protocol=prepared",
            f"--client={CLIENTS}", "--jobs=2", f"--time={max(1, round(seconds))}",
        ]  # fmt: skip
        if self.pace is not None:
            command.append(f"--rate={self.pace:.0f}")
        if self.script is not None:
            given = {**self.variables, "seq": 0, "batch": self.batch}
            command += [f"--file={self.script}", *(f"--define={n}={v}" for n, v in given.items())]
        roots = {"database": postgres.pid}
        before, generator = processor.read(roots), processor.buried()
        done = subprocess.run(
            command, env=password(postgres.dsn(self.user, self.database)), capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        measured = {"generator": processor.buried() - generator}
        after = processor.read(roots)
        rate, count = _RATE.search(done.stdout), _COUNT.search(done.stdout)
        latency = _LATENCY.search(done.stdout)
        if done.returncode != 0 or rate is None or count is None or latency is None:
            raise RunFailed(f"{self.name}: {done.stderr[-2000:]}")
        requests = int(count[1])
        used = processor.used(before, after, measured)
        return Run(requests, requests / float(rate[1]), used, (float(latency[1]) / 1_000,))


@dataclass(slots=True)
class Driven:
    """Drivers that prepare, wait for the word, work for some seconds and say what came of it.

    A driver is `python -m <module>`: it reads its order (JSON, one line), says `ready`, waits for
    `go`, works, and says its result. Its time counts as `group`; `server` is the root of a server.
    """

    name: str
    stand: Stand
    module: str
    order: Mapping[str, Any]
    group: str = "generator"
    server: int | None = None
    runs: int = 0
    rate: float = 1_500.0

    def run(self, seconds: float) -> Run:
        """One round: start all, wait until they are ready, say go, collect."""
        self.runs += 1
        roots = {"database": self.stand.postgres.pid}
        if self.server is not None:
            roots["server"] = self.server
        drivers = [self._start(index, seconds) for index in range(DRIVERS)]
        try:
            for driver in drivers:
                _hear(driver)
            before = processor.read(roots)
            for driver in drivers:
                _say(driver, "go")
            said = [json.loads(_hear(driver)) for driver in drivers]
            after = processor.read(roots)
        finally:
            for driver in drivers:
                driver.kill()
                driver.communicate()
        failures = {reason for each in said for reason in each["failures"]}
        if failures:
            raise RunFailed(f"{self.name}: {sorted(failures)[:3]}")
        measured = {self.group: sum(each["processor"] for each in said)}
        requests = sum(each["requests"] for each in said)
        run = Run(
            requests, max(each["seconds"] for each in said),
            processor.used(before, after, measured),
            tuple(seconds for each in said for seconds in each["latencies"]),
        )  # fmt: skip
        self.rate = run.rate
        return run

    def _start(self, index: int, seconds: float) -> "subprocess.Popen[str]":
        driver = subprocess.Popen(
            [sys.executable, "-m", self.module], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, cwd=ROOT,
        )  # fmt: skip
        share = {"index": index, "run": self.runs, "seconds": seconds}
        limits = {"clients": CLIENTS // DRIVERS,
                  "maximum": int(self.rate * seconds * 1.3 / DRIVERS) + 1_000}  # fmt: skip
        facts = json.loads(self.stand.facts())
        _say(driver, json.dumps({**facts, **self.order, **share, **limits}))
        return driver


def _say(driver: "subprocess.Popen[str]", line: str) -> None:
    assert driver.stdin is not None
    driver.stdin.write(line + "\n")
    driver.stdin.flush()


def _hear(driver: "subprocess.Popen[str]") -> str:
    assert driver.stdout is not None
    line = driver.stdout.readline()
    if not line:
        raise RunFailed(f"a driver ended with {driver.wait()}")
    return line
