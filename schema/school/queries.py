"""Choosing a school, which comes before any sign-in (M-002)."""

from typing import Annotated

import strawberry

from schema.context import RequestContext, RequestInfo
from schema.directives import Bounded
from schema.school.access import LISTED_MAXIMUM, find_school
from schema.school.types import School
from schema.services import Services, services

Code = Annotated[str, strawberry.argument(description="A school's code.")]


@strawberry.type(description="Schools.")
class SchoolQuery:
    """The public list of schools."""

    @strawberry.field(
        description="All schools, by number, at most 100.",
        directives=[Bounded(maximum=LISTED_MAXIMUM)],
    )
    async def schools(self, info: RequestInfo) -> list[School]:
        """The list."""
        listed = await services(info).schools.list_all()
        return [School.of(school) for school in listed[:LISTED_MAXIMUM]]

    @strawberry.field(description="The school with this code; null when there is none.")
    async def school(self, info: RequestInfo, code: Code) -> School | None:
        """One school."""
        found = await find_school(info, code)
        return None if found is None else School.of(found)


async def load_school(context: RequestContext, key: str) -> School | None:
    """The viewer's own school by its key."""
    if context.school_id is None or key != str(context.school_id):
        return None
    found: Services = context.services
    return School.of(await found.schools.get(context.school_id))
