"""The telephone number that WeChat has verified, by the code of its button."""

import re
from collections.abc import Mapping

from adapters.tencent.calls import text_in
from adapters.wechat.client import WechatClient, issuer_of
from core.ports.channels import ClaimKind, IdentityClaim
from core.ports.providers import (
    ProviderMisconfigured,
    ProviderRefused,
    ProviderUnavailable,
    RefusalReason,
)

_MAINLAND = re.compile(r"1[0-9]{10}")


class WechatPhone:
    """Implements `core.ports.channels.PhoneClaims`; its code is not that of `wx.login`."""

    def __init__(self, client: WechatClient) -> None:
        self._client = client

    async def phone(self, subject: str, proof: Mapping[str, str]) -> IdentityClaim:
        """The number of an openid; `proof` is {code}, good once and for five minutes.

        Raises: ProviderRefused (CODE_EXPIRED, TARGET: not of the mainland), ProviderUnavailable,
        ProviderThrottled, ProviderMisconfigured.
        """
        calls = self._client.calls
        # With the openid WeChat refuses a code that another person's client was given.
        facts = await calls.post(
            "wxa/business/getuserphonenumber",
            data={"code": proof.get("code", ""), "openid": subject},
            api_base_url=f"{calls.origin}/",
        )
        info = facts.get("phone_info")
        if not isinstance(info, dict) or not isinstance(info.get("watermark"), dict):
            raise ProviderUnavailable("an answer without phone_info")
        if info["watermark"].get("appid") != calls.appid:
            raise ProviderMisconfigured("a telephone number for another app")
        number = text_in(info, "purePhoneNumber")
        if str(info.get("countryCode")) != "86" or not _MAINLAND.fullmatch(number):
            raise ProviderRefused("number", RefusalReason.TARGET)
        return IdentityClaim(ClaimKind.PHONE, number, issuer_of(calls.appid))
