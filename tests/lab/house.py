"""The product, started for real: stores, school, sandbox, worker, two server processes, TLS."""

import asyncio
import os
import ssl
import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from adapters.sandbox.wecom import CORP
from bff.clock import SystemClock
from bff.connections import lint_connections
from bff.embedded import Postgres, Valkey, start_postgres, start_valkey
from bff.ground import Ground
from bff.keys import create_keys, load_keys
from bff.settings import Environment
from bff.wiring import Wired, wire
from clients.endpoint import Endpoint, NoAnswer, no_headers
from core.audit.records import Actor, ActorKind
from core.db.migrate import migrate
from core.db.provision import APP_ROLE, OWNER_ROLE, provision
from core.identity.id_number import check_digit
from core.identity.records import CardholderKind, RosterRow
from core.school.policy_file import parse_school_file
from core.school.records import DeviceClass, Site
from terminals.message import draw_activation_code
from tests.contract.sandbox import SMS_KEY_ID, SMS_SECRET, Sandbox, free_port
from tests.contract.sso.certificates import tls_files
from tests.contract.sso.people import PUPILS
from tests.factories.roster import HEADER_ZH, cells_of, csv_bytes
from tests.lab.front import tls_front
from tests.lab.processes import HERE, START_SECONDS, started
from tests.lab.school import CODE, OTHER_CODE, OTHER_SCHOOL, SCHOOL, Safe, school_file
from tests.lab.servers import LabServer

CHECKOUT = HERE.parents[1]
OPERATOR = Actor(ActorKind.OPERATOR, "sso-lab")
DATABASE = "campus_lab"
PEOPLE = 3  # the fourth pupil has a name that no register takes
SERVERS = 2
BALANCE_MINOR = 8_000
REQUEST_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class House:
    """The running product. `url` is its public address, `trust` what a client there trusts.

    `activation` is the code of the till that school IT has registered.
    """

    url: str
    trust: ssl.SSLContext
    sandbox: Sandbox
    valkey: Valkey
    ground: Ground
    activation: str
    folder: Path
    processes: tuple[asyncio.subprocess.Process, ...]

    @property
    def is_whole(self) -> bool:
        """Whether every process that was started still runs."""
        return all(each.returncode is None for each in self.processes)

    @asynccontextmanager
    async def endpoint(self) -> AsyncIterator[Endpoint]:
        """A client's way to GraphQL, with a connection of its own."""
        async with httpx2.AsyncClient(
            base_url=self.url, verify=self.trust, trust_env=False, timeout=REQUEST_SECONDS
        ) as http:
            yield Endpoint(http)

    async def answering(self) -> None:
        """Waits until the first question is answered."""
        async with asyncio.timeout(START_SECONDS), self.endpoint() as endpoint:
            while True:
                assert self.is_whole, (self.folder / "product.log").read_text("utf-8")[-2_000:]
                try:
                    await endpoint.ask("Schools", {}, no_headers)
                except NoAnswer:
                    await asyncio.sleep(0.1)
                else:
                    return

    async def confirm(self, terminal: int, fingerprint: str) -> None:
        """What school IT does once it has compared a till's fingerprint."""
        made = wire(self.ground)
        async with made.opened():
            await made.services.terminals.confirm(SCHOOL, terminal, fingerprint, OPERATOR)


def pupil_row(place: int) -> RosterRow:
    """A pupil as the register has them; the region of the ID number is no place."""
    pupil, seventeen = PUPILS[place], f"99010120040101{place:03d}"
    return RosterRow(
        row=place + 2,
        number=pupil.number,
        name=pupil.name,
        kind=CardholderKind.STUDENT,
        id_number=seventeen + check_digit(seventeen),
        phone=f"138000000{place:02d}",
        email=pupil.mail,
        card_uid=f"{place + 1:014X}",
        old_balance_minor=BALANCE_MINOR,
    )


