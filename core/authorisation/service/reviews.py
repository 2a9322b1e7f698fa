"""Use cases of reviews: staff decide who bears what the school paid in doubt (mission.md 3.4)."""

from collections.abc import Sequence
from uuid import UUID

from core.audit.service import Audit
from core.authorisation.records import Key, ReviewDecided, SuspectUnknown
from core.authorisation.reviews import Bearer, Review, Suspect, check_possible
from core.authorisation.service.movements import Movements
from core.authorisation.store import reviews as store
from core.db import idempotency
from core.db.idempotency import Answer
from core.db.unit import Database, Unit
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

OFFLINE_REVIEW = "OFFLINE_REVIEW"
LISTED_MAXIMUM = 100


class Deciding:
    """Carries a decision out; as an act of four eyes, once a second person agrees."""

    requesters = frozenset({Role.CARD_MANAGER})
    approvers = frozenset({Role.CARD_MANAGER})

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
        purses: Sequence[str],
    ) -> None:
        self._clock = clock
        self._ids = ids
        self._audit = audit
        self._schools = schools
        self._staff = staff
        self._limits = limits
        self._ledger = ledger
        self._holders = holders
        self._purses = purses
        self._movements = Movements(ledger, limits, ids)

    async def cardholder_number(self, unit: Unit, content: Content) -> str | None:
        """The number of the cardholder whose code the record names.

        Raises: SuspectUnknown.
        """
        suspect = await self.find(unit, _key(content))
        if suspect.cardholder_id is None:
            return None
        holder = await self._holders.find_standing(unit, suspect.cardholder_id)
        return None if holder is None else holder.number

    async def find(self, unit: Unit, key: Key) -> Suspect:
        """A SUSPECT record. Raises: SuspectUnknown."""
        suspect = await store.find_suspect(unit, key)
        if suspect is None:
            raise SuspectUnknown("seqNo")
        return suspect

    async def run(self, unit: Unit, request: FourEyesRequest) -> Content:
        """Decides what two persons agreed on, in the name of the one who asked."""
        asked = StaffCaller(request.requester_id, None)
        member = await self._staff.require(unit, asked, *self.requesters)
        content = request.content
        await self.decide(
            unit, await self._schools.policy_in(unit), member, _key(content),
            Bearer(str(content["bearer"])), request.id, str(content["reason"]),
        )  # fmt: skip
        return content

    async def decide(
        self,
        unit: Unit,
        policy: Policy,
        member: StaffMember,
        key: Key,
        bearer: Bearer,
        four_eyes_id: UUID | None,
        reason: str,
    ) -> Review:
        """The decision with its transfers and its audit row, all in the caller's unit.

        Raises: SuspectUnknown, ReviewDecided, ReviewImpossible.
        """
        suspect = await self.find(unit, key)
        if suspect.cardholder_id is not None:
            await self._limits.lock(unit, suspect.cardholder_id)
        paid = await self._movements.locked(unit, key)
        # What was decided while we waited for the purchase is known now.
        suspect = await self.find(unit, key)
        if suspect.bearer is not None:
            raise ReviewDecided("seqNo")
        assert paid is not None  # every SUSPECT record has its purchase
        is_settled = await store.is_settled(unit, key)
        amount = check_possible(bearer, suspect, paid, is_settled=is_settled)
        now = self._clock.now()
        day = business_day(now, policy.day.zone)
        charged = suspect.cardholder_id if bearer is Bearer.HOLDER else None
        postings: list[Posting] = []
        if charged is not None:
            postings = await self._charge(unit, charged, amount, suspect.retrieval_reference)
            await self._ledger.post(unit, postings, day)
        elif bearer is Bearer.MERCHANT:
            await self._movements.void(unit, paid, day)
        facts = {
            "role": Role.CARD_MANAGER.value, "act": OFFLINE_REVIEW, "state_after": bearer.value,
            "amount_minor": amount, "four_eyes_id": str(four_eyes_id) if four_eyes_id else None,
        }  # fmt: skip
        subject = f"record:{key.terminal_no}.{key.batch_no}.{key.seq_no}"
        audit_id = await self._audit.append(
            unit, staff_actor(member), "offline.review", subject, facts, reason
        )
        ids = tuple(posting.id for posting in postings)
        review = Review(key, bearer, charged, amount, ids, member.id, four_eyes_id, audit_id, now)
        await store.insert(unit, review)
        return review

    async def _charge(
        self, unit: Unit, cardholder_id: UUID, amount_minor: int, reference: str
    ) -> list[Posting]:
        """Purse by purse into the school's loss, and what they lack as a debt."""
        loss = await self._ledger.school_account(unit, "LOSS")
        sources = await self._ledger.sources(unit, cardholder_id, self._purses, amount_minor)
        if sources.owes:
            await self._limits.stop_offline(unit, cardholder_id)
        return [
            Posting(self._ids.new(), "LOSS_RECOVERY", account, loss, amount, reference)
            for account, amount in sources.shares
        ]


