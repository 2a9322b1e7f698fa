"""CC1: rows 1 to 8 of codes.md 7, what the string is and who signed it."""

from collections.abc import Iterator
from typing import Any

from tests.vectors import curve, published
from tests.vectors.case import Case
from tests.vectors.cc1_case import PASS_KEY, cc1, pass_key
from tests.vectors.forms import (
    ANSWER_SEED,
    NOT_BEFORE,
    OTHER_SEED,
    SHOWN,
    Challenge,
    Show,
    key,
    public,
)

V1 = published.VECTOR_1
_VECTOR_1_FIELDS = {
    "version": 1, "kind": 1, "issuer": 0, "kid": 1, "capTag": 0xA1B2C3D4, "passNo": 1,
    "notBefore": NOT_BEFORE, "ttl": 96, "capClass": 1, "flags": 3, "mask": 3, "t": 3600, "scene": 0,
}  # fmt: skip
_OTHER_FIELDS = {
    "version": 1, "kind": 4, "issuer": 0xFEDC, "kid": 0xBA, "capTag": 0x98765432, "passNo": 0x10FE,
    "notBefore": 0x6B4A1234, "ttl": 0xFF, "capClass": 0x7D, "flags": 0x3B, "mask": 0xA5C3,
    "t": 0x012345, "scene": 1,
}  # fmt: skip


def vectors() -> Iterator[Case]:
    """The codes that codes.md prints, and one whose every field is another number."""
    yield cc1("vector-1", "ACCEPTED", fields=_VECTOR_1_FIELDS)
    yield cc1(
        "vector-3", "ACCEPTED", published.VECTOR_3, now=SHOWN + 2, amount=1250,
        fields=_VECTOR_1_FIELDS | {"t": 3602, "scene": 0x81}, challenge=published.VECTOR_2,
    )  # fmt: skip
    entry = {"kind": 3, "passNo": 1, "capTag": 0xA1B2C3D5, "ttl": 168, "capClass": 7, "flags": 2}
    yield cc1(
        "vector-5", "ACCEPTED", published.VECTOR_5, use="E", doors=[[7, 2]],
        fields=_VECTOR_1_FIELDS | entry | {"mask": 5, "scene": 2},
    )  # fmt: skip
    facts = _OTHER_FIELDS
    shown = Show(
        kind=4, issuer=0xFEDC, kid=0xBA, cap_tag=facts["capTag"], pass_no=facts["passNo"],
        not_before=facts["notBefore"], ttl=0xFF, cap_class=0x7D, flags=0x3B, mask=0xA5C3,
        t=facts["t"], scene=1, pass_seed=OTHER_SEED,
    )  # fmt: skip
    keys = [PASS_KEY, key(OTHER_SEED, 0xBA, "PASS", issuer=0xFEDC)]
    yield cc1(
        "every-field-another-number", "ACCEPTED", shown, now=facts["notBefore"] + facts["t"],
        fields=facts, issuers=[0, 0xFEDC], keys=keys, offline=False,
    )  # fmt: skip


