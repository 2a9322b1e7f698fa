"""Physical cards without a network: what a tap says, and by which rule it pays (terminals.md 6)."""

from collections.abc import Callable
from dataclasses import dataclass

from terminals.codes import CodeRefusal, Instrument, classify
from terminals.verification import DENY_LIST_SECONDS, CapClass, OfflineAuthority, Spent

CAPS_SECONDS = 86_400
"""The caps of a card count what it paid at one terminal in this time, both ends of it: so a list
that may be a day old lets a lost card take them once (core.school.loss)."""
_UID_DIGITS = range(8, 21, 2)


@dataclass(frozen=True, slots=True)
class Tap:
    """A chip's number (4 to 10 bytes), and its counter and MAC where it has them."""

    uid: bytes
    counter: int | None = None
    mac: bytes | None = None

    @property
    def name(self) -> str:
        """The number in upper-case hex, as the register has it."""
        return self.uid.hex().upper()


ChipCheck = Callable[[Tap], bool]
"""Whether a chip is what its number says; it also answers for a counter that did not rise."""


def identifier_only(_tap: Tap) -> bool:
    """The check of chips that cannot prove anything: their number is all there is."""
    return True


def read(text: str) -> Tap | None:
    """The tap in a stripped text; None for whatever is no tap of a chip."""
    if classify(text) is not Instrument.PHYSICAL_CARD:
        return None
    digits, counter, mac = (*text.split(":")[1:], "", "")[:3]
    if len(digits) not in _UID_DIGITS or len(mac) % 2:
        return None
    return Tap(
        bytes.fromhex(digits),
        int(counter) if counter else None,
        bytes.fromhex(mac) if mac else None,
    )


def refusal_of(
    amount_minor: int,
    *,
    is_denied: bool,
    cap: CapClass | None,
    spent: Spent,
    authority: OfflineAuthority,
) -> CodeRefusal | None:
    """Why a tap does not pay here, in the order of the rows of codes (codes.md 7: 9, 14, 18, 21).

    `cap` is what one card may take of this authority in `CAPS_SECONDS`, None where the school takes
    no card alone; `spent` is what it took. A chip carries no mask: it pays at every site.
    """
    if not authority.clock_is_trusted:
        return CodeRefusal.CLOCK_UNTRUSTED
    if is_denied:
        return CodeRefusal.REVOKED
    is_fresh = authority.deny_list_age_seconds <= DENY_LIST_SECONDS
    if cap is None or not is_fresh or not authority.money_is_on or authority.store_is_full:
        return CodeRefusal.OFFLINE_OFF
    return cap.refusal_of(amount_minor, spent)
