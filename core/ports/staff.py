"""What identity asks about staff, for whoever answers it."""

from datetime import datetime
from typing import Protocol
from uuid import UUID


class StaffChecker(Protocol):
    """Checks a member of staff's password and second factor, and counts the tries."""

    async def check(
        self, school_id: int, login: str, password: str, second_factor: str
    ) -> UUID | None:
        """The active member of staff's id, or None for any reason there may be."""
        ...

    async def prove_second_factor(self, school_id: int, staff_id: UUID, code: str) -> datetime:
        """When a signed-in member gave a good code: now. Raises a refusal for any other."""
        ...
