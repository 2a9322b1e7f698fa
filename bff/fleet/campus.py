"""The school of the fleet: its tills wait for activation, its phones have the passes of the day."""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from uuid import UUID

import httpx2

from bff.demo.population import roster
from bff.fleet.crowd import Customer, Part
from bff.fleet.plan import Plan
from bff.sample_people import sample_people
from bff.wiring import Wired
from clients.endpoint import Endpoint
from clients.phone.phone import Phone
from clients.phone.wallet import Wallet
from clients.screen import unix_clock
from core.audit.records import Actor, ActorKind
from core.db.unit import Unit
from core.identity.records import CardholderKind, RosterRow, RowRefusal, SessionRecord
from core.school.records import DeviceClass, Site
from terminals.message import draw_activation_code

SCHOOL_ID = 41
SCHOOL_CODE = "sample-fleet"
OPERATOR = Actor(ActorKind.OPERATOR, "fleet")
RICH_MINOR, POOR_MINOR, THIEF_MINOR = 1_000_000, 9_000, 6_000
REPORTERS = 2
_POOR_EVERY = 6
_MERCHANTS = 4
_PHONES_AT_ONCE = 6
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
instruments = ["VIRTUAL"]
cap_class = 1
"""
Told = Callable[[int, int], None]


class PopulationRefused(Exception):
    """A sample person was refused: the samples and the rules disagree."""


@dataclass(frozen=True, slots=True)
class Post:
    """A terminal that the registry knows, and the code that activates it."""

    number: int
    activation_code: str


async def found(wired: Wired, plan: Plan) -> list[Post]:
    """The school with its merchants, cardholders and tills on an empty, migrated database."""
    schools, terminals = wired.services.schools, wired.services.terminals
    await schools.add(_FILE, OPERATOR)
    await schools.site_put(SCHOOL_ID, _SITE, OPERATOR)
    merchants = [
        await schools.merchant_add(SCHOOL_ID, f"示例食堂{n}", f"Sample Canteen {n}", OPERATOR)
        for n in range(_MERCHANTS)
    ]
    posts = []
    for place in range(plan.tills):
        number = merchants[place % _MERCHANTS].number
        made = await terminals.register(
            SCHOOL_ID, number, _SITE.number, DeviceClass.TILL, ["MEAL"], OPERATOR
        )
        code = draw_activation_code(wired.ids)
        await terminals.activation_open(SCHOOL_ID, made.number, code, OPERATOR)
        posts.append(Post(made.number, code))
    await wired.services.publisher.refresh(SCHOOL_ID)
    await _import(wired, [person for person, _ in _people(plan)])
    return posts


async def open_phones(
    wired: Wired, plan: Plan, http: httpx2.AsyncClient, told: Told
) -> list[Customer]:
    """Everybody's phone, with a session that stands for a sign-in; all else over the public API."""
    rows = await wired.database.unit(
        SCHOOL_ID,
        lambda unit: unit.rows(
            "SELECT number, id FROM cardholder WHERE school_id = $1 ORDER BY number",
            unit.school_id,
        ),
    )
    ids = {row["number"]: row["id"] for row in rows}
    people, ready = iter(_people(plan)), count(1)
    customers: list[Customer] = []

    async def work() -> None:
        for person, part in people:
            phone = Phone(Endpoint(http), Wallet(SCHOOL_CODE), unix_clock, os.urandom)
            phone.wallet.access_token = await _session(wired, ids[person.number])
            await phone.open_virtual_card()
            await phone.enrol_device()
            await phone.fetch_passes()
            balance = person.old_balance_minor or 0
            customers.append(Customer(person.number, part, balance, phone))
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
    return Part.POOR if place % _POOR_EVERY == 0 else Part.RICH


def _playing(person: RosterRow, part: Part) -> tuple[RosterRow, Part]:
    balance = {Part.THIEF: THIEF_MINOR, Part.POOR: POOR_MINOR}.get(part, RICH_MINOR)
    return replace(person, kind=CardholderKind.STUDENT, old_balance_minor=balance), part


async def _import(wired: Wired, people: Sequence[RosterRow]) -> None:
    def refused(refusal: RowRefusal) -> None:
        raise PopulationRefused(str(refusal))

    await wired.roster.import_file(SCHOOL_ID, roster(people), "fleet", refused)


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
