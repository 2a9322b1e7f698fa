"""The contract kit and the probes, asked of a server that is started for that alone."""

from adapters.conformance.contract import ProviderContract
from adapters.conformance.ground import Back
from adapters.conformance.hostile import HOST
from adapters.sso.api import Begin, Provider, Reach
from tests.contract.sso.people import PASSWORD, PUPILS
from tests.contract.sso.stage import CALLBACK, read
from tests.lab.probes import PROBES
from tests.lab.servers import ALL, LabServer
from tests.lab.tally import Tally


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


async def judged(name: str) -> tuple[str, Tally, Tally]:
    """The package of a server, and the tallies of the kit and of the probes.

    Raises: NotInstalled.
    """
    kit, probes = Tally(), Tally()
    async with ALL[name](CALLBACK) as server:
        contract = contract_of(server)
        for test in sorted(test for test in dir(contract) if test.startswith("test_")):
            await kit.ask(test, getattr(contract(), test))
        for probe in PROBES[server.name]:
            await probes.ask(probe.what, lambda probe=probe: probe.ask(server, CALLBACK))  # type: ignore[misc]  # binds the probe
    return server.package, kit, probes
