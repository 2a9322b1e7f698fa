"""The pages' blocks run as printed, against the demo as a newcomer starts it."""

import os
import re
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import httpx2
import pytest

from bff.demo.process import free_port
from bff.sample_people import sample_people
from tests.architecture.tree import ROOT
from tests.contract.sso.cas_server import CasServer
from tests.contract.sso.people import Pupil
from tests.contract.sso.serving import serve

LITTLE_CURL = ROOT / "tests/servers/little_curl.py"
START_SECONDS = 180
BLOCK_SECONDS = 180
SIGN_ON_PAGE = "docs/campus-sign-on.md"
SIGN_ON_URL = "http://127.0.0.1:9402"
"""Where `make sso-server` listens; here the port is a free one."""
LOGIN = "first"
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
        r'"code": ?\{"merchantName": ?"[^"]+", ?"amount": ?null, ?"expiresAt": ?null\}',
        r'"outcome": ?"APPROVED".*"amount": ?"1\.50".*"replayed": ?false, ?"receipt": ?"CCR:',
        r'"outcome": ?"APPROVED".*"amount": ?"1\.50".*"replayed": ?true, ?"receipt": ?"CCR:',
    ],
    "docs/sign-in.md": [
        r'"authMethods": ?\["REAL_NAME", ?"FORM"\]',
        r'"document": ?"real-name-terms"',
        r'"step": ?"CONFIRM"',
        r'"step": ?"NONE", ?"cardholder": ?\{"number": ?"S\d+"',
    ],
    "docs/policy.md": [r"config/schools/a\.toml is good"],
    SIGN_ON_PAGE: [
        r"harbour\.toml is good: sign-ons: 1",
        r"cas_validate: .* refuses a false ticket",
        r"cas_service: Our callback address is registered",
        r"failed: 0",
        r"Version in force: 2",
        r"http://127\.0\.0\.1:\d+/sso/5/campus/start/",
    ],
}
"""What each page's blocks have to have said, in this order."""


@pytest.fixture(scope="module")
def sign_on_url() -> Iterator[str]:
    """A CAS server that knows the first of the demo's people, as `make sso-server` starts one."""
    person = next(sample_people(1))
    pupil = Pupil(LOGIN, person.number, person.name, "")
    server = CasServer(services=("http://127.0.0.1:",), pupils={LOGIN: pupil})
    with serve(server.application()) as url:
        yield url


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


def run_blocks(script: str, folder: Path) -> str:
    """What a shell script says in a folder like a checkout's; it must succeed."""
    (folder / ".data").mkdir()
    (folder / "config").symlink_to(ROOT / "config")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # noqa: TID251 - what a shell starts with
    if shutil.which("curl", path=path) is None:
        script = f"curl() {{ '{sys.executable}' '{LITTLE_CURL}' \"$@\"; }}\n{script}"
    told = subprocess.run(
        ["bash", "-c", f"set -euo pipefail\n{script}"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=BLOCK_SECONDS,
        check=False,
        env={"PATH": path, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "PYTHONUTF8": "1"},
    )
    assert told.returncode == 0, told.stdout
    assert '"errors"' not in told.stdout
    return told.stdout


def unsaid(page: str, told: str) -> list[str]:
    """What a page promises and its blocks did not say, in their order."""
    position, missing = 0, []
    for pattern in SAID[page]:
        said = re.compile(pattern).search(told, position)
        missing += [] if said else [pattern]
        position = said.end() if said else position
    return missing


def script_of(page: str, shell_file: Path) -> str:
    """A page's blocks, one after the other in one window."""
    return "\n".join([f". '{shell_file}'", *blocks(page)])


@pytest.mark.parametrize("page", sorted(SAID.keys() - {SIGN_ON_PAGE}))
def test_blocks_run_as_printed(page: str, shell_file: Path, tmp_path: Path) -> None:
    told = run_blocks(script_of(page, shell_file), tmp_path)
    assert unsaid(page, told) == [], told


def test_stranger_connects_the_sign_on_and_comes_back_with_a_card(
    shell_file: Path, sign_on_url: str, tmp_path: Path
) -> None:
    script = script_of(SIGN_ON_PAGE, shell_file).replace(SIGN_ON_URL, sign_on_url)
    told = run_blocks(script, tmp_path)
    assert unsaid(SIGN_ON_PAGE, told) == [], told
    person = next(sample_people(1))
    with signing_in(shell_file, tmp_path / "phone.json") as phone:
        assert phone.stdout is not None
        url = next(line for line in phone.stdout if line.startswith("http")).strip()
        walk_through(url)
        said, _ = phone.communicate(timeout=BLOCK_SECONDS)
    assert said.strip() == f"已绑定 bound: {person.number} {person.name}"


@contextmanager
def signing_in(shell_file: Path, wallet: Path) -> Iterator[subprocess.Popen[str]]:
    """The reference phone, begun as the page says; it waits for the browser."""
    phone = 'exec python -m clients.phone --wallet "$0" --url "$DEMO_URL" campus-sign-in'
    command = f". '{shell_file}' && {phone} harbour-light campus"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # noqa: TID251 - what a shell starts with
    with subprocess.Popen(
        ["bash", "-c", command, wallet],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={"PATH": path, "LANG": "C.UTF-8", "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def walk_through(url: str) -> None:
    """A person's browser: to the school's page, their name, and back."""
    with httpx2.Client(follow_redirects=True, timeout=BLOCK_SECONDS) as browser:
        page = browser.get(url)
        assert 'name="password"' in page.text
        back = browser.post(page.url, data={"username": LOGIN, "password": "any"})
    assert back.status_code == 200
    assert "Signed in. You may close this page." in back.text


def test_variables_are_their_owners(shell_file: Path) -> None:
    assert stat.S_IMODE(shell_file.stat().st_mode) == 0o600


@pytest.mark.parametrize("page", SAID)
def test_both_languages_print_the_same_blocks(page: str) -> None:
    assert blocks(page) == blocks(page.replace(".md", ".zh.md"))
    assert blocks(page)
