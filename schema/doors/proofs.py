"""Proving a card by a real name or the register's address, and confirming it (M-021 to M-029)."""

from typing import Annotated

import strawberry

from core.card.credentials import paying_kind
from core.identity.linking import LinkResult, NextStep
from core.identity.records import SignInBegun
from core.ports.messages import AddressKind
from core.school.policy_words import Feature
from schema.context import RequestInfo
from schema.directives import OncePerOperation
from schema.doors.errors import DOORS
from schema.doors.types import ConsentInput, LinkProgress, consents_field, given
from schema.errors import BadDocument, UserError
from schema.inputs import INPUT
from schema.payload import answer
from schema.permissions import holder_only, signed_in
from schema.services import services

_RESEND = "How long to wait before asking for another code, in seconds."
_LINK = "What it came to."


@strawberry.input(description="A wallet that shows its certified real name.")
class RealNameMatchInput:
    """A code of the wallet."""

    auth_code: str = strawberry.field(description="The wallet's code for the real name.")
    number: str | None = strawberry.field(
        default=None, description="One of `choices`, where the person has several cards."
    )
    consents: list[ConsentInput] = consents_field()


@strawberry.type(description="Whom the real name names, to be confirmed.")
class RealNameMatchPayload:
    """The progress."""

    link: LinkProgress | None = strawberry.field(default=None, description=_LINK)
    user_errors: list[UserError] = DOORS.field()


@strawberry.input(description="A number whose register facts the wallet shall compare.")
class RealNameCompareBeginInput:
    """A number."""

    number: str = strawberry.field(description="The person's number at the school.")


@strawberry.type(description="Under what the wallet compares; the same for every number.")
class RealNameCompareBeginPayload:
    """A reference."""

    reference: str | None = strawberry.field(
        default=None, description="What the client hands to the wallet's authorisation."
    )
    user_errors: list[UserError] = DOORS.field()


@strawberry.input(description="The wallet's authorisation for a comparison.")
class RealNameCompareInput:
    """A code of the wallet."""

    auth_code: str = strawberry.field(description="The wallet's code for the comparison.")
    consents: list[ConsentInput] = consents_field()


@strawberry.type(description="Whom the comparison named, to be confirmed.")
class RealNameComparePayload:
    """The progress."""

    link: LinkProgress | None = strawberry.field(default=None, description=_LINK)
    user_errors: list[UserError] = DOORS.field()


@strawberry.input(description="A number, and which of its register addresses gets a code.")
class MemberProofBeginInput:
    """A number and a kind."""

    number: str = strawberry.field(description="The person's number at the school.")
    address_kind: AddressKind = strawberry.field(description="E-mail or telephone.")


@strawberry.type(description="The one answer, whoever's number it is.")
class MemberProofBeginPayload:
    """When to ask again."""

    resend_after_seconds: int | None = strawberry.field(default=None, description=_RESEND)
    user_errors: list[UserError] = DOORS.field()


@strawberry.input(description="The number with the code, or with what WeCom released.")
class MemberProofCompleteInput:
    """A proof of the register's address."""

    number: str = strawberry.field(description="The person's number at the school.")
    address_kind: AddressKind = strawberry.field(description="As it was begun.")
    code: str | None = strawberry.field(
        default=None, description="The 6 digits; null where WeCom released the address."
    )
    consents: list[ConsentInput] = consents_field()


@strawberry.type(description="What the proof came to.")
class MemberProofCompletePayload:
    """The progress."""

    link: LinkProgress | None = strawberry.field(default=None, description=_LINK)
    user_errors: list[UserError] = DOORS.field()


@strawberry.input(description="Where the holder expects a one-time code.")
class BindingConfirmBeginInput:
    """An optional kind."""

    address_kind: AddressKind | None = strawberry.field(
        default=None,
        description="What the register's address is expected to be; null: whatever it is.",
    )


@strawberry.type(description="A code is under way to the register's address.")
class BindingConfirmBeginPayload:
    """When to ask again."""

    resend_after_seconds: int | None = strawberry.field(default=None, description=_RESEND)
    masked_address: str | None = strawberry.field(
        default=None, description="Where it went, masked."
    )
    user_errors: list[UserError] = DOORS.field()


@strawberry.input(description="The person's yes; with a code or the PIN where a binding gives way.")
class BindingConfirmInput:
    """At most one of code and PIN."""

    code: str | None = strawberry.field(default=None, description="The 6 digits that were sent.")
    pin: str | None = strawberry.field(default=None, description="The PIN that pays.")
    consents: list[ConsentInput] = consents_field()


@strawberry.type(description="The bound card.")
class BindingConfirmPayload:
    """The progress, which is done."""

    link: LinkProgress | None = strawberry.field(default=None, description=_LINK)
    user_errors: list[UserError] = DOORS.field()


async def _progress(info: RequestInfo, result: LinkResult) -> LinkProgress:
    return await LinkProgress.of(info, signed_in(info).school_id, result)


async def _match(info: RequestInfo, asked: RealNameMatchInput) -> LinkProgress:
    names, session = services(info).real_names, signed_in(info).session
    result = await names.match(session, asked.auth_code, given(asked.consents), asked.number)
    return await _progress(info, result)


async def _compare(info: RequestInfo, asked: RealNameCompareInput) -> LinkProgress:
    names, session = services(info).real_names, signed_in(info).session
    result = await names.compare(session, asked.auth_code, given(asked.consents))
    return await _progress(info, result)


