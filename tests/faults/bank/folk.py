"""The people who sign in by channels: some of the register, their victims' like, and strangers."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from adapters.sandbox.people import Person as Account
from adapters.sandbox.people import pseudonym
from adapters.sandbox.wecom import CORP
from bff.fleet.dice import Dice
from bff.sample_people import sample_people
from bff.wiring import Wired
from core.card.records import PinTooWeak
from core.identity.addresses import Address
from core.identity.records import CardholderKind, RosterRow
from core.identity.subjects import subject_index
from core.kit.sealed import Sealer
from core.ports.messages import AddressKind
from tests.contract.sso.people import Pupil
from tests.factories.roster import HEADER_ZH, cells_of, csv_bytes

ALIPAY, WECHAT, WECOM, NATIVE = "ALIPAY_MINI", "WECHAT_MINI", "WECOM", "NATIVE"
SIGN_ON = "SSO"
PERSONS, VICTIMS, STRANGERS = 15, 6, 60
"""Per school. The last of five persons has two cards; a victim is guessed at once a run."""
PIN_HASHES_AT_ONCE = 2
OPENING_MINOR = 6_000


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a wallet, a chat account and, unless a stranger, cards and a campus log-in.

    `id` is what the providers and the school's sign-on know them by; `second` a second chat account
    of the same person. `network` is where they ask from. `uid` is the physical card's.
    """

    school_id: int
    id: str
    name: str
    id_number: str
    network: str
    numbers: tuple[str, ...] = ()
    pin: str = ""
    uid: str = ""
    second: str = ""
    phone: str = ""
    email: str = ""

    @classmethod
    def of(cls, facts: Mapping[str, object]) -> "Person":
        """From JSON."""
        made: Person = cls(**facts)  # type: ignore[arg-type]  # as `asdict` wrote it
        return replace(made, numbers=tuple(made.numbers))

    def accounts(self) -> Iterator[Account]:
        """Who they are at the providers."""
        corps = (CORP,) if self.numbers else ()
        for id_ in filter(None, (self.id, self.second)):
            yield Account(id_, self.name, self.id_number, self.phone, self.email, id_, corps)

    @property
    def pupil(self) -> Pupil:
        """Who they are at the school's sign-on."""
        return Pupil(self.id, self.numbers[0], self.name, f"{self.id}@people.example")


@dataclass(frozen=True, slots=True)
class Folk:
    """Everybody, and what the issuers of their sign-ins are called, by channel."""

    persons: tuple[Person, ...] = ()
    victims: tuple[Person, ...] = ()
    strangers: tuple[Person, ...] = ()
    issuers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, facts: Mapping[str, Iterable[Mapping[str, object]]]) -> "Folk":
        """From JSON."""
        read = {
            name: tuple(Person.of(each) for each in facts[name])
            for name in ("persons", "victims", "strangers")
        }
        return cls(**read, issuers=dict(facts["issuers"]))  # type: ignore[arg-type]  # as written

    def all(self) -> Iterator[Person]:
        """Everybody."""
        return chain(self.persons, self.victims, self.strangers)


Subject = tuple[int, str, str]
"""School, issuer and the index in hex."""


def subjects_of(folk: Folk, sealer: Sealer) -> dict[Subject, Person]:
    """Whose sign-in each subject is, as the product writes it down."""
    found: dict[Subject, Person] = {}
    for person in folk.all():
        named = {SIGN_ON: [person.id], ALIPAY: [], WECHAT: [], WECOM: []}
        for account in person.accounts():
            named[WECOM].append(account.userid)
            for channel, length in ((ALIPAY, 48), (WECHAT, 28)):
                app = folk.issuers[channel].partition(":")[2]
                named[channel].append(pseudonym(app, account, length))
        for channel, texts in named.items():
            issuer = folk.issuers[channel]
            for text in texts:
                index = subject_index(sealer, person.school_id, issuer, text)
                found[person.school_id, issuer, index.hex()] = person
        if person.email:
            address = Address.parse(AddressKind.EMAIL, person.email)
            mailed = address.index(sealer, person.school_id).hex()
            found[person.school_id, address.issuer, mailed] = person
    return found


def draw(school_id: int, after: int, campus: str) -> tuple[list[RosterRow], list[Person]]:
    """The rows and the persons and victims of a school, the persons first.

    `after` sample people are somebody else already.
    """
    dice, rows, people = Dice("folk", school_id), [], []
    sample = list(sample_people(after + PERSONS + VICTIMS, campus))[after:]
    for place, row in enumerate(sample):
        uid = f"{school_id:02X}F{place:011X}"
        plain = replace(
            row, kind=CardholderKind.STUDENT, old_balance_minor=OPENING_MINOR, card_uid=uid
        )
        numbers, is_person = [plain.number], place < PERSONS
        rows.append(plain)
        if is_person and place % 5 == 4:
            other = replace(
                plain, number=f"{plain.number}B", card_uid=f"{school_id:02X}E{place:011X}"
            )
            rows.append(other)
            numbers.append(other.number)
        id_ = f"folk{school_id}-{place:02d}"
        people.append(
            Person(
                school_id, id_, row.name, row.id_number or "", network_of(school_id, place),
                tuple(numbers), f"{100_000 + dice.below(900_000)}", uid,
                f"{id_}-new" if is_person else "", row.phone or "",
                (row.email or "").lower(),
            )
        )  # fmt: skip
    return rows, people


def strangers_of(school_id: int) -> list[Person]:
    """People of whom the school knows nothing."""
    return [
        Person(
            school_id, f"stranger{school_id}-{place:02d}", f"路人{place:02d}", "",
            network_of(school_id, 100 + place),
        )
        for place in range(STRANGERS)
    ]  # fmt: skip


def network_of(school_id: int, place: int) -> str:
    """An address of a network of one's own, in the range kept for measurements."""
    return f"198.{18 + school_id % 2}.{place}.7"


async def settle(wires: Wired, school_id: int, after: int, campus: str) -> Folk:
    """Puts persons and victims into a school's register, with PINs of their own choosing."""
    rows, people = draw(school_id, after, campus)
    cells = [HEADER_ZH, *(cells_of(row) for row in rows)]
    report = await wires.roster.import_file(school_id, csv_bytes(cells), "bank-test", print)
    assert report.created == len(rows)
    waiting, ready = iter(enumerate(people)), list(people)

    async def choose() -> None:
        for place, person in waiting:
            ready[place] = await _with_pins(wires, person)

    await asyncio.gather(*(choose() for _ in range(PIN_HASHES_AT_ONCE)))
    strangers = tuple(strangers_of(school_id))
    return Folk(tuple(ready[:PERSONS]), tuple(ready[PERSONS:]), strangers)


async def _with_pins(wires: Wired, person: Person) -> Person:
    """The person with a PIN that is not too weak, the same for both cards."""
    for shift in range(100):
        pin = f"{(int(person.pin) + shift * 1_117) % 1_000_000:06d}"
        try:
            for number in person.numbers:
                await _choose(wires, person.school_id, number, pin)
        except PinTooWeak:
            continue
        return replace(person, pin=pin)
    raise AssertionError(person.id)


async def _choose(wires: Wired, school_id: int, number: str, pin: str) -> None:
    services = wires.services
    holder_id = await services.cardholders.find_id(school_id, number)
    assert holder_id is not None
    now = services.clock.now()
    await services.pins.choose_first(school_id, holder_id, "PAY", pin=pin, step_up_at=now)


def share(people: Sequence[Person], index: int, count: int) -> list[Person]:
    """Those that one of `count` players plays: no two play one person at a time."""
    return list(people[index::count])
