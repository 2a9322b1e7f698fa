"""Shorts for the ways in: a mini-program's session, and the selection of a link's progress."""

from typing import Any

from tests.api.campus import Campus
from tests.api.sample import CODE
from tests.factories.doors import PretendedChannel

LINK = """link { step cardholder { number } tokens { accessToken refreshToken }
    matched { maskedName maskedNumber maskedIdNumber } choices staffCode }"""
TOKENS = "tokens { accessToken refreshToken accessExpiresAt refreshExpiresAt } viewerKind"
CHANNELS = {"ALIPAY_MINI": "alipay", "WECHAT_MINI": "wechat", "WECOM": "wecom", "NATIVE": "alipay"}


def codes(payload: Any) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]


def door(campus: Campus, channel: str) -> PretendedChannel:
    found: PretendedChannel = getattr(campus.outside.doors, CHANNELS[channel])
    return found


async def channel_tokens(
    campus: Campus, subject: str = "open-1", channel: str = "ALIPAY_MINI", **given: Any
) -> Any:
    """The payload of a sign-in by the channel's own log-in."""
    asked = {
        "schoolCode": CODE,
        "channel": channel,
        "code": door(campus, channel).code(subject),
        "deviceLabel": "sample phone",
        **given,
    }
    return await campus.do("channelSignIn", asked, TOKENS)


async def mini(campus: Campus, subject: str = "open-1", channel: str = "ALIPAY_MINI") -> str:
    """The access token of a mini-program's session."""
    payload = await channel_tokens(campus, subject, channel)
    assert payload["userErrors"] == []
    token: str = payload["tokens"]["accessToken"]
    return token
