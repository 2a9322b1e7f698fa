"""A merchant's settings; keys are given as text, in PEM where they are RSA."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, SecretStr

_STRICT = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class V2Settings(BaseModel):
    """For the paths that v3 does not have.

    `certificate` is the merchant's own, shown by mutual TLS. `client_ip` is the address that this
    installation is known by; nobody is asked for it.
    """

    model_config = _STRICT

    key: SecretStr = Field(min_length=32, max_length=32)
    certificate: str
    client_ip: str


class MerchantSettings(BaseModel):
    """One merchant and the apps that are bound to it.

    `serial_no` is that of the certificate of `private_key`. `public_keys` maps `PUB_KEY_ID_...` to
    WeChat's key, the only kind that new merchants get; without one, certificates are fetched.
    """

    model_config = _STRICT

    mchid: str
    app_ids: frozenset[str]
    serial_no: str
    private_key: SecretStr
    api_v3_key: SecretStr = Field(min_length=32, max_length=32)
    public_keys: Mapping[str, str] = {}
    v2: V2Settings | None = None
    api_base: str = "https://api.mch.weixin.qq.com"
