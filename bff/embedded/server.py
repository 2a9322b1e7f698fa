"""One embedded server process: its home, its locks, its account, its start and its end."""

import contextlib
import ctypes
import fcntl
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar, Self

from bff.embedded.account import Account, server_account

START_SECONDS = 30
STOP_SECONDS = 20
_PR_SET_PDEATHSIG = 1


class HomeInUse(Exception):
    """Another live process runs its server in this home."""

    def __init__(self, home: Path) -> None:
        super().__init__(
            f"{home} is in use by another running process; stop it or choose another folder.\n"
            f"{home} 正被另一个运行中的进程使用,请先停止它或换一个目录。"
        )


class HomeUnusable(Exception):
    """This home belongs to somebody else, or the servers' account cannot enter it."""

    def __init__(self, home: Path) -> None:
        super().__init__(
            f"{home} must be ours and, as root, lie where everybody may enter; choose another.\n"
            f"{home} 必须属于当前用户;以 root 运行时其上级目录须允许所有人进入,请换一个目录。"
        )


class StartFailed(Exception):
    """The server ended, or was not ready in `START_SECONDS`; the message ends with its log."""


class Server(ABC):
    """A server in a home of its own, on 127.0.0.1 only, that ends no later than we do.

    The home holds `data` (the server's), `server.log`, `server.pid`, `secret` and two locks: one we
    hold while we run a server there, one the server's processes inherit and hold while any of them
    lives. So a pid is signalled only while its holder is known to be this home's server, and a
    server whose launcher died (where the kernel does not end it for us) is found and stopped.
    """

    stop_signal: ClassVar[signal.Signals]
    immediate_signal: ClassVar[signal.Signals]

    def __init__(self, home: Path, port: int | None) -> None:
        self.account = server_account()
        self.home = _made(home, self.account)
        self.port = port or _free_port()
        self.secret = _kept_secret(self.home / "secret")
        self._process: subprocess.Popen[bytes] | None = None
        self._launcher_lock: int | None = None

    @abstractmethod
    def _command(self) -> list[str]:
        """The command line; it binds 127.0.0.1 and holds no secret."""

    @abstractmethod
    def _is_ready(self) -> bool:
        """Whether the server answers."""

    def _prepare(self) -> None:
        """Make what a start needs; nothing runs in this home now."""
        self.data.mkdir(mode=0o700, exist_ok=True)
        self._give(self.data)

    def _configuration(self) -> str:
        """What the server reads from its standard input."""
        return ""

    @property
    def data(self) -> Path:
        """The directory that the server writes."""
        return self.home / "data"

    @property
    def pid(self) -> int:
        """The id of the server's main process, for kill hooks; only while it was not stopped."""
        assert self._process is not None, "the server was stopped"
        return self._process.pid

    def start_again(self) -> Self:
        """Stop what still runs, then start on the same data and port.

        On Linux the kernel stops the server when the *thread* that started it ends, so only the
        main thread may. Raises: HomeInUse, StartFailed, RuntimeError.
        """
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("servers are started from the main thread: they end with it")
        self.stop()
        self._launcher_lock = _try_lock(self.home / "launcher.lock")
        if self._launcher_lock is None:
            raise HomeInUse(self.home)
        try:
            server_lock = self._claim()
            try:
                self._prepare()
                self._process = self._spawn(server_lock)
            finally:
                os.close(server_lock)
            (self.home / "server.pid").write_text(str(self.pid))
            self._wait_until_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self, *, immediate: bool = False) -> None:
        """End the server: in good order, or at once without tidying; a second time does nothing."""
        self._end(self.immediate_signal if immediate else self.stop_signal)

    def kill(self) -> None:
        """End the server's main process by SIGKILL, without waiting for what it leaves behind."""
        self._end(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._launcher_lock is not None:
            os.close(self._launcher_lock)
            self._launcher_lock = None

    def _claim(self) -> int:
        """The server lock's descriptor, after ending a server whose launcher is gone."""
        path = self.home / "server.lock"
        deadline = time.monotonic() + STOP_SECONDS
        lock = _try_lock(path)
        if lock is None:
            self._signal_orphan(self.stop_signal)
        while lock is None:
            time.sleep(0.02)
            if time.monotonic() > deadline:
                self._signal_orphan(signal.SIGKILL)
            lock = _try_lock(path)
        return lock

    def _signal_orphan(self, how: signal.Signals) -> None:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
            os.kill(int((self.home / "server.pid").read_text()), how)

    def _spawn(self, server_lock: int) -> subprocess.Popen[bytes]:
        with tempfile.TemporaryFile() as configuration, self._log() as log:
            configuration.write(self._configuration().encode())
            configuration.seek(0)
            return subprocess.Popen(  # noqa: S603 - our own arguments, no shell
                self._command(),
                stdin=configuration,
                stdout=log,
                stderr=log,
                cwd="/",
                env={"LC_ALL": "C"},
                start_new_session=True,
                pass_fds=[server_lock],
                user=self.account.user,
                group=self.account.group,
                extra_groups=self.account.groups,
                # Changing the user clears the wish, so it must be made after that, before exec.
                preexec_fn=dies_with(os.getpid(), self.stop_signal),  # noqa: PLW1509 - as above
            )

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise StartFailed((self.home / "server.log").read_text(errors="replace")[-2000:])
            time.sleep(0.02)

    def _log(self) -> contextlib.AbstractContextManager[int]:
        return _opened(self.home / "server.log", os.O_WRONLY | os.O_APPEND)

    def _give(self, path: Path) -> None:
        if self.account.user is not None and self.account.group is not None:
            os.chown(path, self.account.user, self.account.group)


def _made(home: Path, account: Account) -> Path:
    """The home, ours alone; as root it may be passed through, so that `data` can be reached.

    Only `data` is given to the servers' account: what root trusts is not that account's to fake.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if home.stat().st_uid != os.geteuid() or not account.reaches(home):
        raise HomeUnusable(home)
    home.chmod(0o700 if account.user is None else 0o711)
    return home.resolve()


def _kept_secret(path: Path) -> str:
    """The random secret of a home, made at its first start; it never leaves the machine."""
    if not path.exists():
        with _opened(path, os.O_WRONLY) as descriptor:
            os.write(descriptor, secrets.token_urlsafe(24).encode())
    return path.read_text()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags | os.O_CREAT, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _try_lock(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def dies_with(launcher: int, how: signal.Signals) -> Callable[[], None] | None:
    """What a child runs before exec so that the kernel sends it `how` when the launcher ends."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, int(how))
        if os.getppid() != launcher:
            os.kill(os.getpid(), signal.SIGKILL)

    return ask
