"""Offline authorities that run the terminals' verifier in memory, and the phones they meet."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random  # noqa: TID251 - seeded, so that a run can be repeated

from terminals import base45, cc1
from terminals.cc1 import Flags, Intent, Kind
from terminals.codes import CodeRefusal, Use, strip
from terminals.keys import signer
from terminals.verification import (
    CAP_CLASSES,
    OfflineAuthority,
    Refused,
    Spent,
    VerificationContext,
    Verified,
    verify,
)
from tests.unit.terminals import samples

ISSUER = 0
PASSES = 20
"""Passes of a slot: as many as a thief can have a phone refreshed."""
BEGINS = samples.NOT_BEFORE
SLOT_SECONDS, HIGH_SECONDS = 86_400, 43_200
_HIGH_CLASS = 3


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table of codes.md 13; `reserve_minor` is set aside at issue."""

    name: str
    sites: int
    terminals: int
    named: int
    has_edges: bool

    def authorities(self, kind: "type[Authority]") -> "list[Authority]":
        """Who decides alone: an edge a site, or each terminal."""
        each = 1 if self.has_edges else self.terminals
        return [kind(site) for site in range(self.sites) for _ in range(each)]

    def mask(self) -> int:
        """The sites that passes name."""
        return (1 << self.named) - 1


ROWS = (
    Row("200 terminals alone, no mask", 8, 25, 8, has_edges=False),
    Row("mask 2 sites of 8, alone", 8, 25, 2, has_edges=False),
    Row("8 site edges, no mask", 8, 25, 8, has_edges=True),
    Row("2 sites, edges", 8, 25, 2, has_edges=True),
    Row("1 site, edge", 8, 25, 1, has_edges=True),
)


@dataclass(eq=False)
class Authority:
    """One that sells without a network: a terminal, or an edge for all terminals of its site."""

    site: int
    seen: set[bytes] = field(default_factory=set)
    spent: dict[tuple[int, int], Spent] = field(default_factory=dict)
    taken: Counter[int] = field(default_factory=Counter)
    """Fen by capTag."""

    def sell(self, scanned: str, amount_minor: int, now: int) -> CodeRefusal | None:
        """Why it does not sell; None if it did."""
        text = strip(scanned)
        authority = OfflineAuthority(site=self.site, spent=self.spent)
        context = VerificationContext(
            now=now,
            use=Use.PAY,
            issuers=(ISSUER,),
            keys=samples.KEYS,
            amount_minor=amount_minor,
            seen=self.seen,
            offline=authority,
        )
        verdict = verify(text, context)
        if isinstance(verdict, Refused):
            return verdict.refusal
        self.remember(verdict, scanned, amount_minor)
        return None

    def remember(self, sold: Verified, scanned: str, amount_minor: int) -> None:
        """What row 23 stores before success is shown."""
        del scanned
        code = sold.presentation
        key = (code.issuer, code.cap_tag)
        before = self.spent.get(key, Spent())
        self.spent[key] = Spent(before.count + 1, before.total_minor + amount_minor)
        self.seen.add(sold.replay_key)
        self.taken[code.cap_tag] += amount_minor


class Phone:
    """An unlocked phone with the passes of one slot, and a clock that never shows one t twice."""

    def __init__(self, cap_tag: int, cap_class: int, mask: int) -> None:
        self.cap_tag, self.cap_class = cap_tag, cap_class
        self._seed = cap_tag.to_bytes(4) * 8
        self._mask = mask
        self._passes = [self._issue(number) for number in range(1, PASSES + 1)]
        self._chosen = 0
        self._last = -1

    def refresh(self) -> None:
        """Shows another pass of the same slot from now on."""
        self._chosen = (self._chosen + 1) % PASSES

    def show(self, now: int) -> str:
        """What is on the screen."""
        self._last = max(now - BEGINS, self._last + 1)
        return cc1.show(self._passes[self._chosen], self._last, Intent.PAY, signer(self._seed))

    def _issue(self, number: int) -> bytes:
        is_high = self.cap_class == _HIGH_CLASS
        return cc1.issue_pass(
            issuer=ISSUER,
            kid=1,
            kind=Kind.VIRTUAL_CARD,
            cap_tag=self.cap_tag,
            pass_no=number,
            not_before=BEGINS,
            ttl=(HIGH_SECONDS if is_high else SLOT_SECONDS) // 900,
            cap_class=self.cap_class,
            flags=Flags.PAY | (Flags.HIGH if is_high else 0),
            mask=self._mask,
            device_key=samples.public(self._seed),
            sign=samples.sign_pass,
        )


def forged(text: str, chance: Random) -> str:
    """The same code with one bit of it changed: another mask, class, tag or instant."""
    raw = bytearray(base45.decode(text[4:]))
    bit = chance.randrange(8 * len(raw))
    raw[bit // 8] ^= 1 << bit % 8
    return "CC1:" + base45.encode(bytes(raw))


def caps_of(cap_class: int) -> tuple[int, int, int]:
    """A, n and B of a class, in fen."""
    caps = CAP_CLASSES[cap_class]
    return caps.amount_minor, caps.count, caps.total_minor
