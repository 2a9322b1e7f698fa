"""How a cardholder's passages are read: by the cardholder, and by nobody else."""

from schema.connection import After, cursor_of, page_size
from schema.context import RequestInfo
from schema.entry.types import Passage, PassageConnection, place_of
from schema.permissions import cardholder
from schema.services import services


async def read_passages(info: RequestInfo, first: int, after: After) -> PassageConnection:
    """A page of the viewer's own passages.

    Raises: BadDocument, core.kit.page.CursorInvalid.
    """
    viewer = cardholder(info)
    page = await services(info).passages.page(
        viewer.school_id, viewer.cardholder_id, after=cursor_of(after), first=page_size(first)
    )
    return PassageConnection(
        page=page,
        place=place_of,
        present=lambda passage: Passage(passage=passage, school_id=viewer.school_id),
    )
