"""The verified telephone number, by the code of WeChat's button."""

import json
from typing import Any

import pytest

from adapters.http import HttpAnswer, HttpClient
from adapters.wechat.client import WechatClient
from adapters.wechat.phone import WechatPhone
from core.ports.channels import ClaimKind, IdentityClaim
from core.ports.providers import (
    ProviderMisconfigured,
    ProviderRefused,
    ProviderUnavailable,
    RefusalReason,
)
from tests.contract.tencent import Watch, act
from tests.contract.wechat.spying import spied


async def _phone(
    client: WechatClient, watch: Watch, person: str, subject: str = ""
) -> IdentityClaim:
    code = await _code(client, watch, person)
    mine = subject or await _subject(client, watch, person)
    return await WechatPhone(client).phone(mine, {"code": code})


async def _code(client: WechatClient, watch: Watch, person: str, kind: str = "phone") -> str:
    asked = {"person": person, "app_id": client.calls.appid}
    return str((await act(watch.sandbox, f"wechat/{kind}_code", **asked))["code"])


async def _subject(client: WechatClient, watch: Watch, person: str) -> str:
    code = await _code(client, watch, person, "login")
    return str((await client.wxa.code_to_session(code))["openid"])


async def test_the_number_is_a_claim_of_the_app(client: WechatClient, watch: Watch) -> None:
    claim = await _phone(client, watch, "jia")
    issuer = f"wechat:{client.calls.appid}"
    assert claim == IdentityClaim(ClaimKind.PHONE, "13800000001", issuer)


async def test_phone_code_is_bound_to_openid(client: WechatClient, watch: Watch) -> None:
    code = await _code(client, watch, "jia")
    with pytest.raises(ProviderRefused) as refusal:
        await WechatPhone(client).phone(await _subject(client, watch, "ding"), {"code": code})
    assert refusal.value.reason is RefusalReason.CODE_EXPIRED
    mine = await _subject(client, watch, "jia")
    assert (await WechatPhone(client).phone(mine, {"code": code})).value == "13800000001"


async def test_country_code_may_be_a_number(
    client: WechatClient, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = spied(monkeypatch)
    values = [(await _phone(client, watch, "jia")).value for _ in range(4)]
    facts = [json.loads(answer.body) for answer in answers]
    spelt = {type(each["phone_info"]["countryCode"]) for each in facts if "phone_info" in each}
    assert values == ["13800000001"] * 4
    assert spelt == {int, str}


async def test_a_number_from_elsewhere_is_refused(client: WechatClient, watch: Watch) -> None:
    with pytest.raises(ProviderRefused) as refusal:
        await _phone(client, watch, "yi")
    assert refusal.value.reason is RefusalReason.TARGET
    assert str(refusal.value) == "number"


async def test_a_phone_code_is_good_once_for_five_minutes_and_is_no_login_code(
    client: WechatClient, watch: Watch
) -> None:
    mine = await _subject(client, watch, "jia")
    used = await _code(client, watch, "jia")
    await WechatPhone(client).phone(mine, {"code": used})
    login, old = [await _code(client, watch, "jia", kind) for kind in ("login", "phone")]
    await watch.sandbox.move_clock(301)
    for proof in ({"code": used}, {"code": login}, {"code": old}, {}):
        with pytest.raises(ProviderRefused) as refusal:
            await WechatPhone(client).phone(mine, proof)
        assert refusal.value.reason is RefusalReason.CODE_EXPIRED


@pytest.mark.parametrize(
    ("info", "error"),
    [
        ({"watermark": {"appid": "wx-other"}}, ProviderMisconfigured),
        ({"watermark": {}}, ProviderMisconfigured),
        ({"watermark": None}, ProviderUnavailable),
        ({"purePhoneNumber": 13800000001}, ProviderUnavailable),
        ({"purePhoneNumber": ""}, ProviderUnavailable),
        ({"purePhoneNumber": "1380000000"}, ProviderRefused),
        ({"countryCode": None}, ProviderRefused),
    ],
)
async def test_a_number_counts_only_with_our_watermark(
    client: WechatClient,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
    info: dict[str, Any],
    error: type[Exception],
) -> None:
    await client.calls.fetch_token()
    whole = HttpClient.request

    async def forged(self: HttpClient, method: str, path: str, **given: Any) -> HttpAnswer:
        answer = await whole(self, method, path, **given)
        facts = json.loads(answer.body)
        if "phone_info" in facts:
            facts["phone_info"] |= info
        return HttpAnswer(answer.status, answer.headers, json.dumps(facts).encode())

    monkeypatch.setattr(HttpClient, "request", forged)
    with pytest.raises(error):
        await _phone(client, watch, "jia")
