"""The initial PIN of each rule, the PINs a holder may not choose, and the states of a PIN."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.card.pin import (
    COMMONEST,
    PinEvent,
    PinFacts,
    PinState,
    PinWeakness,
    default_pin,
    find_weakness,
    is_old_pin,
    may_bind,
    may_pay,
    next_state,
)
from core.school.policy_words import PinDefault

ID = "99999920050228001X"
FACTS = PinFacts(PinDefault.ID6_X_TO_0, ID, "+99912345678", None)


@pytest.mark.parametrize(
    ("rule", "id_number", "pin"),
    [
        (PinDefault.NONE, ID, None),
        (PinDefault.CONSTANT_123456, None, "123456"),
        (PinDefault.ID6, "999999200502280013", "280013"),
        (PinDefault.ID6, ID, None),
        (PinDefault.ID6, None, None),
        (PinDefault.ID6_X_TO_0, ID, "280010"),
        (PinDefault.ID6_X_TO_0, ID.lower(), "280010"),
        (PinDefault.ID6_X_TO_0, "999999200502280013", "280013"),
        (PinDefault.ID6_X_TO_0, "AB12C45X", None),
        (PinDefault.ID6_X_TO_0, "12X", None),
        (PinDefault.ID6_LETTER_TO_0, "P12C45X", "120450"),
        (PinDefault.ID6_LETTER_TO_0, None, "666666"),
        (PinDefault.ID6_LETTER_TO_0, "12345", "666666"),
    ],
)
def test_the_initial_pin_follows_the_schools_rule(
    rule: PinDefault, id_number: str | None, pin: str | None
) -> None:
    assert default_pin(rule, id_number) == pin


@given(st.sampled_from(PinDefault), st.none() | st.text())
def test_an_initial_pin_is_six_digits_or_none(rule: PinDefault, id_number: str | None) -> None:
    pin = default_pin(rule, id_number)
    assert pin is None or (len(pin) == 6 and pin.isascii() and pin.isdecimal())


@pytest.mark.parametrize(
    ("pin", "weakness"),
    [
        ("12345", PinWeakness.NOT_SIX_DIGITS),
        ("1234567", PinWeakness.NOT_SIX_DIGITS),
        ("١٢٣٤٥٦", PinWeakness.NOT_SIX_DIGITS),
        ("40719\n", PinWeakness.NOT_SIX_DIGITS),
        ("280010", PinWeakness.IS_DEFAULT),
        ("777777", PinWeakness.ONE_DIGIT),
        ("456789", PinWeakness.ROW),
        ("890123", PinWeakness.ROW),
        ("543210", PinWeakness.ROW),
        ("050228", PinWeakness.BIRTHDAY),
        ("280205", PinWeakness.BIRTHDAY),
        ("022805", PinWeakness.BIRTHDAY),
        ("200502", PinWeakness.BIRTHDAY),
        ("345678", PinWeakness.ROW),
        ("228001", PinWeakness.ID_END),
        ("159753", PinWeakness.COMMON),
        ("407193", None),
    ],
)
def test_weak_pins_refused(pin: str, weakness: PinWeakness | None) -> None:
    assert find_weakness(pin, FACTS) is weakness


def test_the_end_of_the_telephone_number_is_refused() -> None:
    facts = PinFacts(PinDefault.NONE, phone="+99900407193")
    assert find_weakness("407193", facts) is PinWeakness.PHONE_END
    assert find_weakness("407194", facts) is None


def test_the_end_of_the_id_is_refused_whatever_the_rule() -> None:
    facts = PinFacts(PinDefault.NONE, ID)
    assert find_weakness("280010", facts) is PinWeakness.ID_END


def test_a_birthday_on_file_is_refused_without_an_id() -> None:
    facts = PinFacts(PinDefault.NONE, birthday=date(1999, 12, 3))
    assert find_weakness("991203", facts) is PinWeakness.BIRTHDAY
    assert find_weakness("991204", facts) is None


def test_twenty_commonest_are_refused_of_anybody() -> None:
    assert len(COMMONEST) == 20
    assert all(find_weakness(pin, PinFacts(PinDefault.NONE)) for pin in COMMONEST)


@pytest.mark.parametrize(
    ("state", "after"),
    [
        (PinState.NONE, {PinEvent.DEFAULT_GIVEN: PinState.DEFAULT, PinEvent.CHOSEN: PinState.SET}),
        (
            PinState.DEFAULT,
            {
                PinEvent.CHOSEN: PinState.SET,
                PinEvent.TRIES_SPENT: PinState.NONE,
                PinEvent.WITHDRAWN: PinState.NONE,
            },
        ),
        (
            PinState.SET,
            {
                PinEvent.CHOSEN: PinState.SET,
                PinEvent.TRIES_SPENT: PinState.LOCKED,
                PinEvent.WITHDRAWN: PinState.NONE,
            },
        ),
        (
            PinState.LOCKED,
            {
                PinEvent.UNLOCKED: PinState.SET,
                PinEvent.CHOSEN: PinState.SET,
                PinEvent.WITHDRAWN: PinState.NONE,
            },
        ),
    ],
)
def test_states_move_only_as_the_table_says(
    state: PinState, after: dict[PinEvent, PinState]
) -> None:
    moves = {event: next_state(state, event) for event in PinEvent}
    assert {event: to for event, to in moves.items() if to is not None} == after


def test_a_default_pin_never_becomes_one_that_pays_unless_chosen_anew() -> None:
    reached, open_states = {PinState.DEFAULT}, [PinState.DEFAULT]
    while open_states:
        state = open_states.pop()
        for event in set(PinEvent) - {PinEvent.CHOSEN}:
            to = next_state(state, event)
            if to is not None and to not in reached:
                reached.add(to)
                open_states.append(to)
    assert reached == {PinState.DEFAULT, PinState.NONE}


def test_default_pin_is_not_an_old_pin() -> None:
    assert [state for state in PinState if may_pay(state)] == [PinState.SET]
    assert [state for state in PinState if is_old_pin(state)] == [PinState.SET]
    assert [state for state in PinState if may_bind(state)] == [PinState.DEFAULT, PinState.SET]
