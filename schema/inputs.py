"""The one argument of every mutation, and the reading of what its fields hold."""

from datetime import date
from uuid import UUID

import strawberry

from schema.context import RequestInfo
from schema.errors import BadDocument
from schema.node import key_of

INPUT = strawberry.argument(description="What is asked.")


def uuid_key(info: RequestInfo, text: str, type_name: str) -> UUID | None:
    """The key of a global id of this type at the viewer's school; None for any other text."""
    school_id = info.context.school_id
    key = None if school_id is None else key_of(text, type_name, school_id)
    return None if key is None else find_uuid(key)


def find_uuid(text: str) -> UUID | None:
    """The UUID in its canonical form, if the text is one."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text else None


def month_of(text: str) -> date:
    """The first day of a month given as YYYY-MM.

    Raises: BadDocument.
    """
    try:
        if len(text) == len("YYYY-MM"):
            return date.fromisoformat(f"{text}-01")
    except ValueError:
        pass
    raise BadDocument("MONTH_INVALID")
