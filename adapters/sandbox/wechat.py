"""The pretend WeChat: a mini-program and an official account of one school."""

import hashlib
import json
import secrets
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from adapters.sandbox.base import Base, Credentials
from adapters.sandbox.desk import Api, Desk, Facts, Trouble
from adapters.sandbox.grants import AccessTokens, Codes, Grant
from adapters.sandbox.message_crypto import MessageKey
from adapters.sandbox.people import Person, pseudonym

NAME = "wechat"
MINI_APP, OFFICIAL_APP = "wx5a4db0c5e1f20001", "wx5a4db0c5e1f20002"
LOGIN, PHONE, PAGE = "login", "phone", "page"
RENEW_SECONDS = 300


@dataclass(slots=True)
class App:
    """One app; unionids appear once it has `joined` a platform account."""

    id: str
    secret: str = field(default_factory=lambda: secrets.token_hex(16))
    key: MessageKey = field(default_factory=MessageKey)
    joined: bool = False


class Wechat:
    """Its apps, who holds which code, and who agreed to which message."""

    def __init__(self, base: Base) -> None:
        self.base = base
        self.apps = {id_: App(id_) for id_ in (MINI_APP, OFFICIAL_APP)}
        self.codes = Codes(base.clock)
        self.consents: list[tuple[str, str]] = []
        self._tokens = AccessTokens(base.clock, RENEW_SECONDS)
        self._numbers = count(1)

    def desk(self) -> Desk:
        """Where its servers take calls."""
        return Desk(self.base, NAME, self._tokens, 40001, self._apis())

    def person(self, app_id: str, openid: str) -> Person | None:
        """Whom an app calls so."""
        people = self.base.people.all()
        return next((each for each in people if pseudonym(app_id, each) == openid), None)

    def credentials(self) -> Credentials:
        """What customers put into the settings of each app."""
        mini, official = self.apps[MINI_APP], self.apps[OFFICIAL_APP]
        return {
            "mini_app_id": mini.id,
            "mini_app_secret": mini.secret,
            "mini_token": mini.key.token,
            "mini_encoding_aes_key": mini.key.encoding_aes_key,
            "official_app_id": official.id,
            "official_app_secret": official.secret,
            "official_token": official.key.token,
            "official_encoding_aes_key": official.key.encoding_aes_key,
        }

    def _apis(self) -> list[Api]:
        login = frozenset({"appid", "secret", "js_code", "grant_type"})
        page = frozenset({"appid", "secret", "code", "grant_type"})
        token = frozenset({"grant_type", "appid", "secret", "force_refresh"})
        message = frozenset({"touser", "template_id", "page", "data", "miniprogram_state"})
        template = frozenset({"touser", "template_id", "url", "data", "miniprogram"})
        subscribed = frozenset({"touser", "template_id", "page", "data", "miniprogram"})
        return [
            Api("POST", "/cgi-bin/stable_token", token, self._stable_token, token=False),
            Api("GET", "/sns/jscode2session", login, self._session, token=False, refusal=40226),
            Api("GET", "/sns/oauth2/access_token", page, self._page_code, token=False),
            Api("POST", "/wxa/business/getuserphonenumber", frozenset({"code", "openid"}),
                self._phone),
            Api("POST", "/cgi-bin/message/subscribe/send", message, self._consented,
                refusal=43101),
            Api("POST", "/cgi-bin/message/subscribe/bizsend", subscribed, self._consented,
                refusal=43101),
            Api("POST", "/cgi-bin/message/template/send", template, self._message, refusal=43004),
        ]  # fmt: skip

    def _app(self, given: Mapping[str, Any]) -> App:
        app = self.apps.get(str(given.get("appid")))
        if app is None:
            raise Trouble(40013, "invalid appid")
        if given.get("secret") != app.secret:
            raise Trouble(40125, "invalid appsecret")
        return app

    def _stable_token(self, _app: str, given: Mapping[str, Any]) -> Facts:
        app = self._app(given)
        if given.get("grant_type") != "client_credential" or given.get("force_refresh"):
            self.base.fail("wechat stable_token: asked for with force, or not as a client")
        token, seconds = self._tokens.issue(app.id)
        return {"access_token": token, "expires_in": seconds}

    def _session(self, _app: str, given: Mapping[str, Any]) -> Facts:
        app = self._app(given)
        grant = self._redeemed(str(given.get("js_code")), LOGIN, app.id)
        name = f"session|{app.id}|{grant.person}"
        key = hashlib.sha256(name.encode()).digest()[:16]
        return {**self._identity(app, grant), "session_key": b64encode(key).decode()}

    def _page_code(self, _app: str, given: Mapping[str, Any]) -> Facts:
        app = self._app(given)
        grant = self._redeemed(str(given.get("code")), PAGE, app.id)
        return {
            **self._identity(app, grant),
            "access_token": secrets.token_hex(16),
            "refresh_token": secrets.token_hex(16),
            "expires_in": 7200,
            "scope": "snsapi_base",
        }

    def _redeemed(self, code: str, kind: str, app_id: str) -> Grant:
        grant = self.codes.redeem(code, kind, app_id)
        if grant is None:
            used = self.codes.is_used(code)
            raise Trouble(40163 if used else 40029, "code been used" if used else "invalid code")
        return grant

    def _identity(self, app: App, grant: Grant) -> Facts:
        person = self.base.people.find(grant.person)
        assert person is not None
        facts = {"openid": pseudonym(app.id, person)}
        return facts | ({"unionid": pseudonym("platform", person)} if app.joined else {})

    def _phone(self, app: str, given: Mapping[str, Any]) -> Facts:
        grant = self.codes.find(str(given.get("code")), PHONE, app)
        person = self.base.people.find(grant.person) if grant is not None else None
        if grant is None or person is None:
            raise Trouble(40029, "invalid code")
        if "openid" in given and given["openid"] != pseudonym(app, person):
            raise Trouble(40029, "invalid code: another user's")
        self.codes.redeem(str(given["code"]), PHONE, app)
        country, _, number = person.phone.rpartition("-")
        code = country.lstrip("+") or "86"
        # It is text in the documentation and has been seen as a number.
        spelt = int(code) if next(self._numbers) % 2 else code
        stamp = int(self.base.clock().timestamp())
        info = {
            "phoneNumber": number if code == "86" else f"+{code}{number}",
            "purePhoneNumber": number,
            "countryCode": spelt,
            "watermark": {"timestamp": stamp, "appid": app},
        }
        return {"errcode": 0, "errmsg": "ok", "phone_info": info}

    def _consented(self, app: str, given: Mapping[str, Any]) -> Facts:
        consent = (str(given.get("touser")), str(given.get("template_id")))
        if self.person(app, consent[0]) is not None and consent not in self.consents:
            raise Trouble(43101, "user refuse to accept the msg")
        facts = self._message(app, given)
        self.consents.remove(consent)
        return facts

    def _message(self, app: str, given: Mapping[str, Any]) -> Facts:
        openid, data = str(given.get("touser")), given.get("data")
        if self.person(app, openid) is None:
            raise Trouble(40003, "invalid openid")
        if not isinstance(data, dict) or not all(
            isinstance(each, dict) and each.get("value") for each in data.values()
        ):
            raise Trouble(47003, "argument invalid")
        letter_id = f"wechat-{next(self._numbers)}"
        text = json.dumps(given, ensure_ascii=False)
        self.base.mailbox.put(letter_id, "WECHAT", openid, str(given.get("template_id")), text)
        return {"errcode": 0, "errmsg": "ok", "msgid": letter_id}
