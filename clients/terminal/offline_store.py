"""What a till needs on the disk to sell without a network: documents, records, what they spent.

It lies in the journal's file, so one transaction ends a sale and writes its record.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from clients.terminal.journal import Entry, Journal
from terminals import deny, offline, parameters, rights, roll
from terminals.ccr import Outcome
from terminals.deny import DenyList
from terminals.documents import DocumentKind, DocumentRefusal, SignedDocument, verify_by_ring
from terminals.keys import KeyRing, Sign
from terminals.message import RequestKey
from terminals.offline import Item, Record, RecordKind
from terminals.parameters import Parameters
from terminals.rights import Rights
from terminals.roll import Roll
from terminals.verification import Spent

DENY_HEARD = "DENY"
"""That the deny list in use is the newest."""
NO_TAG = -1
"""The capTag of a record that spends none."""
JUDGED_KEPT_SECONDS = 172_800
"""Judged records stay for two days: a restored server asks for them, a slot's caps need them."""

_TABLES = """
CREATE TABLE IF NOT EXISTS document (
    kind INTEGER NOT NULL,
    slot INTEGER NOT NULL CHECK (slot IN (0, 1)),
    issuer INTEGER NOT NULL,
    version INTEGER NOT NULL,
    kid INTEGER NOT NULL,
    content BLOB NOT NULL,
    signature BLOB NOT NULL,
    taken BLOB NOT NULL,
    PRIMARY KEY (kind, slot)
) STRICT;
CREATE TABLE IF NOT EXISTS in_use (kind INTEGER PRIMARY KEY, slot INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS heard (what TEXT PRIMARY KEY, at REAL NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS record (
    number INTEGER PRIMARY KEY,
    batch_no INTEGER NOT NULL,
    seq_no INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    minor_amount INTEGER NOT NULL,
    parameters_version INTEGER NOT NULL,
    deny_version INTEGER NOT NULL,
    clock_state INTEGER NOT NULL,
    presented TEXT NOT NULL,
    challenge TEXT NOT NULL,
    previous BLOB NOT NULL,
    hash BLOB NOT NULL,
    signature BLOB NOT NULL,
    issuer INTEGER NOT NULL,
    cap_tag INTEGER NOT NULL,
    replay_key BLOB NOT NULL,
    verdict TEXT,
    reason TEXT,
    UNIQUE (batch_no, seq_no)
) STRICT;
CREATE TABLE IF NOT EXISTS head (batch_no INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS settled (batch_no INTEGER PRIMARY KEY, net INTEGER NOT NULL) STRICT;
"""
_RECORD = (
    "batch_no, seq_no, kind, created_at, minor_amount, parameters_version, deny_version,"
    " clock_state, presented, challenge"
)


@dataclass(frozen=True, slots=True)
class Stored:
    """A record on the disk; `verdict` is None until the server gave it."""

    item: Item
    hash: bytes
    verdict: str | None
    reason: str | None

    @property
    def is_unpaid(self) -> bool:
        """Whether the server refused to pay it."""
        return self.verdict in ("REJECTED", "DUPLICATE")


@dataclass(frozen=True, slots=True)
class Taken:
    """What a record uses up here: the caps of a code, the code, and its receipt if there is one."""

    cap_tag: int = NO_TAG
    replay_key: bytes = b""
    signed_answer: str | None = None


