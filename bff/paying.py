"""What a payment asks of other contexts: the PIN, the school's terms, what a purse could spend."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from core.authorisation.service.reserve import Reserves
from core.card.records import PinIsDefault, PinLocked, PinNotSet, PinWrong
from core.card.service.pins import Pins
from core.ledger.service import Ledger
from core.school.policy import Policy
from core.school.policy_words import PurseModel
from terminals.funding import CHIP, plan_of
from terminals.payments import PinVerdict, Terms

PURSES = ("SUBSIDY", "MAIN")
"""What is given for meals is spent first."""
_ON_CARD_PURSES = ("SUBSIDY", "CLAIM", "MAIN")
"""Of codes, where physical cards spend what is on their chips: also what waits to be claimed."""


def purses_by(policy: Policy) -> tuple[str, ...]:
    """The purses that codes spend, the first one first."""
    return _ON_CARD_PURSES if policy.purse.model is PurseModel.ON_CARD else PURSES


class PayingPins:
    """Implements `terminals.payments.Pins` by the cardholder's own PIN."""

    def __init__(self, pins: Pins) -> None:
        self._pins = pins

    async def check_to_pay(self, school_id: int, cardholder_id: UUID, digits: str) -> PinVerdict:
        """Counts, compares, and answers; a default PIN never pays.

        Raises: Overloaded.
        """
        try:
            await self._pins.prove_to_pay(school_id, cardholder_id, digits)
        except PinWrong as wrong:
            return PinVerdict(ok=False, tries_left=int(wrong.details["tries_left"]))
        except PinLocked:
            return PinVerdict(ok=False, response_code="75", tries_left=0)
        except (PinNotSet, PinIsDefault) as unusable:
            return PinVerdict(ok=False, response_code="05", reason=unusable.code())
        return PinVerdict(ok=True)


class PurseFunds:
    """Implements `core.ports.codes.Funds` by the ledger and its reserves."""

    def __init__(self, ledger: Ledger, reserves: Reserves) -> None:
        self._ledger = ledger
        self.lock = reserves.lock
        self.set_aside = reserves.set_aside

    async def available_minor(self, school_id: int, cardholder_id: UUID) -> int:
        """What codes may spend, in fen, the reserve's too; 0 while arrears are open."""
        if await self._ledger.arrears_minor(school_id, cardholder_id) > 0:
            return 0
        found = await self._ledger.balances(school_id, cardholder_id)
        return found.available_minor + found.reserve_minor - found.available_in((CHIP,))


def terms_by(policy_of: Callable[[int], Awaitable[Policy]]) -> Callable[[int], Awaitable[Terms]]:
    """A school's terms of payment, out of its policy."""

    async def terms(school_id: int) -> Terms:
        policy = await policy_of(school_id)
        is_on_card = policy.purse.model is PurseModel.ON_CARD
        return Terms(
            purses=purses_by(policy),
            single_minor=policy.limit.single_minor,
            daily_minor=policy.limit.daily_minor,
            zone=policy.day.zone,
            hold_seconds=policy.terminal.hold_hours * 3_600,
            challenge_above_minor=policy.code.challenge_above_minor or None,
            skew_seconds=policy.code.skew_seconds,
            life_seconds=policy.code.life_seconds,
            upload_days=policy.terminal.upload_days,
            plan=plan_of(policy, purses_by(policy)),
            is_on_card=is_on_card,
            claim_via=frozenset(policy.claim.via) if is_on_card else frozenset(),
            needs_operator=policy.terminal.operators,
        )

    return terms
