"""CC1: rows 9 to 22 of codes.md 7, when and where a good code may be used."""

from collections.abc import Iterator
from typing import Any

from tests.vectors.case import Case
from tests.vectors.cc1_case import cc1, pass_key
from tests.vectors.cc1_read import bound
from tests.vectors.forms import NOT_BEFORE, SHOWN, Challenge, Show

ENTRY_PASS = Show(kind=3, cap_tag=0xA1B2C3D5, ttl=1, cap_class=7, flags=2, mask=5)
AT_COMMON_DOOR: dict[str, Any] = {"use": "E", "commonDoor": True}
_DAY = 86_400


def clocks() -> Iterator[Case]:
    """Row 9."""
    lost: dict[str, Any] = {"clockTrusted": False}
    life_safety = lost | AT_COMMON_DOOR | {"openOnLostClock": True}
    yield cc1("lost-clock-takes-no-money", "CLOCK_UNTRUSTED", **lost)
    yield cc1("lost-clock-opens-no-door", "CLOCK_UNTRUSTED", **lost, **AT_COMMON_DOOR)
    yield cc1("life-safety-takes-no-money", "CLOCK_UNTRUSTED", **lost, openOnLostClock=True)
    yield cc1("lost-clock-is-no-matter-online", "ACCEPTED", **lost, offline=False)
    for name, now in {"zero": 0, "early": NOT_BEFORE - 16, "late": NOT_BEFORE + 9_999_999}.items():
        yield cc1(f"life-safety-opens-{name}", "ACCEPTED", now=now, **life_safety)
    beyond = Show(ttl=1, t=901)
    yield cc1("life-safety-skips-row-11-too", "ACCEPTED", beyond, **life_safety)
    yield cc1("life-safety-with-its-clock", "CODE_EXPIRED", now=SHOWN + 61,
              **AT_COMMON_DOOR, openOnLostClock=True)  # fmt: skip
    yield cc1("life-safety-keeps-row-14", "REVOKED", **life_safety, deny=["a1b2c3d40001"])
    yield cc1("life-safety-keeps-row-19", "DOOR_NOT_ALLOWED", **life_safety | {"commonDoor": False})


def windows() -> Iterator[Case]:
    """Rows 10 to 13, each edge and one second beyond; offsets are from notBefore."""
    one = Show(ttl=1)
    rows = [
        ("row-10", 0, -16, "PASS_NOT_YET_VALID"),
        ("row-10", 0, -15, "ACCEPTED"),
        ("row-11-end", 900, 915, "ACCEPTED"),
        ("row-11-end", 900, 916, "PASS_EXPIRED"),
        ("row-11-t", 899, 899, "ACCEPTED"),
        ("row-11-t", 900, 900, "ACCEPTED"),
        ("row-11-t", 901, 901, "PASS_EXPIRED"),
        ("row-11-t-most", 0xFFFFFF, 900, "PASS_EXPIRED"),
        ("row-12", 100, 84, "CODE_FROM_FUTURE"),
        ("row-12", 100, 85, "ACCEPTED"),
        ("row-13", 100, 160, "ACCEPTED"),
        ("row-13", 100, 161, "CODE_EXPIRED"),
    ]
    for name, t, offset, expected in rows:
        text = one.but(t=t)
        now = NOT_BEFORE + offset
        yield cc1(f"{name}-t-{t}-at-{offset}", expected, text, now=now)
        yield cc1(f"{name}-t-{t}-at-{offset}-online", expected, text, now=now, offline=False)
        entry = ENTRY_PASS.but(t=t)
        if t < 800:
            yield cc1(f"{name}-t-{t}-at-{offset}-door", expected, entry, now=now, use="E",
                      doors=[[7, 0]])  # fmt: skip
    for t, offset, expected in [
        (3600, 3615, "ACCEPTED"), (3600, 3616, "PASS_EXPIRED"), (3601, 3601, "PASS_EXPIRED"),
    ]:  # fmt: skip
        yield cc1(f"entry-pass-counts-hours-t-{t}-at-{offset}", expected, ENTRY_PASS.but(t=t),
                  now=NOT_BEFORE + offset, use="E", doors=[[7, 0]])  # fmt: skip
    signed: list[tuple[str, dict[str, Any], list[int]]] = [
        ("skew-5-life-10", {"skew": 5, "life": 10}, [-6, -5, 15, 16]),
        ("skew-0-life-0", {"skew": 0, "life": 0}, [-1, 0, 0, 1]),
        ("skew-15-life-45", {}, [-16, -15, 60, 61]),
        ("skew-30-life-240", {"skew": 30, "life": 240}, [-31, -30, 270, 271]),
    ]
    verdicts = ["CODE_FROM_FUTURE", "ACCEPTED", "ACCEPTED", "CODE_EXPIRED"]
    for name, context, offsets in signed:
        for place, (offset, expected) in enumerate(zip(offsets, verdicts, strict=True)):
            yield cc1(f"{name}-{place}-at-{offset}", expected, now=SHOWN + offset, **context)
    yield cc1("skew-of-another-size-at-the-end", "PASS_EXPIRED", one.but(t=900),
              now=NOT_BEFORE + 906, skew=5)  # fmt: skip
    yield cc1("skew-of-another-size-at-the-start", "PASS_NOT_YET_VALID", one.but(t=0),
              now=NOT_BEFORE - 6, skew=5)  # fmt: skip


