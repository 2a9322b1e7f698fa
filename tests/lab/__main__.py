"""`make sso-lab`: the contract kit and the security probes against real servers, as a table."""

import asyncio
import logging
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from adapters.conformance.contract import ProviderContract
from adapters.conformance.ground import Back
from adapters.conformance.hostile import HOST
from adapters.sso.api import Begin, Provider, Reach
from tests.contract.sso.people import PASSWORD, PUPILS
from tests.contract.sso.stage import CALLBACK, read
from tests.lab.probes import PROBES
from tests.lab.processes import NotInstalled
from tests.lab.servers import ALL, LabServer


@dataclass
class Tally:
    """What agreed and what did not."""

    agreed: int = 0
    failed: list[str] = field(default_factory=list)

    async def ask(self, name: str, question: Callable[[], Awaitable[None] | None]) -> None:
        """Asks one question; whatever it raises is a failure."""
        try:
            answer = question()
            if answer is not None:
                await answer
            self.agreed += 1
        except Exception:
            self.failed.append(f"{name}\n{traceback.format_exc(limit=-3)}")


def contract_of(server: LabServer) -> type[ProviderContract]:
    """The kit for a running server."""

    class LabContract(ProviderContract):
        """Everything comes from the server's description."""

        people = server.people
        released = server.released
        callback_url = CALLBACK

        def make(self) -> Provider:
            return read(server.table, server.references).provider

        def make_facing(self, port: int) -> Provider:
            if server.table["kind"] != "ldap":
                return self.make()
            change = {"url": f"ldap://{HOST}:{port}"}
            return read({**server.table, **change}, server.references).provider

        async def login(self, begin: Begin | None, state: str, person: int) -> Back:
            if begin is None:
                return Back(form={"username": PUPILS[person].login, "password": PASSWORD})
            return await server.log_in(begin.url, self.callback_url, person)

    LabContract.reach = Reach(plain_loopback=True)
    for name, value in server.kit.items():
        setattr(LabContract, name, value)
    return LabContract


async def judged(server: LabServer) -> tuple[Tally, Tally]:
    """The kit's tally and the probes'."""
    kit, probes = Tally(), Tally()
    contract = contract_of(server)
    for name in sorted(name for name in dir(contract) if name.startswith("test_")):
        await kit.ask(name, getattr(contract(), name))
    for probe in PROBES[server.name]:
        await probes.ask(probe.what, lambda probe=probe: probe.ask(server, CALLBACK))  # type: ignore[misc]  # binds the probe
    return kit, probes


async def run_all(names: Sequence[str]) -> int:
    """Starts each server in turn and prints its row; the number of failures."""
    failures = 0
    print(f"{'server':12} {'package':26} {'kit':>7} {'probes':>7}  seconds")
    for name in names:
        begun = time.monotonic()
        try:
            async with ALL[name](CALLBACK) as server:
                kit, probes = await judged(server)
        except NotInstalled as missing:
            print(f"{name:12} not run: {missing}")
            failures += 1
            continue
        row = [f"{each.agreed}/{each.agreed + len(each.failed)}" for each in (kit, probes)]
        seconds = time.monotonic() - begun
        print(f"{server.name:12} {server.package:26} {row[0]:>7} {row[1]:>7}  {seconds:.0f}")
        for failure in (*kit.failed, *probes.failed):
            print(failure, file=sys.stderr)
        failures += len(kit.failed) + len(probes.failed)
    print(f"sso-lab: {'all agree' if not failures else f'{failures} differ'}")
    return failures


if __name__ == "__main__":
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    sys.exit(1 if asyncio.run(run_all(sys.argv[1:] or list(ALL))) else 0)
