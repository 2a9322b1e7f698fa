"""Use cases that read cardholders: the sealed row becomes a fact here and nowhere else."""

from typing import Any
from uuid import UUID

from core.db.unit import Database, Unit
from core.identity.records import Cardholder, CardholderUnknown, PersonalFacts
from core.identity.store import cardholders as store
from core.kit.sealed import Sealer
from core.ports.holders import HolderStanding


class Cardholders:
    """Cardholders of a school."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    async def get(self, school_id: int, cardholder_id: UUID) -> Cardholder:
        """One cardholder.

        Raises: CardholderUnknown.
        """
        row = await store.find(self._database.reading(school_id), cardholder_id)
        if row is None:
            raise CardholderUnknown
        return self._open(school_id, row)

    async def find_id(self, school_id: int, number: str) -> UUID | None:
        """The id of a number."""
        return await self._database.unit(school_id, lambda unit: store.id_of_number(unit, number))

    async def find_by_number(self, unit: Unit, number: str) -> Cardholder | None:
        """The cardholder with a number, inside the caller's unit."""
        cardholder_id = await store.id_of_number(unit, number)
        if cardholder_id is None:
            return None
        return self._open(unit.school_id, await store.find(unit, cardholder_id))

    async def find_standing(self, unit: Unit, cardholder_id: UUID) -> HolderStanding | None:
        """How a cardholder stands, inside the caller's unit: the money contexts' question."""
        return await store.find_standing(unit, cardholder_id)

    async def personal_facts(self, unit: Unit, cardholder_id: UUID) -> PersonalFacts:
        """Class A facts, inside the caller's unit; whoever asks shows none of them.

        Raises: CardholderUnknown.
        """
        row = await store.personal(unit, cardholder_id)
        if row is None:
            raise CardholderUnknown
        return PersonalFacts(
            row["id_type"],
            *(
                self._opened(unit.school_id, column, row)
                for column in ("id_number", "phone", "email")
            ),
        )

    def _open(self, school_id: int, row: Any) -> Cardholder:  # noqa: ANN401 - asyncpg ships no types
        name = self._opened(school_id, "name", row)
        assert name is not None
        return Cardholder(
            row["id"], row["number"], row["kind"], row["status"], row["campus_code"], name,
            self._opened(school_id, "department", row),
        )  # fmt: skip

    def _opened(self, school_id: int, column: str, row: Any) -> str | None:  # noqa: ANN401 - as above
        sealed = row[f"{column}_sealed"]
        if sealed is None:
            return None
        return self._sealer.open(school_id, f"cardholder.{column}", row["id"], sealed)
