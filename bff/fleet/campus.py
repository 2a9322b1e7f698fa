"""The school of the fleet: its tills wait for activation, its phones have the passes of the day."""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from itertools import count
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx2

from bff.demo.population import roster
from bff.fleet.attendant import SHOWER, TAPS
from bff.fleet.crowd import Customer, Part
from bff.fleet.judge import LOSS_EACH_MINOR, PER_UNITS, PRICE_MINOR, UNITS_MAXIMUM
from bff.fleet.plan import Plan
from bff.fleet.porter import DOOR, SAFE_DOOR
from bff.sample_people import sample_people
from bff.wiring import Wired
from clients.endpoint import Endpoint
from clients.phone.phone import Phone
from clients.phone.wallet import Wallet
from clients.screen import unix_clock
from core.audit.records import Actor, ActorKind
from core.db.unit import Unit
from core.entry.records import Door, DoorScene, Passback
from core.identity.records import CardholderKind, RosterRow, RowRefusal, SessionRecord
from core.school.records import DeviceClass, Site
from core.utility.records import Meter, MeterGroup, MeterKind, Tariff
from terminals.message import draw_activation_code

SCHOOL_ID = 41
SCHOOL_CODE = "sample-fleet"
OPERATOR = Actor(ActorKind.OPERATOR, "fleet")
RICH_MINOR, POOR_MINOR, THIEF_MINOR = 1_000_000, 9_000, 6_000
REPORTERS = LOSERS = 2
_POOR_EVERY = 6
_MERCHANTS = 4
_PHONES_AT_ONCE = 6
SHOWERS, SLOT_MINUTES = 8, 30
"""Reservations of one meter, all of one slot."""
TARIFF = Tariff(price_minor=PRICE_MINOR, per_units=PER_UNITS, maximum_units=UNITS_MAXIMUM)
_SCENES = {DeviceClass.TILL: "MEAL", DeviceClass.GATE: "GATE", DeviceClass.METER: "METER"}
_SITE = Site(0, "示例食堂", "Sample Canteen")
_FILE = f"""
[school]
id = {SCHOOL_ID}
code = "{SCHOOL_CODE}"
name_zh = "车队示范大学"
name_en = "Fleet Sample University"
default_language = "ZH"
[[school.campuses]]
code = "MAIN"
name_zh = "主校区"
name_en = "Main"
[policy.code]
pin_at_first_open = false
[policy.limit]
single_minor = 100000
daily_minor = 1000000
app_max_minor = 1000000
[policy.offline]
money = true
instruments = ["PHYSICAL", "VIRTUAL"]
cap_class = 1
accepted_loss_minor = {{accepted}}
"""
Told = Callable[[int, int], None]


class PopulationRefused(Exception):
    """A sample person was refused: the samples and the rules disagree."""


@dataclass(frozen=True, slots=True)
class Post:
    """A terminal that the registry knows, and the code that activates it."""

    number: int
    activation_code: str
    kind: DeviceClass
    place: int
    """Which of its kind, from 0."""


async def found(wired: Wired, plan: Plan) -> list[Post]:
    """The school with its merchants, cardholders and tills on an empty, migrated database."""
    schools, terminals = wired.services.schools, wired.services.terminals
    accepted = (plan.tills + plan.meters) * LOSS_EACH_MINOR
    await schools.add(_FILE.format(accepted=accepted), OPERATOR)
    await schools.site_put(SCHOOL_ID, _SITE, OPERATOR)
    merchants = [
        await schools.merchant_add(SCHOOL_ID, f"示例食堂{n}", f"Sample Canteen {n}", OPERATOR)
        for n in range(_MERCHANTS)
    ]
    posts = []
    kinds = [
        *[DeviceClass.TILL] * plan.tills,
        *[DeviceClass.GATE] * plan.gates,
        *[DeviceClass.METER] * plan.meters,
    ]
    for place, kind in enumerate(kinds):
        number = merchants[place % _MERCHANTS].number
        made = await terminals.register(
            SCHOOL_ID, number, _SITE.number, kind, [_SCENES[kind]], OPERATOR
        )
        code = draw_activation_code(wired.ids)
        await terminals.activation_open(SCHOOL_ID, made.number, code, OPERATOR)
        posts.append(Post(made.number, code, kind, place - kinds.index(kind)))
    await wired.services.publisher.refresh(SCHOOL_ID)
    await _import(wired, [person for person, _ in _people(plan)])
    return posts


async def put_door(wired: Wired, post: Post) -> None:
    """A gate leads onto the campus; everybody with entry may pass both of its doors."""
    for number in (DOOR, SAFE_DOOR):
        door = Door(
            terminal_no=post.number, number=number, name_zh="校门", name_en="Gate", zone="campus",
            passback=Passback.OFF, scene=DoorScene.GATE, common=True,
            opens_on_lost_clock=number == SAFE_DOOR,
        )  # fmt: skip
        await wired.services.doors.put(SCHOOL_ID, door, OPERATOR, keep_passback=False)


