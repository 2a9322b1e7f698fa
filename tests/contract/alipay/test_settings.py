"""What a school may write down of its Alipay app."""

from typing import Any

import pytest
from pydantic import ValidationError

from adapters.alipay.settings import AlipaySettings

KEY = {
    "app_id": "2099000000000001",
    "notify_url": "https://school.example/notify/alipay/1",
    "app_private_key": "sample private",
    "alipay_public_key": "sample public",
}
CERTIFICATES = {
    "app_certificate": "sample", "alipay_certificate": "sample",
    "alipay_root_certificate": "sample",
}  # fmt: skip


def test_both_modes_are_settings_and_the_gateway_is_alipays() -> None:
    by_key = AlipaySettings.model_validate(KEY)
    assert by_key.gateway == "https://openapi.alipay.com/gateway.do"
    AlipaySettings.model_validate(KEY | {"alipay_public_key": None} | CERTIFICATES)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"alipay_public_key": None}, "either alipay_public_key or all three"),
        (CERTIFICATES, "either alipay_public_key or all three"),
        ({"app_certificate": "sample"}, "either alipay_public_key or all three"),
        ({"alipay_public_key": None, "app_certificate": "sample"}, "either alipay_public_key"),
        ({"app_id": "two words"}, "app_id"),
        ({"sign_scene": "DEFAULT|DEFAULT"}, "no DEFAULT"),
        ({"sign_scene": "canteen"}, "sign_scene"),
        ({"sign_type": "RSA2"}, "sign_type"),
        ({"messages": {"X": {"user_template_id": "t", "page": "p", "keywords": {}, "y": 1}}}, "y"),
    ],
)
def test_a_setting_that_cannot_be_is_named(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError) as error:
        AlipaySettings.model_validate(KEY | changes)
    assert named in str(error.value)
    assert "sample" not in str(error.value)


def test_secrets_print_as_asterisks() -> None:
    settings = AlipaySettings.model_validate(KEY | {"aes_key": "sample aes"})
    assert "sample private" not in repr(settings)
    assert "sample aes" not in repr(settings)