@asynccontextmanager
async def open_house(
    port: int, sandbox: Sandbox, servers: Sequence[LabServer], folder: Path
) -> AsyncIterator[House]:
    """The product at `https://127.0.0.1:<port>`, with a school that has pupils and a till."""
    authority, certificate, key = tls_files(folder)
    inner, url = free_port(), f"https://127.0.0.1:{port}"
    safe = Safe(folder / "secrets")
    texts = [
        await school_file(sandbox, servers, safe, *school)
        for school in ((SCHOOL, CODE), (OTHER_SCHOOL, OTHER_CODE))
    ]
    with (
        start_postgres(folder / "postgres", durable=False) as postgres,
        start_valkey(folder / "valkey") as valkey,
    ):
        ground = await _ground(postgres, valkey, folder / "keys.json", url)
        activation = await _founded(ground, texts)
        await sandbox.put_people(*map(_at_sandbox, range(PEOPLE)))
        environment = _environment(ground, folder, inner, sandbox)
        bff, log = (sys.executable, "-m", "bff"), folder / "product.log"
        serve = (*bff, "serve", "--workers", str(SERVERS))
        async with (
            started((*bff, "worker"), CHECKOUT, env=environment, log=log, says=None) as worker,
            started(serve, CHECKOUT, env=environment, log=log, port=inner) as application,
            tls_front(port, inner, certificate, key),
        ):
            house = House(
                url, ssl.create_default_context(cafile=authority), sandbox, valkey, ground,
                activation, folder, (worker, application),
            )  # fmt: skip
            await house.answering()
            yield house


async def _ground(postgres: Postgres, valkey: Valkey, keys: Path, url: str) -> Ground:
    owner, app = (postgres.dsn(role, DATABASE) for role in (OWNER_ROLE, APP_ROLE))
    await provision(postgres.superuser_dsn, owner, app)
    await migrate(owner)
    clock = SystemClock()
    create_keys(keys, Environment.DEVELOPMENT, os.urandom, clock.now())
    return Ground(
        app, valkey.url, load_keys(keys, Environment.DEVELOPMENT, clock.now()), clock, os.urandom,
        public_url=url, development=True,
    )  # fmt: skip


async def _founded(ground: Ground, texts: Iterable[str]) -> str:
    """Adds the schools, the first with people and a till; the till's activation code."""
    made = wire(ground)
    async with made.opened():
        for text in texts:
            problems = await lint_connections(parse_school_file(text), ground.parts(made.redis))
            assert not problems, [f"{each.key}: {each.text.en}" for each in problems]
            await made.services.schools.add(text, OPERATOR)
        rows = [HEADER_ZH, *(cells_of(pupil_row(place)) for place in range(PEOPLE))]
        report = await made.roster.import_file(SCHOOL, csv_bytes(rows), OPERATOR.id, print)
        assert (report.created, report.refused) == (PEOPLE, 0), report
        return await _till(made)


async def _till(made: Wired) -> str:
    schools, terminals = made.services.schools, made.services.terminals
    await schools.site_put(SCHOOL, Site(0, "示例食堂", "Sample Canteen"), OPERATOR)
    merchant = await schools.merchant_add(SCHOOL, "示例食堂", "Sample Canteen", OPERATOR)
    till = await terminals.register(
        SCHOOL, merchant.number, 0, DeviceClass.TILL, ["MEAL"], OPERATOR
    )
    code = draw_activation_code(made.ids)
    await terminals.activation_open(SCHOOL, till.number, code, OPERATOR)
    return code


def _at_sandbox(place: int) -> dict[str, object]:
    """A pupil as the providers know them: in every app, and a member of the school's WeCom."""
    pupil, row = PUPILS[place], pupil_row(place)
    return {
        "id": pupil.login, "name": pupil.name, "id_number": row.id_number, "phone": row.phone,
        "email": pupil.mail, "userid": pupil.login, "member_of": [CORP],
    }  # fmt: skip


def _environment(ground: Ground, folder: Path, port: int, sandbox: Sandbox) -> Mapping[str, str]:
    return {
        "PATH": os.defpath,
        "PYTHONUTF8": "1",
        "BFF_ENVIRONMENT": "development",
        "BFF_DATABASE_URL": ground.database_url,
        "BFF_REDIS_URL": ground.redis_url,
        "BFF_KEYS_FILE": str(folder / "keys.json"),
        "BFF_PORT": str(port),
        "BFF_WORKERS": str(SERVERS),
        "BFF_PUBLIC_URL": ground.public_url,
        "BFF_MAIL_URL": f"smtp://127.0.0.1:{sandbox.smtp_port}",
        "BFF_MAIL_SENDER": "card@school.example",
        "BFF_SMS_URL": sandbox.url,
        "BFF_SMS_KEY_ID": SMS_KEY_ID,
        "BFF_SMS_SECRET": SMS_SECRET.decode(),
    }
