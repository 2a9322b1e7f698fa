"""Rules of the PIN: the initial one, which ones a holder may choose, and its states.

Pure (security.md 4). A default PIN proves knowledge of an ID number only: it may bind together with
a second proof and does nothing else; a PIN that pays is always of the holder's own choosing.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise

from core.identity.id_number import birthday_of
from core.school.policy_words import PinDefault, PinKind

PIN_LENGTH = 6
_SIX_DIGITS = re.compile(r"[0-9]{6}")
_CONSTANT = "123456"
_NO_ID = "666666"

COMMONEST = frozenset(
    {
        "123456", "111111", "000000", "123123", "666666", "888888", "112233",
        "123321", "654321", "121212", "520520", "520131", "168168", "147258",
        "159753", "101010", "789456", "696969", "131452", "456123",
    }
)  # fmt: skip
"""Twenty of the PINs that people choose most; the list is ours."""


class PinState(StrEnum):
    """Where a PIN stands; only SET pays."""

    NONE = "NONE"
    DEFAULT = "DEFAULT"
    SET = "SET"
    LOCKED = "LOCKED"


class PinEvent(StrEnum):
    """What happens to a PIN."""

    DEFAULT_GIVEN = "DEFAULT_GIVEN"
    CHOSEN = "CHOSEN"
    TRIES_SPENT = "TRIES_SPENT"
    UNLOCKED = "UNLOCKED"
    WITHDRAWN = "WITHDRAWN"


class PinWeakness(StrEnum):
    """Why a PIN may not be chosen."""

    NOT_SIX_DIGITS = "NOT_SIX_DIGITS"
    IS_DEFAULT = "IS_DEFAULT"
    ONE_DIGIT = "ONE_DIGIT"
    ROW = "ROW"
    BIRTHDAY = "BIRTHDAY"
    PHONE_END = "PHONE_END"
    ID_END = "ID_END"
    COMMON = "COMMON"


@dataclass(frozen=True, slots=True)
class PinFacts:
    """What is on file about the holder that a stranger could try as a PIN."""

    default_rule: PinDefault
    id_number: str | None = None
    phone: str | None = None
    birthday: date | None = None


@dataclass(frozen=True, slots=True)
class PinStatus:
    """Where a PIN stands; `tries_left` is None unless it is SET."""

    kind: PinKind
    state: PinState
    tries_left: int | None


_TRANSITIONS = {
    (PinState.NONE, PinEvent.DEFAULT_GIVEN): PinState.DEFAULT,
    (PinState.NONE, PinEvent.CHOSEN): PinState.SET,
    (PinState.DEFAULT, PinEvent.CHOSEN): PinState.SET,
    # A default PIN that is being guessed is withdrawn: unlocked, it would be as weak as before.
    (PinState.DEFAULT, PinEvent.TRIES_SPENT): PinState.NONE,
    (PinState.DEFAULT, PinEvent.WITHDRAWN): PinState.NONE,
    (PinState.SET, PinEvent.CHOSEN): PinState.SET,
    (PinState.SET, PinEvent.TRIES_SPENT): PinState.LOCKED,
    (PinState.SET, PinEvent.WITHDRAWN): PinState.NONE,
    (PinState.LOCKED, PinEvent.UNLOCKED): PinState.SET,
    (PinState.LOCKED, PinEvent.CHOSEN): PinState.SET,
    (PinState.LOCKED, PinEvent.WITHDRAWN): PinState.NONE,
}


def next_state(state: PinState, event: PinEvent) -> PinState | None:
    """The state after an event, None where the event cannot happen."""
    return _TRANSITIONS.get((state, event))


def may_pay(state: PinState) -> bool:
    """Whether a PIN in this state pays, raises a limit, releases a loss or opens a code."""
    return state is PinState.SET


def may_bind(state: PinState) -> bool:
    """Whether it may bind; a default PIN only together with a second proof."""
    return state in {PinState.SET, PinState.DEFAULT}


def is_old_pin(state: PinState) -> bool:
    """Whether it counts as the "old PIN" of a PIN change."""
    return state is PinState.SET


def default_pin(rule: PinDefault, id_number: str | None) -> str | None:
    """The initial PIN under a school's rule (M-087 to M-090), None where the rule gives none."""
    if rule is PinDefault.NONE:
        return None
    if rule is PinDefault.CONSTANT_123456:
        return _CONSTANT
    end = (id_number or "").upper()[-PIN_LENGTH:]
    if rule is PinDefault.ID6_LETTER_TO_0:
        return re.sub("[^0-9]", "0", end) if len(end) == PIN_LENGTH else _NO_ID
    if rule is PinDefault.ID6_X_TO_0 and end.endswith("X"):
        end = end[:-1] + "0"
    return end if _SIX_DIGITS.fullmatch(end) else None


def find_weakness(pin: str, facts: PinFacts) -> PinWeakness | None:
    """Why a holder may not choose `pin`, None where he may."""
    if not _SIX_DIGITS.fullmatch(pin):
        return PinWeakness.NOT_SIX_DIGITS
    if pin == default_pin(facts.default_rule, facts.id_number):
        return PinWeakness.IS_DEFAULT
    if len(set(pin)) == 1:
        return PinWeakness.ONE_DIGIT
    if {(int(two) - int(one)) % 10 for one, two in pairwise(pin)} in ({1}, {9}):
        return PinWeakness.ROW
    if pin in _birthday_pins(facts):
        return PinWeakness.BIRTHDAY
    if facts.phone and facts.phone.endswith(pin):
        return PinWeakness.PHONE_END
    if pin in _id_ends(facts.id_number or ""):
        return PinWeakness.ID_END
    return PinWeakness.COMMON if pin in COMMONEST else None


def _birthday_pins(facts: PinFacts) -> set[str]:
    birthday = facts.birthday or birthday_of(facts.id_number or "")
    if birthday is None:
        return set()
    return {birthday.strftime(form) for form in ("%y%m%d", "%d%m%y", "%m%d%y", "%Y%m", "%m%Y")}


def _id_ends(id_number: str) -> set[str]:
    """The last six with letters as zeros, and the last six digits."""
    return {
        re.sub("[^0-9]", "0", id_number)[-PIN_LENGTH:],
        re.sub("[^0-9]", "", id_number)[-PIN_LENGTH:],
    }
