"""The terminal's own keys: the one of its enrolment, and those that it changed to."""

from bff.conformance.school import ISSUER, KEY_NO, TERMINAL_NO
from terminals.keys import is_registrable, verifies
from terminals.message import KeyId, rotation_message


class DeviceKeys:
    """By number; each but those of a day that is over is good."""

    def __init__(self) -> None:
        self.by_number: dict[int, bytes] = {}
        self._ended = 0

    @property
    def first(self) -> bytes | None:
        """The key of the enrolment."""
        return self.by_number.get(KEY_NO)

    @property
    def newest_no(self) -> int:
        """The number of the newest one, 0 of a terminal that has none."""
        return max(self.by_number, default=0)

    def enrol(self, key: bytes) -> None:
        """The first one; whoever enrols again begins again."""
        self.by_number, self._ended = {KEY_NO: key}, 0

    def find(self, number: int) -> bytes | None:
        """The key of a number, if it is good."""
        return None if self.is_ended(number) else self.by_number.get(number)

    def is_ended(self, number: int) -> bool:
        """Whether its 24 hours beside the next one are over."""
        return 0 < number <= self._ended

    def end_older(self) -> None:
        """A day passes: all but the newest are good no more."""
        self._ended = self.newest_no - 1

    def rotate(self, key: bytes, proof: bytes) -> int | None:
        """The number of the next key, the same for the same key; None if it is not proven."""
        newest = self.newest_no
        if self.by_number[newest] == key:
            return newest
        message = rotation_message(KeyId(ISSUER, TERMINAL_NO, newest + 1), key)
        is_new = is_registrable(key) and key not in self.by_number.values()
        if not is_new or not verifies(key, message, proof):
            return None
        self.by_number[newest + 1] = key
        return newest + 1
