"""Windows, limits and networks of counted tries."""

from datetime import UTC, datetime

import pytest

from core.identity.attempts import LIMITS, Counter, is_within, network_of, window_start
from core.kit.clock import from_unix, unix_seconds


def test_the_limits_are_those_of_the_security_document() -> None:
    tries = {counter: (limit.tries, limit.window_seconds) for counter, limit in LIMITS.items()}
    assert tries[Counter.NUMBER_DAY] == (5, 86_400)
    assert tries[Counter.NUMBER_EVER] == (20, 0)
    assert tries[Counter.CALLER_HOUR] == (5, 3_600)
    assert tries[Counter.CALLER_NUMBERS_DAY] == (3, 86_400)
    assert tries[Counter.NETWORK_HOUR] == (60, 3_600)
    assert tries[Counter.SEND_TARGET_HOUR] == (5, 3_600)
    assert tries[Counter.SEND_TARGET_DAY] == (10, 86_400)
    assert tries[Counter.SEND_NETWORK_HOUR] == (30, 3_600)
    assert set(tries) == set(Counter)


@pytest.mark.parametrize("counter", [c for c in Counter if LIMITS[c].tries])
def test_the_last_allowed_try_is_allowed_and_the_next_is_not(counter: Counter) -> None:
    assert is_within(counter, LIMITS[counter].tries)
    assert not is_within(counter, LIMITS[counter].tries + 1)


def test_a_window_ends_on_the_second() -> None:
    start = datetime(2031, 3, 4, 5, tzinfo=UTC)
    late = from_unix(unix_seconds(start) + 3_599)
    assert window_start(Counter.CALLER_HOUR, late) == unix_seconds(start)
    assert window_start(Counter.NUMBER_EVER, late) == 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("198.51.100.7", "198.51.100.0/24"),
        ("2001:db8:1:2ff::1", "2001:db8:1:200::/56"),
        ("::ffff:198.51.100.7", "198.51.100.0/24"),
        ("testclient", "testclient"),
    ],
)
def test_a_caller_is_counted_by_network(address: str, network: str) -> None:
    assert network_of(address) == network
