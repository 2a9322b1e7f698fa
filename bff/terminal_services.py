"""What answers terminals, and payers who scan what a terminal shows: money and doors."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from bff.base import Base, CardServices
from bff.instruments import CachedInstruments
from bff.offline_wiring import OfflineServices
from bff.paying import PayingPins, terms_by
from bff.push import PushHub
from bff.pushing import PushingPayments, PushingRuns
from core.authorisation.service import Authorisations
from core.authorisation.service.bundles import Bundles
from core.authorisation.service.offline import OfflineRecords
from core.authorisation.service.scans import Scans
from core.card.service.answering import CardAnswers
from core.entry.service.passages import Passages
from core.limit.thresholds import pin_reason
from core.school.features import is_offered
from core.school.policy_words import Feature
from core.school.service import Documents, Operators
from core.settlement.service import Batches
from core.top_up.service.loads import Loads
from core.utility.records import MeterGroup
from core.utility.service.runs import Runs
from schema.services import OperatorDesk
from terminals.authoriser import Authoriser
from terminals.card_desk import CardDesk
from terminals.chips import HmacChips
from terminals.claims import Claims
from terminals.entry import Entries
from terminals.entry_events import EntryEvents
from terminals.follow_ups import FollowUps
from terminals.guesses import Guesses, Reader
from terminals.kiosks import Kiosks
from terminals.look_up import LookUps
from terminals.merchant_codes import MerchantCodes, Registry
from terminals.meter import Metering, Places
from terminals.operators import SignOns
from terminals.payments import Terms
from terminals.pin_pad import PinPad


@dataclass(frozen=True, slots=True)
class TerminalServices:
    """What answers terminals about money and doors."""

    authorisations: Authorisations
    authoriser: Authoriser
    follow_ups: FollowUps
    look_ups: LookUps
    merchant_codes: MerchantCodes
    passages: Passages
    entries: Entries
    entry_events: EntryEvents
    claims: Claims
    kiosks: Kiosks
    offline: OfflineServices
    metering: Metering
    operators: OperatorDesk
    push: PushHub

    @classmethod
    def on(
        cls, base: Base, made: CardServices, push: PushHub, operators: Operators
    ) -> "TerminalServices":
        """The payments over the base."""
        clock, ids, keys = base.ground.clock, base.ids, base.keyring.for_payments
        database, ledger, limits = base.database, base.ledger, base.limits
        authorisations = Authorisations(database, base.lanes, ledger, limits, clock, ids)
        scans = Scans(database, clock, limits, base.prints.count_payment)
        payments = PushingPayments(authorisations, scans, push)
        instruments = CachedInstruments(
            made.codes, made.cards, base.cardholders, base.schools.policy, clock
        )
        terms = terms_by(base.schools.policy)
        pins, chips = PayingPins(made.pins), HmacChips(base.keyring.chips)
        guesses = Guesses(base.terminals.count_guess, clock)
        reader, pad = Reader(instruments, guesses), PinPad(pins, guesses)
        loads = _loads(base)
        desk = CardDesk(CardAnswers(database), instruments, chips, pad, terms, keys, clock, ids)
        records = OfflineRecords(database, ledger, limits, clock, ids)
        batches = Batches(database, clock, records)
        bundles = Bundles(database, ledger, records, clock, ids)
        offline = OfflineServices.over(
            bundles, batches, Documents(database, clock, base.audit), base.deny, base.rights,
            base.doors, base.schools, base.terminals, operators, base.keyring, terms, push, clock,
        )  # fmt: skip
        passages, doors = Passages(database, base.door_lanes, clock, ids), base.doors
        return cls(
            authorisations=authorisations,
            authoriser=Authoriser(payments, reader, pins, guesses, chips, terms, keys, clock, ids),
            follow_ups=FollowUps(
                payments, terms, keys, clock, ids, batches.is_closed, operators.ask_refund
            ),
            look_ups=LookUps(reader, pad, loads.overview, base.ledger.balances, terms, keys, clock),
            merchant_codes=MerchantCodes(payments, _registry(base, made, terms), clock, ids),
            passages=passages,
            entries=Entries(
                passages, doors, reader, instruments, base.ledger.balances, terms, keys, clock
            ),
            claims=Claims(desk, loads),
            kiosks=Kiosks(desk, reader, made.kiosks),
            offline=offline,
            push=push,
            operators=OperatorDesk(operators, SignOns(operators, pad, keys)),
            entry_events=EntryEvents(passages, doors, instruments, terms, keys, clock),
            metering=Metering(
                payments,
                PushingRuns(Runs(base.database, authorisations, clock), push),
                _places(base, made),
                reader,
                terms,
                keys,
                clock,
                ids,
            ),
        )


def _registry(base: Base, made: CardServices, terms: Callable[[int], Awaitable[Terms]]) -> Registry:
    return Registry(
        find_terminal=base.terminals.find_enrolled,
        find_print=base.prints.find,
        find_card=made.cards.paying_card,
        prove_pin=made.pins.prove_to_pay,
        terms=terms,
        keys=base.keyring.for_payments,
    )


def _loads(base: Base) -> Loads:
    return Loads(
        base.database,
        base.ground.clock,
        base.ids,
        policy_of=base.schools.policy,
        limits=base.limits,
        chips=base.chips,
    )


def _places(base: Base, made: CardServices) -> Places:
    async def offers(school_id: int, group: MeterGroup) -> bool:
        policy = await base.schools.policy(school_id)
        return is_offered(policy, Feature(group.kind), None, group.campus_code)

    async def needs_pin(school_id: int, cardholder_id: UUID, amount_minor: int) -> bool:
        policy, now = await base.schools.policy(school_id), base.ground.clock.now()
        held = await base.limits.in_force(school_id, cardholder_id, policy, now)
        limits = held.spent_today_minor, held.single_minor, held.daily_minor
        return bool(pin_reason(amount_minor, *limits))

    return Places(
        base.meters, base.reservations, made.cards.paying_card, offers, needs_pin,
        base.keyring.water,
    )  # fmt: skip
