"""What identity asks about staff, for whoever answers it."""

from typing import Protocol
from uuid import UUID


class StaffChecker(Protocol):
    """Checks a member of staff's password and second factor, and counts the tries."""

    async def check(
        self, school_id: int, login: str, password: str, second_factor: str
    ) -> UUID | None:
        """The active member of staff's id, or None for any reason there may be."""
        ...
