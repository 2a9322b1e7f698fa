"""A child process of the demo: started with an environment of its own, stopped by its id."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from bff.demo.place import CHECKOUT
from bff.embedded.server import dies_with

STOP_SECONDS = 10
_LOG_SHOWN = 2_000


class ChildEnded(Exception):
    """A process ended by itself; the message ends with its log."""


class PortTaken(Exception):
    """Another program listens on the port."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"端口 {port} 已被占用,请停止占用它的程序,或换一个:BFF_PORT=8001\n"
            f"Port {port} is taken: stop the program that uses it, or choose another: BFF_PORT=8001"
        )


class Child:
    """`python -m …`, ended no later than we end."""

    def __init__(
        self, name: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path
    ) -> None:
        self.name = name
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own arguments, no shell
                [sys.executable, "-m", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=CHECKOUT,
                env={"PYTHONUTF8": "1", **environment},
                start_new_session=True,
                preexec_fn=dies_with(os.getpid(), signal.SIGTERM),  # noqa: PLW1509 - see dies_with
            )

    def check(self) -> None:
        """Nothing, while it runs.

        Raises: ChildEnded.
        """
        code = self._process.poll()
        if code is not None:
            log = self._log.read_text("utf-8", errors="replace")[-_LOG_SHOWN:]
            raise ChildEnded(f"{self.name}: {code}\n{log}")

    def stop(self) -> None:
        """Ends it, by SIGTERM and, if it will not, by SIGKILL."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()


def check_free(port: int) -> None:
    """Nothing, if nobody listens on the port.

    Raises: PortTaken.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise PortTaken(port) from None


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
