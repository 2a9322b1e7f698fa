"""What is logged of a fault: where it happened and what kind it was, never its text.

The text of an exception may hold a name, a token or a row (security.md 5).
"""

import logging
import traceback

from schema.context import RequestContext

FRAMES = 6

_log = logging.getLogger("bff.fault")


def report(failure: BaseException, context: RequestContext | None = None) -> None:
    """Logs a fault with the id that its answer carries."""
    frames = traceback.extract_tb(failure.__traceback__)[-FRAMES:]
    places = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
    request_id = "-" if context is None else context.request_id
    _log.error("request=%s fault=%s at=%s", request_id, type(failure).__name__, places)