class OfflineStore:
    """Beside the journal, in its file."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._rights = Rights()
        journal.create(_TABLES)

    def hear(self, what: str, at: float) -> None:
        """Notes when the server last said something, by our own clock."""
        self._journal.run(
            "INSERT INTO heard VALUES (?, ?) ON CONFLICT (what) DO UPDATE SET at = excluded.at",
            *(what, at),
        )

    def heard_at(self, what: str) -> float | None:
        """When that was; None if never."""
        row = self._journal.row("SELECT at FROM heard WHERE what = ?", what)
        return None if row is None else row[0]

    def version(self, kind: DocumentKind) -> int:
        """The version of the document in use, 0 for none."""
        held = self._in_use(kind)
        return 0 if held is None else held.version

    def parameters(self) -> Parameters | None:
        """The parameters in use."""
        held = self._in_use(DocumentKind.PARAMETERS)
        return None if held is None else parameters.read(held.content)

    def roll(self) -> Roll | None:
        """The terminals that an edge answers, by the document in use."""
        held = self._in_use(DocumentKind.TERMINALS)
        return None if held is None else roll.read(held.content)

    def newer(self, held: Mapping[DocumentKind, int]) -> list[SignedDocument]:
        """The documents that are newer than those held, as they were signed: to be relayed.

        Changes to a deny list are of use only to whoever holds what they follow.
        """
        found = [self._in_use(kind) for kind in held]
        return [
            each
            for each in found
            if each is not None
            and each.version > held[each.kind]
            and (
                each.kind is not DocumentKind.DENY
                or deny.read(each.content).base_version in (0, held[each.kind])
            )
        ]

    def deny_list(self, now: int) -> DenyList:
        """The deny list in use, without what has ended."""
        row = self._journal.row(
            "SELECT d.version, d.taken FROM document d JOIN in_use u"
            " ON u.kind = d.kind AND u.slot = d.slot WHERE d.kind = ?",
            DocumentKind.DENY,
        )
        return DenyList() if row is None else DenyList().following(row[0], deny.read(row[1]), now)

    def rights(self) -> Rights:
        """The rights of cards in use; read from the disk once for each version."""
        version = self.version(DocumentKind.RIGHTS)
        if version != self._rights.version:
            row = self._journal.row(
                "SELECT d.taken FROM document d JOIN in_use u"
                " ON u.kind = d.kind AND u.slot = d.slot WHERE d.kind = ?",
                DocumentKind.RIGHTS,
            )
            assert row is not None  # it has a version
            self._rights = Rights().following(version, rights.read(row[0]))
        return self._rights

    def take(
        self, document: SignedDocument, issuer: int, ring: KeyRing, now: int
    ) -> DocumentRefusal | None:
        """Puts a document into the slot that is not in use, verifies it there, then switches.

        Why it is refused, if it is; then what was in use stays.
        """
        kind = document.kind
        held_version = self.version(kind)
        refusal = verify_by_ring(document, kind, issuer, held_version, ring)
        if refusal is not None:
            return refusal
        try:
            taken = self._taken(document, now)
        except (
            deny.DenyInvalid,
            parameters.ParametersInvalid,
            rights.RightsInvalid,
            roll.RollInvalid,
        ):
            return DocumentRefusal.MALFORMED
        slot = self._write(document, taken)
        written = self._slot(kind, slot)
        if verify_by_ring(written, kind, issuer, held_version, ring) is not None:
            return DocumentRefusal.SIGNATURE
        self._journal.run("INSERT OR REPLACE INTO in_use VALUES (?, ?)", kind, slot)
        return None

    def keep(self, document: SignedDocument) -> None:
        """Keeps a document that was verified elsewhere, to be relayed."""
        slot = self._write(document, document.content)
        self._journal.run("INSERT OR REPLACE INTO in_use VALUES (?, ?)", document.kind, slot)

    def _write(self, document: SignedDocument, taken: bytes) -> int:
        """Puts it into the slot that is not in use; which one."""
        kind = document.kind
        row = self._journal.row("SELECT slot FROM in_use WHERE kind = ?", kind)
        slot = 0 if row is None else 1 - row[0]
        self._journal.run(
            "INSERT OR REPLACE INTO document VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            *(kind, slot, document.issuer, document.version, document.kid, document.content),
            *(document.signature, taken),
        )
        return slot

    def _taken(self, document: SignedDocument, now: int) -> bytes:
        """What is gone by: of changes to a list, the whole list after them."""
        if document.kind is DocumentKind.RIGHTS:
            change_ = rights.read(document.content)
            return rights.write(self.rights().following(document.version, change_).whole())
        if document.kind is not DocumentKind.DENY:
            is_roll = document.kind is DocumentKind.TERMINALS
            (roll if is_roll else parameters).read(document.content)
            return document.content
        change = deny.read(document.content)
        after = self.deny_list(now).following(document.version, change, now)
        lines = ((kind, id_, until) for (kind, id_), until in after.until.items())
        return deny.write(deny.Change(0, deny.added(lines)))

    def _in_use(self, kind: DocumentKind) -> SignedDocument | None:
        row = self._journal.row("SELECT slot FROM in_use WHERE kind = ?", kind)
        return None if row is None else self._slot(kind, row[0])

    def _slot(self, kind: DocumentKind, slot: int) -> SignedDocument:
        row = self._journal.row(
            "SELECT issuer, version, kid, content, signature FROM document"
            " WHERE kind = ? AND slot = ?",
            *(kind, slot),
        )
        assert row is not None
        return SignedDocument(kind, *row)

    def accept(self, entry: Entry, record: Record, spent: Taken, sign: Sign) -> None:
        """Writes the record, its place in the chain, and the end of its request, all or nothing.

        A VOID has no code; it ends the request that it undoes, too.

        Once this returns it is on the disk; only then may success be shown.
        """
        key = entry.key
        with self._journal.unit():
            previous = self.head(key.batch_no)
            hash_ = offline.link(previous, record.packed())
            self._journal.run(
                f"INSERT INTO record ({_RECORD}, previous, hash, signature, issuer, cap_tag,"  # noqa: S608 - our own column names
                " replay_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                *(key.batch_no, key.seq_no, record.kind, record.created_at, record.minor_amount),
                *(record.parameters_version, record.deny_version, record.clock_state),
                *(record.presented, record.challenge, previous, hash_),
                *(offline.sign_link(hash_, sign), record.issuer, spent.cap_tag, spent.replay_key),
            )
            self._journal.run(
                "INSERT INTO head VALUES (?, ?)"
                " ON CONFLICT (batch_no) DO UPDATE SET hash = excluded.hash",
                *(key.batch_no, hash_),
            )
            self._journal.run(
                "UPDATE request SET outcome = ?, signed_answer = ?"
                " WHERE (batch_no, seq_no) = (?, ?) OR (batch_no, seq_no) = (?, ?)",
                (Outcome.VOIDED if record.kind == RecordKind.VOID else Outcome.APPROVED).name,
                *(spent.signed_answer, *entry.key[1:], *entry.named[1:]),
            )

    def head(self, batch_no: int) -> bytes:
        """The hash of the last record of a batch, that of the empty chain if there is none."""
        row = self._journal.row("SELECT hash FROM head WHERE batch_no = ?", batch_no)
        identity = self._journal.identity
        return (
            offline.first_link(identity.issuer, identity.terminal_no, batch_no)
            if row is None
            else bytes(row[0])
        )

    def spent(self) -> dict[tuple[int, int], Spent]:
        """What records took of each capTag, by (issuer, capTag); refused ones took nothing."""
        rows = self._journal.rows(
            "SELECT issuer, cap_tag, count(*), sum(minor_amount) FROM record"
            " WHERE kind = ? AND (verdict IS NULL OR verdict NOT IN ('REJECTED', 'DUPLICATE'))"
            " GROUP BY issuer, cap_tag",
            RecordKind.PURCHASE,
        )
        return {(row[0], row[1]): Spent(row[2], row[3]) for row in rows}

    def spent_by_card(self, name: str, since: int) -> Spent:
        """What records since this instant took of a card, by its number in upper-case hex."""
        row = self._journal.row(
            "SELECT count(*), coalesce(sum(minor_amount), 0) FROM record WHERE kind = ?"
            " AND created_at >= ? AND (upper(presented) = ? OR upper(presented) LIKE ? || ':%')"
            " AND (verdict IS NULL OR verdict NOT IN ('REJECTED', 'DUPLICATE'))",
            *(RecordKind.PURCHASE, since, f"CARD:{name}", f"CARD:{name}"),
        )
        assert row is not None
        return Spent(row[0], row[1])

    def used_codes(self) -> set[bytes]:
        """The replay keys of all records."""
        return {row[0] for row in self._journal.rows("SELECT replay_key FROM record")} - {b""}

    def waiting(self) -> tuple[int, int]:
        """How many records have no verdict, and the fen of those that nobody else knows of."""
        row = self._journal.row(
            "SELECT count(*), coalesce(sum(minor_amount) FILTER (WHERE kind = ?), 0)"
            " FROM record WHERE verdict IS NULL",
            RecordKind.PURCHASE,
        )
        assert row is not None
        return row[0], row[1]

    def unjudged(self, count: int) -> list[Stored]:
        """The oldest records of one batch that have no verdict, in the order of writing."""
        row = self._journal.row(
            "SELECT batch_no FROM record WHERE verdict IS NULL ORDER BY number LIMIT 1"
        )
        if row is None:
            return []
        return self._records("batch_no = ? AND verdict IS NULL", row[0])[:count]

    def of_batch(self, batch_no: int) -> list[Stored]:
        """All records of a batch, in the order of writing."""
        return self._records("batch_no = ?", batch_no)

    def is_unjudged_sale(self, key: RequestKey) -> bool:
        """Whether a sale was taken alone under this key, and no verdict on it came yet."""
        where = "batch_no = ? AND seq_no = ? AND kind = ? AND verdict IS NULL"
        return bool(self._records(where, *key[1:], RecordKind.PURCHASE))

    def note(self, key: RequestKey, verdict: str, reason: str | None) -> None:
        """Keeps the first verdict on a record."""
        self._journal.run(
            "UPDATE record SET verdict = ?, reason = ? WHERE batch_no = ? AND seq_no = ?",
            *(verdict, reason, key.batch_no, key.seq_no),
        )

    def forget(self, before: int) -> None:
        """Deletes judged records of settled batches that were made before this instant."""
        self._journal.run(
            "DELETE FROM record WHERE verdict IS NOT NULL AND created_at < ?"
            " AND batch_no IN (SELECT batch_no FROM settled)",
            before,
        )

    def settle(self, batch_no: int, net: int) -> None:
        """Notes that the server settled a batch."""
        self._journal.run("INSERT OR IGNORE INTO settled VALUES (?, ?)", batch_no, net)

    def is_settled(self, batch_no: int) -> bool:
        """Whether it did."""
        return self._journal.row("SELECT 1 FROM settled WHERE batch_no = ?", batch_no) is not None

    def _records(self, where: str, *values: object) -> list[Stored]:
        identity = self._journal.identity
        columns = f"{_RECORD}, previous, hash, signature, verdict, reason"
        sql = f"SELECT {columns} FROM record WHERE {where} ORDER BY number"  # noqa: S608 - our own words
        return [
            _stored(identity.issuer, identity.terminal_no, row)
            for row in self._journal.rows(sql, *values)
        ]


def _stored(issuer: int, terminal_no: int, row: Iterable[Any]) -> Stored:
    batch_no, seq_no, *facts = row
    key = RequestKey(terminal_no, batch_no, seq_no)
    record = Record(issuer, key, *facts[:8])
    previous, hash_, signature, verdict, reason = facts[8:]
    return Stored(Item(record, signature, True, previous), hash_, verdict, reason)
