"""`make sso-lab`: real servers, asked by the kit, by forgeries, and by a person with a card.

`python -m tests.lab serve cas` puts one up to stay, for a school of the demo.
"""

import asyncio
import logging
import sys
from collections.abc import Sequence

from tests.lab.attacks import Attacks
from tests.lab.kit import judged
from tests.lab.outage import kill_valkey
from tests.lab.processes import NotInstalled
from tests.lab.school import CHANNELS
from tests.lab.servers import ALL
from tests.lab.standing import serve
from tests.lab.table import Table
from tests.lab.tally import Row, Tally, say
from tests.lab.town import Town, log_in, open_town, visit_channels


async def run_all(names: Sequence[str]) -> int:
    """Goes through everything and prints the table; how much differs."""
    table = Table()
    async with open_town(names) as town:
        face = await visit_channels(town, table.channels)
        for place, name in enumerate(names):
            table.servers.append(await _server(town, name, CHANNELS[place % len(CHANNELS)]))
        await _scenes(town, table.scenes)
    return table.show(town.seen, face)


async def _server(town: Town, name: str, channel: str) -> Row:
    """The kit and the probes of a server; the person and the others at another instance of it."""
    row = Row(name)
    with row.timed():
        say(f"{name}: the contract kit and the probes")
        try:
            package, kit, probes = await judged(name)
        except NotInstalled as missing:
            row.cells = [f"not run: {missing}"]
            row.tallies = [Tally(failed=[str(missing)]), Tally(), Tally(), Tally()]
            return row
        server = town.servers[name]
        say(f"{name}: the person logs in")
        logins = await log_in(town, server)
        say(f"{name}: attacks on the way there and back")
        others = [each for each in town.servers.values() if each is not server]
        attacks = await Attacks(town, server, next(iter(others), None), channel).judged()
        row.cells, row.tallies = [package], [kit, probes, logins, attacks]
    return row


async def _scenes(town: Town, rows: list[Row]) -> None:
    if town.servers:
        row = Row("Valkey killed in the middle of logins")
        with row.timed():
            row.tallies = [tally := Tally()]
            await tally.ask("all of it was asked", lambda: kill_valkey(town, tally))
        rows.append(row)
    refused = await town.house.sandbox.failures()
    rows.append(
        Row("the pretend providers took all we sent", [], [Tally(int(not refused), refused)])
    )


def main(words: Sequence[str]) -> int:
    """The exit status: of a run, or of a server that was put up to stay."""
    if words[:1] == ["serve"]:
        return serve(words[1:])
    unknown = [word for word in words if word not in ALL]
    if unknown:
        print(f"unknown: {' '.join(unknown)}; there are: {' '.join(ALL)}", file=sys.stderr)
        return 2
    return 1 if asyncio.run(run_all(words or list(ALL))) else 0


if __name__ == "__main__":
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    sys.exit(main(sys.argv[1:]))
