"""A browser at our sign-on pages: what it keeps, follows and reads."""

import re
from dataclasses import dataclass, field
from html import unescape
from http.cookies import SimpleCookie
from typing import Any

import httpx2

from core.ports.campus_sign_on import CampusIdentity
from tests.api.campus import Campus
from tests.api.sample import ALICE
from tests.api.test_campus import begin

BASE = "/sso/7/cas"
AGAIN = "Go back to the app and begin again"
ALICE_AT_SCHOOL = CampusIdentity("https://sso.example", "u-1", person_no="S001")


@dataclass
class Browser:
    """Keeps our cookies as a browser would; what it is asked on top is a test's own doing."""

    campus: Campus
    cookies: dict[str, str] = field(default_factory=dict)
    network: str = "192.0.2.1"

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        """Opens a page."""
        return await self._ask("GET", path, headers=headers)

    async def post(
        self, path: str, form: dict[str, str] | bytes, **headers: str
    ) -> httpx2.Response:
        """Sends a form off."""
        given = {"content": form} if isinstance(form, bytes) else {"data": form}
        return await self._ask("POST", path, headers=headers, **given)

    async def open(self, start_url: str) -> tuple[httpx2.Response, str]:
        """Opens a start address: the answer, and the state of the attempt."""
        answer = await self.get(start_url.removeprefix("https://card.example"))
        assert answer.status_code in {200, 303}, answer.text
        return answer, self.state

    @property
    def state(self) -> str:
        """The state this browser was marked with."""
        return next(iter(self.cookies.values())).partition(".")[0]

    async def _ask(self, method: str, path: str, **given: Any) -> httpx2.Response:
        kept = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if kept:
            given["headers"] = {"cookie": kept, **given["headers"]}
        answer = await self.campus.http.request(method, path, **given)
        for line in answer.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        self.campus.http.cookies.clear()
        return answer


def read_form(page: str) -> dict[str, str]:
    """The hidden fields of a page's form."""
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    return {name: unescape(value) for name, value in found}


def back_url(page: str) -> str:
    """Where a page hands over to its mini-program."""
    found = re.search(r'data-url="([^"]*)"', page)
    assert found is not None, page
    return unescape(found[1])


def says(campus: Campus, ticket: str = "ST-1", said: CampusIdentity = ALICE_AT_SCHOOL) -> str:
    """The school's server knows a ticket."""
    campus.outside.sign_ons.providers[0].people[ticket] = said
    return ticket


async def start(campus: Campus, token: str) -> str:
    """A fresh start address."""
    begun = await begin(campus, token)
    assert begun["userErrors"] == []
    url: str = begun["startUrl"]
    assert re.fullmatch(r"https://card\.example/sso/7/cas/start/[\w-]{43}", url)
    return url


async def native(campus: Campus) -> str:
    """The access token of an app whose address is proven."""
    assert ALICE.email is not None
    token: str = (await campus.sign_in(ALICE.email))["accessToken"]
    return token


def shown(answer: httpx2.Response, status: int, words: str) -> None:
    """A page with these words was shown."""
    assert (answer.status_code, words in answer.text) == (status, True), answer.text