async def _prove(info: RequestInfo, asked: MemberProofCompleteInput) -> LinkProgress:
    result = await services(info).member_proof.prove(
        signed_in(info).session,
        asked.number,
        asked.address_kind,
        asked.code,
        info.context.network,
        given(asked.consents),
    )
    return await _progress(info, result)


async def _confirm(info: RequestInfo, asked: BindingConfirmInput) -> LinkProgress:
    if asked.code is not None and asked.pin is not None:
        raise BadDocument("CODE_OR_PIN")
    session, found = signed_in(info).session, services(info)
    policy = await found.schools.policy(session.school_id)
    tokens = await found.confirmations.confirm(
        session,
        given(asked.consents),
        code=asked.code,
        pin=asked.pin,
        pin_kind=paying_kind(policy.pin.kinds),
    )
    return await _progress(info, LinkResult(NextStep.NONE, tokens))


def _sent(begun: SignInBegun) -> BindingConfirmBeginPayload:
    return BindingConfirmBeginPayload(
        resend_after_seconds=begun.resend_after_seconds, masked_address=begun.target
    )


@strawberry.type(description="Proving a card.")
class ProofMutation:
    """Each ends in a binding, or in what is still missing."""

    @strawberry.mutation(
        description="Finds the cardholder with the wallet's real name, to be confirmed.",
        directives=[OncePerOperation()],
        extensions=[holder_only()],
    )
    async def real_name_match(
        self, info: RequestInfo, input: Annotated[RealNameMatchInput, INPUT]
    ) -> RealNameMatchPayload | None:
        """By what the wallet released."""
        return await answer(
            info, DOORS, RealNameMatchPayload,
            lambda link: RealNameMatchPayload(link=link), _match(info, input), Feature.BINDING,
        )  # fmt: skip

    @strawberry.mutation(
        description="Lets the wallet compare the register's facts of a number.",
        directives=[OncePerOperation()],
        extensions=[holder_only()],
    )
    async def real_name_compare_begin(
        self, info: RequestInfo, input: Annotated[RealNameCompareBeginInput, INPUT]
    ) -> RealNameCompareBeginPayload | None:
        """Nothing is learnt about a number."""
        session, network = signed_in(info).session, info.context.network
        return await answer(
            info, DOORS, RealNameCompareBeginPayload,
            lambda reference: RealNameCompareBeginPayload(reference=reference),
            services(info).real_names.compare_begin(session, input.number, network),
            Feature.BINDING,
        )  # fmt: skip

    @strawberry.mutation(
        description="Takes the wallet's answer, to be confirmed.",
        directives=[OncePerOperation()],
        extensions=[holder_only()],
    )
    async def real_name_compare(
        self, info: RequestInfo, input: Annotated[RealNameCompareInput, INPUT]
    ) -> RealNameComparePayload | None:
        """A yes or a no."""
        return await answer(
            info, DOORS, RealNameComparePayload,
            lambda link: RealNameComparePayload(link=link), _compare(info, input), Feature.BINDING,
        )  # fmt: skip

    @strawberry.mutation(
        description="Sends a code to the address that the register has for a number.",
        directives=[OncePerOperation()],
        extensions=[holder_only()],
    )
    async def member_proof_begin(
        self, info: RequestInfo, input: Annotated[MemberProofBeginInput, INPUT]
    ) -> MemberProofBeginPayload | None:
        """For WeCom members, and after a campus sign-on."""
        return await answer(
            info, DOORS, MemberProofBeginPayload,
            lambda begun: MemberProofBeginPayload(resend_after_seconds=begun.resend_after_seconds),
            services(info).member_proof.begin(
                signed_in(info).session, input.number, input.address_kind
            ),
            Feature.BINDING,
        )  # fmt: skip

    @strawberry.mutation(
        description="Binds the card of a number by its register address.",
        directives=[OncePerOperation()],
        extensions=[holder_only()],
    )
    async def member_proof_complete(
        self, info: RequestInfo, input: Annotated[MemberProofCompleteInput, INPUT]
    ) -> MemberProofCompletePayload | None:
        """One uniform refusal."""
        return await answer(
            info, DOORS, MemberProofCompletePayload,
            lambda link: MemberProofCompletePayload(link=link), _prove(info, input),
            Feature.BINDING,
        )  # fmt: skip

    @strawberry.mutation(
        description="Sends a code to the register's address of the proven card.",
        directives=[OncePerOperation()],
        extensions=[holder_only()],
    )
    async def binding_confirm_begin(
        self, info: RequestInfo, input: Annotated[BindingConfirmBeginInput, INPUT]
    ) -> BindingConfirmBeginPayload | None:
        """For STEP_UP."""
        return await answer(
            info, DOORS, BindingConfirmBeginPayload, _sent,
            services(info).confirmations.begin(signed_in(info).session, input.address_kind),
            Feature.BINDING,
        )  # fmt: skip

    @strawberry.mutation(
        description="Binds the proven card, by the person's own yes.",
        directives=[OncePerOperation()],
        extensions=[holder_only()],
    )
    async def binding_confirm(
        self, info: RequestInfo, input: Annotated[BindingConfirmInput, INPUT]
    ) -> BindingConfirmPayload | None:
        """Where it replaces a binding, by the code or the PIN."""
        return await answer(
            info, DOORS, BindingConfirmPayload,
            lambda link: BindingConfirmPayload(link=link), _confirm(info, input), Feature.BINDING,
        )  # fmt: skip
