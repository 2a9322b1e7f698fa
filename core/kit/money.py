"""Money: an integer number of fen of one currency, signed: debits of the holder are negative."""

CURRENCY = "CNY"
MAXIMUM_MINOR = 1_000_000_000
"""The most one operation may move, in fen (security.md 7)."""


def decimal_text(minor: int) -> str:
    """The amount in yuan with two decimals, for people: 1250 -> `12.50`."""
    sign = "-" if minor < 0 else ""
    yuan, fen = divmod(abs(minor), 100)
    return f"{sign}{yuan}.{fen:02d}"


def is_amount(minor: int) -> bool:
    """Whether a number of fen may be moved by one operation: 1 to `MAXIMUM_MINOR`."""
    return 0 < minor <= MAXIMUM_MINOR
