"""Digits that a phone or a person shows: T1 (codes.md 3), its derived keys, water codes (14)."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from tests.vectors import published
from tests.vectors.case import Case, case
from tests.vectors.forms import derived, totp, water

_KEY, _NOW, _TEXT = published.T1_KEY, published.T1_NOW, published.T1
MIDNIGHT = 1_800_028_800
"""The start of a school day in Asia/Shanghai (2027-01-16)."""
YESTERDAYS, TODAYS = "1111111", "2222222"


def t1(id_: str, expected: str, text: str = _TEXT, *, now: int = _NOW, **context: Any) -> Case:
    """The verdict on twenty digits; `aliases` are those that are good at `now`."""
    known = {"issuers": [0], "aliases": {"1234567": _KEY}} | context
    return case(f"t1-{id_}", "T1", expected, text, now=now, context=known)


def digits(now: int, *, alias: str = "1234567", issuer: int = 0, secret: str = _KEY) -> str:
    """What a phone shows at `now`."""
    return f"90{issuer:03}{alias}{totp(bytes.fromhex(secret), now // 30)}"


def t1_cases() -> Iterator[Case]:
    """The order of section 3, up to what only rows know; steps and the day at their edges."""
    yield t1("vector", "ACCEPTED")
    for name, text in {
        "empty": "", "short": _TEXT[:-1], "long": _TEXT + "0", "letter": _TEXT[:-1] + "A",
        "full-width-digit": _TEXT[:-1] + "５", "arabic-digit": _TEXT[:-1] + "٥",
        "null-character-at-the-end": _TEXT + "\0", "prefix": "91" + _TEXT[2:],
        "space": " " + _TEXT[1:], "two-newlines": _TEXT + "\n\n",
        "space-at-the-end": _TEXT + " ", "sign": "90000+" + _TEXT[6:],
    }.items():  # fmt: skip
        yield t1(f"format-{name}", "FORMAT", text)
    yield t1("strip-one-newline", "ACCEPTED", _TEXT + "\n")
    yield t1("issuer-none", "ISSUER_NOT_ACCEPTED", issuers=[])
    yield t1("issuer-other", "ISSUER_NOT_ACCEPTED", digits(_NOW, issuer=999))
    yield t1("issuer-999", "ACCEPTED", digits(_NOW, issuer=999), issuers=[0, 999])
    yield t1("alias-unknown", "ALIAS_UNKNOWN", digits(_NOW, alias="1234568"))
    yield t1("aliases-none", "ALIAS_UNKNOWN", aliases={})
    zero = "0000001"
    yield t1("alias-with-zeros", "ACCEPTED", digits(_NOW, alias=zero), aliases={zero: _KEY})
    yield t1("alias-locked", "ALIAS_LOCKED", locked=["7654321", "1234567"])
    yield t1("alias-locked-and-wrong", "ALIAS_LOCKED", _TEXT[:-1] + "6", locked=["1234567"])
    yield t1("alias-locked-but-unknown", "ALIAS_UNKNOWN", aliases={}, locked=["1234567"])
    yield t1("another-is-locked", "ACCEPTED", locked=["7654321"])
    yield t1("one-digit-wrong", "TOTP_WRONG", _TEXT[:-1] + "6")
    yield t1("key-of-another", "TOTP_WRONG", aliases={"1234567": "67" * 32})
    # The step lasts from _NOW to _NOW + 29.
    for offset, expected in [
        (-31, "TOTP_WRONG"), (-30, "ACCEPTED"), (-1, "ACCEPTED"), (0, "ACCEPTED"), (29, "ACCEPTED"),
        (30, "ACCEPTED"), (59, "ACCEPTED"), (60, "TOTP_WRONG"),
    ]:  # fmt: skip
        yield t1(f"step-at-{offset}", expected, now=_NOW + offset)
    # Totals with leading zeros keep their eight digits.
    short = next(at for at in range(_NOW, _NOW * 2, 30) if digits(at)[12:14] == "00")
    yield t1("totp-with-leading-zeros", "ACCEPTED", digits(short), now=short)


def day_change() -> Iterator[Case]:
    """An alias is good 120 s beyond its day: the caller lists those that are good at `now`."""
    both, new, old = {YESTERDAYS: _KEY, TODAYS: _KEY}, {TODAYS: _KEY}, {YESTERDAYS: _KEY}
    for alias, offset, aliases, expected in [
        (TODAYS, -121, old, "ALIAS_UNKNOWN"), (TODAYS, -120, both, "ACCEPTED"),
        (TODAYS, 0, both, "ACCEPTED"), (YESTERDAYS, -1, both, "ACCEPTED"),
        (YESTERDAYS, 119, both, "ACCEPTED"), (YESTERDAYS, 120, new, "ALIAS_UNKNOWN"),
        (TODAYS, 120, new, "ACCEPTED"),
    ]:  # fmt: skip
        name = "todays" if alias == TODAYS else "yesterdays"
        now = MIDNIGHT + offset
        yield t1(f"day-change-{name}-at-{offset}", expected, digits(now, alias=alias), now=now,
                 aliases=aliases)  # fmt: skip
    yield t1("day-change-step-before-midnight", "ACCEPTED", digits(MIDNIGHT - 1, alias=YESTERDAYS),
             now=MIDNIGHT + 29, aliases=both)  # fmt: skip


def hkdf_cases() -> Iterator[Case]:
    """The key of a device, derived: text is its hex."""
    device = UUID(published.HKDF_DEVICE)

    def hkdf(id_: str, expected: str, text: str, **changes: Any) -> Case:
        context = {
            "schoolKey": published.HKDF_SCHOOL_KEY, "deviceId": published.HKDF_DEVICE, "version": 1
        } | changes  # fmt: skip
        return case(f"hkdf-{id_}", "HKDF", expected, text, now=_NOW, context=context)

    yield hkdf("vector", "ACCEPTED", published.HKDF_KEY)
    second = derived(bytes.fromhex(published.HKDF_SCHOOL_KEY), device.bytes, 2).hex()
    yield hkdf("version-2", "ACCEPTED", second, version=2)
    yield hkdf("key-of-another-version", "T1_KEY_WRONG", published.HKDF_KEY, version=2)
    yield hkdf("key-of-another-device", "T1_KEY_WRONG", published.HKDF_KEY,
               deviceId="00112233-4455-6677-8899-aabbccddeefe")  # fmt: skip
    yield hkdf("key-of-another-school", "T1_KEY_WRONG", published.HKDF_KEY, schoolKey="89" * 32)
    yield t1("derived-key", "ACCEPTED", digits(_NOW, secret=published.HKDF_KEY),
             aliases={"1234567": published.HKDF_KEY})  # fmt: skip


COLLIDING_GROUP, COLLIDING_SLOT, COLLIDING = 186_302, 1_800_000_000, (5, 6)
"""Found by trying: of this group and slot, sequence numbers 5 and 6 have one code."""


def water_cases() -> Iterator[Case]:
    """The ten codes of a slot, one number skipped for its collision; and what is no code."""
    secret = published.WATER_KEY

    def code8(id_: str, expected: str, text: str, **changes: Any) -> Case:
        context = {"key": secret, "group": 9, "unit": 0, "slotStart": 1_800_000_000, "seq": 5}
        return case(f"water-{id_}", "WATER", expected, text, now=1_800_000_000,
                    context=context | changes)  # fmt: skip

    yield code8("vector", "ACCEPTED", published.WATER)
    slot = {"group": COLLIDING_GROUP, "slotStart": COLLIDING_SLOT}
    raw = bytes.fromhex(secret)
    for seq in (0, 1, 2, 3, 4, 5, 7, 8, 9, 10):
        text = water(raw, COLLIDING_GROUP, 0, COLLIDING_SLOT, seq)
        yield code8(f"slot-of-ten-seq-{seq}", "ACCEPTED", text, **slot, seq=seq)
    changes: dict[str, dict[str, Any]] = {
        "key": {"key": "78" * 32}, "group": {"group": 10}, "unit": {"unit": 1},
        "slot": {"slotStart": 1_800_000_600}, "seq": {"seq": 6},
    }  # fmt: skip
    for name, change in changes.items():
        yield code8(f"of-another-{name}", "CODE8_WRONG", published.WATER, **change)
    most = {"group": 0xFFFFFFFF, "unit": 255, "slotStart": 0xFFFFFFFF, "seq": 63}
    yield code8("largest-numbers", "ACCEPTED",
                water(raw, 0xFFFFFFFF, 255, 0xFFFFFFFF, 63), **most)  # fmt: skip
    padded = next(seq for seq in range(1000) if water(raw, seq, 0, 1_800_000_000, 5)[0] == "0")
    text = water(raw, padded, 0, 1_800_000_000, 5)
    yield code8("leading-zero", "ACCEPTED", text, group=padded)
    yield code8("leading-zero-left-out", "CODE8_WRONG", text[1:], group=padded)
    for name, text in {
        "empty": "", "short": "4441472", "long": "444147280", "letters": "4441472O",
        "full-width": "4441472８", "sign": "+4441472", "space": " 44414728",
    }.items():  # fmt: skip
        yield code8(f"format-{name}", "CODE8_WRONG", text)


def cases() -> Iterator[Case]:
    """T1 with its keys; the water codes are a file of their own."""
    for family in (t1_cases, day_change, hkdf_cases):
        yield from family()
