"""Who a resolver takes the viewer for, should its field have let somebody else in."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from schema.context import Anonymous, RequestContext, Viewer
from schema.errors import Forbidden
from schema.permissions import any_terminal, cardholder, signed_in, staff, terminal
from tests.factories.viewers import cardholder_viewer, staff_viewer, terminal_viewer


@dataclass
class Info:
    """What a resolver is handed, as far as the viewer is concerned."""

    context: RequestContext


def told(read: Callable[..., object], viewer: Viewer) -> object:
    return read(Info(RequestContext(viewer, "en", None, "r1", None)))


HOLDER, CLERK, TILL = cardholder_viewer(), staff_viewer("CLERK"), terminal_viewer()


@pytest.mark.parametrize(
    ("read", "seen"),
    [
        (cardholder, (HOLDER,)),
        (signed_in, (HOLDER, CLERK)),
        (staff, (CLERK,)),
        (terminal, (TILL,)),
        (any_terminal, (TILL,)),
    ],
)
def test_each_reads_its_own_viewer_and_no_other(
    read: Callable[..., object], seen: tuple[Viewer, ...]
) -> None:
    for viewer in (Anonymous(), HOLDER, CLERK, TILL):
        if viewer in seen:
            assert told(read, viewer) is viewer
        else:
            with pytest.raises(Forbidden):
                told(read, viewer)
