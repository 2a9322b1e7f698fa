"""An offline authority decides: a till alone, or a site edge for all its tills (codes.md 13)."""

from collections.abc import Container, Mapping
from dataclasses import dataclass

from terminals import ccq, funding
from terminals.codes import CodeRefusal, Instrument, Use, classify
from terminals.funding import Network
from terminals.keys import KeyRing
from terminals.parameters import Parameters
from terminals.verification import (
    DENY_LIST_SECONDS,
    OfflineAuthority,
    Refused,
    Spent,
    VerificationContext,
    Verified,
    verify,
)


@dataclass(frozen=True, slots=True)
class Held:
    """The documents and the clock that an authority goes by; `now` in Unix seconds.

    `denied` are serials; `deny_is_fresh` that their list was the newest lately enough.
    """

    issuer: int
    ring: KeyRing
    parameters: Parameters
    denied: frozenset[bytes]
    deny_is_fresh: bool
    clock_is_trusted: bool
    now: int


@dataclass(frozen=True, slots=True)
class Memory:
    """What it took before: by capTag, the replay keys, and what no verdict came for yet."""

    spent: Mapping[tuple[int, int], Spent]
    seen: Container[bytes]
    waiting_count: int = 0
    waiting_minor: int = 0


@dataclass(frozen=True, slots=True)
class Sale:
    """What a terminal read, and how much it asks for (fen); the texts are stripped.

    `challenge` is the CCQ text that it shows for this very sale. Only a sale that is captured at
    once can be taken without a line.
    """

    terminal_no: int
    presented: str | None
    minor_amount: int
    is_captured: bool
    challenge: str = ""


def judge_sale(sale: Sale, held: Held, memory: Memory) -> Verified | CodeRefusal:
    """The code that pays, or why nothing does; the replay key is stored before success is shown."""
    parameters = held.parameters
    if sale.presented is None or not sale.is_captured:
        return CodeRefusal.OFFLINE_OFF
    kind = classify(sale.presented)
    if isinstance(kind, CodeRefusal):
        return kind
    refusal = funding.refusal(funding.pays_as(kind), parameters.plan, Network.OFFLINE)
    if refusal is not None or kind is not Instrument.PRESENTATION:
        return CodeRefusal.OFFLINE_OFF
    site = parameters.site_of(sale.terminal_no)
    if site is None:
        return CodeRefusal.SITE_NOT_ALLOWED
    challenge = ccq.read(sale.challenge)
    verdict = verify(
        sale.presented,
        VerificationContext(
            now=held.now,
            use=Use.PAY,
            issuers=(held.issuer,),
            keys=held.ring,
            amount_minor=sale.minor_amount,
            challenge=None if isinstance(challenge, CodeRefusal) else challenge,
            challenge_above_minor=parameters.offline_challenge_above_minor,
            skew_seconds=parameters.skew_seconds,
            life_seconds=parameters.life_seconds,
            pay_kinds=parameters.pay_kinds,
            denied=held.denied,
            seen=memory.seen,
            offline=authority_of(sale, held, memory, site),
        ),
    )
    return verdict.refusal if isinstance(verdict, Refused) else verdict


def authority_of(sale: Sale, held: Held, memory: Memory, site: int) -> OfflineAuthority:
    """What rows 9, 14 and 18 to 21 of codes.md 7 go by at this authority."""
    parameters = held.parameters
    return OfflineAuthority(
        clock_is_trusted=held.clock_is_trusted,
        # The school's own bound stands for the usual one.
        deny_list_age_seconds=0 if held.deny_is_fresh else DENY_LIST_SECONDS + 1,
        store_is_full=memory.waiting_count + 1 > parameters.stored_records
        or memory.waiting_minor + sale.minor_amount > parameters.stored_total_minor,
        money_is_on=parameters.offline_money,
        site=site,
        caps=parameters.caps_by_class(),
        spent=memory.spent,
    )
