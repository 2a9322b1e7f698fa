"""Offline records that are refused or doubted: why, and that nothing changes."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from core.kit.clock import unix_seconds
from core.school.records import DocumentKind
from terminals import cc1
from terminals.cc1 import Flags
from terminals.keys import Evidence
from terminals.message import RequestKey
from terminals.offline import Item
from tests.factories.canteen import TILLS
from tests.factories.offline import (
    ACCEPTED,
    PARAMETERS,
    VERSION,
    Stall,
    key_of,
    later,
    refused,
    rich,
)
from tests.unit.terminals import samples

OTHER = TILLS[1]


async def test_clock_one_day_off_each_way(stall: Stall) -> None:
    holder, day, clock = await rich(stall), timedelta(days=1), stall.canteen.clock
    lane = stall.lane()
    phone = await stall.phone(holder, ttl=200)
    ahead = unix_seconds(clock.now() + day)
    item = lane.write(phone.show(ahead), 500, created_at=ahead)
    assert await stall.one(item) == ("SUSPECT", "CLOCK", set())
    edge = unix_seconds(clock.now()) + 120
    other = await stall.phone(holder)
    assert await stall.one(lane.write(other.show(edge), 500, created_at=edge)) == (*ACCEPTED, set())
    wrong = await stall.phone(holder)
    behind = unix_seconds(clock.now() - day)
    item = lane.write(stall.show(wrong), 500, created_at=behind)
    await refused(stall, item, "PASS_NOT_YET_VALID")
    stall.canteen.clock.advance(days=1)
    await stall.canteen.authorise(stall.canteen.purchase(holder, 1, seq_no=50))
    following = stall.lane(batch_no=2)
    old = await stall.phone(holder, not_before=unix_seconds(clock.now()) - 90_000, ttl=200)
    before_batch = unix_seconds(clock.now() - timedelta(seconds=121))
    item = following.write(old.show(before_batch), 500, created_at=before_batch)
    assert await stall.one(item) == ("SUSPECT", "CLOCK", set())
    assert await stall.account("LOSS") == -1_000
    assert await stall.balance(holder) == 19_499
    assert await stall.canteen.broken() == {}


async def test_a_terminal_without_a_trusted_clock_is_not_paid(stall: Stall) -> None:
    holder = await rich(stall)
    lost = stall.lane().write(stall.show(await stall.phone(holder)), 500, clock_state=2)
    await refused(stall, lost, "CLOCK_UNTRUSTED")
    assert await stall.balance(holder) == 20_000


async def test_late_is_flagged_and_too_old_is_reviewed(stall: Stall) -> None:
    clock, lane = stall.canteen.clock, stall.lane()
    holders = [await rich(stall) for _ in range(4)]
    for holder in holders:
        lane.write(stall.show(await stall.phone(holder)), 500)
    due, late, last, gone = lane.written
    clock.advance(seconds=86_400)
    assert await stall.one(due) == (*ACCEPTED, set())
    clock.advance(seconds=1)
    assert await stall.one(late) == (*ACCEPTED, {"LATE"})
    clock.advance(days=9, seconds=-1)
    assert await stall.one(last) == (*ACCEPTED, {"LATE"})
    clock.advance(seconds=1)
    assert await stall.one(gone) == ("SUSPECT", "TOO_OLD", set())
    assert [await stall.balance(holder) for holder in holders] == [19_500] * 3 + [20_000]
    assert await stall.canteen.broken() == {}


async def test_revoked_before_and_after_ack(stall: Stall) -> None:
    clock, lane, holder = stall.canteen.clock, stall.lane(), await rich(stall)
    phones = [await stall.phone(holder) for _ in range(4)]
    before = lane.write(stall.show(phones[0]), 500)
    clock.advance(seconds=10)
    version = 0
    for phone in phones:
        version = await stall.revoke(phone)
    assert version == 4
    clock.advance(seconds=5)
    after = lane.write(stall.show(phones[1]), 600)
    assert await stall.one(before) == (*ACCEPTED, set())
    assert await stall.one(after) == (*ACCEPTED, {"AFTER_REPORT"})
    assert (await stall.balance(holder), await stall.account("LOSS")) == (19_500, -600)
    # It says that it held an older list; its heartbeat had said otherwise.
    await stall.acknowledge(4)
    clock.advance(seconds=1)
    await refused(stall, lane.write(stall.show(phones[2]), 700), "REVOKED_KNOWN")
    elsewhere = stall.lane(OTHER)
    told = elsewhere.write(stall.show(phones[3]), 700, deny_version=4)
    await refused(stall, told, "REVOKED_KNOWN")
    assert await stall.canteen.broken() == {}


async def test_an_acknowledgement_counts_from_its_own_instant(stall: Stall) -> None:
    clock, lane, holder = stall.canteen.clock, stall.lane(), await rich(stall)
    phone = await stall.phone(holder)
    version = await stall.revoke(phone)
    item = lane.write(stall.show(phone), 500)
    clock.advance(seconds=30)
    await stall.acknowledge(version)
    assert await stall.one(item) == (*ACCEPTED, {"AFTER_REPORT"})
    assert await stall.balance(holder) == 20_000


async def test_a_leaked_key_is_refused_from_when_its_terminal_knew(stall: Stall) -> None:
    clock, lane, holder = stall.canteen.clock, stall.lane(), await rich(stall)
    phones = [await stall.phone(holder) for _ in range(2)]
    now = clock.now()
    evidence = Evidence(stall.keys.evidence.ring, {1: unix_seconds(now)})
    stall.keys = replace(stall.keys, evidence=evidence)
    await stall.canteen.rows(
        "INSERT INTO signed_document (school_id, kind, version, kid, content, signature,"
        " published_at) VALUES ($1, $2, 1, 1, '', $3, $4)",
        7, DocumentKind.KEYS, bytes(64), now,
    )  # fmt: skip
    before = lane.write(stall.show(phones[0]), 500)
    clock.advance(seconds=30)
    await stall.deny.acknowledge(7, lane.terminal_no, {DocumentKind.KEYS: 1})
    assert await stall.one(before) == (*ACCEPTED, set())
    await refused(stall, lane.write(stall.show(phones[1]), 500), "KEY_UNKNOWN")


async def test_an_acknowledgement_of_what_was_never_published_is_not_noted(stall: Stall) -> None:
    await stall.acknowledge(9)
    sql = "SELECT count(*) FROM document_acknowledgement WHERE school_id = 7"
    assert await stall.canteen.rows(sql) == [(0,)]


async def test_documents_that_never_were_or_long_were_replaced_are_stale(stall: Stall) -> None:
    clock, lane, holder = stall.canteen.clock, stall.lane(), await rich(stall)
    phones = [await stall.phone(holder, ttl=255) for _ in range(5)]
    unknown = lane.write(stall.show(phones[0]), 500, parameters_version=8)
    await refused(stall, unknown, "STALE_DOCUMENTS")
    claimed = lane.write(stall.show(phones[0]), 500, deny_version=1)
    await refused(stall, claimed, "STALE_DOCUMENTS")
    await stall.revoke(phones[4])
    clock.advance(seconds=86_400)
    assert await stall.one(lane.write(stall.show(phones[1]), 500)) == (*ACCEPTED, set())
    clock.advance(seconds=1)
    await refused(stall, lane.write(stall.show(phones[2]), 500), "STALE_DOCUMENTS")
    fresh = lane.write(stall.show(phones[3]), 500, deny_version=1)
    assert await stall.one(fresh) == (*ACCEPTED, set())


async def test_what_its_own_parameters_forbid_is_the_merchants_loss(stall: Stall) -> None:
    lane, holder = stall.lane(), await rich(stall)
    stall.parameters[8] = PARAMETERS.model_copy(update={"offline_money": False})
    stall.parameters[9] = PARAMETERS.model_copy(update={"sites": []})
    stall.parameters[10] = PARAMETERS.model_copy(update={"offline_challenge_above_minor": 400})
    stall.parameters[11] = PARAMETERS.model_copy(update={"offline_instruments": []})
    cases: list[tuple[dict[str, Any], dict[str, Any], int, str]] = [
        ({}, {}, 2_001, "CAP_EXCEEDED"),
        ({"cap_class": 9}, {}, 500, "CAP_EXCEEDED"),
        ({"cap_class": 3}, {}, 500, "CAP_EXCEEDED"),
        ({}, {"parameters_version": 8}, 500, "CAP_EXCEEDED"),
        ({"mask": 1}, {}, 500, "SITE_NOT_ALLOWED"),
        ({}, {"parameters_version": 9}, 500, "SITE_NOT_ALLOWED"),
        ({}, {"parameters_version": 10}, 401, "CHALLENGE_REQUIRED"),
        ({}, {"parameters_version": 11}, 400, "KIND_NOT_ACCEPTED"),
        ({"flags": Flags.ENTRY}, {}, 500, "USE_NOT_ALLOWED"),
        ({}, {}, 0, "AMOUNT_INVALID"),
        ({}, {}, 1_000_000_001, "AMOUNT_INVALID"),
    ]
    for facts, changes, minor, reason in cases:
        phone = await stall.phone(holder, **facts)
        await refused(stall, lane.write(stall.show(phone), minor, **changes), reason)
    high = await stall.phone(holder, cap_class=3, flags=Flags.PAY | Flags.HIGH)
    assert await stall.one(lane.write(stall.show(high), 5_000)) == (*ACCEPTED, set())
    below = await stall.phone(holder)
    item = lane.write(stall.show(below), 400, parameters_version=10)
    assert await stall.one(item) == (*ACCEPTED, set())


async def test_refusals_of_the_code_are_those_of_its_own_instant(stall: Stall) -> None:
    lane, holder, now = stall.lane(), await rich(stall), unix_seconds(stall.canteen.clock.now())
    good = await stall.phone(holder)
    forged = replace(good, seed=bytes([9]) * 32)
    foreign = await stall.phone(holder, issuer=8)
    for text, changes, reason in (
        ("NFC:00000001", {}, "FORMAT"),
        (stall.show(forged), {}, "DEVICE_SIGNATURE"),
        (stall.show(foreign), {}, "ISSUER_NOT_ACCEPTED"),
        (good.show(now), {"created_at": now + 61}, "CODE_EXPIRED"),
        (good.show(now), {"created_at": now - 16}, "CODE_FROM_FUTURE"),
    ):
        await refused(stall, lane.write(text, 500, **changes), reason)
    stall.canteen.clock.advance(seconds=60)
    item = lane.write(good.show(now), 500, created_at=now + 60)
    assert await stall.one(item) == (*ACCEPTED, set())


async def test_a_bound_code_is_good_with_the_challenge_of_its_own_key(stall: Stall) -> None:
    lane, holder = stall.lane(), await rich(stall)
    for changed in (None, "amount", "none"):
        phone, key = await stall.phone(holder), lane.key()
        shown = lane.challenge(key, 900 if changed == "amount" else 500)
        text = phone.show(unix_seconds(stall.canteen.clock.now()), shown)
        given = "" if changed == "none" else shown.text
        item = lane.write(text, 500, key=key, challenge=given)
        if changed is None:
            assert await stall.one(item) == (*ACCEPTED, set())
        else:
            await refused(stall, item, "CHALLENGE_UNEXPECTED")


async def test_a_voided_key_is_never_paid_by_its_record(stall: Stall) -> None:
    lane, holder = stall.lane(), await rich(stall)
    phone = await stall.phone(holder)
    item = lane.write(stall.show(phone), 500)
    await stall.canteen.answer(stall.canteen.follow("VOID", key_of(lane), key=later(1)))
    await refused(stall, item, "KEY_CONFLICT")
    await refused(stall, item, "KEY_CONFLICT")
    assert await stall.balance(holder) == 20_000


async def test_a_record_under_the_key_of_a_door_is_never_paid(stall: Stall) -> None:
    lane, holder = stall.lane(), await rich(stall)
    await stall.canteen.rows(
        "INSERT INTO entry_answer (school_id, terminal_no, batch_no, seq_no, content_hash, outcome,"
        " response_code, answer_kid, answered_at, signed_answer)"
        " VALUES ($1, $2, 1, 1, $3, 'DENIED', 'E0', 1, $4, 'signed')",
        stall.canteen.school_id, TILLS[0], bytes(32), stall.canteen.clock.now(),
    )  # fmt: skip
    item = lane.write(stall.show(await stall.phone(holder)), 500)
    await refused(stall, item, "KEY_CONFLICT")
    assert await stall.balance(holder) == 20_000


async def test_one_key_two_records_or_another_purchase_is_a_conflict(stall: Stall) -> None:
    lane, holder = stall.lane(), await rich(stall)
    first, second = [await stall.phone(holder) for _ in range(2)]
    assert await stall.one(lane.write(stall.show(first), 500)) == (*ACCEPTED, set())
    again = lane.write(stall.show(second), 500, key=RequestKey(TILLS[0], 1, 1))
    await refused(stall, again, "KEY_CONFLICT")
    for seq_no, online in ((10, 500), (11, 501)):
        sold = stall.canteen.purchase(holder, online, batch_no=1, seq_no=seq_no)
        await stall.canteen.authorise(sold)
        phone = await stall.phone(holder)
        other = lane.write(stall.show(phone), 500, key=RequestKey(TILLS[0], 1, seq_no))
        await refused(stall, other, "KEY_CONFLICT")
    declined = stall.canteen.purchase(holder, 90_000, batch_no=1, seq_no=12)
    assert (await stall.canteen.authorise(declined)).outcome == "DECLINED"
    other = lane.write(stall.show(phone), 500, key=RequestKey(TILLS[0], 1, 12))
    await refused(stall, other, "KEY_CONFLICT")


async def test_a_pass_we_signed_and_do_not_know_is_paid_by_the_school(stall: Stall) -> None:
    phone = await stall.phone(await rich(stall))
    unknown = cc1.issue_pass(
        issuer=7, kid=1, kind=cc1.Kind.VIRTUAL_CARD, cap_tag=99, pass_no=1,
        not_before=phone.not_before, ttl=96, cap_class=1, flags=Flags.PAY, mask=2,
        device_key=phone.signed_pass[19:51], sign=samples.sign_pass,
    )  # fmt: skip
    lost = replace(phone, signed_pass=unknown)
    item = stall.lane().write(stall.show(lost), 500)
    assert await stall.one(item) == ("SUSPECT", "PASS_UNKNOWN", set())
    assert (await stall.account("LOSS"), await stall.account("MERCHANT")) == (-500, 500)
    assert await stall.canteen.broken() == {}


async def test_the_first_row_that_fails_is_the_verdict(stall: Stall) -> None:
    """One record with every fault; each next one lacks the fault that was named."""
    clock, lane, holder = stall.canteen.clock, stall.lane(OTHER), await rich(stall)
    stall.parameters[8] = PARAMETERS.model_copy(update={"deny_age_seconds": 0})
    await stall.canteen.authorise(
        stall.canteen.purchase(holder, 1, terminal_no=OTHER, batch_no=1, seq_no=1)
    )
    phone = await stall.phone(holder, mask=1)
    whole = await stall.phone(holder, pass_no=2)
    for _ in range(2):
        await stall.revoke(phone)
        clock.advance(seconds=1)
        await stall.revoke(await stall.phone(holder))
        clock.advance(seconds=1)
    elsewhere = stall.lane()
    used = stall.show(whole)
    assert (await stall.one(elsewhere.write(used, 500)))[0] == "ACCEPTED"
    stale = {"parameters_version": 8, "deny_version": 1}
    fine = {"parameters_version": VERSION, "deny_version": 2}
    forged = replace(phone, seed=bytes([9]) * 32)
    ladder: list[tuple[str, Item]] = [
        ("KEY_CONFLICT", lane.write(stall.show(forged), 0)),
        ("RECORD_SIGNATURE", replace(lane.write(stall.show(forged), 0), signature=bytes(64))),
        ("AMOUNT_INVALID", lane.write(stall.show(forged), 0, **stale)),
        ("DEVICE_SIGNATURE", lane.write(stall.show(forged), 2_001, **stale)),
        ("REVOKED_KNOWN", lane.write(stall.show(phone), 2_001, **stale)),
        ("CAP_EXCEEDED", lane.write(used, 2_001, **stale)),
        ("STALE_DOCUMENTS", lane.write(used, 500, **stale)),
    ]
    for reason, item in ladder:
        await refused(stall, item, reason)
    other_site = await stall.phone(holder, mask=1)
    await refused(stall, lane.write(stall.show(other_site), 500, **stale), "SITE_NOT_ALLOWED")
    suspect = lane.write(used, 500, **fine)
    assert await stall.one(suspect) == ("SUSPECT", "CODE_USED_ELSEWHERE", set())
    await refused(stall, lane.write(used, 500, **fine), "SAME_CODE", "DUPLICATE")
