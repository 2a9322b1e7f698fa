"""The invented people who live in the sandbox: one person, known to every provider."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a wallet, a chat account and a seat in the school's WeCom.

    `id` is a word for scripts and pages; `id_number` may be empty, then no wallet is certified.
    `member_of` are the corp ids whose member they are, under `userid`.
    """

    id: str
    name: str
    id_number: str = ""
    phone: str = ""
    email: str = ""
    userid: str = ""
    member_of: tuple[str, ...] = field(default=())


class People:
    """Everybody, by id."""

    def __init__(self) -> None:
        self._by_id: dict[str, Person] = {}

    def put(self, people: Iterable[Person]) -> None:
        """Adds people, or changes those with the same id."""
        self._by_id.update({person.id: person for person in people})

    def find(self, person_id: str) -> Person | None:
        """The person with an id."""
        return self._by_id.get(person_id)

    def all(self) -> list[Person]:
        """Everybody, in the order they came."""
        return list(self._by_id.values())


def pseudonym(app: str, person: Person, length: int = 28) -> str:
    """How a provider calls a person within an app: stable, different in each app."""
    return hashlib.sha256(f"{app}|{person.id}".encode()).hexdigest()[:length]
