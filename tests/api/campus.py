"""The real application over a migrated database and a real cache, and callers of every kind."""

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
from nacl.signing import SigningKey
from starlette.applications import Starlette

from bff.app import build_app
from bff.ground import Ground
from bff.key_documents import Root, create_root, draft
from bff.keys import Keys, create_keys, load_keys
from bff.settings import Environment
from bff.wiring import Wired
from core.db import outbox
from core.db.connection import PATIENT_SECONDS
from core.db.unit import Unit
from core.identity.records import RosterRow, RowRefusal
from core.kit.clock import unix_seconds
from core.ports.messages import AddressKind, Message, MessageTemplate
from core.school.records import DeviceClass, NewStaff, Role, SignedDocument, Site
from core.school.totp import code_at, secret_bytes
from terminals.message import (
    device_message,
    draw_activation_code,
    enrolment_message,
)
from tests.api.devices import OTHER_SCHOOL, SCHOOL, Phone, Till, mutation
from tests.api.sample import ALICE, BOB, CODE, OPERATOR, PASSWORD, PIN, school_file
from tests.factories.chance import HandClock, counted_entropy
from tests.factories.doors import PretendedOutside
from tests.factories.roster import HEADER_ZH, cells_of, csv_bytes
from tests.servers.fixtures import DatabaseDsn


@dataclass
class Inbox:
    """Keeps what was sent."""

    messages: list[Message] = field(default_factory=list)

    async def send(self, message: Message) -> None:
        self.messages.append(message)


