"""The states of a card and what moves it from one to another (mission.md 1, M-076 to M-083)."""

from enum import StrEnum

from core.card.records import CardState


class CardAct(StrEnum):
    """What may happen to a card."""

    OPEN = "OPEN"
    REPORT_LOSS = "REPORT_LOSS"
    RELEASE = "RELEASE"
    REPLACE = "REPLACE"


_TRANSITIONS = {
    (CardState.NOT_OPENED, CardAct.OPEN): CardState.ACTIVE,
    (CardState.ACTIVE, CardAct.OPEN): CardState.ACTIVE,
    (CardState.ACTIVE, CardAct.REPORT_LOSS): CardState.LOST,
    (CardState.LOST, CardAct.REPORT_LOSS): CardState.LOST,
    (CardState.LOST, CardAct.RELEASE): CardState.ACTIVE,
    (CardState.ACTIVE, CardAct.RELEASE): CardState.ACTIVE,
    (CardState.ACTIVE, CardAct.REPLACE): CardState.REPLACED,
    (CardState.LOST, CardAct.REPLACE): CardState.REPLACED,
}


def next_state(state: CardState, act: CardAct) -> CardState | None:
    """The state after an act (a repeated act leaves it), None where the act is impossible."""
    return _TRANSITIONS.get((state, act))
