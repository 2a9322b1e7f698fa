"""The roster import: idempotent, reconciled to the fen, refused row by row."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import pytest

from bff.sample_people import sample_people
from core.db.unit import Unit
from core.identity.records import (
    CardholderUnknown,
    RosterFileInvalid,
    RosterReport,
    RosterRow,
    RowRefusal,
)
from core.identity.roster_rows import error_file
from core.identity.service import roster as roster_service
from core.kit.sealed import SealBroken
from core.ports.holders import HolderStanding
from core.ports.newcomers import Newcomer
from tests.factories.identity import OTHER_SCHOOL, SCHOOL, Identity, person_like, roster

PEOPLE = list(sample_people(7))
SUM_MINOR = sum(person.old_balance_minor or 0 for person in PEOPLE)
TABLES = ("cardholder", "account", "transfer", "leg", "cardholder_limit")


async def _import(
    identity: Identity, *people: RosterRow, school: int = SCHOOL
) -> tuple[RosterReport, list[RowRefusal]]:
    refusals: list[RowRefusal] = []
    report = await identity.roster.import_file(school, roster(*people), "it", refusals.append)
    return report, refusals


async def test_a_first_import_creates_everybody_and_moves_every_old_balance(
    identity: Identity,
) -> None:
    report, refusals = await _import(identity, *PEOPLE)
    assert refusals == []
    assert (report.rows_read, report.created, report.changed, report.refused) == (7, 7, 0, 0)
    assert (report.file_minor, report.posted_minor) == (SUM_MINOR, SUM_MINOR)
    assert report.is_reconciled
    assert report.leavers == ()
    for person in PEOPLE:
        holder = await identity.id_of(person.number)
        balances = await identity.ledger.balances(SCHOOL, holder)
        assert [p.kind for p in balances.purses] == ["MAIN", "SUBSIDY"]
        assert balances.available_minor == person.old_balance_minor
        assert (await identity.cardholders.get(SCHOOL, holder)).name == person.name
    trial = await identity.ledger.trial_balance(SCHOOL)
    assert (trial.total_minor, trial.purses_minor) == (0, SUM_MINOR)
    assert len(await identity.rows("SELECT 1 FROM cardholder_limit")) == 7
    assert len(identity.cards.holders) == 7
    record = (await identity.rows("SELECT * FROM roster_import"))[0]
    assert (record["rows_created"], record["opening_minor"]) == (7, SUM_MINOR)


async def test_importing_the_same_file_again_changes_nothing(identity: Identity) -> None:
    await _import(identity, *PEOPLE)
    before = await identity.dump(*TABLES)
    identity.clock.advance(seconds=60)
    report, _ = await _import(identity, *PEOPLE)
    assert await identity.dump(*TABLES) == before
    assert (report.created, report.changed, report.unchanged) == (0, 0, 7)
    assert (report.posted_minor, report.already_minor) == (0, SUM_MINOR)
    assert report.is_reconciled


class _Cut(Exception):
    """The power went."""


async def test_an_import_cut_in_the_middle_is_finished_by_running_it_again(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster_service, "ROWS_PER_UNIT", 3)
    opening = identity.cards.open_newcomers

    async def cut(unit: Unit, newcomers: Sequence[Newcomer], day: date, /) -> None:
        if identity.cards.opened == 1:
            raise _Cut
        await opening(unit, newcomers, day)

    with monkeypatch.context() as patched:
        patched.setattr(identity.cards, "open_newcomers", cut)
        with pytest.raises(_Cut):
            await _import(identity, *PEOPLE)
    assert len(await identity.rows("SELECT 1 FROM cardholder")) == 3
    assert await identity.rows("SELECT 1 FROM roster_import") == []
    report, _ = await _import(identity, *PEOPLE)
    assert (report.created, report.unchanged) == (4, 3)
    assert report.is_reconciled
    trial = await identity.ledger.trial_balance(SCHOOL)
    assert (trial.total_minor, trial.purses_minor) == (0, SUM_MINOR)


async def test_a_changed_row_changes_its_cardholder_and_moves_no_money_again(
    identity: Identity,
) -> None:
    await _import(identity, *PEOPLE)
    holder = await identity.id_of(PEOPLE[1].number)
    books = await identity.dump("account", "transfer", "leg")
    report, _ = await _import(identity, PEOPLE[0], person_like(PEOPLE[1], name="样癸寅"))
    assert (report.changed, report.unchanged) == (1, 1)
    assert await identity.id_of(PEOPLE[1].number) == holder
    assert (await identity.cardholders.get(SCHOOL, holder)).name == "样癸寅"
    assert await identity.dump("account", "transfer", "leg") == books


async def test_leavers_are_listed_and_never_touched(identity: Identity) -> None:
    await _import(identity, *PEOPLE)
    before = await identity.dump(*TABLES)
    report, _ = await _import(identity, *PEOPLE[:5])
    assert report.leavers == ("S000006", "S000007")
    assert await identity.dump(*TABLES) == before


async def test_an_old_balance_that_comes_later_is_moved_once(identity: Identity) -> None:
    early = [person_like(person, old_balance_minor=None) for person in PEOPLE]
    report, _ = await _import(identity, *early)
    assert report.posted_minor == 0
    report, _ = await _import(identity, *PEOPLE)
    assert report.posted_minor == SUM_MINOR
    report, _ = await _import(identity, *PEOPLE)
    assert report.posted_minor == 0
    assert (await identity.ledger.trial_balance(SCHOOL)).purses_minor == SUM_MINOR


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"campus": "NOWHERE"}, "CAMPUS_UNKNOWN"),
        ({"card_uid": PEOPLE[0].card_uid}, "CARD_TAKEN"),
        ({"old_balance_minor": 38}, "OLD_BALANCE_DIFFERS"),
    ],
)
async def test_a_row_the_school_cannot_take_is_refused_alone(
    identity: Identity, facts: dict[str, str], code: str
) -> None:
    await _import(identity, *PEOPLE)
    before = await identity.dump(*TABLES)
    report, refusals = await _import(identity, person_like(PEOPLE[1], **facts), PEOPLE[2])
    assert [(refusal.row, refusal.code) for refusal in refusals] == [(2, code)]
    assert (report.refused, report.unchanged) == (1, 1)
    assert report.is_reconciled
    assert await identity.dump(*TABLES) == before
    assert code.encode() in b"".join(error_file(refusals))


async def test_a_dirty_row_is_refused_and_the_rows_around_it_are_taken(
    identity: Identity,
) -> None:
    dirty = person_like(PEOPLE[1], id_number="99999920010101001X")
    report, refusals = await _import(identity, PEOPLE[0], dirty, PEOPLE[2])
    assert {refusal.code for refusal in refusals} == {"ID_CHECK_DIGIT"}
    assert (report.created, report.refused, report.rows_read) == (2, 1, 3)
    assert await identity.cardholders.find_id(SCHOOL, PEOPLE[1].number) is None


async def test_a_file_that_is_no_roster_changes_nothing(identity: Identity) -> None:
    before = await identity.dump(*TABLES, "roster_import")
    with pytest.raises(RosterFileInvalid):
        await identity.roster.import_file(SCHOOL, b"PK\x03\x04cut", "it", lambda _refusal: None)
    assert await identity.dump(*TABLES, "roster_import") == before


async def test_campuses_are_known_by_code_and_by_name(identity: Identity) -> None:
    named = [person_like(PEOPLE[0], campus="NORTH"), person_like(PEOPLE[1], campus="示例北校区")]
    await _import(identity, *named)
    holders = await identity.rows("SELECT campus_code FROM cardholder")
    assert [row["campus_code"] for row in holders] == ["NORTH", "NORTH"]


async def test_no_personal_fact_is_in_the_table_in_clear(identity: Identity) -> None:
    await _import(identity, *PEOPLE)
    text = "".join((await identity.dump("cardholder", "roster_import"))["cardholder"])
    for person in PEOPLE:
        for fact in (person.name, person.id_number, person.phone, person.email, person.department):
            assert fact is not None
            assert fact not in text
            assert repr(fact.encode())[2:-1] not in text


async def test_a_cardholder_stands_active_after_the_import(identity: Identity) -> None:
    await _import(identity, PEOPLE[0])
    holder = await identity.id_of(PEOPLE[0].number)
    standing = await identity.database.unit(
        SCHOOL, lambda unit: identity.cardholders.find_standing(unit, holder)
    )
    assert standing == HolderStanding(holder, PEOPLE[0].number, "ACTIVE")


async def test_an_unknown_cardholder_is_refused_or_stands_nowhere(identity: Identity) -> None:
    nobody = UUID(int=7)
    assert (
        await identity.database.unit(
            SCHOOL, lambda unit: identity.cardholders.find_standing(unit, nobody)
        )
        is None
    )
    with pytest.raises(CardholderUnknown):
        await identity.cardholders.get(SCHOOL, nobody)
    with pytest.raises(CardholderUnknown):
        await identity.database.unit(
            SCHOOL, lambda unit: identity.cardholders.personal_facts(unit, nobody)
        )


async def test_ciphertext_bound_to_its_row(identity: Identity) -> None:
    await _import(identity, *PEOPLE[:2])
    first, second = [await identity.id_of(person.number) for person in PEOPLE[:2]]

    async def swap(unit: Unit) -> None:
        await unit.execute(
            "UPDATE cardholder SET id_number_sealed = (SELECT id_number_sealed FROM cardholder"
            " WHERE school_id = $1 AND id = $2) WHERE school_id = $1 AND id = $3",
            unit.school_id, first, second,
        )  # fmt: skip

    facts = await identity.database.unit(
        SCHOOL, lambda unit: identity.cardholders.personal_facts(unit, first)
    )
    assert facts.id_number == PEOPLE[0].id_number
    await identity.database.unit(SCHOOL, swap)
    with pytest.raises(SealBroken):
        await identity.database.unit(
            SCHOOL, lambda unit: identity.cardholders.personal_facts(unit, second)
        )


async def test_blind_index_differs_by_school(identity: Identity) -> None:
    await _import(identity, PEOPLE[0])
    identity.cards.holders.clear()
    await _import(identity, PEOPLE[0], school=OTHER_SCHOOL)
    columns = "name_index, id_number_index, email_index, roster_digest"
    here = (await identity.rows(f"SELECT {columns} FROM cardholder"))[0]
    there = (await identity.rows(f"SELECT {columns} FROM cardholder", school=OTHER_SCHOOL))[0]
    assert len(set(here) | set(there)) == 8
