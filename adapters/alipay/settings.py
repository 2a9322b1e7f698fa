"""What a school has to say of its Alipay app; secrets print as asterisks."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

_FORM = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class TemplateSettings(BaseModel):
    """A subscribed message: `keywords` names the fact that fills each `keyword1`, `keyword2` …"""

    model_config = _FORM

    user_template_id: str = Field(min_length=1)
    page: str = Field(min_length=1)
    keywords: Mapping[str, str]


class SubMerchantSettings(BaseModel):
    """Who the wallet shows as the other side of a withhold agreement."""

    model_config = _FORM

    id: str = Field(min_length=1)
    name: str = Field(min_length=1)
    service_name: str = Field(min_length=1)
    service_description: str = Field(min_length=1)


class AlipaySettings(BaseModel):
    """One app, in key mode (`alipay_public_key`) or in certificate mode (the three certificates).

    Keys are PEM, or base64 alone as the console shows them; PKCS#1 and PKCS#8 both load.
    `alipay_public_key` and `alipay_certificate` hold several PEM blocks while Alipay changes them.
    `sign_scene` is the one of the withhold contract, `messages` goes from a message template to
    Alipay's. References to files are resolved before they come here.
    """

    model_config = _FORM

    app_id: str = Field(pattern=r"^[0-9A-Za-z]{1,32}$")
    gateway: str = "https://openapi.alipay.com/gateway.do"
    notify_url: str = Field(min_length=1)
    app_private_key: SecretStr
    alipay_public_key: str | None = None
    app_certificate: str | None = None
    alipay_certificate: str | None = None
    alipay_root_certificate: str | None = None
    aes_key: SecretStr | None = None
    sign_scene: str | None = Field(default=None, pattern=r"^[A-Z_]+\|[A-Z_]+$")
    sub_merchant: SubMerchantSettings | None = None
    messages: Mapping[str, TemplateSettings] = {}

    @model_validator(mode="after")
    def _has_one_mode_and_a_scene(self) -> "AlipaySettings":
        if self.sign_scene == "DEFAULT|DEFAULT":
            raise ValueError("sign_scene is assigned by contract; with our numbers no DEFAULT")
        certificates = (
            self.app_certificate, self.alipay_certificate, self.alipay_root_certificate,
        )  # fmt: skip
        if self.alipay_public_key is None and all(certificates):
            return self
        if self.alipay_public_key is not None and not any(certificates):
            return self
        raise ValueError("either alipay_public_key or all three certificates")
