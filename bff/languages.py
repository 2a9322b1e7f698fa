"""The language each school speaks to whoever names none, known without waiting."""

import asyncio
from contextlib import suppress

from core.db.connection import DatabaseUnavailable
from core.school.service import Schools
from schema.context import Language

REFRESH_SECONDS = 30.0
HOUSE_LANGUAGE: Language = "zh"


class SchoolLanguages:
    """Default languages as they were at most half a minute ago."""

    def __init__(self, schools: Schools) -> None:
        self._schools = schools
        self._known: dict[int, Language] = {}

    def __call__(self, school_id: int | None) -> Language:
        """The school's language, the house's for no school and a new one."""
        return HOUSE_LANGUAGE if school_id is None else self._known.get(school_id, HOUSE_LANGUAGE)

    async def keep(self) -> None:
        """Reads them again and again, until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(REFRESH_SECONDS)

    async def refresh(self) -> None:
        """Reads them; without a database what was known stays."""
        with suppress(DatabaseUnavailable):
            listed = await self._schools.list_all()
            self._known = {school.id: school.default_language for school in listed}
