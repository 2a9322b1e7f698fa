"""The one place where the product reads a clock."""

from datetime import UTC, datetime


class SystemClock:
    """Implements `core.kit.clock.Clock` by the machine's clock."""

    def now(self) -> datetime:
        """The present instant, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - everything else is given a Clock
