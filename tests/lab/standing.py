"""`python -m tests.lab serve cas`: a real CAS server that stays up, for a school of the demo."""

import argparse
import asyncio
import signal
import socket
import sys
from collections.abc import Sequence
from itertools import islice

from bff.sample_people import sample_people
from core.identity.records import CardholderKind, RosterRow
from tests.contract.sso.people import Pupil
from tests.lab.cas_server import PACKAGE, cas_server
from tests.lab.processes import NotInstalled
from tests.lab.tally import say

PORT = 9402
PASSWORD = "campus-horse-42"
PEOPLE = 20
"""As many of each demo school's roster have an account here: students, and two of the staff."""
CALLBACKS = r"^http://127\.0\.0\.1(:[0-9]+)?/"
_KINDS = {CardholderKind.STUDENT: "全日制学生", CardholderKind.STAFF: "教师"}
_TOLD = """{package} at {url}

It sends people back to any port of http://127.0.0.1 and releases employeeNumber, cn and userType.
A ticket is good once, for 10 seconds.

{people}

For a school's file, beside "SSO" in the methods of [policy.auth]:

[[sso]]
id = "cas"
kind = "cas"
channels = ["NATIVE"]
label = {{ zh = "统一身份认证", en = "Campus sign-on" }}
server = "{url}"
map = {{ subject = "$subject", person_no = "employeeNumber", name = "cn" }}
link = {{ mode = "person_no" }}

Ctrl-C stops it."""


def serve(words: Sequence[str]) -> int:
    """Runs it until somebody stops it; the exit status."""
    asked = _parser().parse_args(words)
    if not _is_free(asked.port):
        return _wrong(f"somebody listens at port {asked.port} already; --port takes another")
    people = [_named(*each) for each in asked.person] or _of_the_demo()
    try:
        return asyncio.run(_stand(asked.port, people))
    except NotInstalled as missing:
        return _wrong(str(missing))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m tests.lab serve", description="A sign-on server on 127.0.0.1, until Ctrl-C."
    )
    parser.add_argument("kind", choices=["cas"], help="which: django-cas-server")
    parser.add_argument("--port", type=int, default=PORT, help="where it listens (%(default)s)")
    parser.add_argument(
        "--person", nargs=2, action="append", default=[], metavar=("NUMBER", "NAME"),
        help="somebody in the register, instead of the demo's people; may be repeated",
    )  # fmt: skip
    return parser


async def _stand(port: int, people: Sequence[Pupil]) -> int:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stopped.set)
    say(f"starting {PACKAGE}")
    async with cas_server(port, CALLBACKS, people, PASSWORD) as server:
        print(_TOLD.format(package=PACKAGE, url=server.url, people=_table(people)), flush=True)
        stop = asyncio.create_task(stopped.wait())
        end = asyncio.create_task(server.process.wait())
        await asyncio.wait((stop, end), return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        end.cancel()
    return 0 if stopped.is_set() else _wrong("the server ended by itself")


def _of_the_demo() -> list[Pupil]:
    """People whom the register of every school of the demo has."""
    rows = [row for row in islice(sample_people(PEOPLE), PEOPLE) if row.kind in _KINDS]
    return [_pupil(row) for row in (*rows[:3], rows[-1])]


def _pupil(row: RosterRow) -> Pupil:
    return Pupil(row.number.lower(), row.number, row.name, row.email or "", _KINDS[row.kind])


def _named(number: str, name: str) -> Pupil:
    return Pupil(number.lower(), number, name, "")


def _table(people: Sequence[Pupil]) -> str:
    lines = [("user name", "password", "number", "kind", "name")]
    lines += [(each.login, PASSWORD, each.number, each.kind, each.name) for each in people]
    return "\n".join(f"{a:<12}{b:<18}{c:<12}{d:<8}{e}".rstrip() for a, b, c, d, e in lines)


def _is_free(port: int) -> bool:
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return bool(bound.connect_ex(("127.0.0.1", port)))


def _wrong(what: str) -> int:
    print(what, file=sys.stderr)
    return 1
