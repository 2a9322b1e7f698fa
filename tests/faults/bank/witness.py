"""Writes down each PIN and each one-time code that is really compared, one line of JSON each.

Answers are uniform, so nobody outside can tell a guess that was compared from one that was not;
this is what the limits are judged by. It watches, and changes nothing.
"""

import json
import os
from contextvars import ContextVar
from pathlib import Path
from time import monotonic
from uuid import UUID

from core.card.pin_hash import HashedPin, PinHasher, PinSubject
from core.card.service.pins import Pins
from core.identity import one_time
from core.ports.pins import PinStanding

VARIABLE = "BANK_WITNESS"
BIND, PROVE = "bind", "prove"
_way: ContextVar[str] = ContextVar("way", default=PROVE)


def install() -> None:
    """Begins, in the file that the environment names; without one there is nothing to do."""
    named = os.environ.get(VARIABLE)  # noqa: TID251 - given by the supervisor
    if named:
        _watch(Path(named))


def _watch(path: Path) -> None:
    file = path.open("ab", buffering=0)
    compare, matches, is_right = Pins.compare, PinHasher.matches, one_time.is_right

    def note(what: str, way: str, right: bool) -> None:
        line = {"t": "compared", "at": monotonic(), "what": what, "way": way, "right": right}
        file.write(json.dumps(line).encode() + b"\n")

    async def to_bind(
        self: Pins, school_id: int, cardholder_id: UUID | None, kind: str, pin: str
    ) -> PinStanding:
        token = _way.set(BIND)
        try:
            return await compare(self, school_id, cardholder_id, kind, pin)
        finally:
            _way.reset(token)

    async def matched(self: PinHasher, subject: PinSubject, stored: HashedPin, pin: str) -> bool:
        right = await matches(self, subject, stored, pin)
        note(f"pin {subject.cardholder_id}", _way.get(), right)
        return right

    def code_is_right(kept: bytes, computed: bytes) -> bool:
        right = is_right(kept, computed)
        note(f"code {kept.hex()[:16]}", "code", right)
        return right

    Pins.compare = to_bind  # type: ignore[method-assign]  # watched
    PinHasher.matches = matched  # type: ignore[method-assign]  # watched
    one_time.is_right = code_is_right
