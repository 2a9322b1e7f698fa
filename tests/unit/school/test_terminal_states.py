"""States of a terminal: each act from each state."""

from itertools import product

import pytest

from core.school.records import TerminalState, TerminalStateInvalid
from core.school.terminal_states import ACTS, state_after

MOVES = {
    "NEW": {"ENROL": "PENDING", "RETIRE": "RETIRED"},
    "PENDING": {"ENROL": "PENDING", "CONFIRM": "ACTIVE", "RETIRE": "RETIRED"},
    "ACTIVE": {
        "ENROL": "PENDING", "CONFIRM": "ACTIVE", "LOCK": "LOCKED", "UNLOCK": "ACTIVE",
        "RETIRE": "RETIRED",
    },
    "LOCKED": {"ENROL": "PENDING", "LOCK": "LOCKED", "UNLOCK": "ACTIVE", "RETIRE": "RETIRED"},
    "RETIRED": {"RETIRE": "RETIRED"},
}  # fmt: skip


@pytest.mark.parametrize(("state", "act"), list(product(TerminalState, ACTS)))
def test_each_act_leads_where_the_table_says_or_is_refused(state: TerminalState, act: str) -> None:
    end = MOVES[state].get(act)
    if end is None:
        with pytest.raises(TerminalStateInvalid) as refusal:
            state_after(act, state)
        assert refusal.value.details == {"act": act, "state": state}
    else:
        assert state_after(act, state) == end
