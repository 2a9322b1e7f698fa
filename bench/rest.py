"""The hand-written peers of P3 and P5: routes that do the same work and run the same SQL.

Request signature, code, policy, limits, idempotency, ledger and signed answer are the product's own
functions, and the payment goes through its queue. What differs is everything between: no GraphQL,
no guards but the signature, terminals and passes read once at start. Run by uvicorn.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.world import SCHOOL_ID
from bff.clock import SystemClock
from bff.keys import load_keys
from bff.paying import terms_by
from bff.school_keys import SchoolKeyring
from bff.settings import load_settings
from core.authorisation.service import Authorisations
from core.card.service.passes import Passes
from core.card.slots import holder_class
from core.db.lanes import Lanes
from core.db.unit import Database
from core.kit.clock import unix_seconds
from core.kit.ids import Ids
from core.kit.sealed import Sealer
from core.ledger.service import Ledger
from core.limit.service import Limits
from core.school.policy import Policy
from core.school.policy_file import parse_school_file
from core.school.records import Guess
from core.school.service import DenyList
from terminals import signature
from terminals.authoriser import Authoriser
from terminals.chips import HmacChips
from terminals.guesses import Guesses, Reader
from terminals.instruments import AliasOwner, Owner
from terminals.payments import Authorised, PinVerdict, PurchaseMessage, Till
from terminals.response import find_response
from terminals.scenes import Holder, Scene, view
from terminals.signature import Nonces, SignatureRefusal, TerminalKey

HOME_SQL = Path(__file__).parent / "home.sql"
LANES = 2
"""Connections of a worker that pay, as many as the product has."""
_OWNERS = """
SELECT p.serial, p.cardholder_id, c.id AS card_id, p.device_id, h.name_sealed, h.number, h.kind
FROM code_pass p JOIN cardholder h ON h.school_id = p.school_id AND h.id = p.cardholder_id
JOIN card c ON c.school_id = p.school_id AND c.cardholder_id = p.cardholder_id
WHERE p.school_id = $1 AND c.kind = 'VIRTUAL'"""
_TILLS = """
SELECT t.terminal_no, t.scenes, k.public_key, m.account_id
FROM terminal t JOIN terminal_key k USING (school_id, terminal_no)
JOIN merchant m ON m.school_id = t.school_id AND m.id = t.merchant_id WHERE t.school_id = $1"""


class KnownPasses:
    """Implements `terminals.instruments.Instruments` by what was read at start."""

    def __init__(self, owners: dict[bytes, Owner]) -> None:
        self._owners = owners

    async def by_serial(self, _school_id: int, serial: bytes) -> Owner | None:
        """The holder of an issued pass."""
        return self._owners.get(serial)

    async def by_token(self, _school_id: int, _digest: bytes) -> Owner | None:
        """Nobody: this peer sells by passes only."""
        return None

    async def by_alias(self, _school_id: int, _alias: str, _days: set[date]) -> AliasOwner | None:
        """Nobody."""
        return None

    async def count_wrong_totp(self, _school_id: int, _alias: str, _day: date) -> None:
        """Nothing."""

    async def by_uid(self, _school_id: int, _uid: str) -> Owner | None:
        """Nobody."""
        return None


class NoPins:
    """Implements `terminals.payments.Pins`: none is right."""

    async def check_to_pay(self, _school_id: int, _id: object, _digits: str) -> PinVerdict:
        """Refuses."""
        return PinVerdict(ok=False)


class Sales:
    """The route's state and its work."""

    def __init__(self, authoriser: Authoriser, tills: dict[int, Till], clock: SystemClock) -> None:
        self._authoriser = authoriser
        self._tills = tills
        self._clock = clock
        self._nonces = Nonces()

    async def sell(self, request: Request) -> Response:
        """POST /purchases: the input of `purchaseAuthorise` as JSON."""
        body = await request.body()
        headers = dict(request.headers)
        verified = signature.verify(
            signature.Request("POST", request.url.path, headers, body),
            lambda key: TerminalKey(self._tills[key.terminal_no].public_keys[key.key_no]),
            self._nonces,
            unix_seconds(self._clock.now()),
        )
        if isinstance(verified, SignatureRefusal):
            return Response(verified, 401)
        given = json.loads(body)
        message = PurchaseMessage(
            batch_no=given["key"]["batchNo"],
            seq_no=given["key"]["seqNo"],
            minor_amount=given["minorAmount"],
            scene=Scene(given["scene"]),
            presented=given["presented"],
        )
        if (message.batch_no, message.seq_no) != verified.key[1:]:
            return Response(SignatureRefusal.KEY_MISMATCH, 401)
        done = await self._authoriser.authorise(self._tills[verified.key_id.terminal_no], message)
        return Response(_shown(done, message.scene), media_type="application/json")


def _shown(done: Authorised, scene: Scene) -> bytes:
    """The fields that `clients/documents/PurchaseAuthorise.graphql` asks for."""
    answer = done.answer
    seen = view(scene, done.holder) if done.holder else None
    shown = {
        "outcome": answer.outcome,
        "responseCode": answer.response_code,
        "text": find_response(answer.response_code).zh,
        "reason": answer.reason,
        "retrievalReference": answer.retrieval_reference,
        "replayed": answer.verdict == "REPEATED",
        "signedAnswer": answer.signed_answer,
        "continuation": answer.continuation_id and str(answer.continuation_id),
        "triesLeft": answer.tries_left,
        "holder": seen and {
            "maskedName": seen.masked_name, "name": seen.name, "number": seen.number,
            "holderClass": seen.holder_class,
        },
        "balance": {"minorAmount": answer.available_minor},
        "balanceAsOf": answer.answered_at.isoformat(),
    }  # fmt: skip
    return _json(shown)


