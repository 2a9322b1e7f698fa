"""Use cases of four eyes: an act waits for a second person, then runs once."""

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from core.audit.service import Audit
from core.db.unit import Database, Unit
from core.kit.clock import Clock
from core.kit.ids import Ids
from core.school.four_eyes_rules import LIFE, act_hash, check_approval, check_open
from core.school.records import (
    Content,
    FourEyesRequest,
    RequestState,
    RequestUnknown,
    Role,
    StaffCaller,
    StaffMember,
)
from core.school.service.staff import Staff, staff_actor
from core.school.staff_rules import check_not_own_card, check_second_factor
from core.school.store import four_eyes as store

LISTED_MAXIMUM = 100


class FourEyesAct(Protocol):
    """An act that needs two persons: who they are, whose card it touches, and what it does."""

    requesters: frozenset[Role]
    approvers: frozenset[Role]

    async def cardholder_number(self, unit: Unit, content: Content) -> str | None:
        """The number of the cardholder whose money it moves, if it moves any."""
        ...

    async def run(self, unit: Unit, request: FourEyesRequest) -> Content:
        """Does exactly what the content says, in the unit that closes the request."""
        ...


class FourEyes:
    """Requests by the name of their act; `acts` is complete before the first request."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        audit: Audit,
        staff: Staff,
        acts: Mapping[str, FourEyesAct],
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._audit = audit
        self._staff = staff
        self._acts = acts

    async def open(
        self, unit: Unit, caller: StaffCaller, act: str, content: Content
    ) -> FourEyesRequest:
        """Asks for a second person, within another service's unit; dies after 24 h.

        Raises: StaffNotAllowed, SecondFactorStale, OwnCardExcluded.
        """
        now = self._clock.now()
        member = await self._staff.require(unit, caller, *self._acts[act].requesters)
        check_second_factor(caller, now)
        await self._check_own_card(unit, act, content, member)
        digest = act_hash(act, content)
        request = FourEyesRequest(
            self._ids.new(), act, content, digest, member.id, None, RequestState.OPEN, now,
            now + LIFE,
        )  # fmt: skip
        await store.insert(unit, request)
        await self._note(unit, member, "request", request)
        return request

    async def approve(
        self, school_id: int, caller: StaffCaller, request_id: UUID, seen_hash: bytes
    ) -> Content:
        """The second person agrees to what `seen_hash` names: the act runs, once, in this unit.

        Raises: RequestUnknown, StaffNotAllowed, SecondFactorStale, RequestDecided, RequestExpired,
        RequesterCannotApprove, RequestContentChanged, OwnCardExcluded, and what the act refuses.
        """

        async def work(unit: Unit) -> Content:
            now, request = self._clock.now(), await self._lock(unit, request_id)
            act = self._acts[request.act]
            approver = await self._staff.require(unit, caller, *act.approvers)
            check_second_factor(caller, now)
            check_open(request, now)
            check_approval(request, approver.id, seen_hash)
            asked = StaffCaller(request.requester_id, None)
            requester = await self._staff.require(unit, asked, *act.requesters)
            await self._check_own_card(unit, request.act, request.content, approver, requester)
            await store.decide(unit, request.id, RequestState.EXECUTED, approver.id, now)
            await self._note(unit, approver, "approve", request)
            return await act.run(unit, request)

        return await self._database.unit(school_id, work)

    async def refuse(
        self, school_id: int, caller: StaffCaller, request_id: UUID, reason: str
    ) -> None:
        """A second person refuses, or the requester withdraws; the act never runs.

        Raises: RequestUnknown, StaffNotAllowed, RequestDecided, RequestExpired.
        """

        async def work(unit: Unit) -> None:
            now, request = self._clock.now(), await self._lock(unit, request_id)
            act = self._acts[request.act]
            member = await self._staff.require(unit, caller, *(act.requesters | act.approvers))
            check_open(request, now)
            second = None if member.id == request.requester_id else member.id
            await store.decide(unit, request.id, RequestState.REFUSED, second, now)
            await self._note(unit, member, "refuse", request, reason)

        await self._database.unit(school_id, work)

    async def get(self, school_id: int, request_id: UUID) -> FourEyesRequest:
        """One request.

        Raises: RequestUnknown.
        """
        found = await self._database.unit(school_id, lambda unit: store.find(unit, request_id))
        if found is None:
            raise RequestUnknown("requestId")
        return found

    async def list_open(self, school_id: int) -> list[FourEyesRequest]:
        """The requests that wait for a second person, the oldest 100."""
        now = self._clock.now()
        return await self._database.unit(
            school_id, lambda unit: store.list_open(unit, now, LISTED_MAXIMUM)
        )

    async def _lock(self, unit: Unit, request_id: UUID) -> FourEyesRequest:
        request = await store.lock(unit, request_id)
        if request is None:
            raise RequestUnknown("requestId")
        return request

    async def _check_own_card(
        self, unit: Unit, act: str, content: Content, *persons: StaffMember
    ) -> None:
        number = await self._acts[act].cardholder_number(unit, content)
        for person in persons:
            check_not_own_card(person, number)

    async def _note(
        self, unit: Unit, by: StaffMember, step: str, request: FourEyesRequest, reason: str = ""
    ) -> None:
        facts = {"act": request.act, "content_hash": request.content_hash.hex()}
        await self._audit.append(
            unit, staff_actor(by), f"four_eyes.{step}", f"request:{request.id}", facts, reason
        )
