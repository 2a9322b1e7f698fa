"""Whose code or card a terminal read: the core's look-ups behind a bounded cache of fixed facts."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from uuid import UUID

from core.card.records import CodeHolder
from core.card.service.cards import Cards
from core.card.service.codes import Codes
from core.card.slots import holder_class, rights
from core.identity.records import Cardholder
from core.identity.service.cardholders import Cardholders
from core.kit.clock import Clock
from core.school.policy import PolicyOf
from core.school.policy_words import PersonRight
from terminals.codes import Use
from terminals.instruments import AliasOwner, Owner
from terminals.scenes import Holder

OWNERS_MAXIMUM = 20_000
OWNER_LIFE = timedelta(minutes=5)


_USES = {PersonRight.SPEND: Use.PAY, PersonRight.ENTRY: Use.ENTRY}


class CachedInstruments:
    """Implements `terminals.instruments.Instruments` and `terminals.passages.Holders`.

    Whose a serial or a chip is never changes, so it is remembered for 5 minutes, with what a kind
    of cardholder may use it for. What may change at any moment (revoked, lost, frozen) is decided
    again under lock, in the transaction that pays or lets pass.
    """

    def __init__(
        self,
        codes: Codes,
        cards: Cards,
        cardholders: Cardholders,
        policy_of: PolicyOf,
        clock: Clock,
    ) -> None:
        self._codes = codes
        self._cards = cards
        self._cardholders = cardholders
        self._policy_of = policy_of
        self._clock = clock
        self._owners: OrderedDict[tuple[int, bytes], tuple[datetime, Owner]] = OrderedDict()

    async def by_serial(self, school_id: int, serial: bytes) -> Owner | None:
        """The holder of an issued pass."""

        async def find() -> Owner | None:
            holder = await self._codes.find_pass(school_id, serial)
            return None if holder is None else await self._owner(school_id, holder)

        return await self._remembered(school_id, serial, find)

    async def by_token(self, school_id: int, digest: bytes) -> Owner | None:
        """The holder of a live T0 token."""
        holder = await self._codes.find_token(school_id, digest)
        return None if holder is None else await self._owner(school_id, holder)

    async def by_alias(self, school_id: int, alias: str, days: set[date]) -> AliasOwner | None:
        """The holder of a T1 alias on one of these school days."""
        found = await self._codes.find_alias(school_id, alias, days)
        if found is None:
            return None
        owner = await self._owner(school_id, found.holder)
        return AliasOwner(owner, found.totp_key, found.wrong_tries, found.day)

    async def count_wrong_totp(self, school_id: int, alias: str, day: date) -> None:
        """Counts one wrong TOTP for an alias, durably."""
        await self._codes.count_wrong_totp(school_id, alias, day)

    async def by_uid(self, school_id: int, uid: str) -> Owner | None:
        """The holder of the physical card with this chip number."""

        async def find() -> Owner | None:
            card = await self._cards.find_by_uid(school_id, uid)
            if card is None:
                return None
            return await self._owned(school_id, card.cardholder_id, card.id, revoked=False)

        return await self._remembered(school_id, uid.encode(), find)

    async def holder(self, school_id: int, cardholder_id: UUID) -> Holder:
        """Who a cardholder is.

        Raises: CardholderUnknown.
        """
        return _holder(await self._cardholders.get(school_id, cardholder_id))

    async def _owner(self, school_id: int, found: CodeHolder) -> Owner:
        return await self._owned(
            school_id, found.cardholder_id, found.card_id, found.device_id, found.device_key,
            revoked=found.is_revoked,
        )  # fmt: skip

    async def _owned(
        self,
        school_id: int,
        cardholder_id: UUID,
        card_id: UUID,
        device_id: UUID | None = None,
        device_key: bytes | None = None,
        *,
        revoked: bool,
    ) -> Owner:
        person = await self._cardholders.get(school_id, cardholder_id)
        policy = await self._policy_of(school_id)
        has = rights(person.kind, policy.person.temporary)
        uses = frozenset(use for right, use in _USES.items() if right in has)
        return Owner(cardholder_id, card_id, device_id, revoked, _holder(person), uses, device_key)

    async def _remembered(
        self, school_id: int, name: bytes, find: Callable[[], Awaitable[Owner | None]]
    ) -> Owner | None:
        now, key = self._clock.now(), (school_id, name)
        kept = self._owners.get(key)
        if kept is not None and now - kept[0] < OWNER_LIFE:
            self._owners.move_to_end(key)
            return kept[1]
        owner = await find()
        if owner is not None and not owner.is_revoked:
            self._owners[key] = (now, owner)
            self._owners.move_to_end(key)
            if len(self._owners) > OWNERS_MAXIMUM:
                self._owners.popitem(last=False)
        return owner


def _holder(person: Cardholder) -> Holder:
    return Holder(person.name, person.number, holder_class(person.kind))
