"""As much of a browser as a login needs: cookies, redirects, forms, and the rules of each."""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Self
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx2

from adapters.conformance.ground import Back

STEPS = 15
SECONDS = 20.0
WAITS = 5


@dataclass
class Form:
    """A form of a page with the values it has, and those that its radio buttons offer."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, set[str]] = field(default_factory=dict)

    def takes(self, name: str, text: str) -> bool:
        """Whether a person may enter this text under this name."""
        return name in self.fields or text in self.choices.get(name, ())


class _Forms(HTMLParser):
    """Collects the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A form begins, or a field of it."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        elif tag in {"input", "button"} and self.forms and given.get("name"):
            kind, form = given.get("type", "text"), self.forms[-1]
            if kind == "radio":
                form.choices.setdefault(given["name"], set()).add(given.get("value", "on"))
            if kind not in {"checkbox", "radio"} or "checked" in given:
                form.fields[given["name"]] = given.get("value", "")


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a journey ended: a request that was not sent, or a page that asks for nothing."""

    request: httpx2.Request
    page: httpx2.Response | None = None

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the address."""
        return dict(parse_qsl(urlsplit(str(self.request.url)).query, keep_blank_values=True))


class Browser:
    """One person's browser, opened for one login.

    What a real one holds our pages to, it does: SameSite=Lax for every cookie (no cookie on a POST
    from elsewhere), the rules of the prefix `__Host-`, and `form-action` up to the last redirect.
    It comes again where it is told that too much is asked at once, unless it is not patient.
    """

    def __init__(self, trust: ssl.SSLContext | bool = True) -> None:
        self.is_patient = True
        self._client = httpx2.AsyncClient(trust_env=False, verify=trust, timeout=SECONDS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._client.aclose()

    async def go(
        self, url: str, stop: str | None = None, typed: Mapping[str, str] | None = None
    ) -> Arrival:
        """Goes to `url` and on, until an address that begins with `stop` or a page without a form.

        `typed` are the values by the names of their fields; a form without one of them is just
        sent.
        """
        return await self.send(self._client.build_request("GET", url), stop, typed)

    async def send(
        self,
        request: httpx2.Request,
        stop: str | None = None,
        typed: Mapping[str, str] | None = None,
    ) -> Arrival:
        """Goes on with a request that a journey ended before."""
        rule: _FormAction | None = None
        for _ in range(STEPS):
            here = str(request.url)
            if rule is not None:
                rule.check(here)
            if stop is not None and here.startswith(stop):
                return Arrival(request)
            answer = await self._answer(request)
            _check_prefixes(answer)
            if answer.is_redirect:
                there = urljoin(here, answer.headers["location"])
                request = self._client.build_request("GET", there)
                continue
            form = _form(answer.text, typed or {})
            if form is None:
                return Arrival(request, answer)
            rule = _FormAction.of(answer)
            request = self._submitted(form, here)
        raise AssertionError(f"{urlsplit(here).path} did not come back in {STEPS} steps")

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self._client.send(request)
        for _ in range(WAITS if self.is_patient else 0):
            if answer.status_code != 503:
                break
            await asyncio.sleep(1)
            answer = await self._client.send(request)
        return answer

    def like(self, request: httpx2.Request, url: str | None = None) -> httpx2.Request:
        """The same request as this browser would make it, to another address where one is given."""
        headers = {k: v for k, v in request.headers.items() if k == "content-type"}
        return self._client.build_request(
            request.method, url or request.url, content=request.content, headers=headers
        )

    def put_cookie(self, name: str, value: str) -> None:
        """Holds a cookie for this machine that no page has set."""
        self._client.cookies.set(name, value, "127.0.0.1", "/")

    def _submitted(self, form: Form, here: str) -> httpx2.Request:
        target = urljoin(here, form.action) if form.action else here
        if form.method != "post":
            return self._client.build_request("GET", target, params=form.fields)
        request = self._client.build_request("POST", target, data=form.fields)
        if _origin(target) != _origin(here):
            request.headers.pop("cookie", None)
        return request


async def log_in(url: str, stop: str, typed: Mapping[str, str]) -> Back:
    """What a browser brings back to `stop` after it went to `url` and filled each form it met."""
    async with Browser() as browser:
        arrived = await browser.go(url, stop, typed)
    assert arrived.page is None, f"{url} has no form: {arrived.page.text[:300]}"
    if arrived.request.method == "GET":
        return Back(arrived.query)
    return Back(form=dict(parse_qsl(arrived.request.content.decode(), keep_blank_values=True)))


@dataclass(frozen=True, slots=True)
class _FormAction:
    """Where the forms of a page may lead, redirects included; None of it: anywhere."""

    page: str
    sources: tuple[str, ...] | None

    @classmethod
    def of(cls, answer: httpx2.Response) -> Self:
        """What the page's policy says."""
        policy = answer.headers.get("content-security-policy", "")
        for directive in policy.split(";"):
            name, *sources = directive.split() or [""]
            if name == "form-action":
                return cls(str(answer.url), tuple(sources))
        return cls(str(answer.url), None)

    def check(self, there: str) -> None:
        """Stops the journey where a browser would."""
        if self.sources is None:
            return
        target, own = _origin(there), {"'self'": _origin(self.page)}
        allowed = {own.get(each, each) for each in self.sources}
        is_open = target in allowed or f"{urlsplit(there).scheme}:" in allowed
        assert is_open, f"{urlsplit(self.page).path} may not lead to {target}"


def _check_prefixes(answer: httpx2.Response) -> None:
    for line in answer.headers.get_list("set-cookie"):
        if line.startswith("__Host-"):
            (cookie,) = SimpleCookie(line).values()
            is_own = cookie["secure"] and cookie["path"] == "/" and not cookie["domain"]
            assert is_own, f"a browser drops {cookie.key}"


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _form(page: str, typed: Mapping[str, str]) -> Form | None:
    """The form that takes most of what is typed, filled; None if the page has none."""
    reader = _Forms()
    reader.feed(page)
    if not reader.forms:
        return None
    form = max(reader.forms, key=lambda each: sum(each.takes(*entry) for entry in typed.items()))
    form.fields |= {name: text for name, text in typed.items() if form.takes(name, text)}
    return form
