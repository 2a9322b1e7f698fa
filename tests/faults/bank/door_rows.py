"""Reads what the database keeps of sign-ins, bindings and tries, as the app's role."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from core.identity.attempts import Counter as Kind
from core.kit.sealed import Sealer
from tests.faults.bank.folk import Folk, Person, Subject, subjects_of

Row = Mapping[str, Any]
OWN_ISSUER = "bank-test"
"""Of the sessions that the town was given without a sign-in."""

_BINDINGS = """
SELECT b.school_id, b.id::text, b.issuer, encode(b.subject_index, 'hex') AS subject, b.channel,
       h.number, b.bound_at, b.ended_at
  FROM binding b JOIN cardholder h ON h.school_id = b.school_id AND h.id = b.cardholder_id
"""
_SESSIONS = f"""
SELECT s.school_id, s.id::text, s.issuer, encode(s.subject_index, 'hex') AS subject, h.number,
       s.revoked_at IS NULL AS stands, b.ended_at
  FROM session s
  LEFT JOIN cardholder h ON h.school_id = s.school_id AND h.id = s.cardholder_id
  LEFT JOIN binding b ON b.school_id = s.school_id AND b.id = s.binding_id
 WHERE s.issuer <> '{OWN_ISSUER}'
"""
_PENDING = """
SELECT DISTINCT p.school_id, p.id::text, s.issuer, encode(s.subject_index, 'hex') AS subject,
       h.number
  FROM pending_link p
  JOIN session s ON s.school_id = p.school_id AND s.family_id = p.family_id
  JOIN cardholder h ON h.school_id = p.school_id AND h.id = p.cardholder_id
"""
_AUDITED = """
SELECT a.school_id, h.number, a.act, count(*)::int AS times
  FROM audit_event a
  JOIN cardholder h ON h.school_id = a.school_id AND a.subject = 'cardholder:' || h.id
 WHERE a.act IN ('binding.add', 'binding.end') GROUP BY 1, 2, 3
"""
_REVOKED = """
SELECT s.school_id, s.issuer, encode(s.subject_index, 'hex') AS subject, s.revoke_reason AS reason
  FROM session s WHERE s.revoked_at IS NOT NULL
"""
_HOLDERS = "SELECT school_id, id::text, number FROM cardholder"
_TRIES = """
SELECT school_id, kind, key_hash, sum(tries)::int AS tries FROM attempt_counter GROUP BY 1, 2, 3
"""


_LISTED = {
    "bindings": _BINDINGS, "sessions": _SESSIONS, "pending": _PENDING, "revoked": _REVOKED,
    "holders": _HOLDERS,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DoorRows:
    """What is stored; `tries` has how many a counter holds of what it counts, over all windows."""

    subjects: Mapping[Subject, Person]
    bindings: Sequence[Row] = ()
    sessions: Sequence[Row] = ()
    pending: Sequence[Row] = ()
    revoked: Sequence[Row] = ()
    """Sessions that were ended, the town's own included."""
    holders: Sequence[Row] = ()
    audited: Mapping[tuple[int, str, str], int] = field(default_factory=dict)
    """By school, number and act."""
    tries: Mapping[tuple[int, str, str], int] = field(default_factory=dict)
    """By school, kind of counter, and the number, person's account or network that it counts."""

    def person(self, row: Row) -> Person | None:
        """Whose sign-in a row is of."""
        return self.subjects.get((row["school_id"], row["issuer"], row["subject"]))


async def gather_doors(dsn: str, schools: Sequence[int], folk: Folk, sealer: Sealer) -> DoorRows:
    """The rows of these schools."""
    subjects = subjects_of(folk, sealer)
    found: dict[str, list[Row]] = {name: [] for name in _LISTED}
    audited: dict[tuple[int, str, str], int] = {}
    kept: dict[tuple[int, str, bytes], int] = {}
    connection = await asyncpg.connect(dsn)
    for school in schools:
        await connection.execute("SELECT set_config('app.school', $1, false)", str(school))
        for name, sql in _LISTED.items():
            found[name] += [dict(row) for row in await connection.fetch(sql)]
        for row in await connection.fetch(_AUDITED):
            audited[row["school_id"], row["number"], row["act"]] = row["times"]
        for row in await connection.fetch(_TRIES):
            kept[row["school_id"], row["kind"], row["key_hash"]] = row["tries"]
    await connection.close()
    return DoorRows(subjects, **found, audited=audited, tries=_named(kept, folk, sealer, subjects))


def _named(
    kept: Mapping[tuple[int, str, bytes], int],
    folk: Folk,
    sealer: Sealer,
    subjects: Mapping[Subject, Person],
) -> dict[tuple[int, str, str], int]:
    """The counters by what they count in clear."""
    counted: list[tuple[int, Kind, str, str]] = []
    for person in folk.all():
        school = person.school_id
        for number in person.numbers:
            counted += [(school, kind, number, number) for kind in (Kind.NUMBER_DAY,
                                                                   Kind.NUMBER_EVER)]  # fmt: skip
        network = ".".join(person.network.split(".")[:3]) + ".0/24"
        counted.append((school, Kind.NETWORK_HOUR, network, person.network))
    for (school, issuer, index), person in subjects.items():
        counted.append((school, Kind.CALLER_HOUR, index, f"{issuer} {person.id}"))
    named: Counter[tuple[int, str, str]] = Counter()
    for school, kind, text, name in counted:
        key = sealer.blind_index(school, f"attempt.{kind.value}", text)
        named[school, kind.value, name] += kept.get(
            (school, kind.value, hashlib.sha256(key).digest()), 0
        )
    return dict(named)
