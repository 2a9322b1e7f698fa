"""CC1: codes of which every remaining row of codes.md 7 is wrong, put right row by row."""

from collections.abc import Iterator
from typing import Any

from tests.vectors.case import Case
from tests.vectors.cc1_case import PASS_KEY, cc1
from tests.vectors.forms import NOT_BEFORE, OTHER_SEED, SHOWN, Show

_CODE: dict[str, Any] = {
    "version": 2, "flags": 0x40, "pass_seed": OTHER_SEED, "scene": 0x80, "device_seed": OTHER_SEED,
    "device_key": Show().raw()[19:51], "t": 90_000, "kind": 1, "cap_class": 1,
}  # fmt: skip
_WRONG: dict[str, Any] = {
    "now": NOT_BEFORE - 16, "issuers": [], "keys": [PASS_KEY | {"use": "ANSWER"}],
    "clockTrusted": False, "deny": ["a1b2c3d40001"],
}  # fmt: skip
_TO_ROW_13: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("VERSION", {"version": 1}, {}),
    ("MALFORMED", {"flags": 0}, {}),
    ("ISSUER_NOT_ACCEPTED", {}, {"issuers": [0]}),
    ("KEY_UNKNOWN", {}, {"keys": [PASS_KEY]}),
    ("ISSUER_SIGNATURE", {"pass_seed": Show().pass_seed}, {}),
    ("CHALLENGE_UNEXPECTED", {"scene": 0}, {}),
    ("DEVICE_SIGNATURE", {"device_seed": Show().device_seed}, {}),
    ("CLOCK_UNTRUSTED", {}, {"clockTrusted": True}),
    ("PASS_NOT_YET_VALID", {}, {"now": NOT_BEFORE}),
    ("PASS_EXPIRED", {"t": 3600}, {}),
    ("CODE_FROM_FUTURE", {}, {"now": SHOWN + 61}),
    ("CODE_EXPIRED", {}, {"now": SHOWN + 60}),
    ("REVOKED", {}, {"deny": []}),
]
"""What the row answers, then what puts it right in the code and in the context."""

_PAY: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("KIND_NOT_ACCEPTED", {}, {"payKinds": [1]}),
    ("USE_NOT_ALLOWED", {"flags": 1}, {}),
    ("CODE_USED", {}, {"seen": []}),
    ("OFFLINE_OFF", {}, {"offlineMoney": True}),
    ("SITE_NOT_ALLOWED", {}, {"site": 1}),
    ("CHALLENGE_REQUIRED", {}, {"challengeAbove": None}),
    ("CAP_AMOUNT", {}, {"amount": 2000}),
    ("CAP_COUNT", {}, {"spent": [{"issuer": 0, "capTag": "a1b2c3d4", "count": 0, "sum": 3001}]}),
    ("CAP_TOTAL", {}, {"spent": []}),
    ("ACCEPTED", {}, {}),
]
_PAY_CONTEXT: dict[str, Any] = {
    "payKinds": [], "offlineMoney": False, "site": 9, "challengeAbove": 2000, "amount": 2001,
    "seen": [Show().replay_key("P")],
    "spent": [{"issuer": 0, "capTag": "a1b2c3d4", "count": 3, "sum": 4000}],
}  # fmt: skip

_ENTRY: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("KIND_NOT_ACCEPTED", {}, {"entryKinds": [1]}),
    ("USE_NOT_ALLOWED", {"flags": 2}, {}),
    ("CODE_USED", {}, {"seen": []}),
    ("DOOR_NOT_ALLOWED", {}, {"commonDoor": True}),
    ("PASSBACK", {}, {"passback": False}),
    ("ACCEPTED", {}, {}),
]
_ENTRY_CONTEXT: dict[str, Any] = {
    "use": "E", "entryKinds": [], "passback": True, "seen": [Show().replay_key("E")],
}  # fmt: skip


def _ladder(
    name: str, context: dict[str, Any], rungs: list[tuple[str, dict[str, Any], dict[str, Any]]]
) -> Iterator[Case]:
    wrong, around = dict(_CODE), _WRONG | context
    yield cc1(f"order-{name}-FORMAT", "FORMAT", Show(**wrong).text()[:-1], **around)
    for expected, repair, repaired in _TO_ROW_13 + rungs:
        yield cc1(f"order-{name}-{expected}", expected, Show(**wrong), **around)
        wrong |= repair
        around |= repaired


def cases() -> Iterator[Case]:
    """The ladder of a till and the ladder of a door."""
    yield from _ladder("pay", _PAY_CONTEXT, _PAY)
    yield from _ladder("entry", _ENTRY_CONTEXT, _ENTRY)
