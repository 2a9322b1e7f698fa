"""Doors: what is decided before the core is asked, what it is asked, and who learns what."""

from dataclasses import replace
from datetime import time
from typing import Any

import pytest

from core.entry.records import EntryAnswer, EntryOutcome, EntryRequest, Groups
from terminals import ccr, token
from terminals.cc1 import Flags, Intent, Kind
from terminals.ccq import Purpose
from terminals.ccr import Outcome, Outstanding
from terminals.codes import CodeRefusal, Use
from terminals.instruments import Declined, Scan, read
from terminals.message import RequestKey
from terminals.passages import Entered, EntryMessage
from terminals.scenes import HolderView, Scene
from tests.unit.terminals import samples
from tests.unit.terminals.gatehouse import (
    ASKED,
    GATE,
    SERIAL,
    TAP,
    Gatehouse,
    entry_challenge,
    make_entries,
    owner_without,
)
from tests.unit.terminals.samples import SHOWN
from tests.unit.terminals.tills import OWNER
from tests.unit.terminals.verdicts import bound, challenge, shown

NOBODY = HolderView(None, None, None, None, shows_balance=False)


async def enter(core: Gatehouse, message: EntryMessage, now: int = SHOWN) -> Entered:
    return await make_entries(core, now).authorise(GATE, message)


async def code(core: Gatehouse, message: EntryMessage, now: int = SHOWN) -> tuple[str, str | None]:
    answer = (await enter(core, message, now)).answer
    assert (answer.outcome is EntryOutcome.GRANTED) == (answer.response_code == "00")
    return answer.response_code, answer.reason


def asked_of(core: Gatehouse) -> EntryRequest:
    assert isinstance(core.asked[-1], EntryRequest)
    return core.asked[-1]


async def test_good_code_is_put_to_the_core_with_its_entry_key() -> None:
    core = Gatehouse()
    assert await code(core, replace(ASKED, presented=samples.VECTOR_1 + "\r\n")) == ("00", None)
    request = asked_of(core)
    assert request.passer.replay_key == (
        b"\x02" + bytes(2) + SERIAL + bytes.fromhex("000e1000") + b"E"
    )
    assert (request.passer.serial, request.passer.device_id) == (SERIAL, OWNER.device_id)
    assert (request.passer.groups, request.available_minor) == (None, None)
    assert (request.key, request.content_hash) == ((42, 12, 345), ASKED.content_hash())
    assert request.local_time == time(17)  # 09:00 UTC in Shanghai


async def test_tapped_card_spends_no_code() -> None:
    core = Gatehouse()
    assert await code(core, TAP) == ("00", None)
    assert asked_of(core).passer.replay_key is None
    assert asked_of(core).passer.instrument == "CARD"
    assert await code(core, replace(ASKED, presented="CARD:99")) == ("14", "CARD_UNKNOWN")


async def test_entry_pass_brings_its_groups() -> None:
    core = Gatehouse()
    core.owned(bytes.fromhex("a1b2c3d50001"))
    assert await code(core, replace(ASKED, presented=samples.VECTOR_5)) == ("00", None)
    assert asked_of(core).passer.groups == Groups(7, 5)


async def test_signed_answer_is_what_every_terminal_verifies() -> None:
    for core, outcome in (
        (Gatehouse(), Outcome.APPROVED),
        (Gatehouse(code="E1"), Outcome.DECLINED),
    ):
        answer = (await enter(core, ASKED)).answer
        assert answer.signed_answer is not None
        waiting = Outstanding(0, RequestKey(42, 12, 345), 0, SHOWN, 120)
        verified = ccr.verify(answer.signed_answer, keys=samples.KEYS, outstanding=waiting)
        assert isinstance(verified, ccr.Answer)
        assert (verified.outcome, verified.minor_amount) == (outcome, 0)
        assert verified.retrieval_reference == ccr.NO_REFERENCE
        money = replace(waiting, minor_amount=1250)
        if outcome is Outcome.APPROVED:
            paid = ccr.verify(answer.signed_answer, keys=samples.KEYS, outstanding=money)
            assert paid is CodeRefusal.AMOUNT_MISMATCH


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nonsense", ("C2", "FORMAT")),
        ("62" + "0" * 17, ("40", "NOT_SUPPORTED")),
        (shown(flags=Flags.PAY), ("E0", "USE_NOT_ALLOWED")),
        (shown(intent=Intent.PAY), ("E0", "USE_NOT_ALLOWED")),
        (shown(issuer=9), ("15", "ISSUER_NOT_ACCEPTED")),
        (shown(pass_no=9), ("C3", "REVOKED")),
    ],
)
async def test_code_that_is_no_good_here_is_refused_and_kept(
    text: str, expected: tuple[str, str]
) -> None:
    core = Gatehouse()
    assert await code(core, replace(ASKED, presented=text)) == expected
    hash_, answer = core.asked[-1]
    assert isinstance(answer, EntryAnswer)
    assert (hash_, answer.answered_at) == (
        replace(ASKED, presented=text).content_hash(), samples.FixedClock(SHOWN).now()
    )  # fmt: skip


