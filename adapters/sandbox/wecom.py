"""The pretend WeCom: one school's corporation with two apps, a linked one, and outsiders."""

import json
import secrets
from collections.abc import Mapping
from itertools import count
from typing import Any

from adapters.sandbox.base import Base, Credentials
from adapters.sandbox.desk import Api, Desk, Facts, Trouble
from adapters.sandbox.grants import AccessTokens, Codes, Grant
from adapters.sandbox.message_crypto import MessageKey
from adapters.sandbox.people import Person, pseudonym

NAME = "wecom"
CORP = "ww5a4db0c5e1f20003"
LINKED_CORP = "ww5a4db0c5e1f20004"
"""Its members may open our page, and are called `<corp id>/<userid>`."""
AGENTS = ("1000002", "1000003")
LOGIN, PAGE, TICKET = "qy_login", "page", "ticket"
TICKET_SECONDS = 1_800
RELEASED = ("mobile", "email")
"""What a member may tick on the page; both also need the administrator, who agreed."""


class Wecom:
    """The corporation: its apps' secrets, and who holds which code."""

    def __init__(self, base: Base) -> None:
        self.base = base
        self.secrets = {agent: secrets.token_urlsafe(32) for agent in AGENTS}
        self.key = MessageKey()
        self.codes = Codes(base.clock)
        self._tokens = AccessTokens(base.clock, 0)
        self._numbers = count(1)
        self._sent: list[tuple[str, float]] = []

    def desk(self) -> Desk:
        """Where its servers take calls."""
        return Desk(self.base, NAME, self._tokens, 40014, self._apis())

    def credentials(self) -> Credentials:
        """What a customer puts into the settings."""
        return {
            "corp_id": CORP,
            "agent_id": AGENTS[0],
            "secret": self.secrets[AGENTS[0]],
            "second_agent_id": AGENTS[1],
            "second_secret": self.secrets[AGENTS[1]],
            "linked_corp_id": LINKED_CORP,
            "token": self.key.token,
            "encoding_aes_key": self.key.encoding_aes_key,
        }

    def _apis(self) -> list[Api]:
        card = frozenset(
            {
                "touser", "toparty", "totag", "agentid", "msgtype", "textcard",
                "enable_duplicate_check", "duplicate_check_interval",
            }
        )  # fmt: skip
        return [
            Api("GET", "/cgi-bin/gettoken", frozenset({"corpid", "corpsecret"}), self._gettoken,
                token=False),
            Api("GET", "/cgi-bin/auth/getuserinfo", frozenset({"code"}), self._userinfo,
                refusal=50001),
            Api("POST", "/cgi-bin/auth/getuserdetail", frozenset({"user_ticket"}),
                self._userdetail),
            Api("GET", "/cgi-bin/miniprogram/jscode2session",
                frozenset({"js_code", "grant_type"}), self._session),
            Api("POST", "/cgi-bin/message/send", card, self._message, refusal=81013),
        ]  # fmt: skip

    def _gettoken(self, _app: str, given: Mapping[str, Any]) -> Facts:
        if given.get("corpid") != CORP:
            raise Trouble(40013, "invalid corpid")
        agent = next((a for a in AGENTS if self.secrets[a] == given.get("corpsecret")), None)
        if agent is None:
            raise Trouble(40001, "invalid credential")
        token, seconds = self._tokens.issue(agent)
        return {"errcode": 0, "errmsg": "ok", "access_token": token, "expires_in": seconds}

    def _person(self, grant: Grant | None) -> Person:
        person = self.base.people.find(grant.person) if grant is not None else None
        if person is None:
            raise Trouble(40029, "invalid code")
        return person

    def _userinfo(self, agent: str, given: Mapping[str, Any]) -> Facts:
        grant = self.codes.redeem(str(given.get("code")), PAGE, agent)
        person, facts = self._person(grant), {"errcode": 0, "errmsg": "ok"}
        if LINKED_CORP in person.member_of:
            return facts | {"userid": f"{LINKED_CORP}/{person.userid}"}
        if CORP not in person.member_of:
            stranger = pseudonym(CORP, person)
            return facts | {"openid": stranger, "external_userid": f"wm{stranger[:10]}"}
        if grant is not None and grant.scope:
            ticket = self.codes.issue(TICKET, agent, person.id, grant.scope, TICKET_SECONDS)
            facts |= {"user_ticket": ticket, "expires_in": TICKET_SECONDS}
        return facts | {"userid": person.userid}

    def _userdetail(self, agent: str, given: Mapping[str, Any]) -> Facts:
        grant = self.codes.find(str(given.get("user_ticket")), TICKET, agent)
        if grant is None:
            raise Trouble(84014, "user ticket expired")
        person = self._person(grant)
        shown = {"mobile": person.phone, "email": person.email, "biz_mail": ""}
        released = {name: shown[name] for name in RELEASED if name in grant.scope}
        return {"errcode": 0, "errmsg": "ok", "userid": person.userid, "gender": "0", **released}

    def _session(self, agent: str, given: Mapping[str, Any]) -> Facts:
        code = str(given.get("js_code"))
        if given.get("grant_type") != "authorization_code":
            raise Trouble(40002, "invalid grant_type")
        person = self._person(self.codes.redeem(code, LOGIN, agent))
        corp = person.member_of[0]
        userid = f"{corp}/{person.userid}" if corp == LINKED_CORP else person.userid
        return {
            "errcode": 0,
            "errmsg": "ok",
            "corpid": CORP if corp == LINKED_CORP else corp,
            "userid": userid,
            "session_key": secrets.token_urlsafe(16),
        }

    def _message(self, agent: str, given: Mapping[str, Any]) -> Facts:
        if str(given.get("agentid")) != agent:
            raise Trouble(40056, "invalid agentid")
        card, to = given.get("textcard"), str(given.get("touser"))
        if not isinstance(card, dict) or not all(
            card.get(name) for name in ("title", "description", "url")
        ):
            raise Trouble(44004, "empty content")
        members = {p.userid for p in self.base.people.all() if CORP in p.member_of}
        facts: Facts = {"errcode": 0, "errmsg": "ok", "msgid": f"wecom-{next(self._numbers)}"}
        if to not in members:
            return facts | {"invaliduser": to}
        if not self._is_repeat(given):
            text = json.dumps(given, ensure_ascii=False)
            self.base.mailbox.put(facts["msgid"], "WECOM", to, str(card["title"]), text)
        return facts

    def _is_repeat(self, given: Mapping[str, Any]) -> bool:
        now, content = self.base.clock().timestamp(), json.dumps(given, sort_keys=True)
        interval = int(given.get("duplicate_check_interval", 1_800))
        seen = any(text == content and now - at < interval for text, at in self._sent)
        self._sent.append((content, now))
        return bool(given.get("enable_duplicate_check")) and seen
