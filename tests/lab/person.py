"""A scripted person: the client of each channel in their hands, and what they see of their card."""

import asyncio
import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from clients.endpoint import Endpoint, Json, NoAnswer
from core.identity.records import RosterRow
from core.kit.money import decimal_text
from tests.contract.sandbox import Sandbox
from tests.lab.browser import Arrival, Browser
from tests.lab.house import House
from tests.lab.school import AGREED, CODE, RETURN_TO
from tests.lab.servers import LabServer

LETTER_SECONDS = 15
WAITS = 5


@dataclass(frozen=True, slots=True)
class Face:
    """A card as its holder sees it: whose it is, which it is, and what is on it in fen."""

    cardholder_id: str
    card_id: str
    number: str
    name: str
    balance_minor: int

    def __str__(self) -> str:
        return f"{self.number} {decimal_text(self.balance_minor)}"


class Verifier:
    """A secret that stays with a client, and what it shows of it."""

    def __init__(self) -> None:
        self.text = secrets.token_urlsafe(32)
        digest = hashlib.sha256(self.text.encode()).digest()
        self.challenge = urlsafe_b64encode(digest).decode().rstrip("=")


@dataclass(slots=True)
class App:
    """The client of one channel. It knows GraphQL over HTTP and the tokens it was given."""

    endpoint: Endpoint
    channel: str
    tokens: Json = field(default_factory=dict)

    async def change(self, name: str, /, **given: Any) -> Json:
        """The payload of the mutation in the document `name`; tokens in it are kept.

        It waits as long as the server asks it to where it asked too often.
        Raises: QuestionRefused, NotAllowed, NoAnswer.
        """
        operation = name[0].lower() + name[1:]
        payload = await _patiently(
            lambda: self.endpoint.change(name, operation, given, self._bearer)
        )
        link = payload.get("link") or {}
        self.tokens = payload.get("tokens") or link.get("tokens") or self.tokens
        return payload

    async def link(self, name: str, /, **given: Any) -> Json:
        """What the proof in the document `name` came to."""
        found: Json = (await self.change(name, **given))["link"]
        return found

    async def viewer(self, name: str = "Home") -> Json:
        """The viewer in the query `name`."""
        found: Json = await _patiently(lambda: self.endpoint.ask(name, {}, self._bearer))
        viewer: Json = found["viewer"]
        return viewer

    async def face(self) -> Face:
        """The card."""
        holder = (await self.viewer())["cardholder"]
        return Face(
            holder["id"], holder["physicalCard"]["id"], holder["number"], holder["name"],
            holder["balance"]["total"]["minorAmount"],
        )  # fmt: skip

    async def bindings(self) -> dict[str, str]:
        """The id of each binding of the cardholder, by its issuer."""
        listed = (await self.viewer("Devices"))["cardholder"]["bindings"]
        return {f"{each['channel']} {each['issuer']}": each["id"] for each in listed}

    def _bearer(self, _body: bytes) -> Mapping[str, str]:
        token = self.tokens.get("accessToken")
        return {"authorization": f"Bearer {token}"} if token else {}


async def _patiently(question: Callable[[], Awaitable[Json]]) -> Json:
    """The answer, asked again as long as only a rate limit stands in the way."""
    for _ in range(WAITS):
        try:
            return await question()
        except NoAnswer as none:
            if none.reason != "RATE_LIMITED":
                raise
            await asyncio.sleep(none.retry_after_seconds or 1)
    return await question()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the register, with a phone on which every provider's app is installed."""

    house: House
    login: str
    row: RosterRow

    @property
    def sandbox(self) -> Sandbox:
        """The providers."""
        return self.house.sandbox

    async def act(self, deed: str, **asked: Any) -> Json:
        """What a provider's app on the phone does for this person."""
        given = {"person": self.login, **asked}
        answer = await self.sandbox.ask("POST", f"/_wallet/{deed}", json=given)
        assert answer.status_code == 200, answer.text
        done: Json = answer.json()
        return done

    async def letter_code(self) -> str:
        """The newest code that came by mail."""
        assert self.row.email is not None
        async with asyncio.timeout(LETTER_SECONDS):
            while True:
                codes = [each["code"] for each in await self.sandbox.mailbox(self.row.email)]
                if found := next(filter(None, codes), None):
                    return str(found)
                await asyncio.sleep(0.1)

    async def sign_on(self, app: App, server: LabServer) -> Json:
        """The whole campus sign-on from `app`: out to the school's server, and back with a code."""
        verifier = Verifier()
        start = await self.begin(app, server, verifier)
        async with Browser(self.house.trust) as browser:
            arrived = await browser.go(start, RETURN_TO[app.channel], server.typed())
        return await app.link(
            "CampusSignInComplete", code=code_of(arrived, app.channel), verifier=verifier.text
        )

    async def begin(self, app: App, server: LabServer, verifier: Verifier) -> str:
        """The address that the browser has to open."""
        begun = await app.change(
            "CampusSignInBegin", provider=server.name, challenge=verifier.challenge,
            returnTo=RETURN_TO[app.channel], consents=AGREED,
        )  # fmt: skip
        start: str = begun["startUrl"]
        return start

    async def by_page(self, app: App, *, private: bool) -> None:
        """Signs in by the channel's own page in a browser: the official account, WeCom."""
        verifier, back = Verifier(), RETURN_TO[app.channel]
        begun = await app.change(
            "ChannelSignInBegin", schoolCode=CODE, channel=app.channel, private=private,
            challenge=verifier.challenge, returnTo=back,
        )  # fmt: skip
        async with Browser(self.house.trust) as browser:
            typed = {"person": self.login, "decision": "agree"}
            arrived = await browser.go(begun["authoriseUrl"], back, typed)
        assert arrived.page is None, arrived.page.text
        await app.change(
            "ChannelSignIn", schoolCode=CODE, channel=app.channel, deviceLabel="sample phone",
            code=arrived.query["code"], state=arrived.query["state"], verifier=verifier.text,
        )  # fmt: skip

    async def by_app(self, app: App, code: str) -> None:
        """Signs in by the code of the channel's own log-in: the mini-programs."""
        await app.change(
            "ChannelSignIn", schoolCode=CODE, channel=app.channel, code=code,
            deviceLabel="sample phone",
        )  # fmt: skip


def code_of(arrived: Arrival, channel: str) -> str:
    """The code that came back: in the address, or in a web-view by the page's bridge."""
    url = str(arrived.request.url)
    if arrived.page is not None:
        way = _Way()
        way.feed(arrived.page.text)
        assert way.url is not None, (arrived.page.status_code, arrived.page.text[-600:])
        assert way.channel == channel, f"the page is {way.channel}'s"
        url = way.url
    assert url.startswith(f"{RETURN_TO[channel]}?"), url
    return dict(parse_qsl(urlsplit(url).query))["code"]


class _Way(HTMLParser):
    """Finds what our page tells the mini-program's bridge."""

    def __init__(self) -> None:
        super().__init__()
        self.channel: str | None = None
        self.url: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """The element that says where to go."""
        given = dict(attrs)
        if "data-url" in given:
            self.channel, self.url = given.get("data-channel"), given["data-url"]