def ends_of_time() -> Iterator[Case]:
    """Times near 0 and 2^32: sums and differences leave 32 unsigned bits."""
    always = pass_key(signFrom=0, signUntil=0xFFFFFFFF, dropAfter=0xFFFFFFFF)
    first, last = Show(not_before=0, t=0), Show(not_before=0xFFFFFFFF, t=0)
    yield cc1("time-zero", "ACCEPTED", first, now=0, keys=always)
    yield cc1("time-zero-a-minute-on", "CODE_EXPIRED", first, now=61, keys=always)
    yield cc1("time-zero-an-age-on", "PASS_EXPIRED", first, now=0xFFFFFFFF, keys=always)
    yield cc1("time-zero-half-an-age-on", "PASS_EXPIRED", first, now=0x80000000, keys=always)
    yield cc1("last-second-an-age-early", "PASS_NOT_YET_VALID", last, now=0, keys=always)
    yield cc1("last-second", "ACCEPTED", last, now=0xFFFFFFFF, keys=always)
    yield cc1("last-second-early", "ACCEPTED", last, now=0xFFFFFFFF - 15, keys=always)
    yield cc1("last-second-too-early", "PASS_NOT_YET_VALID", last, now=0xFFFFFFFF - 16, keys=always)
    yield cc1("last-second-shown-later", "CODE_FROM_FUTURE", last.but(t=100), now=0xFFFFFFFF,
              keys=always)  # fmt: skip


