"""Guessing at a terminal: what nobody has is counted, and too much of it closes one way in.

The count is the core's, durable and one for all processes. That a way is closed is remembered here:
another process learns of it with the next wrong try that it counts, and a good code costs nothing.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from core.kit.clock import Clock
from core.school.records import Guess
from terminals.codes import CodeRefusal, Instrument, classify
from terminals.instruments import Declined, Found, Instruments, Scan, read

WRONG_MAXIMUM = 30
"""Wrong tries of a terminal in an hour, each for codes and for PINs (security.md 4, key 2)."""
CLOSED = timedelta(minutes=10)

_SHORT = {Instrument.ONLINE_TOKEN, Instrument.OFFLINE_DIGITS}
"""Digits, which may be guessed; the other codes are signed, and cards are taps."""
_FORGED = {
    CodeRefusal.FORMAT,
    CodeRefusal.MALFORMED,
    CodeRefusal.SIGNATURE,
    CodeRefusal.ISSUER_SIGNATURE,
    CodeRefusal.DEVICE_SIGNATURE,
}

_alarm = logging.getLogger("terminals.alarm")


class Guesses:
    """Counts wrong tries by `count` (school, terminal, kind -> how many in this hour)."""

    def __init__(self, count: Callable[[int, int, Guess], Awaitable[int]], clock: Clock) -> None:
        self._count = count
        self._clock = clock
        self._closed: dict[tuple[int, int, Guess], datetime] = {}

    def are_closed(self, school_id: int, terminal_no: int, kind: Guess) -> bool:
        """Whether this kind of try is answered without being looked at."""
        until = self._closed.get((school_id, terminal_no, kind))
        return until is not None and self._clock.now() < until

    async def note(self, school_id: int, terminal_no: int, kind: Guess) -> None:
        """Counts a wrong try; from the 30th of an hour on, closes this kind for 10 minutes.

        Raises: DatabaseUnavailable.
        """
        wrong = await self._count(school_id, terminal_no, kind)
        if wrong >= WRONG_MAXIMUM:
            self._closed[school_id, terminal_no, kind] = self._clock.now() + CLOSED
            _alarm.warning(
                "school=%d terminal=%d kind=%s wrong=%d closed_seconds=%d",
                school_id, terminal_no, kind, wrong, CLOSED.total_seconds(),
            )  # fmt: skip


class Reader:
    """Reads what a terminal scanned."""

    def __init__(self, instruments: Instruments, guesses: Guesses) -> None:
        self._instruments = instruments
        self._guesses = guesses

    async def read(self, terminal_no: int, scan: Scan) -> Found | Declined:
        """Whose instrument it is; while the terminal guesses, no digits are looked up.

        Raises: DatabaseUnavailable.
        """
        kind = classify(scan.text)
        is_short = kind in _SHORT
        if is_short and self._guesses.are_closed(scan.issuer, terminal_no, Guess.CODE):
            return Declined(None, CodeRefusal.CODE_EXPIRED)
        found = await read(scan, self._instruments)
        if isinstance(found, Declined) and _is_wrong(found, is_short=is_short):
            await self._guesses.note(scan.issuer, terminal_no, Guess.CODE)
        return found


def _is_wrong(declined: Declined, *, is_short: bool) -> bool:
    """Whether nobody has such a code: forged, or digits that name nobody now."""
    return declined.reason in _FORGED or (is_short and declined.reason == CodeRefusal.CODE_EXPIRED)
