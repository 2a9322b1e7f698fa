"""Settings are strict, and what they hide stays hidden."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from adapters.http import HttpClient
from adapters.tencent.callbacks import CallbackSettings
from adapters.wechat.settings import MiniSettings, OfficialSettings
from adapters.wecom.settings import WecomSettings
from core.ports.providers import ProviderMisconfigured

HIDDEN = "hidden-from-all"
MINI: dict[str, Any] = {"app_id": "wx-sample", "app_secret": HIDDEN}
WECOM: dict[str, Any] = {"corp_id": "ww-sample", "agent_id": 1, "secret": HIDDEN}
CALLBACK: dict[str, Any] = {"token": HIDDEN, "encoding_aes_key": "k" * 43}
CASES: list[tuple[type[BaseModel], dict[str, Any]]] = [
    (MiniSettings, MINI),
    (OfficialSettings, MINI),
    (WecomSettings, WECOM),
    (CallbackSettings, CALLBACK),
]


@pytest.mark.parametrize(("kind", "table"), CASES)
def test_a_secret_is_in_no_text_of_the_settings(
    kind: type[BaseModel], table: dict[str, Any]
) -> None:
    settings = kind.model_validate(table)
    assert HIDDEN not in repr(settings) + str(settings) + settings.model_dump_json()


@pytest.mark.parametrize(("kind", "table"), CASES)
def test_an_unknown_key_is_refused_without_telling_a_value(
    kind: type[BaseModel], table: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError) as refusal:
        kind.model_validate({**table, "token_url": HIDDEN})
    assert "token_url" in str(refusal.value)
    assert HIDDEN not in str(refusal.value)


@pytest.mark.parametrize(("kind", "table"), CASES)
def test_settings_do_not_change(kind: type[BaseModel], table: dict[str, Any]) -> None:
    settings = kind.model_validate(table)
    with pytest.raises(ValidationError):
        setattr(settings, next(iter(table)), "other")


def test_the_providers_own_places_are_the_default() -> None:
    official, wecom = OfficialSettings.model_validate(MINI), WecomSettings.model_validate(WECOM)
    assert (official.api_base, official.page_base) == (
        "https://api.weixin.qq.com", "https://open.weixin.qq.com"
    )  # fmt: skip
    assert (wecom.api_base, wecom.page_base) == (
        "https://qyapi.weixin.qq.com", "https://open.weixin.qq.com"
    )  # fmt: skip


def test_a_secret_leaves_this_machine_with_tls_only() -> None:
    with pytest.raises(ProviderMisconfigured):
        HttpClient(MiniSettings.model_validate({**MINI, "api_base": "http://x.example"}).api_base)


@pytest.mark.parametrize("key", ["short", "k" * 44, "-" * 43])
def test_a_key_that_is_none_stops_the_start(key: str) -> None:
    with pytest.raises(ValidationError):
        CallbackSettings.model_validate({**CALLBACK, "encoding_aes_key": key})
