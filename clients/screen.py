"""What both clients show people: amounts, and codes as a QR code in the terminal."""

import io
import re
import time
from datetime import UTC, datetime

_AMOUNT = re.compile(r"([0-9]{1,7})(?:\.([0-9]{1,2}))?", re.ASCII)


def unix_clock() -> float:
    """The device's own clock, in Unix seconds: what a program outside the server has."""
    return time.time()  # noqa: TID251 - a device has a clock of its own


def month_of(instant: float) -> str:
    """The month of an instant in Unix seconds, as `YYYY-MM`."""
    return f"{datetime.fromtimestamp(instant, tz=UTC):%Y-%m}"


def fen(text: str) -> int:
    """The fen of an amount in yuan such as `12.50`.

    Raises: ValueError.
    """
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r}: 12.50")
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))


def yuan(minor_amount: int) -> str:
    """Fen as an amount in yuan with its sign."""
    sign = "-" if minor_amount < 0 else ""
    return f"{sign}¥{abs(minor_amount) // 100}.{abs(minor_amount) % 100:02d}"


def qr(text: str) -> str:
    """The QR code of a text in half blocks; nothing where segno is not installed."""
    try:
        import segno  # noqa: PLC0415 - an optional extra
    except ImportError:
        return ""
    drawn = io.StringIO()
    segno.make_qr(text, error="l", boost_error=False).terminal(out=drawn, compact=True)
    return drawn.getvalue()


def qr_svg(text: str) -> str:
    """The QR code of a text as an SVG picture; nothing where segno is not installed."""
    try:
        import segno  # noqa: PLC0415 - an optional extra
    except ImportError:
        return ""
    picture: str = segno.make_qr(text, error="l", boost_error=False).svg_inline(omitsize=True)
    return picture
