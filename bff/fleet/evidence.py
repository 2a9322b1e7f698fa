"""What the server's books say after the day, read in one go."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bff.fleet.diary import Key
from core.db.unit import Database, Unit

_ITEMS = """
SELECT i.terminal_no, i.batch_no, i.seq_no, i.amount_minor, i.verdict, i.reason, i.flags, h.number
  FROM offline_item i
  LEFT JOIN cardholder h ON h.school_id = $1 AND h.id = i.cardholder_id
 WHERE i.school_id = $1
"""
_SALES = """
SELECT a.terminal_no, a.batch_no, a.seq_no, a.state, a.captured_minor, h.number,
       coalesce((SELECT jsonb_object_agg(kind, minor) FROM (
         SELECT s.kind, sum(t.amount_minor)::bigint AS minor
           FROM transfer t JOIN account s ON s.school_id = $1 AND s.id = t.debit_account_id
          WHERE t.school_id = $1 AND (t.id = ANY(a.transfer_ids) AND t.phase = 'POSTED'
             OR t.pending_id = ANY(a.transfer_ids) AND t.phase = 'POST')
          GROUP BY s.kind) paid), '{}')::text AS paid
  FROM authorisation a
  LEFT JOIN cardholder h ON h.school_id = $1 AND h.id = a.cardholder_id
 WHERE a.school_id = $1
"""
_ACCOUNTS = """
SELECT a.kind, h.number, coalesce(sum(l.amount_minor), 0)::bigint AS minor
  FROM account a
  LEFT JOIN leg l ON l.school_id = $1 AND l.account_id = a.id
  LEFT JOIN cardholder h ON h.school_id = $1 AND h.id = a.owner_id
 WHERE a.school_id = $1
 GROUP BY a.kind, h.number
"""
_SETTLEMENTS = """
SELECT terminal_no, batch_no, net_minor FROM settlement WHERE school_id = $1
"""
_EVENTS = """
SELECT terminal_no, batch_no, seq_no, verdict, reason, flags FROM entry_event WHERE school_id = $1
"""
_PASSAGES = """
SELECT p.terminal_no, p.batch_no, p.seq_no, h.number
  FROM passage p JOIN cardholder h ON h.school_id = $1 AND h.id = p.cardholder_id
 WHERE p.school_id = $1
"""
_KEYS = """
SELECT terminal_no, array_agg(key_no ORDER BY key_no) FROM terminal_key WHERE school_id = $1
 GROUP BY terminal_no
"""
_LEGS = "SELECT coalesce(sum(amount_minor), 0)::bigint FROM leg WHERE school_id = $1"


class Item(NamedTuple):
    """An offline record with its first verdict; fen."""

    key: Key
    minor: int
    verdict: str
    reason: str | None
    flags: frozenset[str]
    holder: str | None


class Sale(NamedTuple):
    """An authorisation, and who paid it: fen by the kind of account."""

    key: Key
    state: str
    minor: int
    holder: str | None
    paid: Mapping[str, int]


class Event(NamedTuple):
    """A passage that a gate took alone, with its first verdict."""

    key: Key
    verdict: str
    reason: str | None
    flags: frozenset[str]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything the judge reads; `accounts` are sums of legs by kind and cardholder.

    `passages` name who passed; `keys` are the numbers of all keys that a terminal ever had.
    """

    items: Mapping[Key, Item]
    sales: Mapping[Key, Sale]
    accounts: Mapping[tuple[str, str | None], int]
    settlements: Mapping[tuple[int, int], int]
    legs_minor: int
    events: Mapping[Key, Event] = field(default_factory=dict)
    passages: Mapping[Key, str] = field(default_factory=dict)
    keys: Mapping[int, Sequence[int]] = field(default_factory=dict)


async def gather(database: Database, school_id: int) -> Evidence:
    """The rows of a school, as one snapshot would show them: nobody writes any more."""

    async def work(unit: Unit) -> Evidence:
        school = unit.school_id
        items = [
            Item(Key(*row[:3]), row[3], row[4], row[5], frozenset(row[6]), row[7])
            for row in await unit.rows(_ITEMS, school)
        ]
        sales = [
            Sale(Key(*row[:3]), row[3], row[4], row[5], json.loads(row[6]))
            for row in await unit.rows(_SALES, school)
        ]
        return Evidence(
            items={item.key: item for item in items},
            sales={sale.key: sale for sale in sales},
            accounts={(row[0], row[1]): row[2] for row in await unit.rows(_ACCOUNTS, school)},
            settlements={(row[0], row[1]): row[2] for row in await unit.rows(_SETTLEMENTS, school)},
            legs_minor=await unit.value(_LEGS, school) or 0,
            events={
                Key(*row[:3]): Event(Key(*row[:3]), row[3], row[4], frozenset(row[5]))
                for row in await unit.rows(_EVENTS, school)
            },
            passages={Key(*row[:3]): row[3] for row in await unit.rows(_PASSAGES, school)},
            keys={row[0]: row[1] for row in await unit.rows(_KEYS, school)},
        )

    return await database.unit(school_id, work)
