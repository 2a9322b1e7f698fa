"""Use cases of operators: staff register them, and terminals sign them on and off."""

from collections.abc import Callable, Collection
from dataclasses import replace
from uuid import UUID

from core.audit.records import Actor, Facts
from core.audit.service import Audit
from core.db.unit import Database, Unit
from core.kit.clock import Clock
from core.kit.ids import Ids
from core.kit.peppered_hash import Peppered, PepperedHash
from core.school.operators import (
    OFFLINE_ITERATIONS,
    PIN_TRIES,
    SALT_BYTES,
    OfflineHash,
    Operator,
    OperatorInvalid,
    OperatorPin,
    OperatorRight,
    OperatorUnknown,
    Shift,
    ShiftUnknown,
    SignOnRefusal,
    Tried,
    check_operator,
    check_pin,
    check_room,
    hashed_text,
)
from core.school.records import Merchant, MerchantUnknown, SchoolUnknown
from core.school.store import operators as store
from core.school.store import schools as school_store
from core.school.store import terminals as terminal_store

OfflineHasher = Callable[[str, bytes, int], bytes]
"""PIN, salt, iterations -> the 32 bytes that terminals compare with."""


class Operators:
    """The operators of a school's merchants and their shifts.

    A try of a PIN is counted in a committed unit of its own before anything is compared, so neither
    parallel guesses nor a rollback give more than five.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        audit: Audit,
        hasher: PepperedHash,
        offline_hash: OfflineHasher,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._audit = audit
        self._hasher = hasher
        self._offline_hash = offline_hash

    async def put(
        self,
        school_id: int,
        merchant_number: int,
        number: str,
        display_name: str,
        rights: Collection[OperatorRight],
        pin: str | None,
        by: Actor,
    ) -> Operator:
        """Adds an operator, or changes name, rights and, if one is given, the PIN.

        A new PIN unlocks. Who is blocked stays so.
        Raises: SchoolUnknown, MerchantUnknown, OperatorInvalid (also for a new one without a PIN),
        OperatorPinWeak, OperatorLimit, Overloaded.
        """
        check_operator(number, display_name, rights)
        made = None if pin is None else await self._hash(school_id, merchant_number, number, pin)

        async def work(unit: Unit) -> Operator:
            merchant = await self._locked(unit, merchant_number)
            known = await store.find(unit, merchant.id, number)
            if known is None:
                listed = await store.list_all(unit)
                check_room(sum(o.merchant_number == merchant.number for o in listed), len(listed))
            kept = known.pin if known is not None and made is None else made
            if kept is None:
                raise OperatorInvalid("pin")
            is_blocked = known is not None and known.blocked
            operator = Operator(
                merchant.number, number, display_name, frozenset(rights), is_blocked, kept
            )
            await store.put(unit, merchant.id, operator, self._clock.now())
            changed = "display_name,rights" + (",pin" if made else "")
            facts: Facts = {"rights": ",".join(operator.sorted_rights), "columns": changed}
            await self._note(unit, by, "put", operator, facts)
            return operator

        return await self._database.unit(school_id, work)

    async def block(
        self, school_id: int, merchant_number: int, number: str, reason: str, by: Actor
    ) -> Operator:
        """Blocks an operator and ends their shifts; again: the same.

        Raises: SchoolUnknown, MerchantUnknown, OperatorUnknown.
        """
        return await self._set_blocked(school_id, merchant_number, number, True, reason, by)

    async def unblock(
        self, school_id: int, merchant_number: int, number: str, reason: str, by: Actor
    ) -> Operator:
        """Lets a blocked operator sign on again; again: the same.

        Raises: SchoolUnknown, MerchantUnknown, OperatorUnknown.
        """
        return await self._set_blocked(school_id, merchant_number, number, False, reason, by)

    async def list_all(self, school_id: int) -> list[Operator]:
        """The operators of a school, by merchant and number."""
        return await self._database.unit(school_id, store.list_all)

    async def find_repeated(
        self, school_id: int, terminal_no: int, request_hash: bytes
    ) -> Shift | None:
        """The shift that this very sign-on began or was answered with, as it stands now."""
        return await self._database.unit(
            school_id, lambda unit: store.find_by_request(unit, terminal_no, request_hash)
        )

    async def prove(self, school_id: int, terminal_no: int, number: str, pin: str) -> Tried:
        """Compares the PIN of an operator of the terminal's merchant, counting the try.

        Raises: Overloaded.
        """
        with self._hasher.seat():
            counted = await self._database.unit(
                school_id, lambda unit: self._count(unit, terminal_no, number)
            )
            if isinstance(counted, SignOnRefusal):
                return Tried(refusal=counted, tries_left=0)
            operator, tries = counted
            stored = operator.pin.stored
            text = hashed_text(school_id, operator.merchant_number, number, pin)
            if await self._hasher.matches(stored, text):
                return Tried(proven=stored)
        if tries >= PIN_TRIES:
            return Tried(refusal=SignOnRefusal.LOCKED, tries_left=0)
        return Tried(refusal=SignOnRefusal.WRONG, tries_left=PIN_TRIES - tries)

    async def begin(
        self, school_id: int, terminal_no: int, number: str, proven: Peppered, request_hash: bytes
    ) -> Shift | SignOnRefusal:
        """Signs an operator on whose PIN was just proven; a shift of another one there ends.

        Who is signed on there already goes on with the same shift.
        """

        async def work(unit: Unit) -> Shift | SignOnRefusal:
            await terminal_store.lock(unit, terminal_no)  # two at once take turns
            repeated = await store.find_by_request(unit, terminal_no, request_hash)
            if repeated is not None:
                return repeated
            found = await store.find_at(unit, terminal_no, number)
            if found is None or found[1].blocked or found[1].pin.stored != proven:
                return SignOnRefusal.UNKNOWN
            merchant_id, operator = found
            await store.restore_tries(unit, merchant_id, number)
            now, here = self._clock.now(), await store.find_open(unit, terminal_no)
            if here is not None and here.operator.number == number:
                await store.note_request(unit, here.id, request_hash)
                return here
            if here is not None:
                await store.end_shift(unit, here.id, "REPLACED", now)
            id_ = self._ids.new()
            await store.begin_shift(unit, id_, terminal_no, merchant_id, number, request_hash, now)
            return Shift(id_, terminal_no, operator, now)

        return await self._database.unit(school_id, work)

    async def end(self, school_id: int, terminal_no: int, shift_id: UUID) -> Shift:
        """Ends a shift of this terminal; one that has ended stays as it is.

        Raises: ShiftUnknown.
        """

        async def work(unit: Unit) -> Shift:
            await store.end_shift(unit, shift_id, "SIGN_OFF", self._clock.now())
            found = await store.find_shift(unit, terminal_no, shift_id)
            if found is None:  # of another terminal: the refusal takes its end back
                raise ShiftUnknown("shiftId")
            return found

        return await self._database.unit(school_id, work)

    async def ask_refund(
        self, school_id: int, terminal_no: int, batch_no: int, seq_no: int, number: str | None
    ) -> SignOnRefusal | None:
        """Why an operator may not refund at this terminal now; None if they may, and it is noted.

        Nobody named is nobody signed on.
        """

        async def work(unit: Unit) -> SignOnRefusal | None:
            here = await store.find_open(unit, terminal_no)
            if here is None or here.operator.number != number:
                return SignOnRefusal.NOT_SIGNED_ON
            if OperatorRight.REFUND not in here.operator.rights:
                return SignOnRefusal.NO_RIGHT
            now = self._clock.now()
            await store.note_refund(unit, terminal_no, batch_no, seq_no, here.id, now)
            return None

        return await self._database.unit(school_id, work)

    async def _count(
        self, unit: Unit, terminal_no: int, number: str
    ) -> tuple[Operator, int] | SignOnRefusal:
        """Counts one try in the committed unit, or says why there is none."""
        found = await store.find_at(unit, terminal_no, number)
        if found is None or found[1].blocked:
            return SignOnRefusal.UNKNOWN
        if not self._hasher.knows(found[1].pin.stored.pepper_kid):
            return SignOnRefusal.LOCKED  # its pepper is gone: staff set a new one
        counted = await store.count_try(unit, terminal_no, number)
        return counted or SignOnRefusal.LOCKED

    async def _hash(
        self, school_id: int, merchant_number: int, number: str, pin: str
    ) -> OperatorPin:
        check_pin(pin)
        with self._hasher.seat():
            text = hashed_text(school_id, merchant_number, number, pin)
            stored = await self._hasher.make(text)
        salt = self._ids.bytes(SALT_BYTES)
        alone = self._offline_hash(pin, salt, OFFLINE_ITERATIONS)
        return OperatorPin(stored, OfflineHash(salt, OFFLINE_ITERATIONS, alone))

    async def _set_blocked(
        self, school_id: int, merchant_number: int, number: str, blocked: bool, reason: str,
        by: Actor,
    ) -> Operator:  # fmt: skip
        async def work(unit: Unit) -> Operator:
            merchant = await self._locked(unit, merchant_number)
            found = await store.find(unit, merchant.id, number)
            if found is None:
                raise OperatorUnknown("operatorNo")
            if found.blocked is not blocked:
                await store.set_blocked(unit, merchant.id, number, blocked=blocked)
                await store.end_shifts_of(unit, merchant.id, number, self._clock.now())
                act = "block" if blocked else "unblock"
                await self._note(unit, by, act, found, {}, reason)
            return replace(found, blocked=blocked)

        return await self._database.unit(school_id, work)

    async def _locked(self, unit: Unit, merchant_number: int) -> Merchant:
        if not await school_store.lock_school(unit):
            raise SchoolUnknown("schoolId")
        merchant = await school_store.find_merchant(unit, merchant_number)
        if merchant is None:
            raise MerchantUnknown("merchantNumber")
        return merchant

    async def _note(
        self, unit: Unit, by: Actor, act: str, operator: Operator, facts: Facts, reason: str = ""
    ) -> None:
        subject = f"operator:{operator.merchant_number}.{operator.number}"
        await self._audit.append(unit, by, f"operator.{act}", subject, facts, reason)