async def put_meters(wired: Wired, post: Post) -> None:
    """Taps by a scan and a bath house by reservation, of one controller."""
    meters = wired.meters
    for number, kind in ((TAPS, MeterKind.DORMITORY_WATER), (SHOWER, MeterKind.SHOWER)):
        group = MeterGroup(
            number=post.number * 10 + number, campus_code="MAIN", kind=kind, name_zh="示例水房",
            name_en="Sample taps", is_shared=True, places=SHOWERS, slot_minutes=SLOT_MINUTES,
            opens_at=time(0), closes_at=time(23, 59), days_ahead=1, tariff=TARIFF,
        )  # fmt: skip
        await meters.put_group(SCHOOL_ID, group, OPERATOR)
        await meters.put(SCHOOL_ID, Meter(post.number, number, group.number, 0), OPERATOR)


async def reserve(customer: Customer, group_no: int, now: datetime) -> str | None:
    """The digits of a reservation of the slot that runs; none late in the evening."""
    local = now.astimezone(ZoneInfo(customer.phone.wallet.zone))
    slot = local.replace(
        minute=local.minute // SLOT_MINUTES * SLOT_MINUTES, second=0, microsecond=0
    )
    if (slot + timedelta(minutes=SLOT_MINUTES)).date() != slot.date():
        return None
    return await customer.phone.reserve_water(group_no, slot.isoformat())


async def open_phones(
    wired: Wired, plan: Plan, http: httpx2.AsyncClient, told: Told
) -> list[Customer]:
    """Everybody's phone, with a session that stands for a sign-in; all else over the public API."""
    people, ready = iter(_people(plan)), count(1)
    customers: list[Customer] = []

    async def work() -> None:
        for person, part in people:
            phone = Phone(Endpoint(http), Wallet(SCHOOL_CODE), unix_clock, os.urandom)
            await sign_in(wired, phone, person.number)
            await phone.open_virtual_card()
            await phone.enrol_device()
            await phone.fetch_passes()
            balance = person.old_balance_minor or 0
            card = f"CARD:{person.card_uid}"
            customers.append(Customer(person.number, part, balance, phone, card))
            told(next(ready), plan.holders)

    await asyncio.gather(*(work() for _ in range(_PHONES_AT_ONCE)))
    return sorted(customers, key=lambda each: each.number)


def _people(plan: Plan) -> list[tuple[RosterRow, Part]]:
    drawn = sample_people(plan.holders, "MAIN")
    return [_playing(person, _part(place, plan)) for place, person in enumerate(drawn)]


def _part(place: int, plan: Plan) -> Part:
    if place < plan.thieves:
        return Part.THIEF
    if place < plan.thieves + REPORTERS:
        return Part.REPORTER
    if place < plan.thieves + REPORTERS + LOSERS:
        return Part.LOSER
    return Part.POOR if place % _POOR_EVERY == 0 else Part.RICH


def _playing(person: RosterRow, part: Part) -> tuple[RosterRow, Part]:
    balance = {Part.THIEF: THIEF_MINOR, Part.POOR: POOR_MINOR}.get(part, RICH_MINOR)
    return replace(person, kind=CardholderKind.STUDENT, old_balance_minor=balance), part


async def _import(wired: Wired, people: Sequence[RosterRow]) -> None:
    def refused(refusal: RowRefusal) -> None:
        raise PopulationRefused(str(refusal))

    await wired.roster.import_file(SCHOOL_ID, roster(people), "fleet", refused)


async def sign_in(wired: Wired, phone: Phone, number: str) -> None:
    """A session of somebody who has just proven who they are: good for what asks for that."""

    async def find(unit: Unit) -> UUID:
        sql = "SELECT id FROM cardholder WHERE school_id = $1 AND number = $2"
        (row,) = await unit.rows(sql, unit.school_id, number)
        return UUID(str(row["id"]))

    cardholder_id = await wired.database.unit(SCHOOL_ID, find)
    phone.wallet.access_token = await _session(wired, cardholder_id)


async def _session(wired: Wired, cardholder_id: UUID) -> str:
    services, now, id_ = wired.services, wired.services.clock.now(), wired.ids.new()
    session = SessionRecord(
        school_id=SCHOOL_ID,
        id=id_,
        family_id=id_,
        issuer="fleet",
        subject_index=wired.ids.bytes(32),
        channel="NATIVE",
        device_label="fleet",
        binding_id=None,
        cardholder_id=cardholder_id,
        staff_id=None,
        step_up_at=now,
        created_at=now,
        last_seen_at=now,
        expires_at=now,
    )

    async def work(unit: Unit) -> str:
        return (await services.sessions.open(unit, session)).access_token

    return await wired.database.unit(SCHOOL_ID, work)