class Homes:
    """GET /home: name, card and the last 20 lines with their merchants, in two statements."""

    def __init__(self, pool: Any, sealer: Sealer) -> None:  # noqa: ANN401 - asyncpg ships no types
        self._pool = pool
        self._sealer = sealer
        parts = HOME_SQL.read_text(encoding="utf-8").split("-- name: ")[1:]
        self._sql = dict(part.split("\n", 1) for part in parts)

    async def show(self, request: Request) -> Response:
        """The screen of the cardholder whose session's token it is."""
        token = request.headers["authorization"].removeprefix("Bearer ")
        hashed = sha256(token.encode()).digest()
        async with self._pool.acquire() as connection:
            person = await connection.fetchrow(self._sql["viewer"], hashed)
            if person is None:
                return Response("SESSION_UNKNOWN", 401)
            lines = await connection.fetch(self._sql["lines"], person["id"])
        sealed = person["name_sealed"]
        shown = {
            "name": self._sealer.open(SCHOOL_ID, "cardholder.name", person["id"], sealed),
            "virtualCard": person["state"] and {"state": person["state"]},
            "lines": [
                {
                    "postedAt": line["posted_at"].isoformat(), "kind": line["kind"],
                    "amount": {"minorAmount": line["amount_minor"]},
                    "balanceAfter": {"minorAmount": line["balance_after_minor"]},
                    "merchantName": line["merchant_name"],
                }
                for line in lines
            ],
        }  # fmt: skip
        return Response(_json(shown), media_type="application/json")


def _json(shown: object) -> bytes:
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode()


async def _known_passes(connection: Any, sealer: Sealer) -> KnownPasses:  # noqa: ANN401 - asyncpg ships no types
    owners = {}
    for row in await connection.fetch(_OWNERS, SCHOOL_ID):
        name = sealer.open(SCHOOL_ID, "cardholder.name", row["cardholder_id"], row["name_sealed"])
        owners[row["serial"]] = Owner(
            row["cardholder_id"], row["card_id"], row["device_id"], is_revoked=False,
            holder=Holder(name, row["number"], holder_class(row["kind"])),
        )  # fmt: skip
    return KnownPasses(owners)


async def _tills(connection: Any) -> dict[int, Till]:  # noqa: ANN401 - asyncpg ships no types
    return {
        row["terminal_no"]: Till(
            SCHOOL_ID, row["terminal_no"], {1: row["public_key"]}, row["account_id"],
            merchant_is_active=True, scenes=frozenset(Scene(scene) for scene in row["scenes"]),
        )
        for row in await connection.fetch(_TILLS, SCHOOL_ID)
    }  # fmt: skip


async def _policy(connection: Any) -> Policy:  # noqa: ANN401 - asyncpg ships no types
    source = await connection.fetchval(
        "SELECT source FROM policy_version WHERE school_id = $1", SCHOOL_ID
    )
    return parse_school_file(source).policy


@asynccontextmanager
async def _serving(app: Starlette) -> AsyncIterator[None]:
    """Reads the campus, opens the queue, and leaves the route ready."""
    settings, clock = load_settings(), SystemClock()
    dsn, keys_file = settings.needed("database_url", "keys_file")
    keys = load_keys(Path(keys_file), settings.environment, clock.now())
    ids, lanes = Ids(clock, os.urandom), Lanes(dsn, LANES)
    database = Database(dsn, ["core.limit.store"])
    await database.open()
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"SET app.school = {SCHOOL_ID}")
    policy = await _policy(connection)
    sealer = Sealer(keys.data, keys.blind_index, os.urandom)
    passes = await _known_passes(connection, sealer)
    tills = await _tills(connection)
    await connection.close()

    async def policy_of(_school_id: int) -> Policy:
        return policy

    ledger = Ledger(database, clock, ids)
    limits = Limits(database, Passes(clock, DenyList(database, clock)))
    payments = Authorisations(database, lanes, ledger, limits, clock, ids)
    guesses = Guesses(_no_guess, clock)
    authoriser = Authoriser(
        payments, Reader(passes, guesses), NoPins(), guesses, HmacChips(lambda _: ()),
        terms_by(policy_of), SchoolKeyring(keys, clock).for_payments, clock, ids,
    )  # fmt: skip
    app.state.sales = Sales(authoriser, tills, clock)
    pool = await asyncpg.create_pool(
        dsn, min_size=1, max_size=10, server_settings={"app.school": str(SCHOOL_ID)}
    )
    app.state.homes = Homes(pool, sealer)
    yield
    await pool.close()
    await lanes.close()
    await database.close()


async def _no_guess(_school_id: int, _terminal_no: int, _kind: Guess) -> int:
    raise AssertionError("the benchmark shows good codes only")


async def _sell(request: Request) -> Response:
    sales: Sales = request.app.state.sales
    return await sales.sell(request)


async def _show(request: Request) -> Response:
    homes: Homes = request.app.state.homes
    return await homes.show(request)


app = Starlette(
    routes=[Route("/purchases", _sell, methods=["POST"]), Route("/home", _show)],
    lifespan=_serving,
)
