"""How large a fleet is, and how hard its day."""

from dataclasses import dataclass

ROUNDS = 4
"""How often each line is cut and mended; each time the batch is uploaded and closed."""
HOLDERS_MINIMUM = 60
_TILLS_PER_THIEF = 25


@dataclass(frozen=True, slots=True)
class Plan:
    """One run: `records` are purchases taken offline, over all tills; the seed fixes the script."""

    tills: int = 50
    gates: int = 10
    meters: int = 10
    records: int = 10_000
    chaos: bool = False
    seed: str = "1"

    def quota(self, place: int) -> int:
        """How many records the till at this place takes."""
        whole, rest = divmod(self.records, self.tills)
        return whole + (place < rest)

    @property
    def thieves(self) -> int:
        """Cardholders who empty their account and then go round the tills without a network."""
        return max(1, self.tills // _TILLS_PER_THIEF)

    @property
    def holders(self) -> int:
        """Enough that the caps of one till stop few of them."""
        return max(HOLDERS_MINIMUM, self.records // self.tills * 3 // 4) + self.thieves
