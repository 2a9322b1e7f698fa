"""Valkey is killed in the middle: nobody is harmed but the login in flight."""

import os
from collections.abc import Awaitable, Callable
from dataclasses import replace

import httpx2
import pytest

from clients.endpoint import NoAnswer
from clients.phone.phone import Phone
from clients.phone.wallet import Wallet
from clients.screen import unix_clock
from clients.terminal.journal import Journal
from clients.terminal.protocol import Line, enrol
from clients.terminal.till import Till
from tests.lab.login import Login, check_told_to_start_again
from tests.lab.person import App, Verifier
from tests.lab.school import CODE, SCHOOL
from tests.lab.tally import Tally, say
from tests.lab.town import Town

PRICE_MINOR = 1_250


class Outage:
    """One bound person with a phone that pays, a till, and a login in flight at each server.

    One login more waits at its start address, and one holds its code already.
    """

    def __init__(self, town: Town, phone: Phone, till: Till, flights: list[Login]) -> None:
        self._town = town
        self._phone = phone
        self._till = till
        self._begun, self._coded, *self._flights = flights
        self._held: list[httpx2.Request] = []
        self._code = ""

    async def judge(self, tally: Tally) -> None:
        """Kills the cache, asks, starts it anew and empty, and asks again."""
        valkey = self._town.house.valkey
        self._held = [await each.in_flight() for each in self._flights]
        self._code = await self._coded.code()
        await self._begun.begin()
        for each in (self._begun, *self._flights):
            each.browser.is_patient = False
        before = await self._holder.bindings()
        say(f"Valkey, process {valkey.pid}, is killed")
        valkey.kill()
        await _ask(tally, {
            "down: logins in flight are told to come again": self._land_while_down,
            "down: the holder still sees the card, in every channel": self._all_see,
            "down: a purchase at the till goes through": self._pays,
            "down: a mini-program's log-in still finds the card": self._signs_in,
            "down: a new login is put off, not refused": self._cannot_begin,
        })  # fmt: skip
        valkey.start_again()
        say(f"Valkey is back and empty, process {valkey.pid}")

        async def nothing_changed() -> None:
            assert await self._holder.bindings() == before
            for flight in (self._begun, self._coded, *self._flights):
                assert (await flight.app.viewer())["kind"] == "UNBOUND"

        await _ask(tally, {
            "back: logins in flight have to start again": self._land_after,
            "back: they have changed nothing": nothing_changed,
            "back: sessions from before go on, in every channel": self._all_see,
            "back: a fresh login at each server ends in the same card": self._log_in,
            "back: another purchase goes through": self._pays,
            "killed and back in a moment: nobody is told to wait": self._not_noticed,
            "no process of ours has ended": self._is_whole,
        })  # fmt: skip

    @property
    def _holder(self) -> App:
        return self._town.apps["NATIVE"]

    async def _land_while_down(self) -> None:
        for flight, request in zip(self._flights, self._held, strict=True):
            arrived = await flight.land(flight.browser.like(request))
            check_told_to_start_again(arrived, 503)
        check_told_to_start_again(await self._begun.browser.go(self._begun.start), 503)
        with pytest.raises(NoAnswer, match="OVERLOADED"):
            await self._coded.complete(self._code)

    async def _land_after(self) -> None:
        for flight, request in zip(self._flights, self._held, strict=True):
            check_told_to_start_again(await flight.land(flight.browser.like(request)))
        check_told_to_start_again(await self._begun.browser.go(self._begun.start))
        assert await self._coded.complete(self._code) == "SIGN_ON_REFUSED"

    async def _all_see(self) -> None:
        for app in self._town.apps.values():
            await self._town.check_face(app)

    async def _pays(self) -> None:
        receipt = await self._till.sell(self._phone.show(), PRICE_MINOR)
        assert receipt.is_approved, receipt
        assert self._town.face is not None
        left = self._town.face.balance_minor - PRICE_MINOR
        self._town.face = replace(self._town.face, balance_minor=left)
        await self._all_see()

    async def _signs_in(self) -> None:
        await self._town.check_face(await self._town.fresh("ALIPAY_MINI"))

    async def _cannot_begin(self) -> None:
        with pytest.raises(NoAnswer, match="OVERLOADED"):
            await self._flights[0].begin()

    async def _log_in(self) -> None:
        app = self._town.apps["WECHAT_MINI"]
        for server in self._town.servers.values():
            link = await self._town.person.sign_on(app, server)
            assert link["step"] == "NONE", (server.name, link)
            await self._town.check_face(app)

    async def _not_noticed(self) -> None:
        """Every connection that a process had kept is broken then."""
        first, *_ = self._town.servers.values()
        self._town.house.valkey.kill()
        self._town.house.valkey.start_again()
        for app in self._town.apps.values():
            await self._town.person.begin(app, first, Verifier())

    async def _is_whole(self) -> None:
        assert self._town.house.is_whole


async def kill_valkey(town: Town, tally: Tally) -> None:
    """Prepares the phone, the till and the logins, and goes through it all.

    Raises: whatever goes wrong between the questions, which are asked in `tally`.
    """
    phone = await _phone(town)
    first, *_ = servers = list(town.servers.values())
    flights = [
        await Login.of(town, await town.fresh("NATIVE"), server)
        for server in (first, first, *servers)
    ]
    with Journal(town.house.folder / "till.db") as journal:
        await Outage(town, phone, await _till(town, journal), flights).judge(tally)


async def _phone(town: Town) -> Phone:
    """The app's phone, with a virtual card and passes for hours without a network."""
    wallet, app = Wallet(CODE), town.apps["NATIVE"]
    wallet.access_token = app.tokens["accessToken"]
    phone = Phone(town.endpoint, wallet, unix_clock, os.urandom)
    await phone.open_virtual_card()
    await phone.enrol_device()
    await phone.fetch_passes()
    return phone


async def _till(town: Town, journal: Journal) -> Till:
    """A till that school IT has let in."""
    identity, answer = await enrol(
        town.endpoint, SCHOOL, town.house.activation, "reference", "LAB-1", os.urandom
    )
    await town.house.confirm(identity.terminal_no, answer["fingerprint"])
    journal.enrol(identity)
    return Till(journal, Line(town.endpoint, journal, unix_clock, os.urandom))


async def _ask(tally: Tally, questions: dict[str, Callable[[], Awaitable[None]]]) -> None:
    for name, question in questions.items():
        await tally.ask(name, question)
