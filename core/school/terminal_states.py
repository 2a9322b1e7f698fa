"""Which state of a terminal each act leads to."""

from core.school.records import TerminalState, TerminalStateInvalid

_NEW, _PENDING, _ACTIVE = TerminalState.NEW, TerminalState.PENDING, TerminalState.ACTIVE
_LOCKED, _RETIRED = TerminalState.LOCKED, TerminalState.RETIRED

ACTS = {
    "ENROL": (frozenset({_NEW, _PENDING, _ACTIVE, _LOCKED}), _PENDING),
    "CONFIRM": (frozenset({_PENDING}), _ACTIVE),
    "LOCK": (frozenset({_ACTIVE}), _LOCKED),
    "UNLOCK": (frozenset({_LOCKED}), _ACTIVE),
    "RETIRE": (frozenset({_NEW, _PENDING, _ACTIVE, _LOCKED}), _RETIRED),
}
"""Act -> (states it may start from, state it ends in). Locking a terminal whose key nobody has
confirmed would let the unlocking skip the comparison, so only an active one is locked."""


def state_after(act: str, state: TerminalState) -> TerminalState:
    """The state that `act` leads to; one that is there already stays, so a repeat is no fault.

    Raises: TerminalStateInvalid.
    """
    starts, end = ACTS[act]
    if state not in starts and state is not end:
        raise TerminalStateInvalid(act=act, state=state)
    return end
