"""The product, the servers where a person logs in, and that person with an app of each channel."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from clients.endpoint import Endpoint
from tests.contract.sandbox import free_port, running_sandbox
from tests.contract.sso.people import PUPILS
from tests.lab.browser import Browser
from tests.lab.channels import PIN, WAYS, arrive, come_by
from tests.lab.house import House, open_house, pupil_row
from tests.lab.person import App, Face, Person
from tests.lab.processes import NotInstalled
from tests.lab.school import SCHOOL
from tests.lab.servers import ALL, LabServer
from tests.lab.tally import Differs, Row, Tally, say

CHANNEL_ALONE = "no server: the channel's own proof"


@dataclass
class Town:
    """`apps` are bound, one a channel, and `face` is the card that the first of them showed.

    `seen` is what was seen after a login: by the server, or nothing for the channel's own way, and
    by the channel.
    """

    house: House
    servers: dict[str, LabServer]
    person: Person
    endpoint: Endpoint
    stack: AsyncExitStack
    apps: dict[str, App] = field(default_factory=dict)
    face: Face | None = None
    seen: dict[str, dict[str, str]] = field(default_factory=dict)

    def callback(self, server: str, school: int = SCHOOL) -> str:
        """Where a server sends the browser back to."""
        return f"{self.house.url}/sso/{school}/{server}/callback"

    async def browser(self) -> Browser:
        """A browser that has been nowhere yet."""
        return await self.stack.enter_async_context(Browser(self.house.trust))

    async def fresh(self, channel: str, pupil: int = 0) -> App:
        """A client of the channel in which a pupil, the person, has just signed in."""
        person = self.person if pupil == 0 else pupil_of(self.house, pupil)
        return await arrive(person, self.endpoint, channel)

    async def check_face(self, app: App) -> Face:
        """The one card is seen, as the register has it, with what is on it."""
        seen, row = await app.face(), self.person.row
        if self.face is None:
            told = (seen.number, seen.name, seen.balance_minor)
            assert told == (row.number, row.name, row.old_balance_minor), seen
            self.face = seen
        assert seen == self.face, f"{seen} is not {self.face}"
        return seen

    @contextmanager
    def sighting(self, server: str, channel: str) -> Iterator[None]:
        """Keeps for the table which card was seen, or that a login did not end there."""
        cells = self.seen.setdefault(server, {})
        cells[channel] = "DIFFERS"
        yield
        cells[channel] = str(self.face)


@asynccontextmanager
async def open_town(names: Sequence[str]) -> AsyncIterator[Town]:
    """Starts everything; a server that is not installed is left out."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(_folder())
        say("starting the pretend providers")
        sandbox = await stack.enter_async_context(running_sandbox())
        port, servers = free_port(), {}
        for name in names:
            say(f"starting {name} for the logins")
            callback = f"https://127.0.0.1:{port}/sso/{SCHOOL}/{name}/callback"
            try:
                servers[name] = await stack.enter_async_context(ALL[name](callback))
            except NotInstalled as missing:
                say(f"  not there: {missing}")
        say("starting PostgreSQL, Valkey, the worker and two server processes behind TLS")
        opening = open_house(port, sandbox, list(servers.values()), folder)
        house = await stack.enter_async_context(opening)
        endpoint = await stack.enter_async_context(house.endpoint())
        yield Town(house, servers, pupil_of(house, 0), endpoint, stack)


def pupil_of(house: House, place: int) -> Person:
    """A pupil with a phone."""
    return Person(house, PUPILS[place].login, pupil_row(place))


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder for the time being, which the stores' account may pass through."""
    with TemporaryDirectory(prefix="campus-lab-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


async def visit_channels(town: Town, rows: list[Row]) -> Face | None:
    """The person comes by each channel, proves the card there, and sees it: the card."""
    for channel, way in WAYS.items():
        say(f"{channel}: {way.proof}")
        tally = Tally()

        async def come(channel: str = channel) -> None:
            with town.sighting(CHANNEL_ALONE, channel):
                town.apps[channel] = await come_by(town.person, town.endpoint, channel)
                await town.check_face(town.apps[channel])
                # What the channel said once it says again: the next sign-in finds the card itself.
                if channel != "NATIVE":
                    await town.check_face(await town.fresh(channel))

        row = Row(channel, [way.proof], [tally])
        with row.timed():
            await tally.ask("the same card", come)
        rows.append(row)
    return town.face


async def log_in(town: Town, server: LabServer) -> Tally:
    """The person goes through a server in each channel, twice: as somebody new, and bound.

    The first finds the card by the school's word alone, at a server's first login by the number it
    tells, from then on by the account; the second proves the bound session anew.
    """
    tally = Tally()
    for channel in WAYS:

        async def both(channel: str = channel) -> None:
            with town.sighting(server.name, channel):
                await tally.need(f"{channel}, new", lambda: _new(town, server, channel))
                await tally.need(f"{channel}, bound", lambda: _bound(town, server, channel))

        with suppress(Differs):
            await both()
    return tally


async def _new(town: Town, server: LabServer, channel: str) -> None:
    app = town.apps[channel]
    own = next(i for name, i in (await app.bindings()).items() if name.startswith(channel))
    await app.change("SessionStepUp", pin=PIN)
    await app.change("BindingEnd", bindingId=own)
    app = await town.fresh(channel)
    assert (await app.viewer())["kind"] == "UNBOUND"
    link = await town.person.sign_on(app, server)
    assert link["step"] == "NONE", link
    assert town.face is not None
    assert link["cardholder"]["id"] == town.face.cardholder_id
    town.apps[channel] = app
    await town.check_face(app)


async def _bound(town: Town, server: LabServer, channel: str) -> None:
    app = town.apps[channel]
    link = await town.person.sign_on(app, server)
    assert (link["step"], link["tokens"]) == ("NONE", None), link
    await town.check_face(app)