# Each stands for one thing that a lax reader lets pass.
_TEXTS = {
    "empty": ("FORMAT", ""),
    "prefix-alone": ("FORMAT", "CC1:"),
    "one-character-short": ("FORMAT", V1[:-1]),
    "one-character-long": ("FORMAT", V1 + "0"),
    "prefix-lower-case": ("FORMAT", "cc1:" + V1[4:]),
    "prefix-of-a-challenge": ("FORMAT", "CCQ:" + V1[4:]),
    "lower-case": ("FORMAT", "CC1:" + V1[4:].lower()),
    "one-letter-lower-case": ("FORMAT", "CC1:w" + V1[5:]),
    "unknown-character": ("FORMAT", "CC1:!" + V1[5:]),
    "full-width-digit": ("FORMAT", V1[:-1] + "０"),
    "null-character": ("FORMAT", V1[:-1] + "\0"),
    "null-character-at-the-end": ("FORMAT", V1 + "\0"),
    "null-character-and-a-tail": ("FORMAT", V1 + "\0\n"),
    "triple-at-65535": ("VERSION", "CC1:FGW" + V1[7:]),
    "triple-at-65536": ("FORMAT", "CC1:GGW" + V1[7:]),
    "triple-overflow": ("FORMAT", "CC1::::" + V1[7:]),
    "last-pair-at-255": ("DEVICE_SIGNATURE", V1[:-2] + "U5"),
    "last-pair-at-256": ("FORMAT", V1[:-2] + "V5"),
    "last-pair-overflow": ("FORMAT", V1[:-2] + "::"),
    "strip-lf": ("ACCEPTED", V1 + "\n"),
    "strip-cr": ("ACCEPTED", V1 + "\r"),
    "strip-crlf": ("ACCEPTED", V1 + "\r\n"),
    "strip-tab": ("ACCEPTED", V1 + "\t"),
    "strip-only-one-lf": ("FORMAT", V1 + "\n\n"),
    "strip-only-one-cr": ("FORMAT", V1 + "\r\r"),
    "strip-only-last-of-lfcr": ("FORMAT", V1 + "\n\r"),
    "strip-only-crlf-of-crcrlf": ("FORMAT", V1 + "\r\r\n"),
    "newline-for-the-last-character": ("FORMAT", V1[:-1] + "\n"),
    "newline-inside-the-length": ("FORMAT", V1[:-1] + "\n\n"),
    "newline-in-the-middle": ("FORMAT", V1[:150] + "\n" + V1[151:]),
    "space-at-the-end": ("FORMAT", V1 + " "),
    "space-at-the-start": ("FORMAT", " " + V1),
    "space-for-the-last-character": ("FORMAT", V1[:-1] + " "),
    "newline-at-the-start": ("FORMAT", "\n" + V1),
}


def formats() -> Iterator[Case]:
    """Row 1."""
    for name, (expected, text) in _TEXTS.items():
        yield cc1(name, expected, text)


def reserved() -> Iterator[Case]:
    """Rows 2 and 3; everything else about these codes is right, their signatures too."""
    for version in (0, 2, 15):
        yield cc1(f"version-{version}", "VERSION", Show(version=version))
    malformed: dict[str, dict[str, Any]] = {
        "kind-0": {"kind": 0},
        "kind-5": {"kind": 5},
        "kind-15": {"kind": 15},
        "kind-3-with-pay": {"kind": 3},
        "kind-3-with-pay-alone": {"kind": 3, "flags": 1},
        "ttl-0": {"ttl": 0},
        "ttl-0-entry": {"ttl": 0, "kind": 3, "flags": 2},
        "flag-6": {"flags": 0x43},
        "flag-7": {"flags": 0x83},
        "scene-bit-4": {"scene": 0x10},
        "scene-bit-5": {"scene": 0x20},
        "scene-bit-6": {"scene": 0x40},
        **{f"intent-{intent}": {"scene": intent} for intent in (3, 4, 8, 15)},
    }
    for name, changes in malformed.items():
        yield cc1(name, "MALFORMED", Show(**changes))
    yield cc1("all-holder-classes-are-good", "ACCEPTED", Show(flags=3 | 3 << 3))
    yield cc1("kind-3-high-is-well-formed", "KIND_NOT_ACCEPTED", Show(kind=3, flags=0x26))


