"""Which purses pay an amount that cannot be refused, and how much of it."""

from collections.abc import Sequence

from core.ledger.records import Purse


def draw(
    purses: Sequence[Purse], order: Sequence[str], amount_minor: int, reserve_minor: int
) -> tuple[tuple[Purse, int], ...]:
    """What each purse gives, in fen, in the order of its kinds; what they lack is a debt.

    A purse gives what is free in it, RESERVE at most `reserve_minor`: each slot has only its own.
    """
    rest, shares = amount_minor, []
    for purse in sorted(
        (each for each in purses if each.kind in order), key=lambda each: order.index(each.kind)
    ):
        take = min(rest, purse.available_minor)
        if purse.kind == "RESERVE":
            take = min(take, reserve_minor)
        if take > 0:
            shares.append((purse, take))
            rest -= take
    return tuple(shares)
