"""Card states, the proofs that acts ask for, slots and what passes allow."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.card import slots
from core.card.credentials import loss_kind, paying_kind
from core.card.lifecycle import CardAct, next_state
from core.card.records import CardState, Slot
from core.school.policy import Cap, Offline
from core.school.policy_words import Instrument, LossCredential, PersonRight, PinKind

NOW = 1_800_000_000
DAY = 86_400


def test_acts_move_cards_only_where_they_are_possible() -> None:
    possible = {
        (state, act): after
        for state in CardState
        for act in CardAct
        if (after := next_state(state, act)) is not None
    }

    assert possible == {
        (CardState.NOT_OPENED, CardAct.OPEN): CardState.ACTIVE,
        (CardState.ACTIVE, CardAct.OPEN): CardState.ACTIVE,
        (CardState.ACTIVE, CardAct.REPORT_LOSS): CardState.LOST,
        (CardState.LOST, CardAct.REPORT_LOSS): CardState.LOST,
        (CardState.LOST, CardAct.RELEASE): CardState.ACTIVE,
        (CardState.ACTIVE, CardAct.RELEASE): CardState.ACTIVE,
        (CardState.ACTIVE, CardAct.REPLACE): CardState.REPLACED,
        (CardState.LOST, CardAct.REPLACE): CardState.REPLACED,
    }


def test_the_paying_pin_is_the_strongest_kind_the_school_has() -> None:
    assert paying_kind({PinKind.QUERY, PinKind.CARD, PinKind.PAY}) is PinKind.PAY
    assert paying_kind({PinKind.QUERY, PinKind.CARD}) is PinKind.CARD
    assert paying_kind({PinKind.QUERY}) is PinKind.QUERY


def test_the_pin_of_a_loss_report_is_the_one_the_policy_names() -> None:
    kinds = {PinKind.PAY, PinKind.QUERY}

    assert loss_kind({LossCredential.PIN}, kinds) is PinKind.PAY
    assert loss_kind({LossCredential.QUERY_PIN, LossCredential.PIN}, kinds) is PinKind.QUERY
    assert loss_kind({LossCredential.FRESH_LOGIN}, kinds) is None


def test_the_first_slot_starts_now_and_the_next_comes_after_half_of_it() -> None:
    current = Slot(NOW, NOW + DAY, 1)

    assert slots.windows(NOW, DAY, []) == [(NOW, NOW + DAY)]
    assert slots.windows(NOW + DAY // 2, DAY, [current]) == [(NOW, NOW + DAY)]
    assert slots.windows(NOW + DAY // 2 + 1, DAY, [current]) == [
        (NOW, NOW + DAY),
        (NOW + DAY, NOW + 2 * DAY),
    ]


def test_a_next_slot_keeps_its_own_length() -> None:
    current, following = Slot(NOW, NOW + DAY, 1), Slot(NOW + DAY, NOW + DAY + DAY // 2, 2)

    assert slots.windows(NOW + DAY - 1, DAY, [current, following])[1] == (
        following.starts_at,
        following.ends_at,
    )


@given(st.lists(st.integers(-60, 200_000), max_size=20), st.sampled_from([DAY, DAY // 2]))
def test_slots_never_overlap_whatever_the_clocks_of_the_processes(
    steps: list[int], length: int
) -> None:
    known: list[Slot] = []
    now = NOW
    for step in steps:
        now += step
        live = [slot for slot in known if slot.ends_at > now]
        for start, end in slots.windows(now, length, live):
            if all(slot.starts_at != start for slot in known):
                known.append(Slot(start, end, 0))

    assert all(one.ends_at <= two.starts_at for one, two in pairwise(known))


def test_a_phone_asks_again_half_way_through_its_last_slot() -> None:
    assert slots.refresh_at(Slot(NOW, NOW + DAY, 1)) == NOW + DAY // 2


@pytest.mark.parametrize(
    ("school_class", "available", "expected"),
    [(1, 5_000, 1), (1, 4_999, 2), (1, 2_000, 2), (1, 1_999, 0), (2, 100_000, 2), (1, -5, 0)],
)
def test_the_cap_class_is_the_largest_the_balance_covers(
    school_class: int, available: int, expected: int
) -> None:
    offline = replace(Offline(), money=True, cap_class=school_class)

    assert slots.cap_class(offline, available) == expected


def test_without_offline_money_a_pass_has_no_class_and_no_site() -> None:
    off = Offline()
    elsewhere = replace(off, money=True, instruments=frozenset({Instrument.PHYSICAL}))
    worthless = replace(off, money=True, cap_1=Cap(0, 0, 0), cap_2=Cap(0, 0, 0))

    assert [slots.cap_class(o, 10_000) for o in (off, elsewhere, worthless)] == [0, 0, 0]
    assert slots.site_mask(off) == 0
    assert slots.site_mask(replace(off, money=True, sites=16)) == 0xFFFF


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("STUDENT", 0),
        ("STAFF", 1),
        ("TEMPORARY", 2),
        ("VISITOR", 3),
        ("ALUMNI", 3),
        ("EXTERNAL", 3),
    ],
)
def test_holder_classes_of_codes_md_4(kind: str, number: int) -> None:
    assert slots.holder_class(kind) == number


def test_only_temporary_staff_have_fewer_rights() -> None:
    spend_only = frozenset({PersonRight.VIRTUAL, PersonRight.SPEND})

    assert slots.rights("TEMPORARY", spend_only) == spend_only
    assert slots.rights("STUDENT", spend_only) == frozenset(PersonRight)


def test_alias_days_are_the_school_s_own() -> None:
    before_midnight = datetime(2026, 9, 1, 15, 59, tzinfo=UTC)

    assert slots.alias_days(before_midnight, "Asia/Shanghai") == [
        date(2026, 9, 1), date(2026, 9, 2), date(2026, 9, 3),
    ]  # fmt: skip
    after_midnight = before_midnight + timedelta(minutes=1)
    assert slots.alias_days(after_midnight, "Asia/Shanghai")[0] == date(2026, 9, 2)
