"""Notices that WeChat Pay posts: signed by WeChat, about our merchant, or nothing (7).

A notice is a reason to ask; nobody is credited for one.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.tencent.flat_xml import XmlOdd, read_xml, write_xml
from adapters.wechat.pay.client import V3
from adapters.wechat.pay.signing import opened
from adapters.wechat.pay.v2 import V2, SignType
from core.ports.providers import ProviderRefused

V2_TAKEN = write_xml({"return_code": "SUCCESS", "return_msg": "OK"})
"""What a taken V2 notice is answered with; a v3 notice is answered with 204 and nothing."""


class NoticeRefused(ProviderRefused):
    """A notice that is not WeChat's, not ours or not fresh; answered with `status`.

    WeChat probes with wrong signatures (`WECHATPAY/SIGNTEST/`) and expects no success.
    """

    status = 401


@dataclass(frozen=True, slots=True)
class Notice:
    """A genuine notice; `id` is the same at each repeat."""

    id: str
    kind: str
    facts: Mapping[str, Any] = field(repr=False)


async def open_v3(v3: V3, headers: Mapping[str, str], body: bytes) -> Notice:
    """The notice in a raw body.

    Raises: NoticeRefused, and nothing else.
    """
    if not await v3.ring.proves(headers, body):
        raise NoticeRefused("notice: signature or time")
    try:
        posted = json.loads(body)
        facts = json.loads(opened(v3.api_v3_key, posted["resource"]))
        notice = Notice(str(posted["id"]), str(posted["event_type"]), facts)
        merchant, app_id = facts.get("mchid", facts.get("sp_mchid")), facts.get("appid")
        ours = merchant == v3.mchid and (app_id is None or app_id in v3.app_ids)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NoticeRefused("notice: shape") from None
    if not ours:
        raise NoticeRefused("notice: for another merchant or app")
    return notice


def open_v2(v2: V2, app_ids: frozenset[str], body: bytes) -> Notice:
    """The notice in a raw body; its id is made of what does not change at a repeat.

    Raises: NoticeRefused, and nothing else.
    """
    try:
        facts = read_xml(body)
        sign_type = SignType(facts.get("sign_type", SignType.MD5))
    except (XmlOdd, ValueError):
        raise NoticeRefused("notice: shape") from None
    if not v2.proves(facts, sign_type):
        raise NoticeRefused("notice: signature or merchant")
    if facts.get("appid") not in {None, *app_ids}:
        raise NoticeRefused("notice: for another app")
    lasting = sorted((name, facts[name]) for name in facts if name not in {"sign", "nonce_str"})
    notice_id = hashlib.sha256(json.dumps(lasting).encode()).hexdigest()
    return Notice(notice_id, facts.get("trade_type", facts.get("change_type", "")), facts)