async def test_code_grows_old() -> None:
    core = Gatehouse()
    assert await code(core, ASKED, SHOWN + 60) == ("00", None)
    assert await code(core, ASKED, SHOWN + 61) == ("C0", "CODE_EXPIRED")
    assert await code(core, ASKED, SHOWN - 16) == ("C6", "CODE_FROM_FUTURE")


async def test_whoever_has_no_entry_passes_by_nothing_they_present() -> None:
    core, digits = Gatehouse(), "91" + "7" * 18
    core.owners = {
        SERIAL: owner_without(Use.ENTRY),
        "0A1B2C3D": owner_without(Use.ENTRY),
        token.digest(digits): owner_without(Use.ENTRY),
    }
    for text in (samples.VECTOR_1, TAP.presented, digits):
        before = len(core.asked)
        assert await code(core, replace(ASKED, presented=text)) == ("E0", "USE_NOT_ALLOWED")
        assert not isinstance(core.asked[before], EntryRequest)


async def test_earlier_rows_are_told_before_a_missing_right() -> None:
    core = Gatehouse()
    core.owners = {SERIAL: owner_without(Use.PAY)}
    scan = Scan(0, "", Use.PAY, samples.FixedClock(SHOWN).now(), 9_000, "Asia/Shanghai",
                samples.KEYS, 15, 45, challenge_above_minor=5_000)  # fmt: skip
    for text, reason in (
        (shown(kind=Kind.ENTRY, flags=Flags.ENTRY, ttl=1), "KIND_NOT_ACCEPTED"),
        (shown(), "USE_NOT_ALLOWED"),
    ):
        found = await read(replace(scan, text=text), core)
        assert isinstance(found, Declined)
        assert found.reason == reason
    core.owners = {SERIAL: OWNER}
    found = await read(replace(scan, text=shown()), core)
    assert isinstance(found, Declined)
    assert found.reason == "CHALLENGE_REQUIRED"


async def test_revoked_pass_opens_nothing() -> None:
    core = Gatehouse()
    core.owned(SERIAL, is_revoked=True)
    assert await code(core, ASKED) == ("C3", "REVOKED")


@pytest.mark.parametrize(
    ("door_no", "expected"),
    [(9, ("58", "DOOR_UNKNOWN")), (5, ("58", "TERMINAL_NOT_ALLOWED"))],
)
async def test_door_that_is_not_the_terminals_stays_closed(
    door_no: int, expected: tuple[str, str]
) -> None:
    core = Gatehouse()
    assert await code(core, replace(ASKED, door_no=door_no)) == expected


async def test_bound_code_needs_the_doors_own_challenge() -> None:
    asked, core = entry_challenge(), Gatehouse()
    text = bound(challenge(Purpose.ENTRY))
    unexpected = ("C5", "CHALLENGE_UNEXPECTED")
    assert await code(core, replace(ASKED, presented=text, challenge=asked + "\n")) == ("00", None)
    assert await code(core, replace(ASKED, presented=text)) == unexpected
    assert await code(core, replace(ASKED, presented=text, challenge=asked, seq_no=1)) == unexpected
    pay = bound(challenge())
    assert await code(core, replace(ASKED, presented=pay, challenge=challenge().text)) == unexpected


async def test_guessed_digits_are_counted_at_doors_too() -> None:
    core = Gatehouse()
    await enter(core, replace(ASKED, presented="91" + "0" * 18))
    assert len(core.guesses) == 1


class TestScenes:
    """A door learns what its scene needs, and of whoever is refused nothing."""

    async def test_gate_learns_no_name(self) -> None:
        entered = await enter(Gatehouse(), ASKED)
        assert entered.holder == replace(NOBODY, holder_class=0)
        assert entered.answer.available_minor is None
        assert entered.has_photo is None

    async def test_library_learns_name_and_number(self) -> None:
        entered = await enter(Gatehouse(), replace(ASKED, door_no=2))
        assert entered.holder == replace(NOBODY, name="示例甲", number="S0001")

    async def test_bus_learns_the_balance(self) -> None:
        entered = await enter(Gatehouse(), replace(ASKED, door_no=3))
        assert entered.answer.available_minor == 800
        assert entered.holder == replace(NOBODY, shows_balance=True)

    async def test_dormitory_says_that_there_is_no_photo(self) -> None:
        entered = await enter(Gatehouse(), replace(ASKED, door_no=4))
        assert (entered.scene, entered.has_photo) == (Scene.DORMITORY, False)
        assert entered.holder == replace(NOBODY, holder_class=0)

    @pytest.mark.parametrize("door_no", [1, 2, 3, 4])
    async def test_refused_person_stays_unknown(self, door_no: int) -> None:
        entered = await enter(Gatehouse(code="E1"), replace(ASKED, door_no=door_no))
        assert (entered.holder, entered.has_photo) == (None, None)


async def test_repeat_shows_the_same_though_its_code_is_old() -> None:
    core: Any = Gatehouse()
    library = replace(ASKED, door_no=2)
    first = await enter(core, library)
    core.stored_entry = replace(first.answer, is_repeat=True)
    later = await enter(core, library, SHOWN + 86_400)
    assert later.holder == first.holder
    assert later.answer.signed_answer == first.answer.signed_answer
    assert core.looked_up == [OWNER.cardholder_id]
