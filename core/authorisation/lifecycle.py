"""What may follow an authorisation (terminals.md 5), and how a refund finds its sources."""

from core.authorisation.records import Answer, Authorisation


def is_overridden(answer: Answer) -> bool:
    """Whether what was taken without the server stands against this stored answer."""
    return answer.verdict != "CONFLICT" and answer.outcome in ("DECLINED", "PIN_REQUIRED")


def capture_code(found: Authorisation | None, amount_minor: int) -> str:
    """The response code of a capture: `00`, or why not; nothing else changes then."""
    if found is None:
        return "25"
    if found.state in ("VOIDED", "TOMBSTONE", "EXPIRED"):
        return "22"
    if found.state != "PENDING":
        return "12"
    return "64" if amount_minor > found.held_minor else "00"


def void_code(state: str) -> str:
    """The response code of a void of a known purchase; `22` means it was already not paid."""
    if state in ("CAPTURED", "PENDING", "VOIDED", "TOMBSTONE"):
        return "00"
    return "22" if state == "EXPIRED" else "12"


def refund_code(found: Authorisation | None, merchant_account_id: object, amount_minor: int) -> str:
    """The response code of a refund; the sum of refunds never exceeds what was captured."""
    if found is None or found.state == "TOMBSTONE":
        return "25"
    if found.merchant_account_id != merchant_account_id:
        return "25"
    if found.state not in ("CAPTURED", "REFUNDED_PART"):
        return "22" if found.state in ("VOIDED", "EXPIRED", "REFUNDED") else "12"
    return "64" if found.refunded_minor + amount_minor > found.captured_minor else "00"


def refund_shares(
    amount_minor: int, refunded_minor: int, paid_minor: tuple[int, ...]
) -> tuple[int, ...]:
    """What goes back to each source, the source used last first, after what went back before."""
    shares = [0] * len(paid_minor)
    skip, rest = refunded_minor, amount_minor
    for index in reversed(range(len(paid_minor))):
        gone = min(skip, paid_minor[index])
        skip -= gone
        shares[index] = min(rest, paid_minor[index] - gone)
        rest -= shares[index]
    return tuple(shares)


def capture_shares(amount_minor: int, held_minor: tuple[int, ...]) -> tuple[int, ...]:
    """What each held transfer posts, first purse first; zero means its hold is released whole."""
    shares = []
    for held in held_minor:
        share = min(amount_minor, held)
        shares.append(share)
        amount_minor -= share
    return tuple(shares)