def permissions() -> Iterator[Case]:
    """Rows 14 to 17."""
    serial = "a1b2c3d40001"
    yield cc1("denied", "REVOKED", deny=[serial])
    yield cc1("denied-online", "REVOKED", deny=[serial], offline=False)
    yield cc1("denied-among-others", "REVOKED", deny=["ffffffffffff", serial])
    yield cc1("denied-another-pass-of-the-slot", "ACCEPTED", deny=["a1b2c3d40002"])
    till_kinds = {1: Show(), 2: Show(kind=2, flags=7), 4: Show(kind=4)}
    for kind, shown in till_kinds.items():
        yield cc1(f"kind-{kind}-at-a-till", "ACCEPTED", shown, amount=500)
        yield cc1(f"kind-{kind}-at-a-common-door", "ACCEPTED", shown, **AT_COMMON_DOOR)
        others = [other for other in (1, 2, 3, 4) if other != kind]
        yield cc1(f"kind-{kind}-not-taken-here", "KIND_NOT_ACCEPTED", shown, payKinds=others)
        yield cc1(f"kind-{kind}-not-let-in-here", "KIND_NOT_ACCEPTED", shown, **AT_COMMON_DOOR,
                  entryKinds=others)  # fmt: skip
    at_entry: dict[str, Any] = {"use": "E", "doors": [[7, 2]], "now": NOT_BEFORE}
    entry = ENTRY_PASS.but(t=0)
    yield cc1("kind-3-at-a-till", "KIND_NOT_ACCEPTED", entry, now=NOT_BEFORE)
    yield cc1("kind-3-at-a-till-for-it", "USE_NOT_ALLOWED", entry, now=NOT_BEFORE, payKinds=[3])
    yield cc1("kind-3-at-its-door", "ACCEPTED", entry, **at_entry)
    yield cc1("kind-3-not-let-in-here", "KIND_NOT_ACCEPTED", entry, **at_entry, entryKinds=[1])
    yield cc1("no-kind-is-taken-here", "KIND_NOT_ACCEPTED", payKinds=[])
    for name, flags, intent, use, expected in [
        ("pay-any", 1, 0, "P", "ACCEPTED"),
        ("pay-any", 1, 0, "E", "USE_NOT_ALLOWED"),
        ("entry-any", 2, 0, "P", "USE_NOT_ALLOWED"),
        ("entry-any", 2, 0, "E", "ACCEPTED"),
        ("both-pay", 3, 1, "P", "ACCEPTED"),
        ("both-pay", 3, 1, "E", "USE_NOT_ALLOWED"),
        ("both-entry", 3, 2, "P", "USE_NOT_ALLOWED"),
        ("both-entry", 3, 2, "E", "ACCEPTED"),
        ("none-any", 0, 0, "P", "USE_NOT_ALLOWED"),
        ("none-any", 0, 0, "E", "USE_NOT_ALLOWED"),
    ]:
        yield cc1(f"flags-and-intent-{name}-for-{use}", expected, Show(flags=flags, scene=intent),
                  use=use, commonDoor=True)  # fmt: skip
    paid, passed = Show().replay_key("P"), Show().replay_key("E")
    yield cc1("paid-before", "CODE_USED", seen=[paid])
    yield cc1("passed-before", "CODE_USED", seen=[passed], **AT_COMMON_DOOR)
    yield cc1("paid-before-online", "CODE_USED", seen=[paid], offline=False)
    yield cc1("same-screen-pays-after-the-gate", "ACCEPTED", seen=[passed])
    yield cc1("same-screen-opens-after-the-till", "ACCEPTED", seen=[paid], **AT_COMMON_DOOR)
    for name, other in {
        "second": Show(t=3601), "pass": Show(pass_no=2), "issuer": Show(issuer=1),
        "intent": Show(scene=1), "cap-tag": Show(cap_tag=0xA1B2C3D5),
    }.items():  # fmt: skip
        yield cc1(f"paid-before-by-another-{name}", "ACCEPTED", seen=[other.replay_key("P")])


def money_offline() -> Iterator[Case]:
    """Rows 18 and 19 of a purchase."""
    campus_code, high = Show(kind=2, flags=3), Show(cap_class=3, flags=0x23)
    offs: list[tuple[str, str, Show, dict[str, Any]]] = [
        ("deny-list-24-h-old", "ACCEPTED", Show(), {"denyListAge": _DAY}),
        ("deny-list-a-second-older", "OFFLINE_OFF", Show(), {"denyListAge": _DAY + 1}),
        ("store-full", "OFFLINE_OFF", Show(), {"storeFull": True}),
        ("offline-money-off", "OFFLINE_OFF", Show(), {"offlineMoney": False}),
        ("class-0", "OFFLINE_OFF", Show(cap_class=0), {}),
        ("class-0-with-caps", "OFFLINE_OFF", Show(cap_class=0),
         {"caps": [{"capClass": 0, "a": 9, "n": 9, "b": 9}]}),
        ("class-unknown", "OFFLINE_OFF", Show(cap_class=4), {}),
        ("class-not-among-own-caps", "OFFLINE_OFF", Show(),
         {"caps": [{"capClass": 2, "a": 9, "n": 9, "b": 9}]}),
        ("class-none", "OFFLINE_OFF", Show(), {"caps": []}),
        ("class-3-without-high", "OFFLINE_OFF", Show(cap_class=3), {}),
        ("class-3-with-high", "ACCEPTED", high, {}),
        ("own-high-class-without-high", "OFFLINE_OFF", Show(),
         {"caps": [{"capClass": 1, "a": 9, "n": 9, "b": 9, "high": True}]}),
        ("high-pass-of-class-1", "ACCEPTED", Show(flags=0x23), {}),
        ("campus-code-without-withhold", "OFFLINE_OFF", campus_code, {}),
        ("campus-code-with-withhold", "ACCEPTED", campus_code.but(flags=7), {}),
    ]  # fmt: skip
    for name, expected, shown, context in offs:
        yield cc1(name, expected, shown, **context)
        if expected == "OFFLINE_OFF":
            yield cc1(f"{name}-at-a-door", "ACCEPTED", shown, **context, **AT_COMMON_DOOR)
            yield cc1(f"{name}-online", "ACCEPTED", shown, **context, offline=False)
    for name, mask, site, expected in [
        ("first-bit", 0x0001, 0, "ACCEPTED"),
        ("second-bit", 0x0002, 0, "SITE_NOT_ALLOWED"),
        ("second-bit", 0x0002, 1, "ACCEPTED"),
        ("last-bit", 0x8000, 15, "ACCEPTED"),
        ("all-but-last", 0x7FFF, 15, "SITE_NOT_ALLOWED"),
        ("all-bits", 0xFFFF, 16, "SITE_NOT_ALLOWED"),
        ("all-bits", 0xFFFF, 64, "SITE_NOT_ALLOWED"),
        ("no-bit", 0x0000, 0, "SITE_NOT_ALLOWED"),
    ]:
        yield cc1(f"mask-{name}-site-{site}", expected, Show(mask=mask), site=site)
    yield cc1("default-site-is-the-first", "ACCEPTED", Show(mask=1))
    yield cc1("default-site-is-not-the-second", "SITE_NOT_ALLOWED", Show(mask=2))
    yield cc1("site-is-no-matter-online", "ACCEPTED", Show(mask=0), offline=False)
    yield cc1("site-is-no-matter-at-a-door", "ACCEPTED", Show(mask=0), **AT_COMMON_DOOR)


