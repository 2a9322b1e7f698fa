"""Prepares two schools through the product's services and says what its people and tills hold."""

import asyncio
import json
import os
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from uuid import UUID

from bff.fleet.dice import Dice
from bff.ground import Ground
from bff.keys import create_keys, load_keys
from bff.sample_people import sample_people
from bff.settings import Environment
from bff.wiring import Wired, wire
from clients.device_key import public_key
from clients.terminal.keys import Identity, enrolment_proof
from core.audit.records import Actor, ActorKind
from core.db.connection import PATIENT_SECONDS
from core.db.unit import Unit
from core.entry.records import Door, DoorScene, Passback
from core.identity.records import CardholderKind, SessionRecord
from core.kit.clock import unix_seconds
from core.ports.codes import PassKind
from core.school.records import DeviceClass, Role, Site
from schema.node import node_id
from terminals.keys import PublicKey, signer
from terminals.message import device_message
from tests.factories.roster import HEADER_ZH, cells_of, csv_bytes
from tests.faults.bank.folk import Folk, settle

SCHOOLS = (71, 72)
PIN = "274915"
PHONES_AT_ONCE = 8
OPERATOR = Actor(ActorKind.OPERATOR, "bank-test")
_POLICY = """
[policy.pin]
kinds = ["PAY"]
change_via = ["APP"]
[policy.code]
pin_at_first_open = false
[policy.loss]
release_via = ["APP", "WINDOW"]
[policy.limit]
single_minor = 2500
daily_minor = 8000
[policy.top_up]
channels = ["CASH"]
[policy.offline]
money = true
accepted_loss_minor = 1_000_000
instruments = ["VIRTUAL"]
cap_class = 1
[policy.offline.cap_1]
amount_minor = 800
count = 20
total_minor = 1000
"""


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is of everything, per school.

    `pins` is how many cardholders choose a PIN (each costs an argon2id); with `folk` there are
    people who sign in by channels besides.
    """

    tills: int = 20
    gates: int = 4
    holders: int = 100
    pins: int = 16
    folk: bool = False


Told = Callable[[int, int], None]
"""Hears how many of how many cardholders are ready."""


def _nobody(_done: int, _of: int) -> None:
    return


Tables = Callable[[int], str]
"""What a school's file says of channels and sign-ons."""


def _closed(_school_id: int) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Holder:
    """A cardholder with a phone; `passes` are base64, `token` is a session's."""

    school_id: int
    number: str
    uid: str
    card_id: str
    token: str
    seed: str
    content: str
    not_before: int
    has_pin: bool


@dataclass(frozen=True, slots=True)
class Desk:
    """The staff sessions of a school: a cashier's and an auditor's."""

    school_id: int
    cashier: str
    auditor: str


@dataclass(frozen=True, slots=True)
class Town:
    """All that clients may know."""

    holders: tuple[Holder, ...]
    desks: tuple[Desk, ...]
    tills: tuple[str, ...]
    """Each an `Identity` as text."""
    gates: tuple[str, ...] = ()
    """As the tills; each has door 1, which everybody may pass."""
    folk: Folk = field(default_factory=Folk)
    outside_url: str = ""
    """Where the providers' apps on the phones ask."""
    visits: tuple[str, ...] = ()
    """The scenes at the doors that are played; all of them if none is named."""

    def write(self, path: Path) -> None:
        """As JSON."""
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, path: Path) -> "Town":
        """From what `write` wrote."""
        facts = json.loads(path.read_text())
        return cls(
            tuple(Holder(**each) for each in facts["holders"]),
            tuple(Desk(**each) for each in facts["desks"]),
            tuple(facts["tills"]),
            tuple(facts["gates"]),
            Folk.of(facts["folk"]),
            facts["outside_url"],
            tuple(facts["visits"]),
        )


class WallClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant."""
        return datetime.now(UTC)  # noqa: TID251 - this is the Clock


async def prepare(
    database_url: str,
    redis_url: str,
    keys_file: Path,
    schools: Sequence[int],
    size: Size,
    told: Told = _nobody,
    tables: Tables = _closed,
) -> Town:
    """Schools with tills, cardholders, phones and staff on an empty, migrated database."""
    wires = wire(ground(database_url, redis_url, keys_file))
    async with wires.running():
        towns = [await found(wires, school_id, size, told, tables) for school_id in schools]
    return Town(
        tuple(holder for town in towns for holder in town.holders),
        tuple(desk for town in towns for desk in town.desks),
        tuple(till for town in towns for till in town.tills),
        tuple(gate for town in towns for gate in town.gates),
        Folk(
            tuple(person for town in towns for person in town.folk.persons),
            tuple(victim for town in towns for victim in town.folk.victims),
            tuple(stranger for town in towns for stranger in town.folk.strangers),
        ),
    )


def ground(database_url: str, redis_url: str, keys_file: Path) -> Ground:
    """What the services stand on, with the keys of a file; new ones if there is none."""
    clock = WallClock()
    if not keys_file.exists():
        create_keys(keys_file, Environment.DEVELOPMENT, os.urandom, clock.now())
    keys = load_keys(keys_file, Environment.DEVELOPMENT, clock.now())
    return Ground(database_url, redis_url, keys, clock, os.urandom, command_seconds=PATIENT_SECONDS)


async def found(
    wires: Wired, school_id: int, size: Size, told: Told = _nobody, tables: Tables = _closed
) -> Town:
    """One school, the same each time."""
    dice = Dice("town", school_id)
    file = _school_file(school_id) + tables(school_id)
    await wires.services.schools.add(file, OPERATOR)
    merchants = await _merchants(wires, school_id)
    tills = [
        await _terminal(wires, school_id, merchants[place % len(merchants)], dice, place, "MEAL")
        for place in range(size.tills)
    ]
    gates = [
        await _gate(wires, school_id, merchants[0], dice, size.tills + place)
        for place in range(size.gates)
    ]
    await wires.services.publisher.refresh(school_id)
    holders = await _holders(wires, school_id, size, dice, told)
    folk = await settle(wires, school_id, size.holders, "MAIN") if size.folk else Folk()
    desks = (await _desk(wires, school_id),)
    return Town(tuple(holders), desks, tuple(tills), tuple(gates), folk)


def _school_file(school_id: int) -> str:
    return (
        f'[school]\nid = {school_id}\ncode = "bank-{school_id}"\nname_zh = "试验大学"\n'
        'name_en = "Sample University"\ndefault_language = "ZH"\n'
        '[[school.campuses]]\ncode = "MAIN"\nname_zh = "主校区"\nname_en = "Main"\n' + _POLICY
    )


async def _merchants(wires: Wired, school_id: int) -> list[int]:
    schools = wires.services.schools
    await schools.site_put(school_id, Site(0, "食堂", "Canteen"), OPERATOR)
    made = [
        await schools.merchant_add(school_id, f"示例食堂{n}", f"Canteen {n}", OPERATOR)
        for n in range(4)
    ]
    return [merchant.number for merchant in made]


async def _gate(wires: Wired, school_id: int, merchant_no: int, dice: Dice, place: int) -> str:
    """A gate whose zone refuses nobody who is inside already: codes are used once all the same."""
    text = await _terminal(wires, school_id, merchant_no, dice, place, "GATE")
    number = Identity.read(text).terminal_no
    door = Door(number, 1, "北门", "Gate", "campus", Passback.OFF, DoorScene.GATE, common=True)
    await wires.services.doors.put(school_id, door, OPERATOR, keep_passback=False)
    return text


async def _terminal(
    wires: Wired, school_id: int, merchant_no: int, dice: Dice, place: int, scene: str
) -> str:
    terminals = wires.services.terminals
    device_class = DeviceClass.GATE if scene == "GATE" else DeviceClass.TILL
    registered = await terminals.register(
        school_id, merchant_no, 0, device_class, [scene], OPERATOR
    )
    code, seed = f"BANK{school_id:02d}{place:06d}", dice.bytes(32)
    await terminals.activation_open(school_id, registered.number, code, OPERATOR)
    proof = enrolment_proof(seed, code, f"SN-{place}")
    enrolled = await terminals.enrol(
        school_id, code, public_key(seed), "Bank 1", f"SN-{place}", proof
    )
    mark = enrolled.keys[-1].fingerprint
    await terminals.confirm(school_id, registered.number, mark, OPERATOR)
    pin_key = b64encode(wires.services.terminal_keys.pin_public_key).decode()
    published = [_published(key) for key in wires.services.terminal_keys.published(school_id)]
    return Identity(
        school_id, registered.number, enrolled.keys[-1].number, seed.hex(), pin_key,
        tuple(published),
    ).write()  # fmt: skip


def _published(key: PublicKey) -> dict[str, object]:
    return {
        "issuer": key.issuer, "kid": key.kid, "use": key.use,
        "publicKey": b64encode(key.public_key).decode(), "signFrom": key.sign_from,
        "signUntil": key.sign_until, "dropAfter": key.drop_after, "siteNo": key.site_no,
    }  # fmt: skip


async def _holders(
    wires: Wired, school_id: int, size: Size, dice: Dice, told: Told
) -> list[Holder]:
    """Small balances, 5 to 60 yuan: refusals for lack of funds must happen."""
    people = [
        replace(
            person,
            kind=CardholderKind.STUDENT,
            old_balance_minor=500 + dice.below(5_500),
            card_uid=f"{school_id:02X}{place:012X}",
        )
        for place, person in enumerate(sample_people(size.holders, "MAIN"))
    ]
    cells = [HEADER_ZH, *(cells_of(person) for person in people)]
    report = await wires.roster.import_file(school_id, csv_bytes(cells), "bank-test", print)
    assert report.created == size.holders
    rows = await wires.database.unit(
        school_id,
        lambda unit: unit.rows(
            "SELECT h.number, h.id, c.uid, c.id AS card_id FROM cardholder h"
            " JOIN card c ON c.school_id = $1 AND c.cardholder_id = h.id AND c.kind = 'PHYSICAL'"
            " WHERE h.school_id = $1 ORDER BY h.number",
            school_id,
        ),
    )
    seeds = [dice.bytes(32) for _ in rows]
    places, ready = iter(range(len(rows))), count(1)
    holders: dict[int, Holder] = {}

    async def open_phones() -> None:
        for place in places:
            holders[place] = await _phone(
                wires, school_id, rows[place], seeds[place], has_pin=place < size.pins
            )
            told(next(ready), len(rows))

    await asyncio.gather(*(open_phones() for _ in range(PHONES_AT_ONCE)))
    return [holders[place] for place in range(len(rows))]


async def _phone(
    wires: Wired, school_id: int, row: dict[str, object], seed: bytes, *, has_pin: bool
) -> Holder:
    services, holder_id = wires.services, UUID(str(row["id"]))
    now = services.clock.now()
    await services.cards.open_virtual(school_id, holder_id, pin=None)
    created_at = unix_seconds(now)
    device = await services.devices.enrol(
        school_id, holder_id, None, public_key=public_key(seed), created_at=created_at,
        proof=signer(seed)(device_message(public_key(seed), created_at)), pin=None,
    )  # fmt: skip
    issue = await services.codes.issue_passes(
        school_id, holder_id, device.id, [PassKind.VIRTUAL_CARD]
    )
    if has_pin:
        await services.pins.choose_first(school_id, holder_id, "PAY", pin=PIN, step_up_at=now)
    given = issue.passes[0]
    return Holder(
        school_id=school_id,
        number=str(row["number"]),
        uid=str(row["uid"]),
        card_id=node_id("Card", school_id, row["card_id"]),
        token=await _session(wires, school_id, cardholder_id=holder_id),
        seed=seed.hex(),
        content=b64encode(given.content).decode(),
        not_before=given.not_before,
        has_pin=has_pin,
    )


async def _session(
    wires: Wired,
    school_id: int,
    *,
    cardholder_id: UUID | None = None,
    staff_id: UUID | None = None,
) -> str:
    """A session with a second factor given now."""
    services, now, id_ = wires.services, wires.services.clock.now(), wires.ids.new()
    session = SessionRecord(
        school_id=school_id,
        id=id_,
        family_id=id_,
        issuer="bank-test",
        subject_index=wires.ids.bytes(32),
        channel="CONSOLE" if staff_id else "NATIVE",
        device_label="bank",
        binding_id=None,
        cardholder_id=cardholder_id,
        staff_id=staff_id,
        step_up_at=now,
        created_at=now,
        last_seen_at=now,
        expires_at=now,
    )

    async def work(unit: Unit) -> str:
        return (await services.sessions.open(unit, session)).access_token

    return await wires.database.unit(school_id, work)


async def _desk(wires: Wired, school_id: int) -> Desk:
    tokens = {}
    for role in (Role.CASHIER, Role.AUDITOR):
        made = await wires.services.staff.create(
            school_id, role.value.lower(), role.value, frozenset({role}), "many plain words",
            OPERATOR, None,
        )  # fmt: skip
        tokens[role] = await _session(wires, school_id, staff_id=made.member.id)
    return Desk(school_id, tokens[Role.CASHIER], tokens[Role.AUDITOR])
