"""What WeChat posts of its users: who withdrew an authorisation, or has no account any more."""

from collections.abc import Mapping

from adapters.tencent.callbacks import Event
from adapters.wechat.callbacks import WechatCallbacks
from core.ports.notices import Notice, notice_of
from core.ports.providers import ProviderRefused

WITHDRAWN = "user_authorization_revoke"
GONE = "user_authorization_cancellation"
_OF_THE_DEVICE = frozenset({"4", "5", "7", "12", "13", "14", "15", "18"})
"""`RevokeInfo` of what a mini-program may use without learning who somebody is: Bluetooth,
microphone, camera, steps, place, pictures, files, a chosen place. Any other number, also one of
an H5 page (201 and more), is about the person."""


class WechatNotices:
    """Implements `NoticeReader` for one app."""

    def __init__(self, callbacks: WechatCallbacks, app_id: str, issuer: str) -> None:
        self._callbacks = callbacks
        self._app_id = app_id
        self._issuer = issuer

    def echo(self, query: Mapping[str, str]) -> str:
        """What proves the address.

        Raises: ProviderRefused.
        """
        return self._callbacks.echo(query)

    def read(self, query: Mapping[str, str], body: bytes) -> Notice:
        """What a message says.

        Raises: ProviderRefused.
        """
        event = self._callbacks.event(query, body)
        if event.fields.get("AppID", self._app_id) != self._app_id:
            raise ProviderRefused("callback: another app")
        revoked = event.fields.get("OpenID") if _ends(event) else None
        return notice_of(event.id, event.name, self._issuer, event.happened_at, revoked)


def _ends(event: Event) -> bool:
    """Whether the person gave up what a binding stands on, and not just a use of their phone."""
    if event.name == WITHDRAWN:
        return not set(event.fields.get("RevokeInfo", "").split(",")) <= _OF_THE_DEVICE
    return event.name == GONE
