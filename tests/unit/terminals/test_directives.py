"""What a heartbeat tells: SYNC to whoever is behind, LOCK to whoever is locked."""

import pytest

from terminals.directives import directives


@pytest.mark.parametrize(("is_locked", "held", "newest", "told"), [
    (False, 6, 7, ["SYNC"]),
    (False, 0, 1, ["SYNC"]),
    (False, 7, 7, []),
    (False, 8, 7, []),
    (False, 0, 0, []),
    (False, None, 7, []),
    (True, 6, 7, ["LOCK"]),
    (True, None, 0, ["LOCK"]),
])  # fmt: skip
def test_terminal_is_told_what_to_do(
    is_locked: bool, held: int | None, newest: int, told: list[str]
) -> None:
    assert directives(is_locked=is_locked, held_version=held, newest_version=newest) == told
