"""What passed over the wire and what the pretend providers made of it, the newest last."""

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import count

KEPT = 500
_SHOWN = 2_000


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request: the provider's API, what was sent, and the verdict in a few words.

    `number` counts on where the clock is moved back.
    """

    number: int
    at: str
    provider: str
    api: str
    sent: str
    verdict: str


class Trace:
    """The last exchanges."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._numbers = count(1)
        self._exchanges: deque[Exchange] = deque(maxlen=KEPT)

    def note(self, provider: str, api: str, sent: bytes | str, verdict: str) -> None:
        """Keeps an exchange."""
        text = sent.decode(errors="replace") if isinstance(sent, bytes) else sent
        self._exchanges.append(
            Exchange(
                next(self._numbers),
                self._now().isoformat(),
                provider,
                api,
                text[:_SHOWN],
                verdict,
            )
        )

    def all(self, provider: str | None = None) -> list[dict[str, str | int]]:
        """The exchanges of a provider, or all."""
        return [
            asdict(each)
            for each in self._exchanges
            if provider is None or each.provider == provider
        ]