@dataclass
class Campus:
    """One process, its hands on the clock, and shorts for what tests do again and again."""

    app: Starlette
    http: httpx2.AsyncClient
    clock: HandClock
    keys: Keys
    entropy: Any
    root: Root
    outside: PretendedOutside
    inbox: Inbox = field(default_factory=Inbox)
    staff: dict[str, NewStaff] = field(default_factory=dict)

    @property
    def wired(self) -> Wired:
        found: Wired = self.app.state.wired
        return found

    def send_to_inbox(self) -> None:
        """Messages of this process come to the inbox."""
        kinds = AddressKind.EMAIL, AddressKind.PHONE
        self.wired.messages._senders = dict.fromkeys(kinds, self.inbox)

    async def post(self, body: bytes, headers: dict[str, str] | None = None) -> Any:
        """The JSON of a POST."""
        sent = {"content-type": "application/json", **(headers or {})}
        return (await self.http.post("/graphql", content=body, headers=sent)).json()

    async def query(self, query: str, token: str | None = None, **variables: Any) -> Any:
        """The whole answer to a document."""
        headers = {"accept-language": "en"}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        body = json.dumps({"query": query, "variables": variables}).encode()
        return await self.post(body, headers)

    async def do(
        self, name: str, given: dict[str, Any], selection: str, token: str | None = None
    ) -> Any:
        """The payload of a mutation."""
        answer = await self.query(mutation(name, selection), token, input=given)
        assert "errors" not in answer, answer
        return answer["data"][name]

    async def holder(self, selection: str, token: str) -> Any:
        """Fields of the viewer's cardholder."""
        answer = await self.query(f"{{ viewer {{ cardholder {{ {selection} }} }} }}", token)
        assert "errors" not in answer, answer
        return answer["data"]["viewer"]["cardholder"]

    async def rows(self, sql: str, *values: object, school: int = SCHOOL) -> list[Any]:
        """What the tables hold."""

        async def work(unit: Unit) -> list[Any]:
            return list(await unit.rows(sql, *values))

        return await self.wired.database.unit(school, work)

    async def dump(self, *tables: str) -> dict[str, list[str]]:
        """Tables as text, to be compared before and after."""
        return {
            table: sorted(str(tuple(row)) for row in await self.rows(f"SELECT * FROM {table}"))
            for table in tables
        }

    async def enrol(self, *people: RosterRow, school: int = SCHOOL) -> None:
        """Imports people."""

        def refuse(refusal: RowRefusal) -> None:
            raise AssertionError(refusal)

        data = csv_bytes([HEADER_ZH, *(cells_of(person) for person in people)])
        await self.wired.roster.import_file(school, data, "tests", refuse)

    async def id_of(self, number: str) -> UUID:
        """The cardholder with a number."""
        found = await self.wired.services.cardholders.find_id(SCHOOL, number)
        assert found is not None
        return found

    async def deliver(self, school: int = SCHOOL) -> None:
        """Sends every due message, as the worker would."""
        now = self.clock.now()
        leased = await self.wired.database.unit(school, lambda unit: outbox.lease(unit, now))
        for intent in leased:
            await self.wired.messages.deliver(school, intent)

            async def settle(unit: Unit, intent_id: UUID = intent.id) -> None:
                await outbox.finish(unit, intent_id, now)

            await self.wired.database.unit(school, settle)

    async def last_code(self, to: str) -> str:
        """The newest one-time code sent to an address."""
        await self.deliver()
        sent = [m for m in self.inbox.messages if m.to == to]
        return [m.facts["code"] for m in sent if m.template is MessageTemplate.ONE_TIME_CODE][-1]

    async def sign_in(self, email: str, device: str = "sample phone") -> Any:
        """The tokens of a proven address."""
        self.clock.advance(seconds=61)
        address = {"schoolCode": CODE, "addressKind": "EMAIL", "address": email}
        await self.do("signInBegin", address, "resendAfterSeconds")
        given = {**address, "code": await self.last_code(email), "deviceLabel": device}
        payload = await self.do(
            "signInComplete",
            given,
            "viewerKind tokens { accessToken refreshToken accessExpiresAt refreshExpiresAt }",
        )
        assert payload["userErrors"] == []
        return payload["tokens"]

    async def bind(self, person: RosterRow = ALICE) -> str:
        """The access token of a person whose card is bound."""
        assert person.email is not None
        token = (await self.sign_in(person.email))["accessToken"]
        form = {"name": person.name, "number": person.number}
        payload = await self.do("bindingCreate", form, "tokens { accessToken }", token)
        assert payload["userErrors"] == []
        bound: str = payload["tokens"]["accessToken"]
        return bound

    async def with_pin(self, person: RosterRow = ALICE, pin: str = PIN) -> str:
        """The access token of a bound person who chose a PIN."""
        token = await self.bind(person)
        payload = await self.do("pinSet", {"pin": pin}, "pin { state }", token)
        assert payload["userErrors"] == []
        return token

    async def phone(self, person: RosterRow = ALICE) -> Phone:
        """A phone that can show codes."""
        token = await self.with_pin(person)
        await self.do("virtualCardOpen", {"pin": PIN}, "card { state }", token)
        key = SigningKey(self.entropy(32))
        device = await self.enrol_device(token, key)
        issued = await self.do(
            "codePassIssue",
            {"deviceId": device["id"], "kinds": ["VIRTUAL_CARD"]},
            "issue { passes { content notBefore endsAt } }",
            token,
        )
        first = issued["issue"]["passes"][0]
        content = b64decode(first["content"])
        return Phone(self, token, key, device["id"], content, first["notBefore"])

    async def enrol_device(self, token: str, key: SigningKey, pin: str | None = PIN) -> Any:
        """An enrolled code device."""
        payload = await self.do(
            "codeDeviceEnrol", self.device_input(key, pin), "device { id fingerprint }", token
        )
        assert payload["userErrors"] == []
        return payload["device"]

    def device_input(self, key: SigningKey, pin: str | None = PIN) -> dict[str, Any]:
        """The input that enrols a key with a good proof."""
        public, now = bytes(key.verify_key), unix_seconds(self.clock.now())
        return {
            "devicePublicKey": b64(public),
            "createdAt": now,
            "proof": b64(key.sign(device_message(public, now)).signature),
            "pin": pin,
        }

    async def add_staff(self, login: str, *roles: Role, number: str | None = None) -> NewStaff:
        """A member of staff with the sample password."""
        made = await self.wired.services.staff.create(
            SCHOOL, login, login, frozenset(roles), PASSWORD, OPERATOR, number
        )
        self.staff[login] = made
        return made

    def totp(self, login: str) -> str:
        """The second factor's code now."""
        step = unix_seconds(self.clock.now()) // 30
        return code_at(secret_bytes(self.staff[login].totp_secret), step)

    async def staff_token(self, login: str, *roles: Role, number: str | None = None) -> str:
        """The access token of a new member of staff."""
        await self.add_staff(login, *roles, number=number)
        return await self.staff_sign_in(login)

    async def staff_sign_in(self, login: str) -> str:
        """The access token of a member of staff."""
        self.clock.advance(seconds=30)
        given = {
            "schoolCode": CODE, "login": login, "password": PASSWORD, "totp": self.totp(login)
        }  # fmt: skip
        payload = await self.do("staffSignIn", given, "tokens { accessToken }")
        assert payload["userErrors"] == []
        token: str = payload["tokens"]["accessToken"]
        return token

    async def activation(self, *scenes: str) -> tuple[int, str]:
        """A registered terminal's number and its activation code."""
        services = self.wired.services
        await services.schools.site_put(SCHOOL, Site(0, "示例食堂", "Sample Canteen"), OPERATOR)
        merchant = await services.schools.merchant_add(
            SCHOOL, "示例食堂", "Sample Canteen", OPERATOR
        )
        terminal = await services.terminals.register(
            SCHOOL, merchant.number, 0, DeviceClass.TILL, list(scenes or ("MEAL",)), OPERATOR
        )
        code = draw_activation_code(self.wired.ids)
        await services.terminals.activation_open(SCHOOL, terminal.number, code, OPERATOR)
        return terminal.number, code

    def enrol_input(self, code: str, key: SigningKey, serial: str = "SN-1") -> dict[str, Any]:
        """The input that enrols a terminal with a good proof."""
        public = bytes(key.verify_key)
        return {
            "issuer": SCHOOL,
            "activationCode": code,
            "publicKey": b64(public),
            "model": "Sample 1",
            "serialNumber": serial,
            "proof": b64(key.sign(enrolment_message(code, public, serial)).signature),
        }

    async def publish_keys(self, version: int, school: int = SCHOOL) -> SignedDocument:
        """A key document of a school, signed and published."""
        edges = await self.wired.services.terminals.edge_keys(school)
        drafted = draft(self.keys, school, None, edges)
        assert drafted is not None
        signed = self.root.sign(replace(drafted, version=version))
        await self.wired.services.documents.publish(signed, OPERATOR)
        return signed

    async def till(self, *scenes: str) -> Till:
        """A terminal that sells."""
        number, code = await self.activation(*scenes)
        key = SigningKey(self.entropy(32))
        await self.do("terminalEnrol", self.enrol_input(code, key), "enrolment { fingerprint }")
        mark = hashlib.sha256(bytes(key.verify_key)).hexdigest()[:8]
        await self.wired.services.terminals.confirm(SCHOOL, number, mark, OPERATOR)
        return Till(self, number, key)


