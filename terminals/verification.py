"""CC1 verification: the rows of codes.md 7 in their order, the same online and offline."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field

from terminals import cc1
from terminals.cc1 import Flags, Kind, Presentation
from terminals.ccq import SignedChallenge
from terminals.codes import LIFE_SECONDS, SKEW_SECONDS, CodeRefusal, Use
from terminals.keys import KeyRing, KeyUse, verifies

DENY_LIST_SECONDS = 86_400
"""The oldest deny list that offline money stands on."""


@dataclass(frozen=True, slots=True)
class CapClass:
    """Offline caps of a class: fen per purchase, number of purchases, fen together."""

    amount_minor: int
    count: int
    total_minor: int
    is_high: bool = False

    def refusal_of(self, amount_minor: int, spent: "Spent") -> CodeRefusal | None:
        """Row 21: why a purchase is too much after what was spent."""
        if amount_minor > self.amount_minor:
            return CodeRefusal.CAP_AMOUNT
        if spent.count + 1 > self.count:
            return CodeRefusal.CAP_COUNT
        is_over = spent.total_minor + amount_minor > self.total_minor
        return CodeRefusal.CAP_TOTAL if is_over else None


CAP_CLASSES: Mapping[int, CapClass] = {
    1: CapClass(2_000, 3, 5_000),
    2: CapClass(1_000, 2, 2_000),
    3: CapClass(5_000, 4, 10_000, is_high=True),
}
"""The classes of codes.md 13."""


@dataclass(frozen=True, slots=True)
class Spent:
    """How many purchases a capTag has made at this offline authority, and for how many fen."""

    count: int = 0
    total_minor: int = 0


@dataclass(frozen=True, slots=True)
class OfflineAuthority:
    """What a terminal or a site edge goes by when it decides alone.

    `doors` are pairs of entry profile and group bit; `spent` is by (issuer, capTag).
    """

    clock_is_trusted: bool = True
    opens_on_lost_clock: bool = False
    deny_list_age_seconds: int = 0
    store_is_full: bool = False
    money_is_on: bool = True
    site: int = 0
    is_common_door: bool = False
    doors: tuple[tuple[int, int], ...] = ()
    caps: Mapping[int, CapClass] = field(default_factory=lambda: CAP_CLASSES)
    spent: Mapping[tuple[int, int], Spent] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VerificationContext:
    """Everything but the text that a verdict depends on (codes.md 16).

    `now` is in Unix seconds, `amount_minor` in fen. `offline` is absent on the server, which
    leaves `denied`, `seen` and `passback_refuses` empty too: its database answers rows 14, 17
    and 22. `denied` holds serials, `seen` replay keys.
    """

    now: int
    use: Use
    issuers: Container[int]
    keys: KeyRing
    amount_minor: int = 0
    challenge: SignedChallenge | None = None
    challenge_above_minor: int | None = None
    skew_seconds: int = SKEW_SECONDS
    life_seconds: int = LIFE_SECONDS
    pay_kinds: Container[int] = (1, 2, 4)
    entry_kinds: Container[int] = (1, 2, 3, 4)
    denied: Container[bytes] = ()
    seen: Container[bytes] = ()
    passback_refuses: bool = False
    offline: OfflineAuthority | None = None

    @property
    def clock_is_trusted(self) -> bool:
        """Whether `now` can be believed; a server's always can."""
        return self.offline is None or self.offline.clock_is_trusted


@dataclass(frozen=True, slots=True)
class Verified:
    """A code that passed every row; storing `replay_key` durably comes before showing success."""

    presentation: Presentation
    replay_key: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """The first row that failed.

    `presentation` is given once rows 1 to 13 have passed: a server whose database finds the pass
    revoked, or (after row 16) the code used, answers that instead, as it comes first.
    """

    refusal: CodeRefusal
    presentation: Presentation | None = None


def verify(text: str, context: VerificationContext) -> Verified | Refused:
    """The verdict on a stripped text."""
    code = cc1.read(text)
    if isinstance(code, CodeRefusal):
        return Refused(code)
    refusal = _authenticity(code, context) or _timeliness(code, context)
    if refusal:
        return Refused(refusal)
    replay_key = code.replay_key(context.use)
    refusal = _permission(code, context, replay_key) or (
        _payment(code, context) if context.use is Use.PAY else _entry(code, context)
    )
    return Refused(refusal, code) if refusal else Verified(code, replay_key)


