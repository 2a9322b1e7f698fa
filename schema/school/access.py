"""Finding a school by what a client knows of it."""

from core.school.records import School, SchoolUnknown
from schema.context import RequestInfo
from schema.services import services

LISTED_MAXIMUM = 100


async def find_school(info: RequestInfo, code: str) -> School | None:
    """The school with this code."""
    listed = await services(info).schools.list_all()
    return next((school for school in listed if school.code == code), None)


async def get_school(info: RequestInfo, code: str) -> School:
    """The school with this code.

    Raises: SchoolUnknown.
    """
    school = await find_school(info, code)
    if school is None:
        raise SchoolUnknown("schoolCode")
    return school
