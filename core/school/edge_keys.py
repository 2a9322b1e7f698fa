"""The keys of site edges, as the key document lists them (codes.md 9)."""

from dataclasses import dataclass
from datetime import datetime

from core.school.records import DeviceClass, Terminal, TerminalState

EDGE_KIDS = range(128, 256)
"""Under these ids key documents list the keys of edges; those below are the key file's."""


@dataclass(frozen=True, slots=True)
class EdgeKey:
    """A key of a working edge."""

    kid: int
    site_number: int
    public_key: bytes
    valid_from: datetime


def is_working_edge(terminal: Terminal) -> bool:
    """Whether it decides for its site; an edge that is not ACTIVE leaves that to its tills."""
    return terminal.device_class is DeviceClass.EDGE and terminal.state is TerminalState.ACTIVE
