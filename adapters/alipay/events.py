"""What Alipay posts to the app's gateway of its users: who cancelled an authorisation."""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from adapters.alipay.notices import Notices
from core.kit.clock import from_unix
from core.ports.notices import Notice, notice_of
from core.ports.providers import ProviderRefused

CANCELLED = "alipay.open.auth.userauth.cancelled"
_MILLISECONDS = re.compile(r"[0-9]{1,14}")


class AlipayEvents:
    """Implements `NoticeReader` for one app."""

    def __init__(self, notices: Notices, app_id: str, issuer: str) -> None:
        self._notices = notices
        self._app_id = app_id
        self._issuer = issuer

    def echo(self, _query: Mapping[str, str]) -> str:
        """Never: Alipay proves an address by a notice. Raises: ProviderRefused."""
        raise ProviderRefused("echo")

    def read(self, _query: Mapping[str, str], body: bytes) -> Notice:
        """What a form says; the query says nothing.

        Raises: ProviderRefused.
        """
        fields = self._notices.app(body)
        event = fields.get("msg_method") or fields.get("notify_type", "")
        notice_id, sent = fields.get("notify_id", ""), fields.get("utc_timestamp", "")
        if event != CANCELLED:
            return notice_of(notice_id, event, self._issuer, _instant(sent))
        content = _object(fields.get("biz_content", ""))
        if content.get("app_id", self._app_id) != self._app_id:
            raise ProviderRefused("app_id")
        open_id = content.get("open_id")
        return notice_of(
            notice_id,
            event,
            self._issuer,
            _instant(str(content.get("cancel_time", ""))) or _instant(sent),
            open_id if isinstance(open_id, str) else None,
        )


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ProviderRefused("biz_content")
    return found


def _instant(text: str) -> datetime | None:
    """An instant that Alipay writes in milliseconds."""
    if not _MILLISECONDS.fullmatch(text):
        return None
    seconds, milliseconds = divmod(int(text), 1_000)
    return from_unix(seconds) + timedelta(milliseconds=milliseconds)
