"""Providers that post to us with keys of a test's own, and the settings of those they post to."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2

from adapters.sandbox.message_crypto import MessageKey
from core.identity.records import Device
from core.kit.clock import unix_seconds
from core.ports.channels import ChannelSubject
from core.school.policy_words import Channel
from tests.api.campus import Campus
from tests.api.devices import SCHOOL
from tests.api.sample import OPERATOR, school_file
from tests.contract.alipay.keyring import Keyring, private_text, rsa_key
from tests.factories.chance import HandClock

CANCELLED = "alipay.open.auth.userauth.cancelled"
WITHDRAWN, GONE = "user_authorization_revoke", "user_authorization_cancellation"
Fields = dict[str, str]


@dataclass
class Posted:
    """What a provider sends."""

    body: bytes
    query: Fields = field(default_factory=dict)

    def changed(self, old: str, new: str) -> "Posted":
        """The same with another text in its body, which it has to hold."""
        assert old.encode() in self.body, old
        return Posted(self.body.replace(old.encode(), new.encode()), self.query)

    def asked(self, **changes: str) -> "Posted":
        """The same under another query."""
        return Posted(self.body, {**self.query, **changes})


@dataclass
class AlipayPoster:
    """Alipay, as it posts to one app."""

    clock: HandClock
    app_id: str = "2099000000000001"
    ring: Keyring = field(default_factory=Keyring)
    provider = "alipay"
    channel = Channel.ALIPAY_MINI

    @property
    def issuer(self) -> str:
        """Who names its people."""
        return f"alipay:{self.app_id}"

    def table(self, folder: Path) -> str:
        """The app's table in a school's file."""
        secret = folder / f"{self.app_id}.key"
        secret.write_text(private_text(rsa_key("app")), "utf-8")
        return f"""
[channel.alipay_mini]
app_id = "{self.app_id}"
gateway = "http://127.0.0.1:9/gateway.do"
notify_url = "https://card.example/notify/alipay/7"
app_private_key = "${{file:{secret}}}"
alipay_public_key = "{self.ring.public_text()}"
"""

    def fields(self, subject: str = "open-1", number: int = 1, **changes: Any) -> Fields:
        """What a cancelled authorisation says before it is signed; None leaves a field out."""
        millis = unix_seconds(self.clock.now()) * 1000
        content = {"cancel_time": millis, "open_id": subject, "app_id": self.app_id}
        told = {
            "notify_id": f"2026090100262{number:021d}",
            "utc_timestamp": str(millis + 700),
            "msg_method": CANCELLED,
            "version": "1.1",
            "charset": "UTF-8",
            "app_id": self.app_id,
            "sign_type": "RSA2",
            "biz_content": json.dumps(content | changes.pop("content", {})),
        } | changes
        return {name: value for name, value in told.items() if value is not None}

    def signed(self, fields: Fields, *, trade: bool = False, sha1: bool = False) -> Posted:
        """The form, under an app's rule or a trade's."""
        return Posted(self.ring.notice(fields, keep_sign_type=not trade, sha1=sha1))

    def revoked(self, subject: str, number: int = 1, **changes: Any) -> Posted:
        """A person cancelled their authorisation."""
        return self.signed(self.fields(subject, number, **changes))

    def other(self, number: int = 9) -> Posted:
        """Something about nobody."""
        told = {"msg_method": "alipay.open.mini.version.audit.passed", "biz_content": "{}"}
        return self.signed(self.fields("", number, **told))


@dataclass
class TencentPoster:
    """WeChat or WeCom, as it posts to one app or corporation."""

    clock: HandClock
    receiver: str
    key: MessageKey = field(default_factory=MessageKey)
    provider = ""

    @property
    def issuer(self) -> str:
        """Who names its people."""
        return f"{self.provider}:{self.receiver}"

    @property
    def seconds(self) -> int:
        """The time of the clock."""
        return unix_seconds(self.clock.now())

    def sealed(self, message: str, receiver: str | None = None, late: int = 0) -> Posted:
        """A message, encrypted and signed."""
        to = self.receiver if receiver is None else receiver
        query, body = self.key.posted(message, to, self.seconds + late)
        return Posted(body.encode(), dict(pair.split("=") for pair in query.split("&")))

    def signed(self, encrypted: str) -> Posted:
        """Any ciphertext under a genuine signature."""
        stamp, nonce = str(self.seconds), "a1b2c3d4"
        signature = self.key.sign(stamp, nonce, encrypted)
        body = f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
        query = {"msg_signature": signature, "timestamp": stamp, "nonce": nonce}
        return Posted(body.encode(), query)

    def xml(self, event: str, number: int, **fields: str) -> str:
        """An event's text."""
        own = "".join(f"<{name}><![CDATA[{text}]]></{name}>" for name, text in fields.items())
        return (
            f"<xml><ToUserName><![CDATA[{self.receiver}]]></ToUserName>"
            f"<CreateTime>{self.seconds}</CreateTime><MsgType><![CDATA[event]]></MsgType>"
            f"<Event><![CDATA[{event}]]></Event><Number>{number}</Number>{own}</xml>"
        )

    def secrets(self, folder: Path) -> str:
        """The callback's keys, in files."""
        lines = []
        for name in ("token", "encoding_aes_key"):
            secret = folder / f"{self.receiver}.{name}"
            secret.write_text(getattr(self.key, name), "utf-8")
            lines.append(f'{name} = "${{file:{secret}}}"')
        (folder / f"{self.receiver}.secret").write_text("sample", "utf-8")
        return ", ".join(lines)