def issuers_and_keys() -> Iterator[Case]:
    """Rows 4 and 5."""
    yield cc1("issuer-none", "ISSUER_NOT_ACCEPTED", issuers=[])
    yield cc1("issuer-other", "ISSUER_NOT_ACCEPTED", issuers=[1, 256])
    yield cc1("issuer-federated", "ACCEPTED", issuers=[1, 0])
    federated = Show(issuer=258)
    yield cc1("issuer-of-a-swapped-byte-order", "ISSUER_NOT_ACCEPTED", federated, issuers=[513])
    yield cc1("issuer-accepted-its-key-not", "KEY_UNKNOWN", federated, issuers=[258])
    yield cc1(
        "issuer-with-its-own-key", "ACCEPTED", federated, issuers=[258], keys=pass_key(issuer=258)
    )
    changes: dict[str, tuple[str, dict[str, Any]]] = {
        "kid-unknown": ("KEY_UNKNOWN", {"kid": 2}),
        "key-use-answer": ("KEY_UNKNOWN", {"use": "ANSWER"}),
        "key-use-document": ("KEY_UNKNOWN", {"use": "DOCUMENT"}),
        "key-use-edge": ("KEY_UNKNOWN", {"use": "EDGE", "siteNo": 1}),
        "signfrom-edge": ("ACCEPTED", {"signFrom": NOT_BEFORE}),
        "signfrom-one-second-beyond": ("KEY_UNKNOWN", {"signFrom": NOT_BEFORE + 1}),
        "signuntil-edge": ("ACCEPTED", {"signUntil": NOT_BEFORE}),
        "signuntil-one-second-beyond": ("KEY_UNKNOWN", {"signUntil": NOT_BEFORE - 1}),
        "dropafter-edge": ("ACCEPTED", {"dropAfter": SHOWN}),
        "dropafter-one-second-beyond": ("KEY_UNKNOWN", {"dropAfter": SHOWN - 1}),
    }
    for name, (expected, change) in changes.items():
        yield cc1(name, expected, keys=pass_key(**change))
    yield cc1("keys-none", "KEY_UNKNOWN", keys=[])
    dropped = pass_key(dropAfter=SHOWN - 1)
    yield cc1("dropafter-lost-clock", "CLOCK_UNTRUSTED", keys=dropped, clockTrusted=False)
    yield cc1(
        "dropafter-lost-clock-at-a-life-safety-door", "ACCEPTED", use="E", keys=dropped,
        clockTrusted=False, openOnLostClock=True, commonDoor=True,
    )  # fmt: skip
    yield cc1(
        "dropafter-server-has-a-clock", "KEY_UNKNOWN", keys=dropped, clockTrusted=False,
        offline=False,
    )  # fmt: skip
    both = [PASS_KEY, PASS_KEY | {"kid": 2, "publicKey": public(OTHER_SEED).hex()}]
    yield cc1("second-kid-is-chosen", "ACCEPTED", Show(kid=2, pass_seed=OTHER_SEED), keys=both)


_BENT: dict[str, dict[str, Any]] = {
    "s-plus-l": {"surplus": curve.L},
    "s-plus-2l": {"surplus": 2 * curve.L},
    "r-plus-order-2": {"torsion": curve.TORSION[2]},
    "r-plus-order-4": {"torsion": curve.TORSION[4]},
    "r-plus-order-8": {"torsion": curve.TORSION[8]},
    "r-identity": {"identity": True},
    "zeros": {"bytes": bytes(64)},
    "ones": {"bytes": b"\xff" * 64},
}


def signatures() -> Iterator[Case]:
    """Rows 6 and 8: signatures that only some libraries refuse."""
    for name, how in _BENT.items():
        yield cc1(f"pass-{name}", "ISSUER_SIGNATURE", Show(how_pass=how))
        yield cc1(f"show-{name}", "DEVICE_SIGNATURE", Show(how_show=how))
    yield cc1("pass-of-another-key", "ISSUER_SIGNATURE", Show(pass_seed=ANSWER_SEED))
    yield cc1("show-of-another-key", "DEVICE_SIGNATURE", Show(
        device_key=public(OTHER_SEED)
    ))  # fmt: skip
    other = pass_key(publicKey=public(ANSWER_SEED).hex())
    yield cc1("key-document-names-another-key", "ISSUER_SIGNATURE", keys=other)
    # R = S·B with S = 0 and A the identity: every message is signed, if the library lets A pass.
    nothing = {"bytes": curve.encode(curve.IDENTITY) + bytes(32)}
    for order, point in [(1, curve.IDENTITY), *curve.TORSION.items()]:
        raw = curve.encode(point)
        yield cc1(f"device-key-order-{order}", "DEVICE_SIGNATURE", Show(
            device_key=raw, how_show=nothing
        ))  # fmt: skip
        yield cc1(
            f"pass-key-order-{order}", "ISSUER_SIGNATURE", Show(how_pass=nothing),
            keys=pass_key(publicKey=raw.hex()),
        )  # fmt: skip
    not_canonical = (curve.P + 1).to_bytes(32, "little")
    yield cc1("device-key-not-canonical", "DEVICE_SIGNATURE", Show(
        device_key=not_canonical, how_show=nothing
    ))  # fmt: skip
    yield cc1(
        "pass-key-not-canonical", "ISSUER_SIGNATURE", Show(how_pass=nothing),
        keys=pass_key(publicKey=not_canonical.hex()),
    )  # fmt: skip
    off_curve = (2).to_bytes(32, "little")
    yield cc1("device-key-off-the-curve", "DEVICE_SIGNATURE", Show(device_key=off_curve))