def _authenticity(code: Presentation, context: VerificationContext) -> CodeRefusal | None:
    """Rows 4 to 8."""
    if code.issuer not in context.issuers:
        return CodeRefusal.ISSUER_NOT_ACCEPTED
    key = context.keys.find(code.issuer, code.kid, KeyUse.PASS)
    if key is None or not key.signs_at(code.not_before):
        return CodeRefusal.KEY_UNKNOWN
    if context.clock_is_trusted and context.now > key.drop_after:
        return CodeRefusal.KEY_UNKNOWN
    if not context.keys.verifies_pass(key, code.pass_message, code.issuer_signature):
        return CodeRefusal.ISSUER_SIGNATURE
    challenge = b""
    if code.is_bound:
        asked = context.challenge
        if asked is None or not asked.challenge.is_outstanding(
            context.use, context.now, context.skew_seconds
        ):
            return CodeRefusal.CHALLENGE_UNEXPECTED
        challenge = asked.digest
    if not verifies(code.device_key, code.show_message(challenge), code.device_signature):
        return CodeRefusal.DEVICE_SIGNATURE
    return None


def _timeliness(code: Presentation, context: VerificationContext) -> CodeRefusal | None:
    """Rows 9 to 13."""
    if not context.clock_is_trusted:
        opens = context.use is Use.ENTRY and context.offline and context.offline.opens_on_lost_clock
        return None if opens else CodeRefusal.CLOCK_UNTRUSTED
    now, skew = context.now, context.skew_seconds
    if now < code.not_before - skew:
        return CodeRefusal.PASS_NOT_YET_VALID
    if now > code.ends_at + skew or code.t > code.life_seconds:
        return CodeRefusal.PASS_EXPIRED
    if now < code.shown_at - skew:
        return CodeRefusal.CODE_FROM_FUTURE
    if now > code.shown_at + context.life_seconds + skew:
        return CodeRefusal.CODE_EXPIRED
    return None


def _permission(
    code: Presentation, context: VerificationContext, replay_key: bytes
) -> CodeRefusal | None:
    """Rows 14 to 17."""
    if code.serial in context.denied:
        return CodeRefusal.REVOKED
    kinds = context.pay_kinds if context.use is Use.PAY else context.entry_kinds
    if code.kind not in kinds:
        return CodeRefusal.KIND_NOT_ACCEPTED
    if not code.allows(context.use):
        return CodeRefusal.USE_NOT_ALLOWED
    return CodeRefusal.CODE_USED if replay_key in context.seen else None


def _payment(code: Presentation, context: VerificationContext) -> CodeRefusal | None:
    """Rows 18 to 21 of a purchase."""
    offline = context.offline
    if offline and not _offline_money_is_on(code, offline):
        return CodeRefusal.OFFLINE_OFF
    if offline and not code.mask >> offline.site & 1:
        return CodeRefusal.SITE_NOT_ALLOWED
    above = context.challenge_above_minor
    if above is not None and context.amount_minor > above and not code.is_bound:
        return CodeRefusal.CHALLENGE_REQUIRED
    return _cap(code, offline, context.amount_minor) if offline else None


def _offline_money_is_on(code: Presentation, offline: OfflineAuthority) -> bool:
    """Row 18."""
    caps = offline.caps.get(code.cap_class)
    if caps is None or code.cap_class == 0 or (caps.is_high and not code.flags & Flags.HIGH):
        return False
    if code.kind == Kind.CAMPUS_CODE and not code.flags & Flags.WITHHOLD:
        return False
    fresh = offline.deny_list_age_seconds <= DENY_LIST_SECONDS
    return fresh and offline.money_is_on and not offline.store_is_full


def _cap(code: Presentation, offline: OfflineAuthority, amount_minor: int) -> CodeRefusal | None:
    """Row 21."""
    spent = offline.spent.get((code.issuer, code.cap_tag), Spent())
    return offline.caps[code.cap_class].refusal_of(amount_minor, spent)


def _entry(code: Presentation, context: VerificationContext) -> CodeRefusal | None:
    """Rows 19 and 22 of a passage."""
    if context.offline and not _opens(code, context.offline):
        return CodeRefusal.DOOR_NOT_ALLOWED
    return CodeRefusal.PASSBACK if context.passback_refuses else None


def _opens(code: Presentation, door: OfflineAuthority) -> bool:
    if code.kind != Kind.ENTRY:
        return door.is_common_door
    return any(profile == code.cap_class and code.mask >> bit & 1 for profile, bit in door.doors)