@dataclass
class WechatPoster(TencentPoster):
    """WeChat, as it posts to one app."""

    receiver: str = "wx5a4db0c5e1f20001"
    channel: Channel = Channel.WECHAT_MINI
    provider = "wechat"

    def table(self, folder: Path) -> str:
        """The app's table in a school's file."""
        callback = self.secrets(folder)
        return f"""
[channel.{self.channel.lower()}]
app_id = "{self.receiver}"
app_secret = "${{file:{folder / self.receiver}.secret}}"
api_base = "http://127.0.0.1:9"
callback = {{ {callback} }}
"""

    def text(self, subject: str, number: int = 1, event: str = WITHDRAWN, **fields: str) -> str:
        """What a withdrawn authorisation says."""
        named = {"OpenID": subject, "AppID": self.receiver} | fields
        return self.xml(event, number, **named)

    def revoked(self, subject: str, number: int = 1, **fields: str) -> Posted:
        """A person withdrew their authorisation."""
        return self.sealed(self.text(subject, number, **fields))

    def other(self, number: int = 9) -> Posted:
        """Something about nobody."""
        return self.sealed(self.xml("subscribe_msg_popup_event", number, FromUserName="open-1"))


@dataclass
class WecomPoster(TencentPoster):
    """WeCom, as it posts to one app of a corporation."""

    receiver: str = "ww5a4db0c5e1f20003"
    provider = "wecom"
    channel = Channel.WECOM

    def table(self, folder: Path) -> str:
        """The app's table in a school's file."""
        callback = self.secrets(folder)
        return f"""
[channel.wecom]
corp_id = "{self.receiver}"
agent_id = 1000002
secret = "${{file:{folder / self.receiver}.secret}}"
api_base = "http://127.0.0.1:9"
callback = {{ {callback} }}
"""

    def text(self, subject: str, number: int = 1, **fields: str) -> str:
        """What somebody's leaving says."""
        named = {"FromUserName": subject, "AgentID": "1000002"} | fields
        return self.xml("unsubscribe", number, **named)

    def revoked(self, subject: str, number: int = 1, **fields: str) -> Posted:
        """A person left the app."""
        return self.sealed(self.text(subject, number, **fields))

    def other(self, number: int = 9) -> Posted:
        """Something about nobody."""
        return self.sealed(self.xml("enter_agent", number, FromUserName="open-1"))


Poster = AlipayPoster | WechatPoster | WecomPoster
POSTERS = ("alipay", "wechat", "wecom")


def posters(clock: HandClock) -> dict[str, Poster]:
    """One of each."""
    return {
        "alipay": AlipayPoster(clock),
        "wechat": WechatPoster(clock),
        "wecom": WecomPoster(clock),
    }


def foreign_posters(clock: HandClock) -> dict[str, Poster]:
    """Those of another school."""
    ring = Keyring()
    ring.key = rsa_key("foreign")
    return {
        "alipay": AlipayPoster(clock, "2099000000000009", ring),
        "wechat": WechatPoster(clock, "wx-foreign"),
        "wecom": WecomPoster(clock, "ww-foreign"),
    }


async def connect(
    campus: Campus, folder: Path, *those: Poster, school: int = SCHOOL, more: str = ""
) -> None:
    """Puts their apps into a school's file."""
    tables = "".join(each.table(folder) for each in those)
    schools = campus.wired.services.schools
    await schools.policy_activate(school, school_file(school) + tables + more, OPERATOR)


async def post(
    campus: Campus, provider: str, posted: Posted, school: int | str = SCHOOL
) -> httpx2.Response:
    """The answer to what was sent."""
    query = f"?{urlencode(posted.query)}" if posted.query else ""
    return await campus.http.post(f"/notify/{provider}/{school}{query}", content=posted.body)


async def signed_in(campus: Campus, poster: Poster, subject: str = "open-1") -> str:
    """The token of a session of a subject, as their channel would have opened it."""
    sign_in, who = campus.wired.services.channel_sign_in, ChannelSubject(poster.issuer, subject)
    opened = await sign_in._open(SCHOOL, poster.channel, who, (), Device("sample phone"))
    return opened.access_token


async def bound(campus: Campus, poster: Poster, native: str, subject: str = "open-1") -> str:
    """The token of a subject who has the card of a bound session, too."""
    services, other = campus.wired.services, await signed_in(campus, poster, subject)
    session = await services.sessions.find_session(native)
    assert session is not None
    return (await services.bindings.merge(session, other)).access_token
