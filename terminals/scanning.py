"""What a terminal read as a scan: under its school's terms, with the challenge that it shows."""

from datetime import datetime

from core.kit.clock import unix_seconds
from terminals import ccq
from terminals.ccq import SignedChallenge
from terminals.codes import Use, strip
from terminals.instruments import Scan
from terminals.message import RequestKey
from terminals.payments import SchoolKeys, Terms, Till


def scan_of(
    till: Till,
    presented: str,
    use: Use,
    terms: Terms,
    keys: SchoolKeys,
    now: datetime,
    *,
    minor_amount: int = 0,
    challenge: SignedChallenge | None = None,
) -> Scan:
    """A scan at `now`; a purchase names its amount in fen."""
    return Scan(
        issuer=till.issuer,
        text=strip(presented),
        use=use,
        now=now,
        minor_amount=minor_amount,
        zone=terms.zone,
        keys=keys.ring,
        skew_seconds=terms.skew_seconds,
        life_seconds=terms.life_seconds,
        challenge=challenge,
        challenge_above_minor=terms.challenge_above_minor,
        pay_kinds=terms.plan.pay_kinds(terms.network),
    )


def find_challenge(
    till: Till,
    text: str | None,
    use: Use,
    key: tuple[int, int],
    terms: Terms,
    keys: SchoolKeys,
    now: datetime,
    minor_amount: int = 0,
) -> SignedChallenge | None:
    """The terminal's own outstanding challenge for the request of this key, if it sent one.

    `key` is batchNo and seqNo.
    """
    if text is None:
        return None
    verified = ccq.verify(
        strip(text),
        use=use,
        now=unix_seconds(now),
        issuers=(till.issuer,),
        terminals={(till.issuer, till.terminal_no): till.public_keys},
        keys=keys.ring,
        skew_seconds=terms.skew_seconds,
    )
    named = RequestKey(till.terminal_no, *key)
    return ccq.find_for_request(verified, till.issuer, named, minor_amount)
