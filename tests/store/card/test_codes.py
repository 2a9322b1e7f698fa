"""Passes, aliases and tokens (codes.md 2, 3, 4, 10)."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from hashlib import sha256
from itertools import chain, repeat

import pytest

from core.card.records import (
    AgreementMissing,
    CardholderFrozen,
    CardholderLeaving,
    CodeDevice,
    DeviceUnknown,
    PassLimit,
    TokenTooSoon,
    VirtualCardNotOpened,
)
from core.db.unit import Unit
from core.kit.clock import from_unix, unix_seconds
from core.kit.errors import Refusal
from core.ports.codes import PassKind
from core.school.policy import Offline, Person
from core.school.policy_words import PersonRight
from core.school.records import FeatureOff
from terminals import cc1
from terminals.code_maker import PassKey
from terminals.keys import signer
from terminals.totp import derive_key
from tests.store.card.campus import FOREVER, SCHOOL, Campus
from tests.store.card.phones import VIRTUAL, decoded, issue, phone, revoked

MONEY_OFFLINE = replace(Offline(), money=True, cap_class=1)


# Passes


async def test_a_pass_says_what_the_policy_and_the_balance_allow(campus: Campus) -> None:
    campus.rules(offline=MONEY_OFFLINE)
    device = await phone(campus)

    answer = await issue(campus, device)

    now = unix_seconds(campus.clock.now())
    (issued,) = answer.passes
    said = decoded(issued.content)
    assert (said.version, said.kind, said.issuer, said.kid) == (1, cc1.Kind.VIRTUAL_CARD, 7, 1)
    assert (said.not_before, said.ends_at) == (now, now + 86_400)
    assert (said.serial, said.pass_no, said.cap_class) == (issued.serial, 1, 1)
    assert (said.flags, said.mask) == (cc1.Flags.PAY | cc1.Flags.ENTRY, 0b11)
    assert said.device_key == device.public_key
    assert answer.refresh_at == campus.clock.now() + timedelta(hours=12)
    assert (answer.rotation_seconds, answer.life_seconds) == (30, 45)
    assert answer.server_at == campus.clock.now()


async def test_the_same_bytes_again_until_a_fact_changes(campus: Campus) -> None:
    campus.rules(offline=MONEY_OFFLINE)
    device = await phone(campus)
    rich = (await issue(campus, device)).passes
    campus.clock.advance(hours=12)
    assert (await issue(campus, device)).passes == rich

    campus.purses.minor = 4_999
    poor = (await issue(campus, device)).passes
    campus.purses.minor = 5_000
    again = (await issue(campus, device)).passes

    assert decoded(poor[0].content).cap_class == 2
    assert poor[0].serial[:4] == rich[0].serial[:4]
    assert decoded(poor[0].content).pass_no == 2
    assert again == rich


async def test_a_new_pass_key_makes_new_bytes(campus: Campus) -> None:
    device = await phone(campus)
    old = (await issue(campus, device)).passes[0]
    campus.pass_keys.append(PassKey(2, old.not_before - 1, FOREVER, signer(b"\x12" * 32)))

    (new,) = (await issue(campus, device)).passes

    assert decoded(new.content).kid == 2
    assert decoded(new.content).cap_tag == decoded(old.content).cap_tag


async def test_late_in_a_slot_the_next_one_comes_along(campus: Campus) -> None:
    device = await phone(campus)
    early = await issue(campus, device)
    campus.clock.advance(hours=12, seconds=1)

    late = await issue(campus, device)

    assert late.passes[0] == early.passes[0]
    assert late.passes[1].not_before == early.passes[0].ends_at
    assert late.passes[1].ends_at == early.passes[0].ends_at + 86_400
    assert late.passes[1].serial[:4] != early.passes[0].serial[:4]
    assert late.refresh_at == from_unix(late.passes[1].not_before + 43_200)
    campus.clock.advance(hours=12)
    assert (await issue(campus, device)).passes == late.passes[1:]


async def test_a_later_first_issue_starts_its_own_slot(campus: Campus) -> None:
    device = await phone(campus)
    await issue(campus, device)
    campus.clock.advance(days=3)

    (issued,) = (await issue(campus, device)).passes

    assert issued.not_before == unix_seconds(campus.clock.now())


async def test_two_phones_share_the_cap_tag_of_the_slot(campus: Campus) -> None:
    first = await phone(campus)
    second = await campus.enrol(first.cardholder_id, 2)

    one, two = (await issue(campus, first)).passes[0], (await issue(campus, second)).passes[0]

    assert one.serial[:4] == two.serial[:4]
    assert (one.serial[4:], two.serial[4:]) == (b"\0\1", b"\0\2")


async def test_issues_at_once_give_the_same_bytes(campus: Campus) -> None:
    device = await phone(campus)

    answers = await asyncio.gather(*(issue(campus, device) for _ in range(6)))

    assert all(answer == answers[0] for answer in answers)
    assert len(await campus.rows("code_pass")) == 1
    assert len(await campus.rows("cap_slot")) == 1


async def test_temporary_staff_get_half_a_day_and_no_doors(campus: Campus) -> None:
    device = await phone(campus, kind="TEMPORARY")

    (issued,) = (await issue(campus, device)).passes

    said = decoded(issued.content)
    assert issued.ends_at - issued.not_before == 43_200
    assert (said.flags & 3, said.holder_class) == (cc1.Flags.PAY, 2)


async def test_the_twenty_first_pass_of_a_slot_is_refused(campus: Campus) -> None:
    device = await phone(campus)
    for kid in range(1, 21):
        campus.pass_keys[:] = [PassKey(kid, 0, FOREVER, signer(bytes([kid]) * 32))]
        (issued,) = (await issue(campus, device)).passes
    assert issued.serial[4:] == b"\0\x14"
    before = await campus.everything()
    campus.pass_keys[:] = [PassKey(21, 0, FOREVER, signer(b"\x21" * 32))]

    with pytest.raises(PassLimit):
        await issue(campus, device)

    assert await campus.everything() == before


async def test_who_may_not_have_a_pass_gets_none(campus: Campus) -> None:
    device = await phone(campus)
    person = device.cardholder_id
    temporary = await phone(campus, "1002", kind="TEMPORARY")
    stranger = await phone(campus, "1003")
    campus.rules(person=Person(temporary=frozenset({PersonRight.PHYSICAL})))
    before = await campus.everything()

    async def ask(device: CodeDevice, kinds: list[PassKind]) -> type[Refusal]:
        with pytest.raises(Refusal) as refusal:
            await campus.codes.issue_passes(SCHOOL, device.cardholder_id, device.id, kinds)
        return type(refusal.value)

    assert await ask(device, [PassKind.CAMPUS_CODE]) is AgreementMissing
    assert await ask(device, [PassKind.ENTRY]) is FeatureOff
    assert await ask(device, []) is FeatureOff
    assert await ask(temporary, VIRTUAL) is FeatureOff
    assert await ask(replace(stranger, cardholder_id=person), VIRTUAL) is DeviceUnknown
    assert await campus.everything() == before


@pytest.mark.parametrize(
    ("status", "refusal"),
    [("FROZEN", CardholderFrozen), ("CLOSING", CardholderLeaving), ("CLOSED", CardholderLeaving)],
)
async def test_a_freeze_ends_codes_at_once(
    campus: Campus, status: str, refusal: type[Refusal]
) -> None:
    device = await phone(campus)
    serial = (await issue(campus, device)).passes[0].serial

    await campus.freeze(device.cardholder_id, status)

    assert await revoked(campus, serial) is True
    with pytest.raises(refusal):
        await issue(campus, device)
    with pytest.raises(refusal):
        await campus.codes.issue_token(
            SCHOOL, device.cardholder_id, device.id, PassKind.VIRTUAL_CARD
        )


async def test_a_pass_names_its_holder_and_the_card_that_pays(campus: Campus) -> None:
    device = await phone(campus)
    serial = (await issue(campus, device)).passes[0].serial

    holder = await campus.codes.find_pass(SCHOOL, serial)

    assert holder is not None
    face = await campus.cards.face(SCHOOL, device.cardholder_id)
    assert (holder.cardholder_id, holder.card_id) == (device.cardholder_id, face.virtual.id)
    assert (holder.device_id, holder.kind) == (device.id, PassKind.VIRTUAL_CARD)
    assert await campus.codes.find_pass(SCHOOL, b"\xff" * 6) is None


async def test_a_blocked_virtual_card_gives_and_names_no_codes(campus: Campus) -> None:
    device = await phone(campus)
    alias = (await issue(campus, device)).aliases[0]

    async def end(unit: Unit, state: str) -> None:
        await unit.execute("UPDATE card SET state = $2 WHERE school_id = $1", SCHOOL, state)

    for state in ("LOST", "CLOSED"):
        await campus.database.unit(SCHOOL, partial(end, state=state))
        before = await campus.everything()
        with pytest.raises(VirtualCardNotOpened):
            await issue(campus, device)
        assert await campus.everything() == before

    assert await campus.codes.find_alias(SCHOOL, alias.digits, {alias.day}) is None


async def test_a_cap_tag_that_is_taken_is_drawn_again(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await phone(campus, "1001"), await phone(campus, "1002")
    third = await phone(campus, "1003")
    drawn = chain([b"\0\0\0\1", b"\0\0\0\1", b"\0\0\0\2"], repeat(b"\0\0\0\1"))
    monkeypatch.setattr(campus.ids, "bytes", lambda _: next(drawn))

    one, two = await issue(campus, first), await issue(campus, second)

    assert [answer.passes[0].serial[:4] for answer in (one, two)] == [b"\0\0\0\1", b"\0\0\0\2"]
    before = await campus.everything()
    with pytest.raises(AssertionError, match="no free cap tag"):
        await issue(campus, third)
    assert await campus.everything() == before


# Aliases


async def test_aliases_for_three_school_days_stay_with_the_phone(campus: Campus) -> None:
    device = await phone(campus)

    first = await issue(campus, device)
    campus.clock.advance(days=1)
    second = await issue(campus, device)

    days = [date(2026, 9, day) for day in (1, 2, 3, 4)]
    assert [alias.day for alias in first.aliases] == days[:3]
    assert [alias.day for alias in second.aliases] == days[1:]
    assert second.aliases[:2] == first.aliases[1:]
    assert first.totp_key == derive_key(b"\x88" * 32, device.id, 1)


async def test_an_alias_is_found_on_its_day_and_locked_by_five_wrong_totps(
    campus: Campus,
) -> None:
    device = await phone(campus)
    answer = await issue(campus, device)
    alias = answer.aliases[0]

    for _ in range(5):
        await campus.codes.count_wrong_totp(SCHOOL, alias.digits, alias.day)

    found = await campus.codes.find_alias(SCHOOL, alias.digits, {alias.day})
    assert found is not None
    assert (found.holder.device_id, found.wrong_tries, found.day) == (device.id, 5, alias.day)
    assert found.totp_key == answer.totp_key
    tomorrow = answer.aliases[1]
    other = await campus.codes.find_alias(SCHOOL, tomorrow.digits, {tomorrow.day})
    assert other is not None
    assert other.wrong_tries == 0
    assert await campus.codes.find_alias(SCHOOL, alias.digits, {date(2026, 9, 9)}) is None


async def test_phones_never_share_an_alias_on_neighbouring_days(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await phone(campus, "1001"), await phone(campus, "1002")
    drawn = iter(["0000001", "0000002", "0000003", "0000002", "0000004", "0000005", "0000006"])
    monkeypatch.setattr(campus.ids, "digits", lambda _: next(drawn))

    one, two = await issue(campus, first), await issue(campus, second)

    assert [alias.digits for alias in one.aliases] == ["0000001", "0000002", "0000003"]
    assert [alias.digits for alias in two.aliases] == ["0000004", "0000005", "0000006"]


async def test_when_chance_gives_no_free_alias_nothing_is_issued(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await phone(campus, "1001"), await phone(campus, "1002")
    monkeypatch.setattr(campus.ids, "digits", lambda _: "1234567")
    await issue(campus, first)
    before = await campus.everything()

    with pytest.raises(AssertionError, match="no free alias"):
        await issue(campus, second)

    assert await campus.everything() == before


async def test_a_school_whose_number_three_digits_cannot_name_has_no_t1(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await phone(campus)
    monkeypatch.setattr("core.card.slots.ALIAS_ISSUER_MAXIMUM", SCHOOL - 1)

    answer = await issue(campus, device)

    assert (answer.aliases, answer.totp_key) == ([], None)
    assert len(answer.passes) == 1


# Tokens


async def test_a_token_is_drawn_once_in_five_seconds_and_found_by_its_digest(
    campus: Campus,
) -> None:
    device = await phone(campus)

    async def draw() -> str:
        drawn = await campus.codes.issue_token(
            SCHOOL, device.cardholder_id, device.id, PassKind.VIRTUAL_CARD
        )
        assert drawn.expires_at == campus.clock.now() + timedelta(seconds=60)
        return drawn.text

    text = await draw()
    campus.clock.advance(seconds=4.9)
    with pytest.raises(TokenTooSoon):
        await draw()
    assert len(campus.tokens.entries) == 1
    campus.clock.advance(seconds=0.1)
    assert await draw() != text

    digest = sha256(text.encode()).digest()
    holder = await campus.codes.find_token(SCHOOL, digest)
    assert holder is not None
    assert (holder.device_id, holder.is_revoked) == (device.id, False)
    await campus.devices.revoke(SCHOOL, device.cardholder_id, device.id)
    ended = await campus.codes.find_token(SCHOOL, digest)
    assert ended is not None
    assert ended.is_revoked
    await campus.codes.drop_token(SCHOOL, digest)
    assert await campus.codes.find_token(SCHOOL, digest) is None


async def test_two_draws_at_once_give_one_token(campus: Campus) -> None:
    device = await phone(campus)

    async def draw() -> bool:
        try:
            await campus.codes.issue_token(
                SCHOOL, device.cardholder_id, device.id, PassKind.VIRTUAL_CARD
            )
        except TokenTooSoon:
            return False
        return True

    assert sum(await asyncio.gather(*(draw() for _ in range(4)))) == 1
    assert len(campus.tokens.entries) == 1


async def test_a_flushed_index_means_draw_again(campus: Campus) -> None:
    device = await phone(campus)
    drawn = await campus.codes.issue_token(
        SCHOOL, device.cardholder_id, device.id, PassKind.VIRTUAL_CARD
    )

    campus.tokens.entries.clear()

    assert await campus.codes.find_token(SCHOOL, sha256(drawn.text.encode()).digest()) is None