def doors() -> Iterator[Case]:
    """Row 19 of a passage, and row 22."""
    yield cc1("card-at-a-dormitory", "DOOR_NOT_ALLOWED", use="E")
    yield cc1("card-with-a-fitting-pair", "DOOR_NOT_ALLOWED", use="E", doors=[[1, 0], [1, 1]])
    yield cc1("card-at-a-door-online", "ACCEPTED", use="E", offline=False)
    shown = ENTRY_PASS.but(t=0, mask=0x8005)
    places: list[tuple[str, dict[str, Any], str]] = [
        ("no-pair", {}, "DOOR_NOT_ALLOWED"),
        ("common-door-without-pair", {"commonDoor": True}, "DOOR_NOT_ALLOWED"),
        ("profile-and-bit", {"doors": [[7, 2]]}, "ACCEPTED"),
        ("last-bit", {"doors": [[7, 15]]}, "ACCEPTED"),
        ("bit-beyond-the-mask", {"doors": [[7, 16], [7, 32], [7, 64]]}, "DOOR_NOT_ALLOWED"),
        ("profile-of-another", {"doors": [[6, 2]]}, "DOOR_NOT_ALLOWED"),
        ("bit-of-another", {"doors": [[7, 1]]}, "DOOR_NOT_ALLOWED"),
        ("halves-of-two-pairs", {"doors": [[7, 1], [6, 2]]}, "DOOR_NOT_ALLOWED"),
        ("second-pair", {"doors": [[7, 1], [7, 0]]}, "ACCEPTED"),
        ("no-pair-online", {"offline": False}, "ACCEPTED"),
    ]
    for name, context, expected in places:
        yield cc1(f"entry-pass-{name}", expected, shown, now=NOT_BEFORE, use="E", **context)
    yield cc1("passback", "PASSBACK", **AT_COMMON_DOOR, passback=True)
    yield cc1("passback-online", "PASSBACK", use="E", offline=False, passback=True)
    yield cc1("passback-of-an-entry-pass", "PASSBACK", shown, now=NOT_BEFORE, use="E",
              doors=[[7, 0]], passback=True)  # fmt: skip
    yield cc1("passback-is-no-matter-at-a-till", "ACCEPTED", passback=True)


