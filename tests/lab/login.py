"""A login that is stopped on its way, and what becomes of it then."""

from typing import Self

import httpx2

from clients.endpoint import QuestionRefused
from tests.lab.browser import Arrival, Browser
from tests.lab.person import App, Verifier, code_of
from tests.lab.school import RETURN_TO
from tests.lab.servers import LabServer
from tests.lab.town import Town


def check_told_to_start_again(arrived: Arrival, *statuses: int) -> None:
    """The journey ended in our page that sends people back to their app, and gave no code away."""
    page = arrived.page
    assert page is not None, f"went on to {arrived.request.url.path}"
    assert page.status_code in (statuses or (410,)), (page.status_code, page.text[-600:])
    assert "Go back to the app" in page.text
    assert "code=" not in page.text


class Login:
    """A login that can be stopped on its way."""

    def __init__(
        self, town: Town, app: App, server: LabServer, browser: Browser, pupil: int = 0
    ) -> None:
        self.town = town
        self.app = app
        self.server = server
        self.browser = browser
        self.pupil = pupil
        self.verifier = Verifier()
        self.start = ""

    @classmethod
    async def of(cls, town: Town, app: App, server: LabServer, pupil: int = 0) -> Self:
        """A login in a browser of its own, by the campus account of a pupil: the person's."""
        return cls(town, app, server, await town.browser(), pupil)

    @property
    def has_own_form(self) -> bool:
        """Whether the password is typed at us, since the server has no page."""
        return bool(self.server.table["kind"] == "ldap")

    @property
    def way_back(self) -> str:
        """The first address of ours that a browser comes back to."""
        callback = self.town.callback(self.server.name)
        return callback.replace("/callback", "/password") if self.has_own_form else callback

    async def begin(self) -> str:
        """The start address."""
        self.start = await self.town.person.begin(self.app, self.server, self.verifier)
        return self.start

    async def in_flight(self) -> httpx2.Request:
        """Goes to the school and stops before the first request that comes back to us."""
        typed = self.server.typed(self.pupil)
        arrived = await self.browser.go(await self.begin(), self.way_back, typed)
        assert arrived.page is None, arrived.page.text[-600:]
        return arrived.request

    async def land(self, request: httpx2.Request) -> Arrival:
        """Goes on with such a request."""
        return await self.browser.send(request, RETURN_TO[self.app.channel])

    async def code(self) -> str:
        """The whole way up to the code."""
        return code_of(await self.land(await self.in_flight()), self.app.channel)

    async def complete(self, code: str, app: App | None = None, verifier: str = "") -> str:
        """What the code comes to in a session: the next step, or why it is refused."""
        try:
            link = await (app or self.app).link(
                "CampusSignInComplete", code=code, verifier=verifier or self.verifier.text
            )
        except QuestionRefused as refused:
            return refused.code
        step: str = link["step"]
        return step
