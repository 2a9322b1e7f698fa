"""Refusals: expected outcomes that reach the client as data."""

import re
from typing import ClassVar

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Refusal(Exception):
    """A use case's expected "no".

    Subclasses are nouns of the situation (`CardLost`, `LimitExceeded`) and live in `records` of
    their context. The code that clients see is the class name in UPPER_SNAKE: said once.
    `path` names the input fields the refusal is about; `details` are facts for the message's
    placeholders (never personal data).
    """

    retryable: ClassVar[bool] = False

    def __init__(self, *path: str, **details: str | int) -> None:
        super().__init__(type(self).__name__)
        self.path = path
        self.details = details

    @classmethod
    def code(cls) -> str:
        """The code of this refusal, for example `CARD_LOST`."""
        return _WORD_START.sub("_", cls.__name__).upper()


class IdempotencyConflict(Refusal):
    """The same key was used before with other content; nothing was changed."""


class ItemLimit(Refusal):
    """An upload holds too many items; `maximum` says how many it may."""


class Overloaded(Refusal):
    """There is no seat for this work now; the same request may be sent again."""

    retryable = True
