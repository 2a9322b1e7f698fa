"""Proving a card by the form, and unbinding it (M-016, M-023, M-024, M-031)."""

from typing import Annotated
from uuid import UUID

import strawberry

from core.identity.records import BindForm, NotBound
from core.identity.records import SessionTokens as TokensRecord
from core.school.policy_words import Feature
from schema.card.cardholder import Cardholder
from schema.context import RequestInfo
from schema.directives import OncePerOperation
from schema.doors.types import ConsentInput, consents_field, given
from schema.errors import UserError
from schema.identity.errors import IDENTITY
from schema.identity.types import SessionTokens
from schema.inputs import INPUT, uuid_key
from schema.payload import answer
from schema.permissions import cardholder, cardholder_only, holder_only, signed_in
from schema.services import services


@strawberry.input(description="The form; the school's `formFields` say which fields count.")
class BindingCreateInput:
    """What a person knows of the card."""

    name: str = strawberry.field(description="The name, as in the register.")
    number: str = strawberry.field(description="The number, or the card's where the school says.")
    pin: str | None = strawberry.field(default=None, description="The PIN, where it counts.")
    consents: list[ConsentInput] = consents_field()


@strawberry.type(description="The bound cardholder; the session's tokens are replaced.")
class BindingCreatePayload:
    """A cardholder and new secrets."""

    cardholder: Cardholder | None = strawberry.field(default=None, description="Whose card it is.")
    tokens: SessionTokens | None = strawberry.field(
        default=None, description="The new secrets; the old ones ended with the binding."
    )
    user_errors: list[UserError] = IDENTITY.field()


@strawberry.input(description="Which link to end.")
class BindingEndInput:
    """A binding."""

    binding_id: strawberry.ID = strawberry.field(description="One of the viewer's own bindings.")


@strawberry.input(description="Another sign-in of the same person, which has no card yet.")
class BindingMergeInput:
    """Its token."""

    access_token: str = strawberry.field(
        description="The access token of the other sign-in, at most 5 minutes old."
    )


@strawberry.type(description="The other sign-in, now of the same cardholder.")
class BindingMergePayload:
    """Its new secrets."""

    tokens: SessionTokens | None = strawberry.field(
        default=None, description="The new secrets of the other sign-in; its old ones ended."
    )
    user_errors: list[UserError] = IDENTITY.field()


@strawberry.type(description="The ended link; its sessions and codes ended with it.")
class BindingEndPayload:
    """The binding's id."""

    ended_binding_id: strawberry.ID | None = strawberry.field(
        default=None, description="The binding that ended."
    )
    user_errors: list[UserError] = IDENTITY.field()


async def _bind(info: RequestInfo, asked: BindingCreateInput) -> tuple[TokensRecord, Cardholder]:
    session, found = signed_in(info).session, services(info)
    form = BindForm(asked.name, asked.number, asked.pin or "")
    tokens = await found.bindings.bind_by_form(
        session, form, info.context.network, given(asked.consents)
    )
    bound: UUID | None = tokens.session.cardholder_id
    assert bound is not None
    person = await found.cardholders.get(session.school_id, bound)
    return tokens, Cardholder.of(session.school_id, person)


async def _end(info: RequestInfo, asked: BindingEndInput) -> strawberry.ID:
    binding_id = uuid_key(info, asked.binding_id, "Binding")
    if binding_id is None:
        raise NotBound("bindingId")
    await services(info).bindings.unbind(cardholder(info).session, binding_id)
    return asked.binding_id


@strawberry.type(description="Bindings.")
class BindingMutation:
    """Linking and unlinking a card."""

    @strawberry.mutation(
        description="Binds the card that the form proves; one uniform refusal.",
        directives=[OncePerOperation()],
        extensions=[holder_only()],
    )
    async def binding_create(
        self, info: RequestInfo, input: Annotated[BindingCreateInput, INPUT]
    ) -> BindingCreatePayload | None:
        """Until it is unbound."""
        return await answer(
            info,
            IDENTITY,
            BindingCreatePayload,
            lambda bound: BindingCreatePayload(
                tokens=SessionTokens.of(bound[0]), cardholder=bound[1]
            ),
            _bind(info, input),
            Feature.BINDING,
        )

    @strawberry.mutation(
        description="Unbinds the card; needs a second proof of at most 5 minutes ago.",
        extensions=[cardholder_only()],
    )
    async def binding_end(
        self, info: RequestInfo, input: Annotated[BindingEndInput, INPUT]
    ) -> BindingEndPayload | None:
        """Money stays where it is."""
        return await answer(
            info,
            IDENTITY,
            BindingEndPayload,
            lambda ended: BindingEndPayload(ended_binding_id=ended),
            _end(info, input),
        )

    @strawberry.mutation(
        description="Makes another sign-in one of this cardholder's, too; needs a second proof.",
        directives=[OncePerOperation()],
        extensions=[cardholder_only()],
    )
    async def binding_merge(
        self, info: RequestInfo, input: Annotated[BindingMergeInput, INPUT]
    ) -> BindingMergePayload | None:
        """Two accounts of one person become one (M-005)."""
        return await answer(
            info,
            IDENTITY,
            BindingMergePayload,
            lambda tokens: BindingMergePayload(tokens=SessionTokens.of(tokens)),
            services(info).bindings.merge(cardholder(info).session, input.access_token),
            Feature.BINDING,
        )
