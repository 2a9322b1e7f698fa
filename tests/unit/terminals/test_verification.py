"""CC1 verification: every row of codes.md 7 at both its edges."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from terminals import base45, cc1, ccq
from terminals.cc1 import Flags, Intent, Kind
from terminals.codes import CodeRefusal, Use
from terminals.keys import KeyRing, KeyUse
from terminals.verification import (
    OfflineAuthority,
    Refused,
    VerificationContext,
    Verified,
    verify,
)
from tests.unit.terminals import samples
from tests.unit.terminals.samples import NOT_BEFORE, SHOWN
from tests.unit.terminals.verdicts import (
    DOOR,
    ENTRY_PASS,
    OFFLINE,
    ONLINE,
    bound,
    challenge,
    issued,
    offline,
    refusal,
    shown,
)


@pytest.mark.parametrize("context", [ONLINE, OFFLINE, DOOR])
def test_an_accepted_code_comes_with_its_replay_key(context: VerificationContext) -> None:
    verdict = verify(samples.VECTOR_1, context)
    assert isinstance(verdict, Verified)
    assert verdict.replay_key == verdict.presentation.replay_key(context.use)
    assert verdict.presentation.serial.hex() == "a1b2c3d40001"


def test_vectors_3_and_5_are_accepted_in_their_places() -> None:
    asked = ccq.read(samples.VECTOR_2)
    assert isinstance(asked, ccq.SignedChallenge)
    at_till = replace(OFFLINE, challenge=asked, challenge_above_minor=0)
    assert refusal(samples.VECTOR_3, at_till) == "ACCEPTED"
    at_door = offline(Use.ENTRY, doors=((6, 0), (7, 2)))
    assert refusal(samples.VECTOR_5, at_door) == "ACCEPTED"


def test_every_single_bit_flip_of_vector_1_is_refused_by_the_expected_row() -> None:
    raw = base45.decode(samples.VECTOR_1[4:])
    flipped = Counter(
        refusal("CC1:" + base45.encode((number ^ 1 << bit).to_bytes(183)), ONLINE)
        for number in [int.from_bytes(raw)]
        for bit in range(1464)
    )
    assert flipped == {
        "MALFORMED": 11,
        "VERSION": 4,
        "ISSUER_NOT_ACCEPTED": 16,
        "KEY_UNKNOWN": 18,
        "ISSUER_SIGNATURE": 876,
        "CHALLENGE_UNEXPECTED": 1,
        "DEVICE_SIGNATURE": 538,
    }


@pytest.mark.parametrize("context", [ONLINE, OFFLINE])
def test_vector_1_is_accepted_from_15_seconds_before_to_60_after(
    context: VerificationContext,
) -> None:
    accepted = [
        offset
        for offset in range(-120, 180)
        if refusal(samples.VECTOR_1, replace(context, now=SHOWN + offset)) == "ACCEPTED"
    ]
    assert accepted == list(range(-15, 61))


class TestFormat:
    """Rows 1 to 3."""

    @pytest.mark.parametrize("text", ["", samples.VECTOR_2, samples.VECTOR_1 + "\n"])
    def test_what_is_no_code_is_refused(self, text: str) -> None:
        assert verify(text, ONLINE) == Refused(CodeRefusal.FORMAT)

    @pytest.mark.parametrize(
        ("place", "value", "expected"),
        [
            (0, 0x21, "VERSION"),
            (0, 0x01, "VERSION"),
            (0, 0x10, "MALFORMED"),
            (0, 0x15, "MALFORMED"),
            (0, 0x13, "MALFORMED"),  # kind 3 with PAY
            (0, 0x14, "ISSUER_SIGNATURE"),
            (14, 0, "MALFORMED"),
            (14, 1, "ISSUER_SIGNATURE"),
            (16, 0x43, "MALFORMED"),
            (16, 0x83, "MALFORMED"),
            (118, 0x10, "MALFORMED"),
            (118, 0x20, "MALFORMED"),
            (118, 0x40, "MALFORMED"),
            (118, 0x03, "MALFORMED"),
            (118, 0x0F, "MALFORMED"),
            (118, 0x02, "DEVICE_SIGNATURE"),
        ],
    )
    def test_reserved_values_are_refused(self, place: int, value: int, expected: str) -> None:
        raw = bytearray(base45.decode(samples.VECTOR_1[4:]))
        raw[place] = value
        assert refusal("CC1:" + base45.encode(bytes(raw)), ONLINE) == expected


class TestAuthenticity:
    """Rows 4 to 8."""

    def test_the_issuer_must_be_ours_or_federated(self) -> None:
        assert refusal(samples.VECTOR_1, replace(ONLINE, issuers={1})) == "ISSUER_NOT_ACCEPTED"
        assert refusal(samples.VECTOR_1, replace(ONLINE, issuers={1, 0})) == "ACCEPTED"

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"kid": 2}, "KEY_UNKNOWN"),
            ({"issuer": 1}, "KEY_UNKNOWN"),
            ({"use": KeyUse.ANSWER}, "KEY_UNKNOWN"),
            ({"sign_from": NOT_BEFORE}, "ACCEPTED"),
            ({"sign_from": NOT_BEFORE + 1}, "KEY_UNKNOWN"),
            ({"sign_until": NOT_BEFORE}, "ACCEPTED"),
            ({"sign_until": NOT_BEFORE - 1}, "KEY_UNKNOWN"),
            ({"drop_after": SHOWN}, "ACCEPTED"),
            ({"drop_after": SHOWN - 1}, "KEY_UNKNOWN"),
            ({"public_key": samples.public(samples.ANSWER_SEED)}, "ISSUER_SIGNATURE"),
        ],
    )
    def test_the_pass_key_must_have_been_good(self, changes: dict[str, Any], expected: str) -> None:
        keys = KeyRing([replace(samples.PASS_KEY, **changes)])
        assert refusal(samples.VECTOR_1, replace(ONLINE, keys=keys)) == expected

    def test_drop_after_needs_a_trusted_clock(self) -> None:
        keys = KeyRing([replace(samples.PASS_KEY, drop_after=0)])
        lost = replace(offline(clock_is_trusted=False), keys=keys)
        assert refusal(samples.VECTOR_1, lost) == "CLOCK_UNTRUSTED"

    def test_a_remembered_pass_still_needs_its_key(self) -> None:
        assert refusal(samples.VECTOR_1, ONLINE) == "ACCEPTED"
        assert refusal(samples.VECTOR_1, replace(ONLINE, keys=KeyRing([]))) == "KEY_UNKNOWN"

    def test_a_bound_code_needs_its_own_challenge(self) -> None:
        asked, other = challenge(), challenge(created_at=SHOWN - 1)
        assert refusal(bound(asked), ONLINE) == "CHALLENGE_UNEXPECTED"
        assert refusal(bound(asked), replace(ONLINE, challenge=asked)) == "ACCEPTED"
        assert refusal(bound(asked), replace(ONLINE, challenge=other)) == "DEVICE_SIGNATURE"

    def test_an_unbound_code_ignores_the_challenge(self) -> None:
        assert refusal(samples.VECTOR_1, replace(ONLINE, challenge=challenge())) == "ACCEPTED"

    @pytest.mark.parametrize(
        ("age", "expected"),
        [
            (-16, "CHALLENGE_UNEXPECTED"),
            (-15, "ACCEPTED"),
            (135, "ACCEPTED"),
            (136, "CHALLENGE_UNEXPECTED"),
        ],
    )
    def test_a_challenge_is_outstanding_for_its_life_and_skew(
        self, age: int, expected: str
    ) -> None:
        asked = challenge(created_at=SHOWN - age)
        assert refusal(bound(asked), replace(ONLINE, challenge=asked)) == expected

    def test_a_challenge_to_pay_opens_no_door(self) -> None:
        pay, entry = challenge(), challenge(ccq.Purpose.ENTRY)
        assert refusal(bound(pay), replace(DOOR, challenge=pay)) == "CHALLENGE_UNEXPECTED"
        assert refusal(bound(entry), replace(ONLINE, challenge=entry)) == "CHALLENGE_UNEXPECTED"
        assert refusal(bound(entry), replace(DOOR, challenge=entry)) == "ACCEPTED"

    def test_a_device_key_of_small_order_signs_nothing(self) -> None:
        signed_pass = issued(device_key=(1).to_bytes(32, "little"))
        text = cc1.show(signed_pass, 3600, Intent.ANY, lambda _: b"\1" + bytes(63))
        assert refusal(text, ONLINE) == "DEVICE_SIGNATURE"


class TestTimeliness:
    """Rows 9 to 13."""

    def test_a_lost_clock_takes_no_money(self) -> None:
        lost = offline(clock_is_trusted=False, opens_on_lost_clock=True)
        assert refusal(samples.VECTOR_1, lost) == "CLOCK_UNTRUSTED"

    @pytest.mark.parametrize("now", [0, NOT_BEFORE - 16, NOT_BEFORE + 999_999_999])
    def test_only_a_life_safety_door_opens_on_a_lost_clock(self, now: int) -> None:
        door = {"clock_is_trusted": False, "is_common_door": True}
        shut = replace(offline(Use.ENTRY, **door), now=now)
        opens = replace(offline(Use.ENTRY, **door, opens_on_lost_clock=True), now=now)
        assert refusal(samples.VECTOR_1, shut) == "CLOCK_UNTRUSTED"
        assert refusal(samples.VECTOR_1, opens) == "ACCEPTED"

    @pytest.mark.parametrize(
        ("t", "now", "expected"),
        [
            (0, NOT_BEFORE - 16, "PASS_NOT_YET_VALID"),
            (0, NOT_BEFORE - 15, "ACCEPTED"),
            (900, NOT_BEFORE + 915, "ACCEPTED"),
            (900, NOT_BEFORE + 916, "PASS_EXPIRED"),
            (901, NOT_BEFORE + 901, "PASS_EXPIRED"),
            (100, NOT_BEFORE + 84, "CODE_FROM_FUTURE"),
            (100, NOT_BEFORE + 85, "ACCEPTED"),
            (100, NOT_BEFORE + 160, "ACCEPTED"),
            (100, NOT_BEFORE + 161, "CODE_EXPIRED"),
        ],
    )
    def test_each_window_ends_to_the_second(self, t: int, now: int, expected: str) -> None:
        assert refusal(shown(t, ttl=1), replace(ONLINE, now=now)) == expected

    def test_the_end_of_an_entry_pass_counts_hours(self) -> None:
        def at(t: int) -> str:
            text = cc1.show(ENTRY_PASS, t, Intent.ANY, samples.sign_device)
            return refusal(text, replace(DOOR, now=NOT_BEFORE + t))

        assert [at(3600), at(3601)] == ["ACCEPTED", "PASS_EXPIRED"]

    def test_signed_parameters_set_the_windows(self) -> None:
        context = replace(ONLINE, skew_seconds=5, life_seconds=10)
        verdicts = [
            refusal(samples.VECTOR_1, replace(context, now=SHOWN + offset))
            for offset in (-6, -5, 15, 16)
        ]
        assert verdicts == ["CODE_FROM_FUTURE", "ACCEPTED", "ACCEPTED", "CODE_EXPIRED"]


class TestPermission:
    """Rows 14 to 17."""

    SERIAL = bytes.fromhex("a1b2c3d40001")

    def test_a_denied_serial_is_revoked(self) -> None:
        assert refusal(samples.VECTOR_1, replace(ONLINE, denied={self.SERIAL})) == "REVOKED"
        other = self.SERIAL[:5] + b"\x02"
        assert refusal(samples.VECTOR_1, replace(ONLINE, denied={other})) == "ACCEPTED"

    @pytest.mark.parametrize(("use", "accepted"), [(Use.PAY, {1, 2, 4}), (Use.ENTRY, {1, 2, 3, 4})])
    def test_the_kinds_of_each_use(self, use: Use, accepted: set[int]) -> None:
        def at(kind: Kind) -> str:
            flags = Flags.ENTRY if kind is Kind.ENTRY else Flags.PAY | Flags.ENTRY
            return refusal(shown(kind=kind, flags=flags), replace(ONLINE, use=use))

        verdicts = {int(kind): at(kind) for kind in Kind}
        assert {kind for kind, verdict in verdicts.items() if verdict == "ACCEPTED"} == accepted
        assert set(verdicts.values()) <= {"ACCEPTED", "KIND_NOT_ACCEPTED"}

    def test_a_terminal_may_accept_fewer_kinds(self) -> None:
        narrow = replace(ONLINE, pay_kinds=(2,))
        assert refusal(samples.VECTOR_1, narrow) == "KIND_NOT_ACCEPTED"
        narrow = replace(DOOR, entry_kinds=(3,))
        assert refusal(samples.VECTOR_1, narrow) == "KIND_NOT_ACCEPTED"

    @pytest.mark.parametrize(
        ("flags", "intent", "use", "expected"),
        [
            (Flags.PAY, Intent.ANY, Use.PAY, "ACCEPTED"),
            (Flags.PAY, Intent.ANY, Use.ENTRY, "USE_NOT_ALLOWED"),
            (Flags.ENTRY, Intent.ANY, Use.PAY, "USE_NOT_ALLOWED"),
            (Flags.ENTRY, Intent.ANY, Use.ENTRY, "ACCEPTED"),
            (Flags.PAY | Flags.ENTRY, Intent.PAY, Use.ENTRY, "USE_NOT_ALLOWED"),
            (Flags.PAY | Flags.ENTRY, Intent.ENTRY, Use.PAY, "USE_NOT_ALLOWED"),
        ],
    )
    def test_flag_and_intent_must_allow_the_use(
        self, flags: int, intent: Intent, use: Use, expected: str
    ) -> None:
        text = shown(intent=intent, flags=flags)
        assert refusal(text, replace(ONLINE, use=use)) == expected

    def test_one_screen_opens_a_gate_and_pays_once(self) -> None:
        paid = verify(samples.VECTOR_1, ONLINE)
        assert isinstance(paid, Verified)
        seen = {paid.replay_key}
        assert refusal(samples.VECTOR_1, replace(ONLINE, seen=seen)) == "CODE_USED"
        assert refusal(samples.VECTOR_1, replace(DOOR, seen=seen)) == "ACCEPTED"

    def test_a_late_refusal_names_the_pass_so_that_rows_may_outrank_it(self) -> None:
        late = verify(samples.VECTOR_1, replace(ONLINE, pay_kinds=()))
        early = verify(samples.VECTOR_1, replace(ONLINE, now=SHOWN + 61))
        assert isinstance(late, Refused)
        assert late.presentation == cc1.read(samples.VECTOR_1)
        assert early == Refused(CodeRefusal.CODE_EXPIRED)


def test_the_first_failing_row_answers() -> None:
    """Rows 4 to 21 are wrong; put right row by row, each answers in its turn."""
    asked = challenge()
    text = bound(asked)
    context = VerificationContext(
        now=SHOWN + 61,
        use=Use.PAY,
        issuers=(),
        keys=KeyRing([]),
        amount_minor=2001,
        challenge=None,
        denied={bytes.fromhex("a1b2c3d40001")},
        pay_kinds=(),
        seen={bytes.fromhex("020000a1b2c3d40001000e108050")},
        offline=OfflineAuthority(clock_is_trusted=False, money_is_on=False, site=9),
    )
    repairs: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("ISSUER_NOT_ACCEPTED", {"issuers": {0}}, {}),
        ("KEY_UNKNOWN", {"keys": samples.KEYS}, {}),
        ("CHALLENGE_UNEXPECTED", {"challenge": challenge(created_at=SHOWN + 1)}, {}),
        ("DEVICE_SIGNATURE", {"challenge": asked}, {}),
        ("CLOCK_UNTRUSTED", {}, {"clock_is_trusted": True}),
        ("CODE_EXPIRED", {"now": SHOWN + 60}, {}),
        ("REVOKED", {"denied": ()}, {}),
        ("KIND_NOT_ACCEPTED", {"pay_kinds": (1,)}, {}),
        ("CODE_USED", {"seen": ()}, {}),
        ("OFFLINE_OFF", {}, {"money_is_on": True}),
        ("SITE_NOT_ALLOWED", {}, {"site": 0}),
        ("CAP_AMOUNT", {"amount_minor": 2000}, {}),
    ]
    for expected, repair, offline_repair in repairs:
        assert refusal(text, context) == expected
        assert context.offline is not None
        context = replace(context, offline=replace(context.offline, **offline_repair), **repair)
    assert refusal(text, context) == "ACCEPTED"
