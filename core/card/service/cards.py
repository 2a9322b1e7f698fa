"""Use cases of cards: creating, opening, reporting a loss and releasing it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from core.card.credentials import loss_kind
from core.card.lifecycle import CardAct, next_state
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
    VirtualCardNotOpened,
)
from core.card.service.denials import CardDenials
from core.card.service.pins import Pins
from core.card.slots import rights
from core.card.store import cards as store
from core.db.unit import Database, Raced, Unit
from core.identity.lives import is_fresh
from core.identity.records import StepUpRequired
from core.identity.service.cardholders import Cardholders
from core.kit.clock import Clock
from core.kit.ids import Ids
from core.ports.newcomers import Newcomer
from core.school.policy import Policy, PolicyOf
from core.school.policy_words import LossCredential, PersonRight, Place
from core.school.records import FeatureOff


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
        denials: CardDenials,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._policy_of = policy_of
        self._cardholders = cardholders
        self._pins = pins
        self._denials = denials

    async def open_newcomers(self, unit: Unit, newcomers: Sequence[Newcomer], _day: date) -> None:
        """Gives new cardholders a virtual card, and a physical one where the roster names a chip.

        Within the unit of the import; a chip's number is 8 to 20 upper-case hex digits. Cards that
        are there already stay as they are.
        Raises: CardUidTaken.
        """
        now = self._clock.now()
        chips = {person.card_uid: person for person in newcomers if person.card_uid is not None}
        await store.insert_many(
            unit,
            [self._new_card(person, None, now) for person in newcomers]
            + [self._new_card(person, uid, now) for uid, person in chips.items()],
        )
        owners = await store.owners(unit, list(chips))
        for uid, person in chips.items():
            if owners.get(uid) != person.cardholder_id:
                raise CardUidTaken("cardUid")

    async def owners(self, unit: Unit, uids: Sequence[str]) -> Mapping[str, UUID]:
        """The cardholder of each chip number in use, within a unit."""
        return await store.owners(unit, uids)

    async def open_virtual(self, school_id: int, cardholder_id: UUID, *, pin: str | None) -> Card:
        """Opens the virtual card (M-036); opening it again answers the same and needs no PIN.

        Raises: CardUnknown, PinRequired, and what `Pins.prove_to_pay` raises.
        """
        found = await self._database.unit(
            school_id, lambda unit: store.find(unit, cardholder_id, CardKind.VIRTUAL)
        )
        if found is None:
            raise CardUnknown
        policy = await self._policy_of(school_id)
        if policy.code.pin_at_first_open and found.state is CardState.NOT_OPENED:
            await self._prove_pin(school_id, cardholder_id, pin)
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
        Raises: CardUnknown, PinRequired, StepUpRequired, and what `Pins.prove_knowledge` raises.
        """
        policy = await self._policy_of(school_id)
        if not await self._is_fresh_enough(school_id, cardholder_id, policy, step_up_at):
            kind = loss_kind(policy.loss.credential, policy.pin.kinds)
            if kind is None:
                raise StepUpRequired
            if pin is None:
                raise PinRequired("pin")
            await self._pins.prove_knowledge(school_id, cardholder_id, kind, pin)
        return await self._act(school_id, cardholder_id, CardKind.PHYSICAL, CardAct.REPORT_LOSS)

    async def report_loss_by_guardian(self, school_id: int, cardholder_id: UUID) -> Card:
        """The same by a guardian whose grant the caller has checked: it protects and needs no PIN.

        Raises: CardUnknown, CardActImpossible.
        """
        return await self._act(school_id, cardholder_id, CardKind.PHYSICAL, CardAct.REPORT_LOSS)

    async def release(self, school_id: int, cardholder_id: UUID, *, pin: str | None) -> Card:
        """Takes a loss report back on the phone, where the school allows it (M-080).

        Raises: ReleaseElsewhere, CardUnknown, CardActImpossible, PinRequired, and what
        `Pins.prove_to_pay` raises: a default PIN never releases.
        """
        policy = await self._policy_of(school_id)
        if Place.APP not in policy.loss.release_via:
            raise ReleaseElsewhere
        await self._prove_pin(school_id, cardholder_id, pin)
        return await self._act(school_id, cardholder_id, CardKind.PHYSICAL, CardAct.RELEASE)

    async def release_at_desk(
        self, unit: Unit, policy: Policy, cardholder_id: UUID, place: Place
    ) -> Card:
        """The same by staff at `place`, within the unit that writes their audit row.

        Raises: ReleaseElsewhere, CardUnknown, CardActImpossible.
        """
        if place not in policy.loss.release_via:
            raise ReleaseElsewhere
        return await self._act_in(unit, cardholder_id, CardKind.PHYSICAL, CardAct.RELEASE)

    async def refresh_denials(self, school_id: int) -> int:
        """Puts the cards of whoever was frozen or left on the deny list; how many lines changed."""
        return await self._database.unit(school_id, self._denials.refresh_if_due)

    async def replace_in(self, unit: Unit, old: Card, uid: str) -> Card:
        """Ends a card that `find_physical` holds and gives its cardholder another, active at once.

        Raises: CardUidTaken; nothing is changed then.
        """
        if await store.owners(unit, [uid]):
            raise CardUidTaken("newUid")
        state, now = next_state(old.state, CardAct.REPLACE), self._clock.now()
        assert state is not None  # a physical card is active or lost
        await store.update_state(unit, old, state, now)
        new = Card(
            self._ids.new(), old.cardholder_id, CardKind.PHYSICAL, CardState.ACTIVE, uid, now,
            None, None,
        )  # fmt: skip
        await store.insert_many(unit, [new])
        if (await store.owners(unit, [uid])).get(uid) != old.cardholder_id:
            raise Raced  # the chip was given to somebody else at this moment
        return new

    async def find_physical(self, unit: Unit, cardholder_id: UUID) -> Card | None:
        """The cardholder's card that is neither replaced nor closed, held until the unit ends."""
        return await store.lock(unit, cardholder_id, CardKind.PHYSICAL)

    async def find_by_uid(self, school_id: int, uid: str) -> Card | None:
        """The card in use with this chip number, in any state but replaced or closed."""
        return await self._database.unit(school_id, lambda unit: store.find_by_uid(unit, uid))

    async def list_live(self, school_id: int, cardholder_id: UUID) -> list[Card]:
        """The cardholder's cards that are neither replaced nor closed; one of each kind."""
        return await store.list_live(self._database.reading(school_id), cardholder_id)

    async def paying_card(self, school_id: int, cardholder_id: UUID) -> UUID:
        """The card behind a payment that the holder begins on a phone (M-051).

        The virtual card once it is open, so that a loss of the physical one stops nothing; else the
        physical one, whose state is judged under lock like that of any card.
        Raises: FeatureOff for a kind of holder that may not spend, VirtualCardNotOpened.
        """
        person = await self._cardholders.get(school_id, cardholder_id)
        policy = await self._policy_of(school_id)
        if PersonRight.SPEND not in rights(person.kind, policy.person.temporary):
            raise FeatureOff
        cards = {card.kind: card for card in await self.list_live(school_id, cardholder_id)}
        virtual = cards.get(CardKind.VIRTUAL)
        is_open = virtual is not None and virtual.state is not CardState.NOT_OPENED
        chosen = virtual if is_open else cards.get(CardKind.PHYSICAL)
        if chosen is None:
            raise VirtualCardNotOpened
        return chosen.id

    async def face(self, school_id: int, cardholder_id: UUID) -> CardFace:
        """The card face of the home screen.

        Raises: CardholderUnknown, CardUnknown.
        """
        person = await self._cardholders.get(school_id, cardholder_id)
        live = await self.list_live(school_id, cardholder_id)
        cards = {card.kind: card for card in live}
        if CardKind.VIRTUAL not in cards:
            raise CardUnknown
        virtual, physical = cards[CardKind.VIRTUAL], cards.get(CardKind.PHYSICAL)
        return CardFace(person.name, person.number, virtual, physical)

    def _new_card(self, person: Newcomer, uid: str | None, now: datetime) -> Card:
        kind = CardKind.VIRTUAL if uid is None else CardKind.PHYSICAL
        state = CardState.NOT_OPENED if uid is None else CardState.ACTIVE
        return Card(self._ids.new(), person.cardholder_id, kind, state, uid, now, None, None)

    async def _prove_pin(self, school_id: int, cardholder_id: UUID, pin: str | None) -> None:
        if pin is None:
            raise PinRequired("pin")
        await self._pins.prove_to_pay(school_id, cardholder_id, pin)

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

    async def _act(self, school_id: int, cardholder_id: UUID, kind: CardKind, act: CardAct) -> Card:
        return await self._database.unit(
            school_id, lambda unit: self._act_in(unit, cardholder_id, kind, act)
        )

    async def _act_in(self, unit: Unit, cardholder_id: UUID, kind: CardKind, act: CardAct) -> Card:
        card = await store.lock(unit, cardholder_id, kind)
        if card is None:
            raise CardUnknown
        state = next_state(card.state, act)
        if state is None:
            raise CardActImpossible
        if state is card.state:
            return card
        moved = await store.update_state(unit, card, state, self._clock.now())
        if kind is CardKind.PHYSICAL:
            await self._denials.refresh(unit, card.id)
        return moved
