"""WeChat and WeCom together: their servers, the page they share, and what people do in the apps."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from adapters.sandbox.authorise_page import AuthorisePage
from adapters.sandbox.base import Act, Base, Provider
from adapters.sandbox.message_crypto import MessageKey
from adapters.sandbox.people import Person, pseudonym
from adapters.sandbox.wechat import LOGIN, MINI_APP, NAME, OFFICIAL_APP, PAGE, PHONE, Wechat
from adapters.sandbox.wecom import AGENTS, CORP, RELEASED, Wecom
from adapters.sandbox.wecom import LOGIN as QY_LOGIN
from adapters.sandbox.wecom import NAME as WECOM
from adapters.sandbox.wecom import PAGE as WECOM_PAGE

Asked = Mapping[str, Any]


def tencent(base: Base) -> list[Provider]:
    """Both providers."""
    wechat, wecom = Wechat(base), Wecom(base)
    page = AuthorisePage(base, (OfficialRealm(wechat), CorpRealm(wecom)))
    return [
        Provider(
            NAME,
            [*wechat.desk().routes(), *page.routes(), *WechatApp(wechat).routes()],
            wechat.credentials,
            (
                Act("微信登录", "WeChat sign-in", WechatApp.LOGIN, {"app_id": MINI_APP}),
                Act("微信手机号", "WeChat number", WechatApp.PHONE, {"app_id": MINI_APP}),
            ),
        ),
        Provider(
            WECOM,
            [*wecom.desk().routes(), *WecomApp(wecom).routes()],
            wecom.credentials,
            (Act("企业微信登录", "WeCom sign-in", WecomApp.LOGIN, {}),),
        ),
    ]


@dataclass(frozen=True, slots=True)
class OfficialRealm:
    """The page of the official account."""

    wechat: Wechat
    title: str = "微信登录 WeChat"

    def scopes(self, asked: Mapping[str, str]) -> frozenset[str] | None:
        """The silent scope and the one with a name and a picture."""
        known = asked.get("appid") == OFFICIAL_APP
        return frozenset({"snsapi_base", "snsapi_userinfo"}) if known else None

    def code(self, asked: Mapping[str, str], person: Person, _released: frozenset[str]) -> str:
        """A code for the account."""
        return self.wechat.codes.issue(PAGE, asked["appid"], person.id)

    def releasable(self, _scope: str) -> Mapping[str, str]:
        """Nothing."""
        return {}


@dataclass(frozen=True, slots=True)
class CorpRealm:
    """The page of the corporation's apps."""

    wecom: Wecom
    title: str = "企业微信登录 WeCom"

    def scopes(self, asked: Mapping[str, str]) -> frozenset[str] | None:
        """The silent scope and the one that asks for private facts."""
        known = asked.get("appid") == CORP and asked.get("agentid") in AGENTS
        return frozenset({"snsapi_base", "snsapi_privateinfo"}) if known else None

    def code(self, asked: Mapping[str, str], person: Person, released: frozenset[str]) -> str:
        """A code for the app."""
        return self.wecom.codes.issue(WECOM_PAGE, asked["agentid"], person.id, released)

    def releasable(self, scope: str) -> Mapping[str, str]:
        """Telephone and e-mail."""
        words = dict(zip(RELEASED, ("手机号 Phone", "邮箱 E-mail"), strict=True))
        return words if scope == "snsapi_privateinfo" else {}


