"""How keys follow one another, without a server."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bff.key_rotation import (
    KeyState,
    RotationImpossible,
    lines,
    next_keys,
    rewrite,
    running_out,
    withdraw,
)
from bff.keys import USES, Keys, KeysInvalid, create_keys, load_keys
from bff.settings import Environment
from core.kit.clock import unix_seconds
from terminals.keys import KeyUse
from tests.factories.chance import NOON, counted_entropy

ENTROPY = counted_entropy("rotation")


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    create_keys(tmp_path / "keys.json", Environment.DEVELOPMENT, ENTROPY, NOON)
    return load_keys(tmp_path / "keys.json", Environment.DEVELOPMENT, NOON)


def after(days: float) -> datetime:
    return NOON + timedelta(days=days)


def rotated(keys: Keys, day: float, starts: float) -> Keys:
    return next_keys(keys, USES, after(starts), after(day), ENTROPY)


def test_a_year_of_quarters_never_lacks_a_key_and_never_names_one_twice(keys: Keys) -> None:
    for quarter in range(1, 5):
        keys = rotated(keys, quarter * 91 - 7, quarter * 91)
    for day in range(4 * 91 + 100):
        assert running_out(keys, after(day)) == []
    assert len({seed.kid for seed in keys.signing}) == len(keys.signing) == 15
    assert len({line.public_key for line in keys.public_keys(1)}) == 15
    assert running_out(keys, after(4 * 91 + 101)) == list(USES)


def test_next_keys_are_added_once_and_of_the_uses_asked_for(keys: Keys) -> None:
    one = next_keys(keys, [KeyUse.PASS], after(91), after(84), ENTROPY)
    assert [seed.use for seed in one.signing[3:]] == [KeyUse.PASS]
    both = rotated(one, 84, 91)
    assert [seed.use for seed in both.signing[4:]] == [KeyUse.ANSWER, KeyUse.DOCUMENT]
    assert rotated(both, 85, 92) is both


@pytest.mark.parametrize(("day", "starts", "is_possible"), [
    (98, 100, True), (98, 100.1, False), (101, 101, True),
])  # fmt: skip
def test_no_day_is_left_without_a_key(
    keys: Keys, day: float, starts: float, is_possible: bool
) -> None:
    if is_possible:
        assert running_out(rotated(keys, day, starts), after(starts)) == []
    else:
        with pytest.raises(RotationImpossible, match="ends before the next"):
            rotated(keys, day, starts)


def test_key_that_leaked_gives_way_to_one_of_the_same_span(keys: Keys) -> None:
    made = withdraw(keys, 1, after(40), ENTROPY)
    leaked, fresh = made.signing[0], made.signing[-1]
    assert (leaked.withdrawn_at, fresh.kid) == (unix_seconds(after(40)), 4)
    assert (fresh.use, fresh.sign_from, fresh.sign_until) == (
        leaked.use, leaked.sign_from, leaked.sign_until,
    )  # fmt: skip
    assert [line.kid for line in made.public_keys(1)] == [2, 3, 4]
    assert made.signing_seed(KeyUse.PASS, after(40)).kid == 4
    evidence = made.evidence(1)
    assert evidence.withdrawn_at == {1: unix_seconds(after(40))}
    assert evidence.ring.find(1, 1, KeyUse.PASS) is not None


def test_only_a_key_that_is_there_is_withdrawn(keys: Keys) -> None:
    with pytest.raises(RotationImpossible):
        withdraw(keys, 9, NOON, ENTROPY)
    with pytest.raises(RotationImpossible):
        withdraw(withdraw(keys, 1, NOON, ENTROPY), 1, NOON, ENTROPY)


def test_lines_say_where_each_key_stands(keys: Keys) -> None:
    made = withdraw(rotated(keys, 84, 91), 2, after(84), ENTROPY)
    states = {line.kid: line.state for line in lines(made, after(84))}
    assert states == {
        1: KeyState.SIGNS, 2: KeyState.WITHDRAWN, 3: KeyState.SIGNS, 4: KeyState.COMING,
        5: KeyState.COMING, 6: KeyState.COMING, 7: KeyState.SIGNS,
    }  # fmt: skip
    later = {line.kid: line.state for line in lines(made, after(105))}
    assert (later[1], later[4]) == (KeyState.VERIFIES, KeyState.SIGNS)
    assert {line.kid: line.state for line in lines(made, after(109))}[1] is KeyState.DROPPED


def test_key_ids_end_below_those_of_edges(keys: Keys) -> None:
    last = keys.signing[0].model_copy(update={"kid": 127})
    full = keys.model_copy(update={"signing": (last, *keys.signing[1:])})
    with pytest.raises(RotationImpossible, match="used up"):
        rotated(full, 84, 91)


def test_file_is_replaced_whole_or_not_at_all(keys: Keys, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    rewrite(path, rotated(keys, 84, 91))
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(load_keys(path, Environment.DEVELOPMENT, after(84)).signing) == 6
    before = path.read_bytes()
    twice = keys.model_copy(update={"signing": (*keys.signing, keys.signing[0])})
    with pytest.raises(KeysInvalid):
        rewrite(path, twice)
    (tmp_path / "keys.json.new").touch()
    with pytest.raises(FileExistsError):
        rewrite(path, keys)
    assert path.read_bytes() == before
