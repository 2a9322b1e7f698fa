"""What the core keeps for seconds or minutes and takes once: open attempts to sign in."""

from typing import Protocol


class OneTimeStore(Protocol):
    """May lose everything at any moment: then the person starts again, and nothing is revived."""

    async def put(self, school_id: int, key: str, value: bytes, seconds: int) -> None:
        """Keeps a value for so long.

        Raises: Overloaded.
        """
        ...

    async def take(self, school_id: int, key: str) -> bytes | None:
        """The value, which is gone by this; None when unknown, taken, expired or lost.

        Raises: Overloaded.
        """
        ...

    async def once(self, school_id: int, key: str, seconds: int) -> bool:
        """Whether this key is seen for the first time within so many seconds.

        Raises: Overloaded.
        """
        ...
