"""Use cases of cards: creating, opening, reporting a loss and releasing it."""

from datetime import datetime
from uuid import UUID

from core.card.credentials import is_fresh, loss_kind, paying_kind
from core.card.lifecycle import CardAct, next_state
from core.card.neighbours import Cardholders, PolicyOf
from core.card.pin import PinState
from core.card.records import (
    Card,
    CardActImpossible,
    CardFace,
    CardKind,
    CardState,
    CardUidTaken,
    CardUnknown,
    PinRequired,
    ReleaseElsewhere,
    StepUpRequired,
)
from core.card.service.pins import Pins
from core.card.store import cards as store
from core.db.unit import Database, Unit
from core.kit.clock import Clock
from core.kit.ids import Ids
from core.school.policy import Policy
from core.school.policy_words import LossCredential, Place


class Cards:
    """The physical and virtual cards of cardholders."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        *,
        policy_of: PolicyOf,
        cardholders: Cardholders,
        pins: Pins,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._policy_of = policy_of
        self._cardholders = cardholders
        self._pins = pins

    async def create(
        self, unit: Unit, cardholder_id: UUID, uid: str | None, now: datetime
    ) -> None:
        """Gives a new cardholder a virtual card, and a physical one where a chip is named.

        Within the unit that creates the cardholder; `uid` is 8 to 20 upper-case hex digits. Cards
        that are there already stay as they are.
        Raises: CardUidTaken.
        """
        if uid is not None:
            await self._create_physical(unit, cardholder_id, uid, now)
        virtual = self._new_card(cardholder_id, CardKind.VIRTUAL, None, now)
        await store.insert(unit, virtual)

    async def open_virtual(self, school_id: int, cardholder_id: UUID, *, pin: str | None) -> Card:
        """Opens the virtual card (M-036); opening it again answers the same and needs no PIN.

        Raises: CardUnknown, PinRequired, and what `Pins.check` raises.
        """
        found = await self._database.unit(
            school_id, lambda unit: store.find(unit, cardholder_id, CardKind.VIRTUAL)
        )
        policy = await self._policy_of(school_id)
        if (
            policy.code.pin_at_first_open
            and found is not None
            and found.state is CardState.NOT_OPENED
        ):
            await self._prove_paying_pin(school_id, cardholder_id, policy, pin)
        return await self._act(school_id, cardholder_id, CardKind.VIRTUAL, CardAct.OPEN)

    async def report_loss(
        self,
        school_id: int,
        cardholder_id: UUID,
        *,
        pin: str | None,
        step_up_at: datetime | None,
    ) -> Card:
        """Blocks the physical card at once; the virtual card and its passes live on (M-040).

        The credential is policy `loss.credential`; where the PIN is locked or was never chosen, a
        fresh second proof always will do. Reporting again answers the same.
        Raises: CardUnknown, PinRequired, StepUpRequired, and what `Pins.check_knowledge` raises.
        """
        policy = await self._policy_of(school_id)
        if not await self._is_fresh_enough(school_id, cardholder_id, policy, step_up_at):
            kind = loss_kind(policy.loss.credential, policy.pin.kinds)
            if kind is None:
                raise StepUpRequired
            if pin is None:
                raise PinRequired("pin")
            await self._pins.check_knowledge(school_id, cardholder_id, kind, pin)
        return await self._act(school_id, cardholder_id, CardKind.PHYSICAL, CardAct.REPORT_LOSS)

    async def release(self, school_id: int, cardholder_id: UUID, *, pin: str | None) -> Card:
        """Takes a loss report back on the phone, where the school allows it (M-080).

        Raises: ReleaseElsewhere, CardUnknown, CardActImpossible, PinRequired, and what `Pins.check`
        raises: a default PIN never releases.
        """
        policy = await self._policy_of(school_id)
        if Place.APP not in policy.loss.release_via:
            raise ReleaseElsewhere
        await self._prove_paying_pin(school_id, cardholder_id, policy, pin)
        return await self._act(school_id, cardholder_id, CardKind.PHYSICAL, CardAct.RELEASE)

    async def release_at_desk(self, unit: Unit, cardholder_id: UUID, place: Place) -> Card:
        """The same by staff at `place`, within the unit that writes their audit row.

        Raises: ReleaseElsewhere, CardUnknown, CardActImpossible.
        """
        policy = await self._policy_of(unit.school_id)
        if place not in policy.loss.release_via:
            raise ReleaseElsewhere
        return await self._act_in(unit, cardholder_id, CardKind.PHYSICAL, CardAct.RELEASE)

    async def find_by_uid(self, school_id: int, uid: str) -> Card | None:
        """The card in use with this chip number, in any state but replaced or closed."""
        return await self._database.unit(school_id, lambda unit: store.find_by_uid(unit, uid))

    async def face(self, school_id: int, cardholder_id: UUID) -> CardFace:
        """The card face of the home screen.

        Raises: CardUnknown.
        """
        facts = await self._cardholders.facts(school_id, cardholder_id)
        live = await self._database.unit(
            school_id, lambda unit: store.list_live(unit, cardholder_id)
        )
        cards = {card.kind: card for card in live}
        if CardKind.VIRTUAL not in cards:
            raise CardUnknown
        virtual, physical = cards[CardKind.VIRTUAL], cards.get(CardKind.PHYSICAL)
        return CardFace(facts.name, facts.number, virtual, physical)

    async def _create_physical(
        self, unit: Unit, cardholder_id: UUID, uid: str, now: datetime
    ) -> None:
        physical = self._new_card(cardholder_id, CardKind.PHYSICAL, uid, now)
        if not await store.insert(unit, physical):
            taken = await store.find_by_uid(unit, uid)
            if taken is None or taken.cardholder_id != cardholder_id:
                raise CardUidTaken("card_uid")

    def _new_card(
        self, cardholder_id: UUID, kind: CardKind, uid: str | None, now: datetime
    ) -> Card:
        state = CardState.ACTIVE if kind is CardKind.PHYSICAL else CardState.NOT_OPENED
        return Card(self._ids.new(), cardholder_id, kind, state, uid, now, None, None)

    async def _prove_paying_pin(
        self, school_id: int, cardholder_id: UUID, policy: Policy, pin: str | None
    ) -> None:
        if pin is None:
            raise PinRequired("pin")
        kind = paying_kind(policy.pin.kinds)
        await self._pins.check(school_id, cardholder_id, kind, pin)

    async def _is_fresh_enough(
        self, school_id: int, cardholder_id: UUID, policy: Policy, step_up_at: datetime | None
    ) -> bool:
        if not is_fresh(step_up_at, self._clock.now()):
            return False
        kind = loss_kind(policy.loss.credential, policy.pin.kinds)
        if kind is None or LossCredential.FRESH_LOGIN in policy.loss.credential:
            return True
        state = await self._pins.state(school_id, cardholder_id, kind)
        return state in {PinState.LOCKED, PinState.NONE}

    async def _act(
        self, school_id: int, cardholder_id: UUID, kind: CardKind, act: CardAct
    ) -> Card:
        return await self._database.unit(
            school_id, lambda unit: self._act_in(unit, cardholder_id, kind, act)
        )

    async def _act_in(
        self, unit: Unit, cardholder_id: UUID, kind: CardKind, act: CardAct
    ) -> Card:
        card = await store.lock(unit, cardholder_id, kind)
        if card is None:
            raise CardUnknown
        state = next_state(card.state, act)
        if state is None:
            raise CardActImpossible
        if state is card.state:
            return card
        return await store.update_state(unit, card, state, self._clock.now())
