"""How large a fleet is, and how hard its day."""

from dataclasses import dataclass

HOLDERS_MINIMUM = 24
_PASSAGES_MINIMUM = 8
_TILLS_PER_THIEF, _FEW_TILLS = 25, 10


@dataclass(frozen=True, slots=True)
class Plan:
    """One run: `records` are purchases taken offline, over all tills; the seed fixes the script.

    Each line is cut and mended in `rounds`, and each time the batch is uploaded and closed. A till
    insists for `budget_seconds` on an answer: shorter than a real one's three seconds.
    """

    tills: int = 50
    gates: int = 10
    meters: int = 10
    records: int = 10_000
    chaos: bool = False
    seed: str = "1"
    rounds: int = 4
    budget_seconds: float = 1.0

    def quota(self, place: int) -> int:
        """How many records the till at this place takes."""
        whole, rest = divmod(self.records, self.tills)
        return whole + (place < rest)

    @property
    def passages(self) -> int:
        """How often each gate opens without a network."""
        return max(_PASSAGES_MINIMUM, self.records // self.tills // 4)

    @property
    def thieves(self) -> int:
        """Cardholders who empty their account and then go round the tills without a network."""
        return max(1, self.tills // _TILLS_PER_THIEF)

    @property
    def workers(self) -> int:
        """Server processes: a small fleet does not wait for a second one to start."""
        return 1 if self.tills < _FEW_TILLS else 2

    @property
    def holders(self) -> int:
        """Enough that the caps of one till stop few of them."""
        return max(HOLDERS_MINIMUM, self.records // self.tills * 3 // 4) + self.thieves