_ASKED = Challenge(created_at=SHOWN)
_AT_DOOR = _ASKED.but(purpose=2, amount=0)


def bound(asked: Challenge, **changes: Any) -> Show:
    """Vector 1's pass shown for a challenge."""
    return Show(scene=0x80, challenge=asked.digest(), **changes)


def challenges() -> Iterator[Case]:
    """Rows 7 and 8: bound codes, and the window of the challenge."""
    shown, text = bound(_ASKED), _ASKED.text()
    yield cc1("bound-to-none", "CHALLENGE_UNEXPECTED", shown)
    yield cc1("bound-to-null", "CHALLENGE_UNEXPECTED", shown, challenge=None)
    yield cc1("bound-to-the-right-one", "ACCEPTED", shown, challenge=text)
    yield cc1(
        "bound-to-another", "DEVICE_SIGNATURE", shown, challenge=_ASKED.but(seq_no=346).text()
    )
    yield cc1("bit-7-without-the-digest", "DEVICE_SIGNATURE", Show(scene=0x80), challenge=text)
    yield cc1("digest-without-bit-7", "DEVICE_SIGNATURE", bound(_ASKED, ).but(scene=0),
              challenge=text)  # fmt: skip
    yield cc1("unbound-beside-a-challenge", "ACCEPTED", challenge=text)
    door: dict[str, Any] = {"use": "E", "commonDoor": True}
    yield cc1("pay-challenge-opens-no-door", "CHALLENGE_UNEXPECTED", shown, challenge=text, **door)
    yield cc1("entry-challenge-at-its-door", "ACCEPTED", bound(_AT_DOOR),
              challenge=_AT_DOOR.text(), **door)  # fmt: skip
    yield cc1("entry-challenge-pays-nothing", "CHALLENGE_UNEXPECTED", bound(_AT_DOOR),
              challenge=_AT_DOOR.text())  # fmt: skip
    printed = Challenge(purpose=3, key_no=2, batch_no=0, life=0, created_at=SHOWN)
    yield cc1("a-print-is-no-challenge", "CHALLENGE_UNEXPECTED", bound(printed),
              challenge=printed.text())  # fmt: skip
    broken = "CCQ:" + text[4:].lower()
    yield cc1("an-unreadable-challenge-is-none", "CHALLENGE_UNEXPECTED", shown, challenge=broken)
    windows = {-16: "CHALLENGE_UNEXPECTED", -15: "ACCEPTED", 0: "ACCEPTED", 135: "ACCEPTED",
               136: "CHALLENGE_UNEXPECTED"}  # fmt: skip
    for age, expected in windows.items():
        asked = _ASKED.but(created_at=SHOWN - age)
        yield cc1(f"challenge-of-age-{age}", expected, bound(asked), challenge=asked.text())
    windows = {-1: "CHALLENGE_UNEXPECTED", 0: "ACCEPTED", 255: "ACCEPTED",
               256: "CHALLENGE_UNEXPECTED"}  # fmt: skip
    for age, expected in windows.items():
        asked = _ASKED.but(created_at=SHOWN - age, life=255)
        yield cc1(
            f"challenge-of-255-s-without-skew-of-age-{age}", expected, bound(asked),
            challenge=asked.text(), skew=0,
        )  # fmt: skip


def cases() -> Iterator[Case]:
    """Rows 1 to 8."""
    yield from vectors()
    yield from formats()
    yield from reserved()
    yield from issuers_and_keys()
    yield from signatures()
    yield from challenges()
