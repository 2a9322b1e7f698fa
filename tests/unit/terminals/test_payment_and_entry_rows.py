"""The rows of codes.md 7 that a payment or a passage adds, online and offline, at both edges."""

from dataclasses import replace
from typing import Any

import pytest

from terminals import cc1
from terminals.cc1 import Flags, Intent, Kind
from terminals.codes import Use
from terminals.verification import Spent, VerificationContext
from tests.unit.terminals import samples
from tests.unit.terminals.verdicts import (
    ALONE,
    DOOR,
    ENTRY_PASS,
    OFFLINE,
    ONLINE,
    bound,
    challenge,
    offline,
    refusal,
    shown,
)


class TestPayment:
    """Rows 18 to 21."""

    @pytest.mark.parametrize(
        ("authority", "expected"),
        [
            ({"deny_list_age_seconds": 86_400}, "ACCEPTED"),
            ({"deny_list_age_seconds": 86_401}, "OFFLINE_OFF"),
            ({"store_is_full": True}, "OFFLINE_OFF"),
            ({"money_is_on": False}, "OFFLINE_OFF"),
            ({"caps": {}}, "OFFLINE_OFF"),
            ({"site": 1}, "ACCEPTED"),
            ({"site": 2}, "SITE_NOT_ALLOWED"),
        ],
    )
    def test_offline_money_needs_fresh_lists_room_and_a_site(
        self, authority: dict[str, Any], expected: str
    ) -> None:
        assert refusal(samples.VECTOR_1, offline(**authority)) == expected

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"cap_class": 0}, "OFFLINE_OFF"),
            ({"cap_class": 4}, "OFFLINE_OFF"),
            ({"cap_class": 3}, "OFFLINE_OFF"),
            ({"cap_class": 3, "flags": Flags.PAY | Flags.HIGH}, "ACCEPTED"),
            ({"kind": Kind.CAMPUS_CODE}, "OFFLINE_OFF"),
            ({"kind": Kind.CAMPUS_CODE, "flags": Flags.PAY | Flags.WITHHOLD}, "ACCEPTED"),
            ({"mask": 2}, "SITE_NOT_ALLOWED"),
        ],
    )
    def test_offline_money_needs_a_class_and_its_flags(
        self, changes: dict[str, Any], expected: str
    ) -> None:
        assert refusal(shown(**changes), replace(OFFLINE, amount_minor=1000)) == expected
        assert refusal(shown(**changes), ONLINE) == "ACCEPTED"

    def test_class_zero_is_off_whatever_the_table_says(self) -> None:
        caps = {0: ALONE.caps[1]}
        assert refusal(shown(cap_class=0), offline(caps=caps)) == "OFFLINE_OFF"

    @pytest.mark.parametrize("context", [ONLINE, OFFLINE])
    def test_an_amount_above_the_threshold_needs_a_bound_code(
        self, context: VerificationContext
    ) -> None:
        asked = challenge()
        at = replace(context, challenge=asked, challenge_above_minor=1250)
        above = replace(at, challenge_above_minor=1249)
        assert refusal(samples.VECTOR_1, at) == "ACCEPTED"
        assert refusal(samples.VECTOR_1, above) == "CHALLENGE_REQUIRED"
        assert refusal(bound(asked), above) == "ACCEPTED"

    @pytest.mark.parametrize(
        ("amount", "spent", "expected"),
        [
            (2000, Spent(), "ACCEPTED"),
            (2001, Spent(), "CAP_AMOUNT"),
            (1, Spent(2, 2000), "ACCEPTED"),
            (1, Spent(3, 3), "CAP_COUNT"),
            (2000, Spent(2, 3000), "ACCEPTED"),
            (2000, Spent(2, 3001), "CAP_TOTAL"),
        ],
    )
    def test_caps_are_kept_to_the_fen(self, amount: int, spent: Spent, expected: str) -> None:
        context = replace(offline(spent={(0, 0xA1B2C3D4): spent}), amount_minor=amount)
        assert refusal(samples.VECTOR_1, context) == expected
        assert refusal(samples.VECTOR_1, replace(context, offline=None)) == "ACCEPTED"

    def test_passes_of_one_cap_tag_share_their_caps(self) -> None:
        context = offline(spent={(0, 0xA1B2C3D4): Spent(3, 3000)})
        assert refusal(shown(pass_no=2), context) == "CAP_COUNT"
        assert refusal(shown(cap_tag=0xA1B2C3D5), context) == "ACCEPTED"


class TestEntry:
    """Rows 19 and 22."""

    @pytest.mark.parametrize("kind", [Kind.VIRTUAL_CARD, Kind.CAMPUS_CODE, Kind.DELEGATE])
    def test_cards_open_common_doors_only(self, kind: Kind) -> None:
        common = offline(Use.ENTRY, is_common_door=True)
        dormitory = offline(Use.ENTRY, doors=((1, 0),))
        assert refusal(shown(kind=kind), common) == "ACCEPTED"
        assert refusal(shown(kind=kind), dormitory) == "DOOR_NOT_ALLOWED"

    @pytest.mark.parametrize(
        ("doors", "expected"),
        [
            (((7, 0),), "ACCEPTED"),
            (((7, 2),), "ACCEPTED"),
            (((7, 1), (7, 2)), "ACCEPTED"),
            (((7, 1),), "DOOR_NOT_ALLOWED"),
            (((6, 0), (8, 2)), "DOOR_NOT_ALLOWED"),
            ((), "DOOR_NOT_ALLOWED"),
        ],
    )
    def test_an_entry_pass_opens_doors_of_its_profile_and_groups(
        self, doors: tuple[tuple[int, int], ...], expected: str
    ) -> None:
        text = cc1.show(ENTRY_PASS, 3600, Intent.ANY, samples.sign_device)
        door = offline(Use.ENTRY, doors=doors, is_common_door=True)
        assert refusal(text, door) == expected
        assert refusal(text, DOOR) == "ACCEPTED"

    def test_passback_refuses_last(self) -> None:
        door = offline(Use.ENTRY, is_common_door=True)
        assert refusal(samples.VECTOR_1, replace(door, passback_refuses=True)) == "PASSBACK"
        assert refusal(samples.VECTOR_1, replace(ONLINE, passback_refuses=True)) == "ACCEPTED"


def test_offline_money_rules_do_not_stop_a_passage() -> None:
    door = offline(Use.ENTRY, is_common_door=True, money_is_on=False, site=9)
    assert refusal(samples.VECTOR_1, replace(door, amount_minor=999_999)) == "ACCEPTED"
