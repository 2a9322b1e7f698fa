"""Signing in by a channel (M-003), and the telephone number a channel has verified."""

from typing import Annotated

import strawberry

from core.identity.records import Device
from core.identity.records import SessionTokens as TokensRecord
from core.school.policy_words import Channel
from schema.context import RequestInfo
from schema.directives import OncePerOperation
from schema.doors.errors import DOORS
from schema.errors import BadDocument, UserError
from schema.identity.types import SessionTokens, ViewerKind, viewer_kind_of
from schema.inputs import INPUT
from schema.payload import answer
from schema.permissions import holder_only, signed_in
from schema.school.access import get_school
from schema.services import services

_TAG = "The tag of the poster or link the person came by: 1 to 32 letters, digits, `-`, `_`."


@strawberry.input(description="A channel's own page, for the official account and WeCom.")
class ChannelSignInBeginInput:
    """Where to, and what stays in the browser."""

    school_code: str = strawberry.field(description="The school's code.")
    channel: Channel = strawberry.field(description="WECHAT_OFFICIAL or WECOM.")
    challenge: str = strawberry.field(
        description="S256 of a secret of at least 43 characters that stays in this browser."
    )
    return_to: str = strawberry.field(description="The page to come back to, exactly as listed.")
    private: bool = strawberry.field(
        default=False, description="Whether to ask for telephone and e-mail (WeCom)."
    )


@strawberry.type(description="Where the browser goes.")
class ChannelSignInBeginPayload:
    """An address."""

    authorise_url: str | None = strawberry.field(
        default=None, description="The channel's page; it comes back with `code` and `state`."
    )
    user_errors: list[UserError] = DOORS.field()


@strawberry.input(description="A code that the channel gave its client.")
class ChannelSignInInput:
    """A code, and for a page what belongs to it."""

    school_code: str = strawberry.field(description="The school's code.")
    channel: Channel = strawberry.field(description="The channel whose code it is.")
    code: str = strawberry.field(description="The code; good once.")
    state: str | None = strawberry.field(
        default=None, description="What the page came back with; null for a mini-program's log-in."
    )
    verifier: str | None = strawberry.field(
        default=None, description="The secret that stayed in the browser, with `state`."
    )
    device_label: str = strawberry.field(
        default="", description="What the device calls itself, cut to 80 characters."
    )
    entry_tag: str | None = strawberry.field(default=None, description=_TAG)


@strawberry.type(description="A new session.")
class ChannelSignInPayload:
    """Its secrets, and whether a card is bound."""

    tokens: SessionTokens | None = strawberry.field(
        default=None, description="The session's secrets; sign in again when they run out."
    )
    viewer_kind: ViewerKind | None = strawberry.field(
        default=None, description="CARDHOLDER, or UNBOUND while no card is bound."
    )
    user_errors: list[UserError] = DOORS.field()


@strawberry.input(description="An app that has just been installed.")
class InstallationCreateInput:
    """A school and a device."""

    school_code: str = strawberry.field(description="The school's code.")
    device_label: str = strawberry.field(
        default="", description="What the device calls itself, cut to 80 characters."
    )
    entry_tag: str | None = strawberry.field(default=None, description=_TAG)


@strawberry.type(description="A session that proves nothing yet, for a campus sign-on.")
class InstallationCreatePayload:
    """Its secrets."""

    tokens: SessionTokens | None = strawberry.field(
        default=None, description="The session's secrets."
    )
    user_errors: list[UserError] = DOORS.field()


@strawberry.input(description="What the channel's telephone button gave: `code`, or the other two.")
class PhoneClaimInput:
    """A proof of the channel."""

    code: str | None = strawberry.field(default=None, description="Of WeChat.")
    response: str | None = strawberry.field(default=None, description="Of Alipay, with `sign`.")
    sign: str | None = strawberry.field(default=None, description="Of Alipay.")


@strawberry.type(description="A number that the channel has verified; it proves no card alone.")
class PhoneClaimPayload:
    """Its end."""

    phone_end: str | None = strawberry.field(
        default=None, description="The last 4 digits, to show."
    )
    user_errors: list[UserError] = DOORS.field()


async def _begin(info: RequestInfo, asked: ChannelSignInBeginInput) -> str:
    school = await get_school(info, asked.school_code)
    return await services(info).channel_sign_in.begin(
        school.id, asked.channel, asked.challenge, asked.return_to, private=asked.private
    )


async def _sign_in(info: RequestInfo, asked: ChannelSignInInput) -> TokensRecord:
    school = await get_school(info, asked.school_code)
    return await services(info).channel_sign_in.sign_in(
        school.id,
        asked.channel,
        asked.code,
        Device(asked.device_label, asked.entry_tag),
        state=asked.state,
        verifier=asked.verifier,
    )


async def _install(info: RequestInfo, asked: InstallationCreateInput) -> TokensRecord:
    school = await get_school(info, asked.school_code)
    device = Device(asked.device_label, asked.entry_tag)
    return await services(info).channel_sign_in.install(school.id, device)


async def _claim(info: RequestInfo, asked: PhoneClaimInput) -> str:
    match asked.code, asked.response, asked.sign:
        case str(code), None, None:
            proof = {"code": code}
        case None, str(response), str(sign):
            proof = {"response": response, "sign": sign}
        case _:
            raise BadDocument("PHONE_PROOF")
    return await services(info).channel_sign_in.claim_phone(signed_in(info).session, proof)


@strawberry.type(description="Signing in by a channel.")
class ChannelMutation:
    """The channels' ways in."""

    @strawberry.mutation(
        description="The address of a channel's own page.", directives=[OncePerOperation()]
    )
    async def channel_sign_in_begin(
        self, info: RequestInfo, input: Annotated[ChannelSignInBeginInput, INPUT]
    ) -> ChannelSignInBeginPayload | None:
        """Of the official account and of WeCom."""
        return await answer(
            info,
            DOORS,
            ChannelSignInBeginPayload,
            lambda url: ChannelSignInBeginPayload(authorise_url=url),
            _begin(info, input),
        )

    @strawberry.mutation(
        description="Opens a session for whoever the channel names.",
        directives=[OncePerOperation()],
    )
    async def channel_sign_in(
        self, info: RequestInfo, input: Annotated[ChannelSignInInput, INPUT]
    ) -> ChannelSignInPayload | None:
        """By a code."""
        return await answer(
            info,
            DOORS,
            ChannelSignInPayload,
            lambda tokens: ChannelSignInPayload(
                tokens=SessionTokens.of(tokens), viewer_kind=viewer_kind_of(tokens)
            ),
            _sign_in(info, input),
        )

    @strawberry.mutation(
        description="Opens a session of the native app that has proven nothing.",
        directives=[OncePerOperation()],
    )
    async def installation_create(
        self, info: RequestInfo, input: Annotated[InstallationCreateInput, INPUT]
    ) -> InstallationCreatePayload | None:
        """It may begin a campus sign-on."""
        return await answer(
            info,
            DOORS,
            InstallationCreatePayload,
            lambda tokens: InstallationCreatePayload(tokens=SessionTokens.of(tokens)),
            _install(info, input),
        )

    @strawberry.mutation(
        description="Notes the telephone number that the channel has verified.",
        directives=[OncePerOperation()],
        extensions=[holder_only()],
    )
    async def phone_claim(
        self, info: RequestInfo, input: Annotated[PhoneClaimInput, INPUT]
    ) -> PhoneClaimPayload | None:
        """For this sign-in."""
        return await answer(
            info,
            DOORS,
            PhoneClaimPayload,
            lambda end: PhoneClaimPayload(phone_end=end),
            _claim(info, input),
        )
