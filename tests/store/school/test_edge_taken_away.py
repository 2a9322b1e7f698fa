"""An edge that goes leaves its tills to decide alone, within what its school accepts to lose."""

from dataclasses import dataclass

import pytest
from nacl.signing import SigningKey

from core.school.loss import EdgeNeeded
from core.school.records import DeviceClass, Site, TerminalState
from core.school.service import Losses
from tests.factories.registry import OPERATOR, SCHOOL, Registry, school_file

ON = '[policy.offline]\nmoney = true\ninstruments = ["VIRTUAL"]\naccepted_loss_minor = '
EACH_MINOR = 2_000
TABLES = ("terminal", "terminal_key", "audit_event", "policy_version")


@dataclass
class Canteen:
    """Site 0 with three tills behind an edge; its school accepts the loss of one authority."""

    registry: Registry
    merchant: int
    edge: int

    async def rows(self) -> list[object]:
        return [await self.registry.rows(f"SELECT * FROM {table}") for table in TABLES]

    async def accept(self, minor: int) -> None:
        await self.registry.schools.policy_activate(
            SCHOOL, school_file(policy=f"{ON}{minor}\n"), OPERATOR
        )

    async def add(self, device: DeviceClass, site: int = 0) -> int:
        terminals = self.registry.terminals
        made = await terminals.register(SCHOOL, self.merchant, site, device, [], OPERATOR)
        return made.number

    async def add_edge(self, site: int = 0) -> int:
        number, registry = await self.add(DeviceClass.EDGE, site), self.registry
        code = f"EDGE{number:08}"
        await registry.terminals.activation_open(SCHOOL, number, code, OPERATOR)
        enrolled = await registry.enrol(code, SigningKey(bytes([number]) * 32))
        mark = enrolled.keys[-1].fingerprint
        await registry.terminals.confirm(SCHOOL, number, mark, OPERATOR)
        return number

    async def change(self, act: str, number: int) -> TerminalState:
        changed = await self.registry.terminals.change_state(
            SCHOOL, number, act, "sample", OPERATOR,  # type: ignore[arg-type]  # a word of the test
        )  # fmt: skip
        return changed.terminal.state


@pytest.fixture
async def canteen(registry: Registry) -> Canteen:
    merchant = await registry.add_merchant()
    canteen = Canteen(registry, merchant.number, 0)
    canteen.edge = await canteen.add_edge()
    for _ in range(3):
        await canteen.add(DeviceClass.TILL)
    await canteen.accept(EACH_MINOR)
    return canteen


async def test_edge_stays_while_its_tills_alone_would_cost_too_much(canteen: Canteen) -> None:
    before = await canteen.rows()
    with pytest.raises(EdgeNeeded) as refused:
        await canteen.change("RETIRE", canteen.edge)
    assert refused.value.details == {"lossMinor": 3 * EACH_MINOR, "acceptedMinor": EACH_MINOR}
    assert await canteen.rows() == before
    await canteen.accept(3 * EACH_MINOR)
    assert await canteen.change("RETIRE", canteen.edge) is TerminalState.RETIRED
    assert await canteen.change("RETIRE", canteen.edge) is TerminalState.RETIRED, "again"


async def test_edge_goes_where_another_one_decides_or_nothing_is_sold_alone(
    canteen: Canteen,
) -> None:
    second = await canteen.add_edge()
    assert await canteen.change("RETIRE", canteen.edge) is TerminalState.RETIRED
    with pytest.raises(EdgeNeeded):
        await canteen.change("RETIRE", second)
    closed = school_file(policy="[policy.offline]\nmoney = false\n")
    await canteen.registry.schools.policy_activate(SCHOOL, closed, OPERATOR)
    assert await canteen.change("RETIRE", second) is TerminalState.RETIRED


async def test_stolen_edge_is_locked_at_once_and_then_no_other_loss_hides_behind_it(
    canteen: Canteen,
) -> None:
    registry, losses = canteen.registry, Losses(canteen.registry.database)
    await registry.schools.site_put(SCHOOL, Site(5, "五", "Five"), OPERATOR)
    spare = await canteen.add_edge(site=5)
    assert await canteen.change("LOCK", canteen.edge) is TerminalState.LOCKED
    with pytest.raises(EdgeNeeded):
        await losses.check_unlisted(SCHOOL)
    assert await canteen.change("RETIRE", canteen.edge) is TerminalState.RETIRED
    # Nothing is sold at site 5, so its edge changes no figure.
    assert await canteen.change("RETIRE", spare) is TerminalState.RETIRED
    await canteen.change("RETIRE", 2)
    await canteen.change("RETIRE", 3)
    await losses.check_unlisted(SCHOOL)
