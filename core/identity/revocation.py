"""What a provider's word that somebody revoked their authorisation ends, and what it leaves."""

from datetime import datetime, timedelta

CLOCKS_APART = timedelta(minutes=5)
"""How far a provider's clock may be from ours, as for its signatures."""


def is_ended(began_at: datetime, revoked_at: datetime | None) -> bool:
    """Whether what began then ends by a revocation; without a time it ends whatever there is.

    A notice may come a day late. Who has bound the card anew by then keeps it.
    """
    return revoked_at is None or began_at <= revoked_at + CLOCKS_APART
