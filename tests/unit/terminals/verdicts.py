"""Contexts, codes and verdicts that the tests of CC1 verification share."""

from dataclasses import replace
from typing import Any

from terminals import cc1, ccq
from terminals.cc1 import Flags, Intent, Kind
from terminals.codes import Use
from terminals.message import RequestKey
from terminals.verification import OfflineAuthority, VerificationContext, Verified, verify
from tests.unit.terminals import samples
from tests.unit.terminals.samples import SHOWN


def issued(**changes: Any) -> bytes:
    """The pass of vector 1, with changes."""
    facts: dict[str, Any] = {
        "issuer": 0,
        "kid": 1,
        "kind": Kind.VIRTUAL_CARD,
        "cap_tag": 0xA1B2C3D4,
        "pass_no": 1,
        "not_before": samples.NOT_BEFORE,
        "ttl": 96,
        "cap_class": 1,
        "flags": Flags.PAY | Flags.ENTRY,
        "mask": 3,
        "device_key": samples.public(samples.DEVICE_SEED),
        "sign": samples.sign_pass,
    }
    return cc1.issue_pass(**(facts | changes))


ONLINE = VerificationContext(
    now=SHOWN, use=Use.PAY, issuers={0}, keys=samples.KEYS, amount_minor=1250
)
ALONE = OfflineAuthority()
OFFLINE = replace(ONLINE, offline=ALONE)
DOOR = replace(ONLINE, use=Use.ENTRY)
ENTRY_PASS = issued(kind=Kind.ENTRY, cap_class=7, flags=Flags.ENTRY, mask=5, ttl=1)


def shown(t: int = 3600, intent: Intent = Intent.ANY, **changes: Any) -> str:
    """Vector 1's pass with changes, shown unbound."""
    return cc1.show(issued(**changes), t, intent, samples.sign_device)


def challenge(
    purpose: ccq.Purpose = ccq.Purpose.PAY, created_at: int = SHOWN
) -> ccq.SignedChallenge:
    """A challenge of the terminal."""
    amount = 1250 if purpose is ccq.Purpose.PAY else 0
    key = RequestKey(42, 12, 345)
    return ccq.make(
        ccq.Challenge(purpose, 0, 1, key, created_at, 120, amount), samples.sign_terminal
    )


def bound(asked: ccq.SignedChallenge, **changes: Any) -> str:
    """Vector 1's pass shown for a challenge."""
    return cc1.show(issued(**changes), 3600, Intent.ANY, samples.sign_device, asked.digest)


def refusal(text: str, context: VerificationContext) -> str:
    """The refusal of a verdict, or ACCEPTED."""
    verdict = verify(text, context)
    return "ACCEPTED" if isinstance(verdict, Verified) else verdict.refusal.value


def offline(use: Use = Use.PAY, **changes: Any) -> VerificationContext:
    """The context of a terminal that decides alone."""
    return replace(ONLINE, use=use, offline=replace(ALONE, **changes))
