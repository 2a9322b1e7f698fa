"""The page of open.weixin.qq.com: a person says who they are, and agrees or refuses."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from adapters.sandbox.base import Base
from adapters.sandbox.page import page
from adapters.sandbox.people import Person

PATH = "/connect/oauth2/authorize"
_STATE = re.compile(r"[A-Za-z0-9]{1,128}")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_ASKED = ("appid", "redirect_uri", "response_type", "scope", "state", "agentid")


class Realm(Protocol):
    """Apps of one provider that have such a page."""

    @property
    def title(self) -> str:
        """What the page is headed with."""
        ...

    def scopes(self, asked: Mapping[str, str]) -> frozenset[str] | None:
        """What the asked app may want; None if it is no app of this realm."""
        ...

    def code(self, asked: Mapping[str, str], person: Person, released: frozenset[str]) -> str:
        """A code for what was asked."""
        ...

    def releasable(self, scope: str) -> Mapping[str, str]:
        """What a person may tick under a scope, and how it is called."""
        ...


@dataclass(frozen=True, slots=True)
class AuthorisePage:
    """The page of all realms; a script may POST its form as well."""

    base: Base
    realms: tuple[Realm, ...]

    def routes(self) -> list[BaseRoute]:
        """Its routes."""
        return [
            Route(PATH, self.show, methods=["GET"]),
            Route(PATH, self.decide, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """The form."""
        asked = dict(request.query_params)
        realm, wrong = self._realm(asked)
        if realm is None:
            return self._refused(wrong)
        return _form(realm, asked, self.base.people.all())

    async def decide(self, request: Request) -> Response:
        """Back to where it came from: with a code, or without one if the person refuses."""
        form = dict(parse_qsl((await request.body()).decode()))
        asked = {name: form[name] for name in _ASKED if name in form}
        realm, wrong = self._realm(asked)
        person = self.base.people.find(form.get("person", ""))
        if realm is None or person is None:
            return self._refused(wrong or "person")
        back = {"state": asked["state"]}
        if form.get("decision") == "agree":
            released = frozenset(realm.releasable(asked["scope"])) & form.keys()
            back = {"code": realm.code(asked, person, released), **back}
        target = asked["redirect_uri"]
        joint = "&" if urlsplit(target).query else "?"
        return RedirectResponse(f"{target}{joint}{urlencode(back)}", 302)

    def _realm(self, asked: Mapping[str, str]) -> tuple[Realm | None, str]:
        """Whose page this is, or what is wrong with the address."""
        host = urlsplit(asked.get("redirect_uri", "")).hostname or ""
        if host not in _LOOPBACK and not host.endswith(".example"):
            return None, "redirect_uri"
        if not _STATE.fullmatch(asked.get("state", "")):
            return None, "state"
        if asked.get("response_type") != "code":
            return None, "response_type"
        for realm in self.realms:
            scopes = realm.scopes(asked)
            if scopes is not None:
                known = asked.get("scope") in scopes
                return (realm, "") if known else (None, "scope")
        return None, "appid"

    def _refused(self, wrong: str) -> HTMLResponse:
        self.base.fail(f"authorise page: {wrong}")
        body = f'<h1 class="sheet">参数错误 <small>{html.escape(wrong)}</small></h1>'
        return page("参数错误 Wrong address", body, 400)


def _form(realm: Realm, asked: Mapping[str, str], people: list[Person]) -> HTMLResponse:
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(asked[name])}">'
        for name in _ASKED
        if name in asked
    )
    persons = "".join(
        f'<label><input type="radio" name="person" value="{html.escape(each.id)}" required>'
        f"{html.escape(each.name)} <small>{html.escape(each.id)}</small></label>"
        for each in people
    )
    ticks = "".join(
        f'<label><input type="checkbox" name="{name}" value="1" checked>{words}</label>'
        for name, words in realm.releasable(asked["scope"]).items()
    )
    body = (
        f'<h1>{realm.title}</h1><p class="soft">你是谁？ Who are you?</p>'
        f'<form method="post" action="{PATH}">{hidden}<div class="sheet">{persons}</div>'
        + (f'<div class="sheet">{ticks}</div>' if ticks else "")
        + '<button class="go" name="decision" value="agree">同意 Agree</button>'
        '<button name="decision" value="refuse">拒绝 Refuse</button></form>'
    )
    return page(realm.title, body)
