"""Fills the demo's schools: policies, merchants, tills, desks and 2,000 invented cardholders."""

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import fields

from bff.demo.doors import with_doors
from bff.demo.people import PEOPLE
from bff.demo.place import CHECKOUT, Memory, Place, StaffLogin, made_from
from bff.sample_people import sample_people
from bff.wiring import Wired
from core.audit.records import Actor, ActorKind
from core.identity.records import RosterRow, RowRefusal
from core.kit.money import decimal_text
from core.school.records import DeviceClass, Role, School, Site

PASSWORD = "correct-horse-42"  # noqa: S105 - printed for everybody who starts the demo
OPERATOR = Actor(ActorKind.OPERATOR, "demo")
_DESKS = {
    "cashier": ("收银窗口", Role.CASHIER),
    "manager": ("卡务中心", Role.CARD_MANAGER),
    "it": ("信息中心", Role.IT_ADMIN),
    "auditor": ("审计", Role.AUDITOR),
}
_SITE = Site(1, "示例第一食堂", "Sample Canteen 1")
_TILL = ("MEAL", "SHOP")


class RosterRefused(Exception):
    """A sample person was refused: the samples and the rules disagree."""


async def populate(wired: Wired, place: Place, people: Callable[[int], None]) -> Memory:
    """Adds everything to an empty database; `people` hears how many cardholders were added."""
    memory = Memory(made_from())
    files = sorted((CHECKOUT / "config" / "schools").glob("*.toml"))
    each = PEOPLE // len(files)
    for before, file in enumerate(files):
        text = with_doors(file.read_text("utf-8"), place.secrets)
        school = await wired.services.schools.add(text, OPERATOR)
        memory.terminals[school.code] = await _add_tills(wired, school)
        for login, (name, role) in _DESKS.items():
            made = await wired.services.staff.create(
                school.id, login, name, frozenset({role}), PASSWORD, OPERATOR
            )
            memory.staff.append(StaffLogin(school.code, login, PASSWORD, made.totp_secret))
        await _import(wired, school, each, before * each, people)
    return memory


async def _add_tills(wired: Wired, school: School) -> list[int]:
    """Two merchants with a till each; the tills' numbers."""
    schools, tills = wired.services.schools, []
    await schools.site_put(school.id, _SITE, OPERATOR)
    for name_zh, name_en in (("示例食堂", "Sample Canteen"), ("示例超市", "Sample Shop")):
        merchant = await schools.merchant_add(school.id, name_zh, name_en, OPERATOR)
        till = await wired.services.terminals.register(
            school.id, merchant.number, _SITE.number, DeviceClass.TILL, _TILL, OPERATOR
        )
        tills.append(till.number)
    return tills


async def _import(
    wired: Wired, school: School, count: int, before: int, people: Callable[[int], None]
) -> None:
    def refused(refusal: RowRefusal) -> None:
        raise RosterRefused(str(refusal))

    def progress(done: int, _of: int) -> None:
        people(before + done)

    data = roster(sample_people(count))
    await wired.roster.import_file(school.id, data, "demo", refused, progress)


def roster(people: Iterable[RosterRow]) -> bytes:
    """A roster file of these people, as a school's personnel system would export it."""
    columns = [
        each.name for each in fields(RosterRow) if each.name not in {"row", "old_balance_minor"}
    ]
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([*columns, "old_balance"])
    for person in people:
        facts = [getattr(person, column) for column in columns]
        writer.writerow([*facts, decimal_text(person.old_balance_minor or 0)])
    return buffer.getvalue().encode()