class Reviews:
    """The list of what waits, and the decision."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        schools: Schools,
        staff: Staff,
        four_eyes: FourEyes,
        deciding: Deciding,
    ) -> None:
        self._database = database
        self._clock = clock
        self._schools = schools
        self._staff = staff
        self._four_eyes = four_eyes
        self._deciding = deciding

    async def list_open(self, school_id: int) -> list[Suspect]:
        """SUSPECT records that nobody decided, the oldest 100."""
        return await self._database.unit(
            school_id, lambda unit: store.list_open(unit, LISTED_MAXIMUM)
        )

    async def get(self, school_id: int, key: Key) -> Suspect:
        """One of them, decided or not. Raises: SuspectUnknown."""
        return await self._database.unit(school_id, lambda unit: self._deciding.find(unit, key))

    async def decide(
        self,
        school_id: int,
        caller: StaffCaller,
        key: Key,
        bearer: Bearer,
        idempotency_key: str,
        reason: str,
    ) -> UUID | None:
        """Decides; above `staff.four_eyes_minor` it waits for a second person: the request's id.

        The same idempotency key and content again: the same answer, and nothing happens twice.
        Raises: StaffNotAllowed, OwnCardExcluded, SuspectUnknown, ReviewDecided, ReviewImpossible,
        IdempotencyConflict; SecondFactorStale above the four-eyes amount.
        """
        policy = await self._schools.policy(school_id)
        content: Content = {
            "terminal_no": key.terminal_no,
            "batch_no": key.batch_no,
            "seq_no": key.seq_no,
            "bearer": bearer.value,
            "reason": reason,
        }

        async def work(unit: Unit) -> Answer:
            member = await self._staff.require(unit, caller, *self._deciding.requesters)

            async def effect() -> Answer:
                suspect = await self._deciding.find(unit, key)
                if suspect.bearer is not None:
                    raise ReviewDecided("seqNo")
                number = await self._deciding.cardholder_number(unit, content)
                check_not_own_card(member, number)
                if suspect.amount_minor > policy.staff.four_eyes_minor:
                    holder = suspect.cardholder_id
                    asked = {
                        **content,
                        "amount_minor": suspect.amount_minor,
                        "cardholder_id": None if holder is None else str(holder),
                    }
                    request = await self._four_eyes.open(unit, caller, OFFLINE_REVIEW, asked)
                    return {"request_id": str(request.id)}
                await self._deciding.decide(unit, policy, member, key, bearer, None, reason)
                return {"request_id": None}

            scope = f"review:{caller.staff_id}"
            return await idempotency.once(
                unit, scope, idempotency_key, content, self._clock.now(), effect
            )

        request_id = (await self._database.unit(school_id, work))["request_id"]
        return None if request_id is None else UUID(str(request_id))


def _key(content: Content) -> Key:
    numbers = (content[name] for name in ("terminal_no", "batch_no", "seq_no"))
    return Key(*(int(str(number)) for number in numbers))
