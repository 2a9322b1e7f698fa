"""Use cases of money coming in: cash at the window (M-063); loads onto cards are beside it."""

from uuid import UUID

from core.audit.service import Audit
from core.db import idempotency
from core.db.idempotency import Answer
from core.db.unit import Database, Unit
from core.identity.records import CardholderUnknown
from core.kit.clock import Clock, business_day
from core.kit.ids import Ids
from core.ledger.records import Posting
from core.ledger.service import Ledger
from core.limit.service import Limits
from core.ports.holders import HolderDirectory
from core.school.policy import Policy
from core.school.records import Content, FourEyesRequest, Role, StaffCaller, StaffMember
from core.school.service import FourEyes, Schools, Staff
from core.school.service.staff import staff_actor
from core.school.staff_rules import check_not_own_card
from core.top_up import store
from core.top_up.acceptance import check_amount, check_standing, needs_four_eyes
from core.top_up.loading import receiving_purse
from core.top_up.records import CashAnswer, CashTopUp
from core.top_up.store import invariants

INVARIANTS = invariants.INVARIANTS
"""What `core.db.invariants` proves."""

CASH_TOP_UP = "CASH_TOP_UP"


class CashPosting:
    """Posts cash; as an act of four eyes it does what a request says once a second agrees."""

    requesters = frozenset({Role.CASHIER})
    approvers = frozenset({Role.CASHIER, Role.CARD_MANAGER})

    def __init__(
        self,
        clock: Clock,
        ids: Ids,
        audit: Audit,
        schools: Schools,
        staff: Staff,
        limits: Limits,
        ledger: Ledger,
        holders: HolderDirectory,
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._audit = audit
        self._schools = schools
        self._staff = staff
        self._limits = limits
        self._ledger = ledger
        self._holders = holders

    async def cardholder_number(self, unit: Unit, content: Content) -> str:
        """The number of the cardholder whose purse the content fills.

        Raises: CardholderUnknown, CardholderNotActive.
        """
        cardholder_id = UUID(str(content["cardholder_id"]))
        holder = await self._holders.find_standing(unit, cardholder_id)
        if holder is None:
            raise CardholderUnknown("cardholderId")
        check_standing(holder)
        return holder.number

    async def run(self, unit: Unit, request: FourEyesRequest) -> Content:
        """Posts what two persons agreed on, in the name of the one who holds the cash."""
        cardholder_id = UUID(str(request.content["cardholder_id"]))
        amount_minor = request.content["amount_minor"]
        assert isinstance(amount_minor, int)
        asked = StaffCaller(request.requester_id, None)
        cashier = await self._staff.require(unit, asked, *self.requesters)
        policy = await self._schools.policy_in(unit)
        reason = str(request.content["reason"])
        top_up = await self.post(
            unit, policy, cashier, cardholder_id, amount_minor, request.id, reason
        )
        return {"top_up_id": str(top_up.id)}

    async def post(
        self,
        unit: Unit,
        policy: Policy,
        cashier: StaffMember,
        cardholder_id: UUID,
        amount_minor: int,
        four_eyes_id: UUID | None,
        reason: str,
    ) -> CashTopUp:
        """CASH -> the receiving purse with its audit row, all in the caller's unit.

        Open arrears are paid by it.

        Raises: CardholderUnknown.
        """
        await self._limits.lock(unit, cardholder_id)
        purse = await self._ledger.open_account(unit, cardholder_id, receiving_purse(policy))
        cash = await self._ledger.school_account(unit, "CASH")
        now, transfer_id, id_ = self._clock.now(), self._ids.new(), self._ids.new()
        posting = Posting(transfer_id, CASH_TOP_UP, cash, purse, amount_minor)
        day = business_day(now, policy.day.zone)
        await self._ledger.post(unit, [posting], day)
        recovered = await self._ledger.recover_arrears(
            unit, cardholder_id, day, receiving_purse(policy)
        )
        audit_id = await self._audit.append(
            unit, staff_actor(cashier), "top_up.cash", f"cardholder:{cardholder_id}",
            {
                "role": Role.CASHIER.value, "amount_minor": amount_minor, "top_up_id": str(id_),
                "transfer_id": str(transfer_id), "arrears_minor": recovered,
                "four_eyes_id": str(four_eyes_id) if four_eyes_id else None,
            },
            reason,
        )  # fmt: skip
        top_up = CashTopUp(
            id_, cardholder_id, cashier.id, four_eyes_id, amount_minor, transfer_id, audit_id, now
        )
        await store.insert(unit, top_up)
        return top_up


class Cash:
    """Cash at the window."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        schools: Schools,
        staff: Staff,
        four_eyes: FourEyes,
        posting: CashPosting,
    ) -> None:
        self._database = database
        self._clock = clock
        self._schools = schools
        self._staff = staff
        self._four_eyes = four_eyes
        self._posting = posting

    async def take(
        self,
        school_id: int,
        caller: StaffCaller,
        cardholder_id: UUID,
        amount_minor: int,
        idempotency_key: str,
        reason: str = "",
    ) -> CashAnswer:
        """Takes in `amount_minor` fen; above `staff.four_eyes_minor` it waits for a second person.

        `reason` goes to the audit.
        The same key and content again: the same answer, and nothing happens twice.
        Raises: CashNotOffered, AmountInvalid, StaffNotAllowed, OwnCardExcluded, CardholderUnknown,
        CardholderNotActive, IdempotencyConflict; SecondFactorStale above the four-eyes amount.
        """
        policy = await self._schools.policy(school_id)
        content: Content = {
            "cardholder_id": str(cardholder_id),
            "amount_minor": amount_minor,
            "reason": reason,
        }

        async def work(unit: Unit) -> Answer:
            cashier = await self._staff.require(unit, caller, *self._posting.requesters)

            async def effect() -> Answer:
                check_amount(policy, amount_minor)
                if needs_four_eyes(policy, amount_minor):
                    request = await self._four_eyes.open(unit, caller, CASH_TOP_UP, content)
                    return {"request_id": str(request.id), "hash": request.content_hash.hex()}
                check_not_own_card(cashier, await self._posting.cardholder_number(unit, content))
                top_up = await self._posting.post(
                    unit, policy, cashier, cardholder_id, amount_minor, None, reason
                )
                return {"top_up_id": str(top_up.id)}

            scope = f"cash:{caller.staff_id}"
            return await idempotency.once(
                unit, scope, idempotency_key, content, self._clock.now(), effect
            )

        return _answer(await self._database.unit(school_id, work))

    async def get(self, school_id: int, top_up_id: UUID) -> CashTopUp:
        """A top-up that was posted."""
        found = await self._database.unit(school_id, lambda unit: store.find(unit, top_up_id))
        assert found is not None  # its id came out of the answer that posted it
        return found


def _answer(stored: Answer) -> CashAnswer:
    if "top_up_id" in stored:
        return CashAnswer(UUID(str(stored["top_up_id"])), None, None)
    return CashAnswer(None, UUID(str(stored["request_id"])), bytes.fromhex(str(stored["hash"])))
