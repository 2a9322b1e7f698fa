"""Which cash is taken, and when a second person has to agree."""

from core.kit.money import is_amount
from core.ports.holders import HolderStanding
from core.school.policy import Policy
from core.school.policy_words import TopUpMethod
from core.top_up.records import AmountInvalid, CardholderNotActive, CashNotOffered


def check_amount(policy: Policy, amount_minor: int) -> None:
    """Refuses cash where the school takes none, and amounts out of bounds.

    Raises: CashNotOffered, AmountInvalid.
    """
    if TopUpMethod.CASH not in policy.top_up.channels:
        raise CashNotOffered
    if not is_amount(amount_minor):
        raise AmountInvalid("minorAmount")


def check_standing(holder: HolderStanding) -> None:
    """Refuses money for anyone but an active cardholder.

    Raises: CardholderNotActive.
    """
    if holder.status != "ACTIVE":
        raise CardholderNotActive("cardholderId")


def needs_four_eyes(policy: Policy, amount_minor: int) -> bool:
    """Whether the amount is above what one person may take in (security.md 8)."""
    return amount_minor > policy.staff.four_eyes_minor
