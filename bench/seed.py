"""Writes the world of a benchmark into an empty, migrated database."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from bench.messages import DOOR_NO
from bench.world import (
    HOLDERS,
    LINES,
    MERCHANTS,
    OPENING_MINOR,
    PASS_SECONDS,
    PURSES,
    SCHOOL_ID,
    TILLS,
    Holder,
    Till,
    merchant_account,
    merchant_id,
    named,
)
from core.kit.clock import from_unix
from core.kit.sealed import Sealer
from core.school.policy import Policy
from core.school.policy_diff import policy_digest
from core.school.policy_file import parse_school_file
from terminals.keys import Sign
from terminals.parameters import SiteTerminals, parameters_of, write

SCHOOL_FILE = Path(__file__).parent.parent / "config/schools/a.toml"
_OPENING = named("opening", 0)
_LIMIT_MINOR = 400_000_000

_LINES = """
INSERT INTO transfer (school_id, id, kind, phase, debit_account_id, credit_account_id, amount_minor,
  retrieval_reference, made_at, business_on)
SELECT $1, md5('line ' || p.owner_id || n)::uuid, 'PURCHASE', 'POSTED', p.id, m.account_id, 100 + n,
  upper(left(md5('reference ' || p.owner_id || n), 12)),
  $2::timestamptz - n * interval '1 hour', ($2::timestamptz - n * interval '1 hour')::date
FROM account p, generate_series(1, $3) n
JOIN merchant m ON m.school_id = $1 AND m.number = n % $4 + 1
WHERE p.school_id = $1 AND p.kind = 'MAIN'"""
_DEBITS = """
INSERT INTO leg (school_id, account_id, posted_at, transfer_id, counter_account_id, kind,
  amount_minor, balance_after_minor)
SELECT t.school_id, t.debit_account_id, t.made_at, t.id, t.credit_account_id, t.kind,
  -t.amount_minor, a.balance_minor - sum(t.amount_minor) OVER mine
FROM transfer t JOIN account a ON a.school_id = t.school_id AND a.id = t.debit_account_id
WHERE t.kind = 'PURCHASE' WINDOW mine AS (PARTITION BY t.debit_account_id ORDER BY t.made_at)"""
_CREDITS = """
INSERT INTO leg (school_id, account_id, posted_at, transfer_id, counter_account_id, kind,
  amount_minor)
SELECT school_id, credit_account_id, made_at, id, debit_account_id, kind, amount_minor
FROM transfer WHERE kind = 'PURCHASE'"""
_BALANCES = """
UPDATE account a SET last_posted_at = l.last,
  balance_minor = a.balance_minor + CASE WHEN a.kind = 'MAIN' THEN l.spent ELSE 0 END
FROM (SELECT account_id, max(posted_at) AS last,
        sum(amount_minor) FILTER (WHERE kind = 'PURCHASE') AS spent FROM leg GROUP BY 1) l
WHERE l.account_id = a.id AND a.balance_minor IS NOT NULL"""


async def seed(dsn: str, sealer: Sealer, kid: int, sign: Sign, now: datetime, start: int) -> None:
    """Fill the database as its superuser; passes start at `start` (Unix seconds)."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await _school(connection, now)
            await _people(connection, sealer, kid, sign, now, start)
            await _money(connection, now)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


async def _copy(connection: Any, table: str, columns: str, rows: Iterator[Sequence[Any]]) -> None:  # noqa: ANN401 - asyncpg ships no types
    names = ["school_id", *columns.split()]
    records = [(SCHOOL_ID, *row) for row in rows]
    await connection.copy_records_to_table(table, columns=names, records=records)


async def _school(connection: Any, now: datetime) -> None:  # noqa: ANN401 - asyncpg ships no types
    text = SCHOOL_FILE.read_text(encoding="utf-8")
    file = parse_school_file(text)
    school = file.school
    await connection.execute(
        "INSERT INTO school VALUES ($1, $2, $3, $4, 'zh', $5)",
        *(SCHOOL_ID, school.code, school.name_zh, school.name_en, now),
    )
    digest = bytes.fromhex(policy_digest(file.policy))
    await _copy(
        connection, "policy_version", "version source digest created_by created_at",
        iter([(1, text, digest, "bench", now)]),
    )  # fmt: skip
    await _copy(
        connection, "site", "number name_zh name_en", iter([(0, "示例站点", "Sample site")])
    )
    numbers = range(1, MERCHANTS + 1)
    await _copy(
        connection, "account", "id kind owner_id currency created_at",
        ((merchant_account(n), "MERCHANT", merchant_id(n), "CNY", now) for n in numbers),
    )  # fmt: skip
    await _copy(
        connection, "merchant", "id number name_zh name_en active account_id created_at",
        ((merchant_id(n), n, f"示例食堂 {n}", f"Sample canteen {n}", True, merchant_account(n), now)
         for n in numbers),
    )  # fmt: skip
    tills = [Till(number) for number in range(1, 2 * TILLS + 1)]
    await _copy(
        connection, "terminal",
        "terminal_no merchant_id site_number state device_class scenes created_at",
        ((t.number, merchant_id(t.merchant), 0, "ACTIVE", "TILL", ["MEAL", "GATE"], now)
         for t in tills),
    )  # fmt: skip
    await connection.execute(
        "INSERT INTO signed_document VALUES ($1, 2, 1, 1, $2, $3, $4)",
        *(SCHOOL_ID, _parameters(file.policy, [till.number for till in tills]), bytes(64), now),
    )
    await _copy(connection, "entry_zone", "name passback", iter([("campus", "OFF")]))
    await _copy(
        connection, "door",
        "terminal_no number name_zh name_en zone scene common pairs opens_on_lost_clock changed_at",
        ((t.number, DOOR_NO, "示例门", "Sample gate", "campus", "GATE", True, [], False, now)
         for t in tills),
    )  # fmt: skip
    await _copy(
        connection, "terminal_key", "terminal_no key_no public_key valid_from",
        ((t.number, 1, t.public_key, now) for t in tills),
    )  # fmt: skip


