"""A school's settings for a mini-program or an official account; secrets are given as text."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, SecretStr

from adapters.tencent.callbacks import CallbackSettings
from core.ports.messages import MessageTemplate

_STRICT = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class MiniWords(BaseModel):
    """A subscribe template: `keywords` maps its keywords (`thing1`) to facts of the message."""

    model_config = _STRICT

    template_id: str
    keywords: Mapping[str, str]
    page: str | None = None


class OfficialWords(BaseModel):
    """A template of an official account, sent by the older or the newer of its two ways."""

    model_config = _STRICT

    template_id: str
    keywords: Mapping[str, str]
    way: Literal["template", "subscribe"] = "template"
    url: str | None = None
    """Opened by a tap; for `subscribe` it is the page."""


class MiniSettings(BaseModel):
    """A mini-program. `version` is which of its versions a message opens."""

    model_config = _STRICT

    app_id: str
    app_secret: SecretStr
    api_base: str = "https://api.weixin.qq.com"
    version: Literal["formal", "trial", "developer"] = "formal"
    messages: Mapping[MessageTemplate, MiniWords] = {}
    callback: CallbackSettings | None = None


class OfficialSettings(BaseModel):
    """An official account with web authorisation."""

    model_config = _STRICT

    app_id: str
    app_secret: SecretStr
    api_base: str = "https://api.weixin.qq.com"
    page_base: str = "https://open.weixin.qq.com"
    messages: Mapping[MessageTemplate, OfficialWords] = {}
    callback: CallbackSettings | None = None