def b64(data: bytes) -> str:
    """Padded base64, as the contract's bytes are written."""
    return b64encode(data).decode()


@asynccontextmanager
async def campus_on(
    dsn: DatabaseDsn,
    redis_url: str,
    folder: Path,
    texts: tuple[str, ...] = (),
    *,
    production: bool = False,
    monotonic: Callable[[], float] | None = None,
    connected_at: str | None = None,
) -> AsyncIterator[Campus]:
    """The application with two schools, one of them with two people.

    `connected_at` is where browsers reach it if it opens what the schools' files name.
    """
    clock, entropy = HandClock(), counted_entropy("campus")
    root = create_root(folder / "root.json", 1, entropy)
    earlier, roots = clock.now() - timedelta(1), {root.kid: root.public_key}
    create_keys(folder / "keys.json", Environment.DEVELOPMENT, entropy, earlier, roots)
    keys = load_keys(folder / "keys.json", Environment.DEVELOPMENT, clock.now())
    # An hour between any two requests: no test but that of the limits meets them.
    hours = count(0, 3_600)
    outside = PretendedOutside()
    app = build_app(
        Ground(
            dsn.app,
            redis_url,
            keys,
            clock,
            entropy,
            public_url=connected_at or "https://card.example",
            development=connected_at is not None,
            command_seconds=PATIENT_SECONDS,
        ),
        texts,
        development=not production,
        outside=None if connected_at else outside,
        monotonic=monotonic or (lambda: float(next(hours))),
    )
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app, client=("192.0.2.1", 1)),
            base_url="http://campus.example",
        ) as http,
    ):
        campus = Campus(app, http, clock, keys, entropy, root, outside)
        campus.send_to_inbox()
        for school in (SCHOOL, OTHER_SCHOOL):
            await campus.wired.services.schools.add(school_file(school), OPERATOR)
        await campus.enrol(ALICE, BOB)
        yield campus


@pytest.fixture
async def campus(
    database_dsn: DatabaseDsn, redis_url: str, tmp_path: Path
) -> AsyncIterator[Campus]:
    """The application with two schools, one of them with two people."""
    async with campus_on(database_dsn, redis_url, tmp_path) as made:
        yield made