def _parameters(policy: Policy, numbers: list[int]) -> bytes:
    """What the tills go by when they have no network: one site, and codes of phones pay."""
    made = parameters_of(policy, [], [], PURSES, bytes(32))
    site = SiteTerminals(site_no=0, name_zh="示例站点", name_en="Sample site", terminals=numbers)
    changed = {"sites": [site], "offline_money": True, "offline_instruments": ["VIRTUAL"]}
    return write(made.model_copy(update=changed))


async def _people(
    connection: Any,  # noqa: ANN401 - asyncpg ships no types
    sealer: Sealer,
    kid: int,
    sign: Sign,
    now: datetime,
    start: int,
) -> None:
    holders = [Holder(number) for number in range(HOLDERS)]
    roster_import, digest = named("import", 0), bytes(32)
    await _copy(
        connection, "cardholder", "id number kind status name_sealed name_index roster_digest"
        " roster_import_id created_at changed_at",
        ((h.id, f"B{h.number:07}", "STUDENT", "ACTIVE",
          sealer.seal(SCHOOL_ID, "cardholder.name", h.id, f"样例{h.number}"),
          sha256(str(h.number).encode()).digest(), digest, roster_import, now, now)
         for h in holders),
    )  # fmt: skip
    await _copy(
        connection, "card", "id cardholder_id kind state issued_at opened_at changed_at",
        ((h.card_id, h.id, "VIRTUAL", "ACTIVE", now, now, now) for h in holders),
    )  # fmt: skip
    await _copy(
        connection, "cardholder_limit", "cardholder_id single_minor daily_minor spent_minor",
        ((h.id, _LIMIT_MINOR, _LIMIT_MINOR, 0) for h in holders),
    )  # fmt: skip
    await _copy(
        connection, "code_device", "id cardholder_id public_key totp_version enrolled_at",
        ((h.device_id, h.id, bytes(h.device.verify_key), 1, now) for h in holders),
    )  # fmt: skip
    await _copy(
        connection, "code_pass",
        "serial device_id cardholder_id kind not_before ends_at content issued_at",
        ((h.serial, h.device_id, h.id, 1, start, start + PASS_SECONDS,
          h.signed_pass(kid, sign, start), now) for h in holders),
    )  # fmt: skip
    await _sessions(connection, holders, now, start)


async def _sessions(
    connection: Any,  # noqa: ANN401 - asyncpg ships no types
    holders: list[Holder],
    now: datetime,
    start: int,
) -> None:
    until = from_unix(start + PASS_SECONDS)
    await _copy(
        connection, "binding",
        "id issuer subject_index channel cardholder_id bound_at",
        ((named("binding", h.number), "native", drawn_subject(h), "NATIVE", h.id, now)
         for h in holders),
    )  # fmt: skip
    await _copy(
        connection, "session", "id family_id token_hash issuer subject_index channel device_label"
        " binding_id cardholder_id created_at last_seen_at expires_at",
        ((named("session", h.number), named("family", h.number), sha256(h.token.encode()).digest(),
          "native", drawn_subject(h), "NATIVE", "sample phone", named("binding", h.number), h.id,
          now, now, until) for h in holders),
    )  # fmt: skip


def drawn_subject(holder: Holder) -> bytes:
    """The blind index of the subject a cardholder signs in as."""
    return sha256(f"subject {holder.number}".encode()).digest()


async def _money(connection: Any, now: datetime) -> None:  # noqa: ANN401 - asyncpg ships no types
    holders = [Holder(number) for number in range(HOLDERS)]
    purses = [(h, kind, h.purse_id(kind)) for h in holders for kind in PURSE_OPENINGS]
    await _copy(
        connection, "account", "id kind owner_id currency created_at",
        iter([(_OPENING, "OPENING", None, "CNY", now)]),
    )  # fmt: skip
    await _copy(
        connection, "account", "id kind owner_id currency balance_minor pending_minor created_at",
        ((purse, kind, h.id, "CNY", PURSE_OPENINGS[kind], 0, now) for h, kind, purse in purses),
    )  # fmt: skip
    opened = from_unix(int(now.timestamp()) - (LINES + 1) * 3_600)
    openings: list[tuple[UUID, UUID]] = [
        (named("opening transfer", h.number), purse) for h, kind, purse in purses if kind == "MAIN"
    ]
    await _copy(
        connection, "transfer", "id kind phase debit_account_id credit_account_id amount_minor"
        " made_at business_on",
        ((id_, "OPENING", "POSTED", _OPENING, purse, OPENING_MINOR, opened, opened.date())
         for id_, purse in openings),
    )  # fmt: skip
    await _copy(
        connection, "leg", "account_id posted_at transfer_id counter_account_id kind amount_minor"
        " balance_after_minor",
        (leg for id_, purse in openings for leg in (
            (purse, opened, id_, _OPENING, "OPENING", OPENING_MINOR, OPENING_MINOR),
            (_OPENING, opened, id_, purse, "OPENING", -OPENING_MINOR, None))),
    )  # fmt: skip
    await connection.execute(_LINES, SCHOOL_ID, now, LINES, MERCHANTS)
    for statement in (_DEBITS, _CREDITS, _BALANCES):
        await connection.execute(statement)


PURSE_OPENINGS = {"MAIN": OPENING_MINOR, "SUBSIDY": 0}