@dataclass(frozen=True, slots=True)
class WechatApp:
    """What WeChat on a phone does for a person, and what its console posts."""

    wechat: Wechat
    LOGIN = "/_wallet/wechat/login_code"
    PHONE = "/_wallet/wechat/phone_code"

    def routes(self) -> list[BaseRoute]:
        """Their routes."""
        return [
            _act(self.LOGIN, self.login_code),
            _act(self.PHONE, self.phone_code),
            _act("/_wallet/wechat/consent", self.consent),
            _act("/_wallet/wechat/platform", self.platform),
            _act("/_wallet/wechat/callback", self.callback),
            _act("/_wallet/wechat/proof", self.proof),
        ]

    def login_code(self, asked: Asked) -> Asked:
        """`wx.login`: {person, app_id} -> {code}."""
        app, person = self.wechat.apps[asked["app_id"]], _person(self.wechat.base, asked)
        return {"code": self.wechat.codes.issue(LOGIN, app.id, person.id)}

    def phone_code(self, asked: Asked) -> Asked:
        """The telephone button: {person, app_id} -> {code}."""
        app, person = self.wechat.apps[asked["app_id"]], _person(self.wechat.base, asked)
        return {"code": self.wechat.codes.issue(PHONE, app.id, person.id)}

    def consent(self, asked: Asked) -> Asked:
        """`wx.requestSubscribeMessage`: one message of {template_id}; answers the openid."""
        openid = pseudonym(asked["app_id"], _person(self.wechat.base, asked))
        self.wechat.consents.append((openid, asked["template_id"]))
        return {"openid": openid}

    def platform(self, asked: Asked) -> Asked:
        """The app joins a platform account, or leaves it: {app_id, joined}."""
        self.wechat.apps[asked["app_id"]].joined = bool(asked["joined"])
        return {}

    def callback(self, asked: Asked) -> Asked:
        """What WeChat would post to an app: {app_id, message} -> {query, body}."""
        app = self.wechat.apps[asked["app_id"]]
        return _posted(self.wechat.base, app.key, app.id, asked["message"])

    def proof(self, asked: Asked) -> Asked:
        """What WeChat would ask an address with: {app_id, message} -> {query}."""
        app, seconds = self.wechat.apps[asked["app_id"]], self.wechat.base.clock().timestamp()
        return {"query": app.key.proof(asked["message"], int(seconds))}


@dataclass(frozen=True, slots=True)
class WecomApp:
    """What WeCom on a phone does for a person, and what its console posts."""

    wecom: Wecom
    LOGIN = "/_wallet/wecom/login_code"

    def routes(self) -> list[BaseRoute]:
        """Their routes."""
        return [
            _act(self.LOGIN, self.login_code),
            _act("/_wallet/wecom/callback", self.callback),
            _act("/_wallet/wecom/proof", self.proof),
        ]

    def login_code(self, asked: Asked) -> Asked:
        """`wx.qy.login`: {person} -> {code}; only members of some corporation can."""
        person = _person(self.wecom.base, asked)
        person.member_of[0]
        agent = asked.get("agent_id", AGENTS[0])
        return {"code": self.wecom.codes.issue(QY_LOGIN, agent, person.id)}

    def callback(self, asked: Asked) -> Asked:
        """What WeCom would post to the corporation: {message} -> {query, body}."""
        return _posted(self.wecom.base, self.wecom.key, CORP, asked["message"])

    def proof(self, asked: Asked) -> Asked:
        """What WeCom would ask an address with: {message} -> {query}."""
        seconds = int(self.wecom.base.clock().timestamp())
        return {"query": self.wecom.key.encrypted_proof(asked["message"], CORP, seconds)}


def _person(base: Base, asked: Asked) -> Person:
    person = base.people.find(str(asked.get("person")))
    if person is None:
        raise KeyError("person")
    return person


def _posted(base: Base, key: MessageKey, receiver: str, message: str) -> Asked:
    query, body = key.posted(message, receiver, int(base.clock().timestamp()))
    return {"query": query, "body": body}


def _act(path: str, play: Callable[[Asked], Asked]) -> Route:
    """A POST of JSON; what cannot be done is 400."""

    async def answer(request: Request) -> JSONResponse:
        try:
            return JSONResponse(play(json.loads(await request.body())))
        except (ValueError, KeyError, IndexError, TypeError) as wrong:
            return JSONResponse({"wrong": str(wrong)}, 400)

    endpoint: Callable[[Request], Awaitable[JSONResponse]] = answer
    return Route(path, endpoint, methods=["POST"])
