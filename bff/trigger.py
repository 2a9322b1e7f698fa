"""Providers' events replayed against a running BFF, with bytes that the sandbox signs.

The sandbox is asked over HTTP, as a phone would ask it: it holds the keys, we say what happened.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from json import dumps
from typing import Any
from urllib.parse import parse_qsl, urlencode
from xml.sax.saxutils import escape

import httpx2

SECONDS = 10.0
ECHO = "4096161403175555"
"""What a console would ask an address to send back."""


class SandboxSilent(Exception):
    """The sandbox gave no answer, or does not do what it was asked."""


@dataclass(frozen=True, slots=True)
class Happened:
    """What an event is about: to whom, when (Unix seconds), and a number of its own."""

    subject: str
    seconds: int
    number: str
    official: bool = False
    """It is WeChat's official account that hears of it, not the mini-program."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One request of a provider, and the text of a good answer to it."""

    method: str
    query: str = ""
    body: bytes = field(default=b"", repr=False)
    good: str = "success"

    def forged(self) -> "Sent":
        """The same with one letter of its signature changed."""
        query, body = _spoiled(self.query), self.body
        if query == self.query:
            body = _spoiled(body.decode()).encode()
        return replace(self, query=query, body=body)

    def is_good(self, status: int, text: str, *, forged: bool) -> bool:
        """Whether an answer is the one that the provider, or a forger, should get."""
        return status == 403 if forged else (status, text) == (200, self.good)


class Sandbox:
    """The pretend providers. `http` has their base URL."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http

    async def credentials(self, provider: str) -> Mapping[str, str]:
        """What a provider's customer knows.

        Raises: SandboxSilent.
        """
        found: Mapping[str, str] = (await self._ask("GET", "/_credentials"))[provider]
        return found

    async def act(self, path: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """What comes of it when a provider does something.

        Raises: SandboxSilent.
        """
        return await self._ask("POST", f"/_wallet/{path}", asked)

    async def _ask(self, method: str, path: str, asked: object = None) -> Mapping[str, Any]:
        try:
            answer = await self._http.request(method, path, json=asked)
            answer.raise_for_status()
            done: Mapping[str, Any] = answer.json()
        except (httpx2.HTTPError, ValueError) as failure:
            raise SandboxSilent(f"{path}: {type(failure).__name__}") from None
        return done


@dataclass(frozen=True, slots=True)
class Event:
    """A provider's event: its name is `<provider>.<what>`."""

    name: str
    zh: str
    en: str
    sign: Callable[[Sandbox, Happened], Awaitable[Sent]]
    names_somebody: bool = True

    @property
    def provider(self) -> str:
        """Whose it is, as in our address."""
        return self.name.partition(".")[0]


async def _alipay(sandbox: Sandbox, what: Happened, method: str, content: object) -> Sent:
    millis = what.seconds * 1_000
    fields = {
        "notify_id": what.number,
        "utc_timestamp": str(millis),
        "msg_method": method,
        "version": "1.1",
        "biz_content": dumps(content),
    }
    done = await sandbox.act("alipay/notice", {"fields": fields, "kind": "app"})
    return Sent("POST", body=str(done["form"]).encode())


async def _alipay_cancelled(sandbox: Sandbox, what: Happened) -> Sent:
    app_id = (await sandbox.credentials("alipay"))["app_id"]
    content = {"cancel_time": what.seconds * 1_000, "open_id": what.subject, "app_id": app_id}
    return await _alipay(sandbox, what, "alipay.open.auth.userauth.cancelled", content)


async def _alipay_audited(sandbox: Sandbox, what: Happened) -> Sent:
    content = {"mini_app_version": "0.0.1"}
    return await _alipay(sandbox, what, "alipay.open.mini.version.audit.passed", content)


def _xml(what: Happened, event: str, **fields: str) -> str:
    told = {"CreateTime": str(what.seconds), "MsgType": "event", "Event": event, **fields}
    return "<xml>" + "".join(f"<{k}>{escape(v)}</{k}>" for k, v in told.items()) + "</xml>"


async def _wechat_app(sandbox: Sandbox, what: Happened) -> str:
    kind = "official" if what.official else "mini"
    return (await sandbox.credentials("wechat"))[f"{kind}_app_id"]


def _wechat(event: str) -> Callable[[Sandbox, Happened], Awaitable[Sent]]:
    async def sign(sandbox: Sandbox, what: Happened) -> Sent:
        app_id = await _wechat_app(sandbox, what)
        message = _xml(what, event, FromUserName="wechat", OpenID=what.subject, AppID=app_id)
        asked = {"app_id": app_id, "message": message}
        return _posted(await sandbox.act("wechat/callback", asked))

    return sign


async def _wechat_echo(sandbox: Sandbox, what: Happened) -> Sent:
    asked = {"app_id": await _wechat_app(sandbox, what), "message": ECHO}
    return Sent("GET", str((await sandbox.act("wechat/proof", asked))["query"]), good=ECHO)


async def _wecom_left(sandbox: Sandbox, what: Happened) -> Sent:
    agent = str((await sandbox.credentials("wecom"))["agent_id"])
    message = _xml(what, "unsubscribe", FromUserName=what.subject, AgentID=agent)
    return _posted(await sandbox.act("wecom/callback", {"message": message}))


async def _wecom_deleted(sandbox: Sandbox, what: Happened) -> Sent:
    about = {"FromUserName": "sys", "ChangeType": "delete_user", "UserID": what.subject}
    message = _xml(what, "change_contact", **about)
    return _posted(await sandbox.act("wecom/callback", {"message": message}))


async def _wecom_echo(sandbox: Sandbox, _what: Happened) -> Sent:
    done = await sandbox.act("wecom/proof", {"message": ECHO})
    return Sent("GET", str(done["query"]), good=ECHO)


def _posted(done: Mapping[str, Any]) -> Sent:
    return Sent("POST", str(done["query"]), str(done["body"]).encode())


def _spoiled(form: str) -> str:
    """Another first letter of a form's signature; a form without one stays as it is."""
    pairs = parse_qsl(form, keep_blank_values=True)
    for place, (name, value) in enumerate(pairs):
        if name in {"sign", "signature", "msg_signature"}:
            pairs[place] = name, ("1" if value.startswith("0") else "0") + value[1:]
            return urlencode(pairs)
    return form


EVENTS = {
    event.name: event
    for event in (
        Event("alipay.userauth_cancelled", "用户取消授权", "A person cancelled their authorisation",
              _alipay_cancelled),
        Event("alipay.version_audit_passed", "小程序审核通过（与人无关）",
              "A version was approved; about nobody", _alipay_audited, names_somebody=False),
        Event("wechat.echo", "验证回调地址", "The console proves the address", _wechat_echo,
              names_somebody=False),
        Event("wechat.user_authorization_cancellation", "用户注销微信账号",
              "A person gave up their account", _wechat("user_authorization_cancellation")),
        Event("wechat.user_authorization_revoke", "用户撤回授权",
              "A person withdrew their authorisation", _wechat("user_authorization_revoke")),
        Event("wecom.delete_user", "企业删除成员", "A member was deleted", _wecom_deleted),
        Event("wecom.echo", "验证回调地址", "The console proves the address", _wecom_echo,
              names_somebody=False),
        Event("wecom.unsubscribe", "成员取消关注应用", "A member left the app", _wecom_left),
    )
}  # fmt: skip
"""All of them, by name."""
