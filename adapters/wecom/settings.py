"""A school's settings for one app of its WeCom; secrets are given as text."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, SecretStr

from adapters.tencent.callbacks import CallbackSettings
from core.ports.messages import MessageTemplate

_STRICT = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class CardWords(BaseModel):
    """A text card: `text` names facts in braces, `url` is opened by a tap."""

    model_config = _STRICT

    title: str
    text: str
    url: str


class WecomSettings(BaseModel):
    """One app (`agent_id`) of a corporation; its linked mini-program uses the same secret."""

    model_config = _STRICT

    corp_id: str
    agent_id: int
    secret: SecretStr
    api_base: str = "https://qyapi.weixin.qq.com"
    page_base: str = "https://open.weixin.qq.com"
    messages: Mapping[MessageTemplate, CardWords] = {}
    callback: CallbackSettings | None = None