def amounts() -> Iterator[Case]:
    """Rows 20 and 21."""
    asked = Challenge(created_at=SHOWN)
    online: dict[str, Any] = {"offline": False, "challengeAbove": 5000}
    yield cc1("challenge-above-at", "ACCEPTED", amount=5000, **online)
    yield cc1("challenge-above-a-fen-more", "CHALLENGE_REQUIRED", amount=5001, **online)
    yield cc1("challenge-above-bound", "ACCEPTED", bound(asked), amount=5001, **online,
              challenge=asked.text())  # fmt: skip
    yield cc1("challenge-above-beside-one", "CHALLENGE_REQUIRED", amount=5001, **online,
              challenge=asked.text())  # fmt: skip
    yield cc1("challenge-above-never", "ACCEPTED", amount=999_999, offline=False)
    yield cc1("challenge-above-0-of-0", "ACCEPTED", challengeAbove=0)
    yield cc1("challenge-above-0-of-1", "CHALLENGE_REQUIRED", amount=1, challengeAbove=0)
    yield cc1("challenge-above-at-a-door", "ACCEPTED", amount=1, challengeAbove=0, **AT_COMMON_DOOR)
    yield cc1("challenge-is-asked-before-the-cap", "CHALLENGE_REQUIRED", amount=2001,
              challengeAbove=2000)  # fmt: skip
    high = Show(cap_class=3, flags=0x23)
    for name, shown, a, n, b in [
        ("1", Show(), 2000, 3, 5000), ("2", Show(cap_class=2), 1000, 2, 2000),
        ("3", high, 5000, 4, 10_000),
    ]:  # fmt: skip

        def spent(count: int, total: int, **changes: Any) -> list[dict[str, Any]]:
            return [{"issuer": 0, "capTag": "a1b2c3d4", "count": count, "sum": total} | changes]

        yield cc1(f"class-{name}-amount-at", "ACCEPTED", shown, amount=a)
        yield cc1(f"class-{name}-amount-above", "CAP_AMOUNT", shown, amount=a + 1)
        yield cc1(f"class-{name}-count-at", "ACCEPTED", shown, amount=1, spent=spent(n - 1, 1))
        yield cc1(f"class-{name}-count-above", "CAP_COUNT", shown, amount=1, spent=spent(n, 1))
        yield cc1(f"class-{name}-total-at", "ACCEPTED", shown, amount=1, spent=spent(1, b - 1))
        yield cc1(f"class-{name}-total-above", "CAP_TOTAL", shown, amount=2, spent=spent(1, b - 1))
        refreshed = shown.but(pass_no=2)
        yield cc1(f"class-{name}-refreshed-pass-keeps-the-total", "CAP_TOTAL", refreshed,
                  amount=2, spent=spent(1, b - 1))  # fmt: skip
        yield cc1(f"class-{name}-refreshed-pass-keeps-the-count", "CAP_COUNT", refreshed,
                  amount=1, spent=spent(n, 1))  # fmt: skip
        next_slot = shown.but(cap_tag=0xA1B2C3D6, not_before=NOT_BEFORE + _DAY, t=0)
        yield cc1(f"class-{name}-next-slot-starts-anew", "ACCEPTED", next_slot, amount=a,
                  now=NOT_BEFORE + _DAY, spent=spent(n, b))  # fmt: skip
        yield cc1(f"class-{name}-tag-of-another-issuer", "ACCEPTED", shown, amount=a,
                  spent=spent(n, b, issuer=1))  # fmt: skip
        yield cc1(f"class-{name}-caps-are-no-matter-online", "ACCEPTED", shown, amount=b + 1,
                  spent=spent(n, b), offline=False)  # fmt: skip
        yield cc1(f"class-{name}-amount-before-count-before-total", "CAP_AMOUNT", shown,
                  amount=a + 1, spent=spent(n, b))  # fmt: skip
        yield cc1(f"class-{name}-count-before-total", "CAP_COUNT", shown,
                  amount=a, spent=spent(n, b))  # fmt: skip
    own = [{"capClass": 9, "a": 700, "n": 1, "b": 700}]
    yield cc1("own-caps-at", "ACCEPTED", Show(cap_class=9), amount=700, caps=own)
    yield cc1("own-caps-above", "CAP_AMOUNT", Show(cap_class=9), amount=701, caps=own)
    yield cc1("the-last-line-of-spent-counts", "CAP_COUNT", amount=1, spent=[
        {"issuer": 7, "capTag": "a1b2c3d4", "count": 0, "sum": 0},
        {"issuer": 0, "capTag": "a1b2c3d5", "count": 0, "sum": 0},
        {"issuer": 0, "capTag": "a1b2c3d4", "count": 3, "sum": 3},
    ])  # fmt: skip


def cases() -> Iterator[Case]:
    """Rows 9 to 22."""
    yield from clocks()
    yield from windows()
    yield from ends_of_time()
    yield from permissions()
    yield from money_offline()
    yield from doors()
    yield from amounts()
