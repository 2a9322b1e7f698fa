"""Who of the sample people does what in the demo."""

from itertools import islice

from bff.demo.place import Memory
from bff.sample_people import sample_people
from core.identity.records import RosterRow

PEOPLE = 2_000
_BALANCE_MINIMUM = 5_000
_WALLETS = 6


def hero(memory: Memory) -> RosterRow:
    """Whom the story is told of: with money, and another one at each play."""
    fit = [
        person for person in _pinned(memory) if (person.old_balance_minor or 0) >= _BALANCE_MINIMUM
    ]
    return fit[memory.plays % len(fit)]


def visitor(memory: Memory) -> RosterRow:
    """Who is left to the reader: somebody whom the story meets last of all."""
    return _pinned(memory)[-1]


def wallet_owners(memory: Memory) -> list[RosterRow]:
    """Who has a wallet and a chat account in the sandbox."""
    chosen = [visitor(memory), hero(memory), *islice(sample_people(PEOPLE), _WALLETS)]
    return list({person.number: person for person in chosen}.values())


def _pinned(memory: Memory) -> list[RosterRow]:
    """Everybody in a school with a first PIN of digits only."""
    people = sample_people(PEOPLE // len(memory.terminals))
    return [person for person in people if (person.id_number or "")[-6:].isdigit()]
