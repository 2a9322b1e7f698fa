"""What others try with a login of the person: each of it has to end where it began (sso.md 10)."""

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

import httpx2
import pytest

from clients.endpoint import NotAllowed, QuestionRefused
from tests.lab.login import Login, check_told_to_start_again
from tests.lab.person import App, Verifier, code_of
from tests.lab.school import OTHER_CODE, OTHER_SCHOOL, RETURN_TO, SCHOOL
from tests.lab.servers import LabServer
from tests.lab.tally import Tally
from tests.lab.town import Town

EVIL = "https://evil.example/"


class Attacks:
    """Asked of one server in one channel; `other` is a second server, if there is any.

    The person's card is bound in the channel. The stranger is somebody else in the register, with
    an own phone, and has no card yet.
    """

    def __init__(
        self, town: Town, server: LabServer, other: LabServer | None, channel: str
    ) -> None:
        self._town = town
        self._server = server
        self._other = other
        self._channel = channel

    async def judged(self) -> Tally:
        """All of them, and then that nothing has moved."""
        tally = Tally()
        for name, scene in self._scenes().items():
            await tally.ask(f"{self._channel}: {name}", scene)
        await tally.ask(f"{self._channel}: and the card is where it was", self._nothing_moved)
        return tally

    def _scenes(self) -> dict[str, Callable[[], Awaitable[None]]]:
        scenes: dict[str, Callable[[], Awaitable[None]]] = {
            "the start address is opened twice": self._start_twice,
            "the victim logs in by the attacker's link": self._attackers_link,
            "the way back is opened in another browser": self._other_browser,
            "the other browser makes up the cookie": self._made_up_cookie,
            "the way back and the code are used twice": self._back_twice,
            "the code comes to another session": self._other_session,
            "the code comes without its secret": self._no_secret,
            "the way back ends at a page that is not listed": self._return_to,
            "somebody without a session begins": self._no_session,
            "somebody begins who agreed to nothing": self._no_consent,
            "somebody asks for another's result by its state": self._by_state,
            "the start address names another school": self._start_at_other_school,
            "the way back names another school": self._back_at_other_school,
            "the code comes to a session of another school": self._code_at_other_school,
            "a stranger has the person's campus password": self._takes_over,
        }
        if self._other is not None:
            scenes["the way back names another server"] = self._back_by_other_server
        if self._server.people > 1:
            scenes["another's campus account in a bound app"] = self._others_account
        return scenes

    async def _login(self, app: App | None = None, pupil: int = 0) -> Login:
        return await Login.of(self._town, app or await self._bound(), self._server, pupil)

    async def _bound(self) -> App:
        """The person's app. Only an installed app knows no silent sign-in."""
        if self._channel == "NATIVE":
            return self._town.apps["NATIVE"]
        return await self._town.fresh(self._channel)

    async def _stranger(self) -> App:
        app = await self._town.fresh(self._channel, 1)
        assert (await app.viewer())["kind"] == "UNBOUND"
        return app

    async def _start_twice(self) -> None:
        login = await self._login()
        await login.in_flight()
        another = await self._town.browser()
        check_told_to_start_again(await another.go(login.start))

    async def _attackers_link(self) -> None:
        attacker = await self._stranger()
        login = await self._login(attacker)
        code = await login.code()
        victim = await self._bound()
        assert await login.complete(code, victim) == "SIGN_ON_REFUSED"
        assert await login.complete(code, attacker) == "SIGN_ON_REFUSED", "not burnt"
        assert (await attacker.viewer())["kind"] == "UNBOUND"

    async def _other_browser(self) -> None:
        login = await self._login()
        request = await login.in_flight()
        another = await self._town.browser()
        check_told_to_start_again(await another.send(another.like(request)))
        if login.has_own_form:  # without the cookie it names no attempt, and so it ends none
            code = code_of(await login.land(request), self._channel)
            assert await login.complete(code) == "NONE"
        else:
            check_told_to_start_again(await login.land(request))

    async def _made_up_cookie(self) -> None:
        login = await self._login()
        request = await login.in_flight()
        another = await self._town.browser()
        another.put_cookie("__Host-sso", f"{_state(request)}.{'x' * 43}")
        check_told_to_start_again(await another.send(another.like(request)))
        check_told_to_start_again(await login.land(request))

    async def _back_twice(self) -> None:
        login = await self._login()
        request = await login.in_flight()
        code = code_of(await login.land(request), self._channel)
        check_told_to_start_again(await login.land(login.browser.like(request)))
        assert await login.complete(code) == "NONE"
        assert await login.complete(code) == "SIGN_ON_REFUSED", "the code was taken twice"

    async def _other_session(self) -> None:
        login = await self._login()
        code = await login.code()
        stranger = await self._stranger()
        assert await login.complete(code, stranger) == "SIGN_ON_REFUSED"
        assert await login.complete(code) == "SIGN_ON_REFUSED", "the code outlived a wrong try"
        assert (await stranger.viewer())["kind"] == "UNBOUND"

    async def _no_secret(self) -> None:
        login = await self._login()
        code = await login.code()
        assert await login.complete(code, verifier="x" * 43) == "SIGN_ON_REFUSED"
        assert await login.complete(code) == "SIGN_ON_REFUSED", "the code outlived a wrong try"

    async def _return_to(self) -> None:
        app, listed = await self._bound(), RETURN_TO[self._channel]
        for page in (EVIL, f"{listed}?x=//evil.example", f"{listed}/", f"{listed}#x", "//x"):
            assert await self._refusal(app, returnTo=page) == "RETURN_NOT_LISTED", page

    async def _no_session(self) -> None:
        nobody = App(self._town.endpoint, self._channel)
        with pytest.raises(NotAllowed, match="UNAUTHENTICATED"):
            await self._town.person.begin(nobody, self._server, Verifier())

    async def _no_consent(self) -> None:
        newcomer = await self._town.fresh("NATIVE")
        asked = {"returnTo": RETURN_TO["NATIVE"], "consents": []}
        assert await self._refusal(newcomer, **asked) == "CONSENT_MISSING"

    async def _refusal(self, app: App, **asked: object) -> str:
        """Why a beginning is refused; nothing if it is not."""
        given = {"provider": self._server.name, "challenge": Verifier().challenge, **asked}
        try:
            await app.change("CampusSignInBegin", **given)
        except QuestionRefused as refused:
            return refused.code
        return ""

    async def _by_state(self) -> None:
        login = await self._login()
        request = await login.in_flight()
        code = code_of(await login.land(request), self._channel)
        base, thief = login.way_back.rpartition("/")[0], await self._town.browser()
        for place in ("", "/start", "/callback", "/status", "/result", "/code"):
            arrived = await thief.go(f"{base}{place}/{_state(request)}")
            assert arrived.page is not None
            assert arrived.page.status_code in {404, 405, 410}, arrived.page.status_code
            assert code not in arrived.page.text
        assert await login.complete(code) == "NONE"

    async def _start_at_other_school(self) -> None:
        login = await self._login()
        start = (await login.begin()).replace(f"/sso/{SCHOOL}/", f"/sso/{OTHER_SCHOOL}/")
        check_told_to_start_again(await login.browser.go(start))

    async def _back_at_other_school(self) -> None:
        await self._back_elsewhere(f"/sso/{SCHOOL}/", f"/sso/{OTHER_SCHOOL}/")

    async def _code_at_other_school(self) -> None:
        login = await self._login()
        code = await login.code()
        elsewhere = App(self._town.endpoint, "NATIVE")
        given = {"schoolCode": OTHER_CODE, "deviceLabel": "sample phone"}
        await elsewhere.change("InstallationCreate", **given)
        assert await login.complete(code, elsewhere) == "SIGN_ON_REFUSED"

    async def _back_by_other_server(self) -> None:
        assert self._other is not None
        await self._back_elsewhere(f"/{self._server.name}/", f"/{self._other.name}/")

    async def _back_elsewhere(self, ours: str, theirs: str) -> None:
        login = await self._login()
        request = await login.in_flight()
        moved = login.browser.like(request, str(request.url).replace(ours, theirs))
        check_told_to_start_again(await login.browser.send(moved))

    async def _takes_over(self) -> None:
        """A campus password is one proof. Where the card is bound already it takes a second."""
        stranger = await self._stranger()
        login = await self._login(stranger)
        link = await stranger.link(
            "CampusSignInComplete", code=await login.code(), verifier=login.verifier.text
        )
        assert (link["step"], link["tokens"], link["cardholder"]) == ("STEP_UP", None, None), link
        assert self._town.person.row.number not in str(link)
        with pytest.raises(QuestionRefused, match="CONFIRMATION_WRONG"):
            await stranger.change("BindingConfirm")
        assert (await stranger.viewer())["kind"] == "UNBOUND"

    async def _others_account(self) -> None:
        login = await self._login(pupil=1)
        assert await login.complete(await login.code()) == "IDENTITY_NOT_CONFIRMED"

    async def _nothing_moved(self) -> None:
        for app in self._town.apps.values():
            await self._town.check_face(app)
        await self._stranger()


def _state(request: httpx2.Request) -> str:
    """The state of the login that is coming back."""
    given = {**dict(request.url.params), **dict(parse_qsl(request.content.decode()))}
    state: str = given.get("state") or given["RelayState"]
    return state
