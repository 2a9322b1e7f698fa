"""Whose instrument was presented: every kind of code and card, in one scan field."""

from collections.abc import Container
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from core.kit.clock import unix_seconds
from terminals import token, totp, verification
from terminals.cc1 import Kind
from terminals.ccq import SignedChallenge
from terminals.codes import CodeRefusal, Instrument, Use, classify
from terminals.keys import KeyRing
from terminals.scenes import Holder
from terminals.verification import OfflineAuthority, VerificationContext


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose code or card it is, as the core knows it.

    `card_id` is the card that pays: the virtual one behind a code, the physical one of a tap.
    `device_key` is that of the phone that a pass was issued to.
    `uses` are what the cardholder may use a code or card for: temporary staff open no door (M-099).
    """

    cardholder_id: UUID
    card_id: UUID
    device_id: UUID | None
    is_revoked: bool
    holder: Holder | None
    uses: frozenset[Use] = frozenset({Use.PAY, Use.ENTRY})
    device_key: bytes | None = None


@dataclass(frozen=True, slots=True)
class AliasOwner:
    """Whose alias it is, the 32-byte key of its TOTP, and the wrong TOTPs of its day."""

    owner: Owner
    totp_key: bytes = field(repr=False)
    wrong_totps: int
    day: date


class Instruments(Protocol):
    """The core's look-ups of codes and cards."""

    async def by_serial(self, school_id: int, serial: bytes) -> Owner | None:
        """The holder of an issued pass."""
        ...

    async def by_token(self, school_id: int, digest: bytes) -> Owner | None:
        """The holder of a live T0 token, by its SHA-256."""
        ...

    async def by_alias(self, school_id: int, alias: str, days: set[date]) -> AliasOwner | None:
        """The holder of a T1 alias on one of these school days."""
        ...

    async def count_wrong_totp(self, school_id: int, alias: str, day: date) -> None:
        """Counts one wrong TOTP for an alias, durably, before the answer goes out."""
        ...

    async def by_uid(self, school_id: int, uid: str) -> Owner | None:
        """The holder of the physical card with this chip number (upper-case hex)."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """A read instrument: its owner, and what one use of it spends (None: a tap).

    `groups` are the entry profile and the mask of door groups of an entry pass (kind 3).
    """

    owner: Owner
    instrument: Instrument
    replay_key: bytes | None
    serial: bytes | None = None
    groups: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Declined:
    """Why an instrument was not accepted; `found` where it was read and only the use refused."""

    response_code: str | None
    reason: str
    found: Found | None = None


@dataclass(frozen=True, slots=True)
class Scan:
    """What was read where: `text` is stripped, amounts are fen.

    `offline` is given for what a terminal decided alone at `now`: it is judged by what that knew,
    and the caller answers for a revocation, which the terminal may not have heard of.
    """

    issuer: int
    text: str
    use: Use
    now: datetime
    minor_amount: int
    zone: str
    keys: KeyRing
    skew_seconds: int
    life_seconds: int
    challenge: SignedChallenge | None = None
    challenge_above_minor: int | None = None
    offline: OfflineAuthority | None = None
    pay_kinds: Container[int] = (1, 2, 4)

    @property
    def issuers(self) -> Container[int]:
        """Whose codes are accepted."""
        return (self.issuer,)


async def read(scan: Scan, instruments: Instruments) -> Found | Declined:
    """Whose instrument it is, or the first check that failed (codes.md 2, 3, 7, 15)."""
    kind = classify(scan.text)
    if isinstance(kind, CodeRefusal):
        return _declined(kind)
    match kind:
        case Instrument.PRESENTATION:
            return await _presentation(scan, instruments)
        case Instrument.ONLINE_TOKEN:
            return await _token(scan, instruments)
        case Instrument.OFFLINE_DIGITS:
            return await _digits(scan, instruments)
        case Instrument.PHYSICAL_CARD:
            uid = scan.text.split(":")[1].upper()
            owner = await instruments.by_uid(scan.issuer, uid)
            if owner is None:
                return Declined("14", "CARD_UNKNOWN")
            return _allowed(scan, Found(owner, kind, None))
        case _:
            return Declined("40", "NOT_SUPPORTED")


async def _presentation(scan: Scan, instruments: Instruments) -> Found | Declined:
    verdict = verification.verify(
        scan.text,
        VerificationContext(
            now=unix_seconds(scan.now),
            use=scan.use,
            issuers=scan.issuers,
            keys=scan.keys,
            amount_minor=scan.minor_amount,
            challenge=scan.challenge,
            challenge_above_minor=scan.challenge_above_minor,
            skew_seconds=scan.skew_seconds,
            life_seconds=scan.life_seconds,
            pay_kinds=scan.pay_kinds,
            offline=scan.offline,
        ),
    )
    code = verdict.presentation
    if code is None:
        assert isinstance(verdict, verification.Refused)
        return _declined(verdict.refusal)
    owner = await instruments.by_serial(scan.issuer, code.serial)
    if owner is None or (owner.is_revoked and scan.offline is None):
        return _declined(CodeRefusal.REVOKED)
    if owner.device_key not in (None, code.device_key):
        # Who stole a PASS key could sign anybody's serial for a phone of their own.
        return _declined(CodeRefusal.DEVICE_SIGNATURE)
    replay_key = code.replay_key(scan.use)
    groups = (code.cap_class, code.mask) if code.kind == Kind.ENTRY else None
    found = Found(owner, Instrument.PRESENTATION, replay_key, code.serial, groups)
    if not isinstance(verdict, verification.Refused):
        return _allowed(scan, found)
    if verdict.refusal is not CodeRefusal.KIND_NOT_ACCEPTED:
        allowed = _allowed(scan, found)
        if isinstance(allowed, Declined):
            return allowed
    return Declined(None, verdict.refusal, found)


def _allowed(scan: Scan, found: Found) -> Found | Declined:
    """Row 16 by what the school gives its owner now; a terminal alone went by the pass."""
    if scan.offline is None and scan.use not in found.owner.uses:
        return Declined(None, CodeRefusal.USE_NOT_ALLOWED, found)
    return found


async def _token(scan: Scan, instruments: Instruments) -> Found | Declined:
    owner = await instruments.by_token(scan.issuer, token.digest(scan.text))
    refusal = token.refusal(scan.text, None if owner is None else _device(owner), scan.use)
    if owner is None or refusal is not None:
        return _declined(refusal or CodeRefusal.CODE_EXPIRED)
    return Found(owner, Instrument.ONLINE_TOKEN, token.replay_key(scan.text, scan.use))


async def _digits(scan: Scan, instruments: Instruments) -> Found | Declined:
    digits = totp.read(scan.text)
    assert isinstance(digits, totp.OfflineDigits)  # classified by the same pattern
    known = None
    if digits.issuer == scan.issuer:
        days = totp.days_accepted(scan.now, scan.zone)
        known = await instruments.by_alias(scan.issuer, digits.alias, days)
    verdict = totp.verify(
        scan.text,
        None if known is None else _alias_holder(known),
        issuers=scan.issuers,
        now=unix_seconds(scan.now),
        use=scan.use,
    )
    if verdict is CodeRefusal.TOTP_WRONG and known is not None:
        await instruments.count_wrong_totp(scan.issuer, digits.alias, known.day)
    if isinstance(verdict, CodeRefusal):
        return _declined(verdict)
    assert known is not None
    return Found(known.owner, Instrument.OFFLINE_DIGITS, verdict.replay_key)


def _device(owner: Owner) -> token.CodeDevice:
    assert owner.device_id is not None
    return token.CodeDevice(owner.device_id, owner.is_revoked, owner.uses)


def _alias_holder(known: AliasOwner) -> totp.AliasHolder:
    return totp.AliasHolder(_device(known.owner), known.totp_key, known.wrong_totps)


_PROBED = {CodeRefusal.ALIAS_UNKNOWN, CodeRefusal.ALIAS_LOCKED, CodeRefusal.TOTP_WRONG}


def _declined(refusal: CodeRefusal) -> Declined:
    """A refusal by its name; those that a guesser could learn from are all called the same."""
    return Declined(None, CodeRefusal.CODE_EXPIRED if refusal in _PROBED else refusal)
