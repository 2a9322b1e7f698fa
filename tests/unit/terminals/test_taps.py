"""Physical cards alone: what a tap says, and which row refuses it first."""

from dataclasses import replace
from typing import Any

import pytest

from terminals import taps
from terminals.codes import CodeRefusal
from terminals.taps import Tap, refusal_of
from terminals.verification import CapClass, OfflineAuthority, Spent

UID = bytes.fromhex("04a1b2c3")
CAP = CapClass(1_000, 2, 1_500)
OPEN = OfflineAuthority()


@pytest.mark.parametrize(("text", "tap"), [
    ("CARD:04a1b2c3", Tap(UID)), ("CARD:04A1B2C3:17", Tap(UID, 17)),
    ("CARD:04A1B2C3:17:ff00", Tap(UID, 17, b"\xff\0")),
    ("CARD:" + "00" * 10, Tap(bytes(10))),
    ("CARD:04A1B2", None), ("CARD:04A1B2C3D", None), ("CARD:" + "00" * 11, None),
    ("CARD:04A1B2C3:17:f", None), ("CARD:", None), ("CC1:04A1B2C3", None), ("9" * 20, None),
])  # fmt: skip
def test_tap_is_read_by_its_number_counter_and_mac(text: str, tap: Tap | None) -> None:
    assert taps.read(text) == tap
    assert tap is None or tap.name == tap.uid.hex().upper()


@pytest.mark.parametrize(("refusal", "changes"), [
    (None, {}),
    ("CAP_TOTAL", {"spent": Spent(1, 501)}),
    (None, {"spent": Spent(1, 500)}),
    ("CAP_COUNT", {"spent": Spent(2, 0)}),
    ("CAP_AMOUNT", {"amount_minor": 1_001, "spent": Spent(2, 0)}),
    ("OFFLINE_OFF", {"cap": None, "amount_minor": 1_001}),
    ("OFFLINE_OFF", {"authority": replace(OPEN, deny_list_age_seconds=86_401)}),
    ("OFFLINE_OFF", {"authority": replace(OPEN, money_is_on=False)}),
    ("OFFLINE_OFF", {"authority": replace(OPEN, store_is_full=True)}),
    ("REVOKED", {"is_denied": True, "cap": None}),
    ("CLOCK_UNTRUSTED", {"authority": replace(OPEN, clock_is_trusted=False), "is_denied": True}),
])  # fmt: skip
def test_first_row_that_fails_refuses_a_tap(refusal: str | None, changes: dict[str, Any]) -> None:
    given: dict[str, Any] = {
        "is_denied": False, "cap": CAP, "spent": Spent(), "authority": OPEN, "amount_minor": 1_000,
    } | changes  # fmt: skip
    amount = given.pop("amount_minor")
    found = refusal_of(amount, **given)
    assert found == (None if refusal is None else CodeRefusal(refusal))


def test_chip_that_proves_nothing_is_taken_at_its_word() -> None:
    assert taps.identifier_only(Tap(UID))
