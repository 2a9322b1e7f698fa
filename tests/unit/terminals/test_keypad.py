"""The keypad of a meter, press by press."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminals.keypad import (
    FLUSH_SECONDS,
    IDLE_SECONDS,
    TYPING_SECONDS,
    Allowed,
    Ask,
    Cancel,
    Confirm,
    Counted,
    Digit,
    Effect,
    End,
    Event,
    Flush,
    Keypad,
    Mode,
    Refused,
    Scanned,
    Stop,
    Tick,
    Valve,
    step,
)

NOW, END, MOST = 1_800_000_000, 1_800_001_800, 200


def play(pad: Keypad, *events: Event, now: int = NOW) -> tuple[Keypad, list[Effect]]:
    """The state after events at one instant, and all that was to be done."""
    done: list[Effect] = []
    for event in events:
        pad, effects = step(pad, event, now)
        done += effects
    return pad, done


def typed(digits: str) -> list[Event]:
    return [Confirm(), *(Digit(int(digit)) for digit in digits)]


def running() -> Keypad:
    pad, _ = play(Keypad(), *typed("12345678"), Allowed(MOST, END))
    return pad


def test_confirm_and_eight_digits_ask() -> None:
    pad, done = play(Keypad(), *typed("04270915"))
    assert (pad.mode, done) == (Mode.ASKING, [Ask(code8="04270915")])


def test_digits_without_confirm_are_nothing() -> None:
    assert play(Keypad(), *(Digit(each) for each in range(8))) == (Keypad(), [])


def test_scan_asks_at_once_also_while_typing() -> None:
    for before in ([], typed("123")):
        pad, done = play(Keypad(), *before, Scanned("CC1:x"))
        assert (pad.mode, done) == (Mode.ASKING, [Ask(presented="CC1:x")])


@pytest.mark.parametrize("last", [Cancel(), Confirm()])
def test_cancel_and_confirm_begin_the_digits_anew(last: Event) -> None:
    pad, done = play(Keypad(), *typed("1234"), last, *typed("12345678"))
    assert (pad.mode, done) == (Mode.ASKING, [Ask(code8="12345678")])


def test_digits_are_forgotten_after_half_a_minute() -> None:
    pad, _ = play(Keypad(), *typed("1234"))
    assert step(pad, Tick(), NOW + TYPING_SECONDS - 1)[0] == pad
    assert step(pad, Tick(), NOW + TYPING_SECONDS) == (Keypad(), ())


def test_water_runs_once_it_is_allowed_and_the_start_is_on_the_disk_before() -> None:
    asked, _ = play(Keypad(), *typed("12345678"))
    pad, done = play(asked, Allowed(MOST, END))
    assert (pad.mode, done) == (Mode.RUNNING, [Flush(0), Valve(is_open=True)])
    assert play(asked, Refused()) == (Keypad(), [])


def test_nothing_but_an_answer_ends_the_asking() -> None:
    asked, _ = play(Keypad(), *typed("12345678"))
    assert play(asked, Confirm(), Digit(1), Tick(), Counted(3), Scanned("x"), now=END) == (
        asked, [],
    )  # fmt: skip
    given_up, done = play(asked, Cancel())
    assert done == []
    assert play(given_up, Allowed(MOST, END)) == (Keypad(), [Stop(0, End.CANCEL)])
    assert play(given_up, Refused()) == (Keypad(), [])


def test_confirm_pauses_and_goes_on_and_what_ran_is_written() -> None:
    paused, done = play(running(), Counted(7), Confirm())
    assert (paused.mode, done) == (Mode.PAUSED, [Valve(is_open=False), Flush(7)])
    again, done = play(paused, Confirm())
    assert (again.mode, done) == (Mode.RUNNING, [Valve(is_open=True)])


@pytest.mark.parametrize("pauses", [0, 1])
def test_cancel_ends_with_everything_that_ran(pauses: int) -> None:
    pad, _ = play(running(), Counted(7), *[Confirm()] * pauses)
    assert play(pad, Cancel()) == (Keypad(), [Valve(is_open=False), Stop(7, End.CANCEL)])


def test_what_ran_is_written_every_ten_seconds() -> None:
    pad, _ = play(running(), Counted(3))
    assert step(pad, Tick(), NOW + FLUSH_SECONDS - 1)[1] == ()
    pad, done = step(pad, Tick(), NOW + FLUSH_SECONDS)
    assert done == (Flush(3),)
    assert step(pad, Tick(), NOW + 2 * FLUSH_SECONDS)[1] == (), "nothing new ran"
    assert step(pad, Counted(1), NOW + 2 * FLUSH_SECONDS)[1] == (Flush(4),)


@pytest.mark.parametrize("pauses", [0, 1])
def test_five_idle_minutes_end(pauses: int) -> None:
    pad, _ = play(running(), Counted(3), *[Confirm()] * pauses)
    assert step(pad, Tick(), NOW + IDLE_SECONDS - 1)[0].mode is pad.mode
    assert step(pad, Counted(0), NOW + IDLE_SECONDS)[1] == (
        Valve(is_open=False), Stop(3, End.IDLE),
    )  # fmt: skip


def test_water_that_runs_is_not_idle() -> None:
    pad, _ = step(running(), Counted(1), NOW + IDLE_SECONDS - 1)
    assert step(pad, Tick(), NOW + IDLE_SECONDS)[0].mode is Mode.RUNNING


def test_maximum_and_the_end_of_the_slot_end() -> None:
    assert play(running(), Counted(MOST))[1] == [Valve(is_open=False), Stop(MOST, End.MAXIMUM)]
    pad, _ = step(running(), Counted(5), END - 1)
    assert step(pad, Tick(), END)[1] == (Valve(is_open=False), Stop(5, End.SLOT_END))


def test_digits_and_scans_are_nothing_while_water_runs() -> None:
    pad = running()
    assert play(pad, Digit(1), Scanned("x"), Allowed(9, END), Refused()) == (pad, [])


EVENTS = st.one_of(
    st.sampled_from([Confirm(), Cancel(), Scanned("x"), Allowed(MOST, END), Refused(), Tick()]),
    st.builds(Digit, st.integers(0, 9)),
    st.builds(Counted, st.integers(0, 90)),
)


@given(st.lists(st.tuples(EVENTS, st.integers(0, 400)), max_size=60))
def test_no_history_runs_water_that_is_not_stopped_or_loses_a_unit(
    history: list[tuple[Event, int]],
) -> None:
    pad, now, is_open, ran = Keypad(), NOW, False, 0
    for event, seconds in history:
        now += seconds
        was, counted = pad.mode, event.units if isinstance(event, Counted) else 0
        pad, effects = step(pad, event, now)
        ran += counted if was in (Mode.RUNNING, Mode.PAUSED) else 0
        for effect in effects:
            match effect:
                case Valve(opened):
                    is_open = opened
                case Flush(units):
                    assert units == ran
                case Stop(units, _):
                    assert (units, is_open) == (ran, False)
                    ran = 0
        assert is_open == (pad.mode is Mode.RUNNING)
