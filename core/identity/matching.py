"""When the entered name and number, the PIN's standing and the session's address bind a card."""

import re
import unicodedata

from core.ports.pins import PinStanding

_NUMBER = re.compile(r"[0-9A-Za-z_-]{1,32}")
_DOTS = str.maketrans(dict.fromkeys("•・‧∙⋅．.", "·"))


def name_form(name: str) -> str:
    """The form names are compared in: NFKC, one kind of middle dot, no blanks, upper case."""
    folded = unicodedata.normalize("NFKC", name).translate(_DOTS).upper()
    return "".join(folded.split())


def number_form(text: str) -> str | None:
    """The number as the roster has it, or None if no roster could."""
    trimmed = text.strip()
    return trimmed if _NUMBER.fullmatch(trimmed) else None


def proves_card(
    *,
    agrees: bool,
    pin: PinStanding,
    pin_open: bool,
    second_proof: bool,
    owner_shown: bool,
    bound_elsewhere: bool,
) -> bool:
    """Whether a cardholder is proven (security.md 4, sso.md 7, mission.md 3.7 and 3.9).

    `agrees`: every field but the PIN names this cardholder. `pin_open`: the try was within all
    limits. `second_proof`: the sign-in itself showed this person (an address of the register, a
    real name, a campus sign-on that names them). `owner_shown`: it did so strongly enough that an
    earlier binding gives way. `bound_elsewhere`: there is such a binding. Spent limits and PINs
    that prove nothing leave the second proof as the only one, and then it has to show the owner.
    """
    if not agrees or (bound_elsewhere and not owner_shown):
        return False
    if not pin_open:
        return owner_shown
    if pin is PinStanding.SET:
        return True
    return second_proof and pin is not PinStanding.WRONG
