"""School IT registers the people who work a merchant's terminals, and blocks them."""

from typing import Annotated, Self

import strawberry

from core.school.operators import Operator as OperatorRecord
from core.school.operators import OperatorRight
from core.school.records import Role
from core.school.service.staff import staff_actor
from schema.context import RequestInfo
from schema.directives import Bounded
from schema.errors import UserError
from schema.inputs import INPUT
from schema.payload import answer
from schema.permissions import staff, staff_only
from schema.services import services
from schema.staff.errors import STAFF
from schema.staff.terminals import REASON, REASON_MAXIMUM
from schema.terminal.operators import RIGHTS_MAXIMUM

MERCHANT_NO = "The merchant's number at the school."
OPERATOR_NO = "Their number at the merchant, 1 to 8 digits."
OPERATOR = "The operator as they stand now."


@strawberry.type(description="Somebody who works a merchant's terminals.")
class Operator:
    """An operator; nothing of the PIN."""

    merchant_no: int = strawberry.field(description=MERCHANT_NO)
    operator_no: str = strawberry.field(description="Their number at the merchant.")
    display_name: str = strawberry.field(description="The name on the screen.")
    rights: list[OperatorRight] = strawberry.field(
        description="What they may do, at most 4.", directives=[Bounded(maximum=RIGHTS_MAXIMUM)]
    )
    blocked: bool = strawberry.field(description="Whether they may sign on nowhere.")

    @classmethod
    def of(cls, operator: OperatorRecord) -> Self:
        """The client's view."""
        return cls(
            merchant_no=operator.merchant_number,
            operator_no=operator.number,
            display_name=operator.display_name,
            rights=operator.sorted_rights,
            blocked=operator.blocked,
        )


@strawberry.input(description="An operator to add or to change.")
class OperatorPutInput:
    """Who, and what they may."""

    merchant_no: int = strawberry.field(description=MERCHANT_NO)
    operator_no: str = strawberry.field(description=OPERATOR_NO)
    display_name: str = strawberry.field(description="The name on the screen, at most 20.")
    rights: list[OperatorRight] = strawberry.field(
        description="What they may do, 1 to 4.", directives=[Bounded(maximum=RIGHTS_MAXIMUM)]
    )
    pin: str | None = strawberry.field(
        default=None,
        description="6 to 12 digits, for a new one or in place of one forgotten or locked; absent:"
        " the PIN stays.",
    )


@strawberry.type(description="The operator.")
class OperatorPutPayload:
    """The operator."""

    operator: Operator | None = strawberry.field(default=None, description=OPERATOR)
    user_errors: list[UserError] = STAFF.field()


@strawberry.input(description="Whom to block.")
class OperatorBlockInput:
    """An operator and why."""

    merchant_no: int = strawberry.field(description=MERCHANT_NO)
    operator_no: str = strawberry.field(description=OPERATOR_NO)
    reason: str = strawberry.field(description=REASON)


@strawberry.type(description="The blocked operator.")
class OperatorBlockPayload:
    """The operator."""

    operator: Operator | None = strawberry.field(default=None, description=OPERATOR)
    user_errors: list[UserError] = STAFF.field()


@strawberry.input(description="Who may sign on again.")
class OperatorUnblockInput:
    """An operator and why."""

    merchant_no: int = strawberry.field(description=MERCHANT_NO)
    operator_no: str = strawberry.field(description=OPERATOR_NO)
    reason: str = strawberry.field(description=REASON)


@strawberry.type(description="The operator, who may sign on again.")
class OperatorUnblockPayload:
    """The operator."""

    operator: Operator | None = strawberry.field(default=None, description=OPERATOR)
    user_errors: list[UserError] = STAFF.field()


@strawberry.type(description="Operators in the school's hands.")
class StaffOperatorMutation:
    """Put, block, unblock."""

    @strawberry.mutation(
        description="Adds an operator of a merchant, or changes name, rights or PIN.",
        extensions=[staff_only(Role.IT_ADMIN, Role.CARD_MANAGER)],
    )
    async def operator_put(
        self, info: RequestInfo, input: Annotated[OperatorPutInput, INPUT]
    ) -> OperatorPutPayload | None:
        """Who is blocked stays so."""
        viewer = staff(info)
        return await answer(
            info,
            STAFF,
            OperatorPutPayload,
            lambda done: OperatorPutPayload(operator=Operator.of(done)),
            services(info).operators.registry.put(
                viewer.school_id,
                input.merchant_no,
                input.operator_no,
                input.display_name,
                frozenset(input.rights),
                input.pin,
                staff_actor(viewer.member),
            ),
        )

    @strawberry.mutation(
        description="Blocks an operator at once and ends their shifts.",
        extensions=[staff_only(Role.IT_ADMIN, Role.CARD_MANAGER)],
    )
    async def operator_block(
        self, info: RequestInfo, input: Annotated[OperatorBlockInput, INPUT]
    ) -> OperatorBlockPayload | None:
        """Blocking again answers the same."""
        viewer = staff(info)
        return await answer(
            info,
            STAFF,
            OperatorBlockPayload,
            lambda done: OperatorBlockPayload(operator=Operator.of(done)),
            services(info).operators.registry.block(
                viewer.school_id,
                input.merchant_no,
                input.operator_no,
                input.reason[:REASON_MAXIMUM],
                staff_actor(viewer.member),
            ),
        )

    @strawberry.mutation(
        description="Lets a blocked operator sign on again.",
        extensions=[staff_only(Role.IT_ADMIN, Role.CARD_MANAGER)],
    )
    async def operator_unblock(
        self, info: RequestInfo, input: Annotated[OperatorUnblockInput, INPUT]
    ) -> OperatorUnblockPayload | None:
        """Unblocking again answers the same."""
        viewer = staff(info)
        return await answer(
            info,
            STAFF,
            OperatorUnblockPayload,
            lambda done: OperatorUnblockPayload(operator=Operator.of(done)),
            services(info).operators.registry.unblock(
                viewer.school_id,
                input.merchant_no,
                input.operator_no,
                input.reason[:REASON_MAXIMUM],
                staff_actor(viewer.member),
            ),
        )
