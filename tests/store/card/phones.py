"""Phones that hold codes, and what is known of their passes."""

from core.card.records import (
    CodeDevice,
    PassIssue,
)
from core.db.unit import Unit
from core.ports.codes import PassKind
from terminals import cc1
from terminals.keys import signer
from tests.store.card.campus import SCHOOL, Campus

VIRTUAL = [PassKind.VIRTUAL_CARD]


async def issue(campus: Campus, device: CodeDevice) -> PassIssue:
    """The passes of a device."""
    return await campus.codes.issue_passes(SCHOOL, device.cardholder_id, device.id, VIRTUAL)


def decoded(content: bytes) -> cc1.Presentation:
    """What a verifier reads in a pass."""
    show = cc1.show(content, 0, cc1.Intent.ANY, signer(b"\x01" * 32))
    read = cc1.read(show)
    assert isinstance(read, cc1.Presentation)
    return read


async def phone(campus: Campus, number: str = "1001", **facts: str) -> CodeDevice:
    """An enrolled phone of a new cardholder."""
    person = await campus.admit_with_open_card(number, **facts)
    return await campus.enrol(person, int(number) % 200)


async def revoked(campus: Campus, serial: bytes) -> bool | None:
    """Whether a serial is revoked; None when it is unknown."""
    holder = await campus.codes.find_pass(SCHOOL, serial)
    return holder.is_revoked if holder else None


async def denied(campus: Campus) -> set[bytes]:
    """The serials that a deny list is made from."""

    async def work(unit: Unit) -> set[bytes]:
        rows = await unit.rows(
            "SELECT serial FROM code_pass WHERE school_id = $1 AND revoked_at IS NOT NULL", SCHOOL
        )
        return {row["serial"] for row in rows}

    return await campus.database.unit(SCHOOL, work)
