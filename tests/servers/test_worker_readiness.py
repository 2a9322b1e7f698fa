"""`bff worker` in a process of its own says what a school's server would refuse."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bff.demo.process import Child, free_port
from tests.contract.sso.cas_server import CasServer
from tests.contract.sso.serving import serve
from tests.servers.commands import Commands
from tests.servers.fixtures import DatabaseDsn
from tests.servers.test_sso_commands import written

SECONDS = 30


@pytest.fixture
def cas() -> Iterator[str]:
    """A server that knows another address than ours."""
    with serve(CasServer(services=("https://another.example/",)).application()) as url:
        yield url


def test_the_worker_checks_the_sign_ons_when_it_starts(
    commands: Commands, database_dsn: DatabaseDsn, redis_url: str, cas: str, tmp_path: Path
) -> None:
    commands.told("school", "add", written(tmp_path, cas))
    environment = {
        "BFF_ENVIRONMENT": "development",
        "BFF_DATABASE_URL": database_dsn.app,
        "BFF_REDIS_URL": redis_url,
        "BFF_KEYS_FILE": str(tmp_path / "keys.json"),
        "BFF_PORT": str(free_port()),
        "BFF_MAIL_URL": "smtp://127.0.0.1:9",
        "BFF_MAIL_SENDER": "card@school.example",
        "BFF_SMS_URL": "http://127.0.0.1:9",
        "BFF_SMS_KEY_ID": "sample",
        "BFF_SMS_SECRET": "a secret of at least thirty-two bytes",
    }
    log = tmp_path / "worker.log"
    wanted = "readiness of school 1: cas: cas_service: fail: "
    with Child("worker", ("bff", "worker"), environment, log) as child:
        give_up_at = time.monotonic() + SECONDS
        while wanted not in log.read_text("utf-8") and time.monotonic() < give_up_at:
            child.check()
            time.sleep(0.1)
    lines = [line for line in log.read_text("utf-8").splitlines() if "readiness" in line]
    assert [line.startswith(wanted) for line in lines] == [True]
