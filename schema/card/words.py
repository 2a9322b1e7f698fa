"""The words of cards, PINs and cardholders as the contract describes them."""

from enum import StrEnum

from core.card.pin import PinState
from core.card.records import CardKind, CardState
from core.identity.records import CardholderKind
from core.school.policy_words import PinKind
from schema.enums import described


class CardholderStatus(StrEnum):
    """Where a cardholder stands with the school."""

    ACTIVE = "ACTIVE"
    FROZEN = "FROZEN"
    CLOSING = "CLOSING"
    CLOSED = "CLOSED"


described(
    CardholderStatus,
    "Where a cardholder stands with the school.",
    {
        CardholderStatus.ACTIVE: "Everything works.",
        CardholderStatus.FROZEN: "Nothing is paid until the school releases it.",
        CardholderStatus.CLOSING: "Leaving: the balance waits to be paid out.",
        CardholderStatus.CLOSED: "Gone.",
    },
)
described(
    CardholderKind,
    "What a cardholder is to the school.",
    {
        CardholderKind.STUDENT: "A student.",
        CardholderKind.STAFF: "A member of staff.",
        CardholderKind.TEMPORARY: "Temporary staff.",
        CardholderKind.VISITOR: "A visitor.",
        CardholderKind.ALUMNI: "Alumni.",
        CardholderKind.EXTERNAL: "Somebody from outside.",
    },
)
described(
    CardKind,
    "What a card is made of.",
    {CardKind.PHYSICAL: "A chip card.", CardKind.VIRTUAL: "A code on the phone."},
)
described(
    CardState,
    "Where a card stands.",
    {
        CardState.NOT_OPENED: "Waits to be opened with `virtualCardOpen`.",
        CardState.ACTIVE: "Works.",
        CardState.LOST: "Reported lost; it pays nothing until it is released.",
        CardState.REPLACED: "Another card took its place.",
        CardState.CLOSED: "Gone with its account.",
    },
)
described(
    PinKind,
    "What a PIN is for.",
    {
        PinKind.PAY: "Paying.",
        PinKind.QUERY: "Looking things up and reporting a loss.",
        PinKind.CARD: "The card itself; it pays where there is no PAY.",
    },
)
described(
    PinState,
    "Where a PIN stands; only SET pays.",
    {
        PinState.NONE: "There is none.",
        PinState.DEFAULT: "The school's initial one; it only helps to bind.",
        PinState.SET: "Chosen by the holder.",
        PinState.LOCKED: "Tried too often; the card works on.",
    },
)
