"""How a cardholder's money is read: the fields, their pushes and polls all come here."""

from collections.abc import AsyncGenerator
from datetime import date
from functools import partial
from uuid import UUID

from strawberry.dataloader import DataLoader

from schema.connection import After, cursor_of, page_size
from schema.context import RequestInfo
from schema.feed import News
from schema.permissions import cardholder, signed_in
from schema.services import services
from schema.statement.types import (
    Arrears,
    Balance,
    MonthTotals,
    Payment,
    StatementLine,
    StatementLineConnection,
    place_of,
)


async def read_balance(info: RequestInfo, school_id: int, cardholder_id: UUID) -> Balance:
    """All purses, as of now."""
    return Balance.of(await services(info).ledger.balances(school_id, cardholder_id))


async def read_arrears(info: RequestInfo, school_id: int, cardholder_id: UUID) -> Arrears | None:
    """What is owed; None if nothing is."""
    owed = await services(info).ledger.arrears_minor(school_id, cardholder_id)
    return Arrears.of(owed, info.context.language) if owed > 0 else None


async def read_statement(
    info: RequestInfo, cardholder_id: UUID, month: date | None, first: int, after: After
) -> StatementLineConnection:
    """A page of a statement that the viewer may see.

    Raises: BadDocument, core.kit.page.CursorInvalid.
    """
    school_id, found = signed_in(info).school_id, services(info)
    policy = await found.schools.policy(school_id)
    page = await found.ledger.statement(
        school_id,
        cardholder_id,
        month=month,
        zone=policy.day.zone,
        after=cursor_of(after),
        first=page_size(first),
    )
    references = DataLoader(partial(found.ledger.retrieval_references, school_id))
    language = info.context.language
    return StatementLineConnection(
        page=page,
        place=place_of,
        present=lambda line: StatementLine(
            line=line, school_id=school_id, language=language, references=references
        ),
        as_of=found.clock.now(),
    )


async def read_totals(
    info: RequestInfo, cardholder_id: UUID, text: str, month: date
) -> MonthTotals:
    """What a month brought in and took out."""
    school_id, found = cardholder(info).school_id, services(info)
    policy = await found.schools.policy(school_id)
    totals = await found.ledger.month_totals(
        school_id, cardholder_id, month=month, zone=policy.day.zone
    )
    return MonthTotals.of(text, totals)


async def read_payment(info: RequestInfo, school_id: int, cardholder_id: UUID) -> Payment | None:
    """The newest purchase as it stands now."""
    found = await services(info).authorisations.last_payment(school_id, cardholder_id)
    return None if found is None else Payment.of(found)


async def hear(info: RequestInfo, news: News) -> AsyncGenerator[None, None]:
    """One item whenever something of the viewer's changed."""
    viewer = cardholder(info)
    async for _ in services(info).feed.listen(viewer.school_id, viewer.cardholder_id, news):
        yield
