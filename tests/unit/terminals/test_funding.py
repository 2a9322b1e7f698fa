"""The funding plan: what pays for which instrument, in each state of the network."""

from dataclasses import replace

import pytest

from core.school.policy import Offline, Pay, Policy
from core.school.policy_words import Instrument
from terminals import funding
from terminals.funding import Network, instrument_of, plan_of
from terminals.parameters import FundingLine, parameters_of, read, write
from tests.unit.terminals import samples

PURSES = ("SUBSIDY", "MAIN")
OPEN = replace(Policy(), offline=Offline(money=True))
WALLETS = ("134567890123456789", "2845678901234567", "6212345678901234567")
"""What WeChat, Alipay and UnionPay show: the numbers of codes.md 15."""


def test_cards_pay_in_the_schools_order_and_the_reserve_first_without_a_line() -> None:
    plan = plan_of(OPEN, PURSES)
    assert [line.instrument for line in plan.lines] == list(Policy().pay.priority)
    assert [plan.purses(each, Network.ONLINE) for each in Instrument] == [
        PURSES, PURSES, PURSES, (),
    ]  # fmt: skip
    assert plan.purses(Instrument.VIRTUAL, Network.OFFLINE) == ("RESERVE", *PURSES)


def test_an_outage_of_providers_leaves_cards_as_they_are() -> None:
    plan = plan_of(OPEN, PURSES)
    for instrument in Instrument:
        assert plan.purses(instrument, Network.OUTAGE) == plan.purses(instrument, Network.ONLINE)


@pytest.mark.parametrize("policy", [
    Policy(),
    replace(OPEN, offline=replace(OPEN.offline, instruments=frozenset({Instrument.CAMPUS}))),
])  # fmt: skip
def test_nothing_pays_without_a_line_unless_the_school_lets_it(policy: Policy) -> None:
    plan = plan_of(policy, PURSES)
    assert {plan.purses(each, Network.OFFLINE) for each in Instrument} == {()}
    assert plan.pay_kinds(Network.OFFLINE) == frozenset()
    assert plan.pay_kinds(Network.ONLINE) == {1, 2, 4}


def test_what_the_school_leaves_out_never_pays() -> None:
    narrow = replace(OPEN, pay=Pay(priority=(Instrument.VIRTUAL, Instrument.WALLET)))
    plan = plan_of(narrow, PURSES)
    assert plan.pay_kinds(Network.ONLINE) == {1, 4}
    for network in Network:
        assert plan.purses(Instrument.PHYSICAL, network) == ()
    assert funding.refusal(Instrument.PHYSICAL, plan, Network.ONLINE) == "NOT_SUPPORTED"


@pytest.mark.parametrize("policy", [Policy(), OPEN])
@pytest.mark.parametrize(("network", "refusal"), [
    (Network.ONLINE, "NOT_SUPPORTED"),
    (Network.OUTAGE, "PROVIDER_UNAVAILABLE"),
    (Network.OFFLINE, "OFFLINE_OFF"),
])  # fmt: skip
def test_wallets_are_refused_by_the_state_of_the_network(
    policy: Policy, network: Network, refusal: str
) -> None:
    plan = plan_of(policy, PURSES)
    assert [funding.refusal(instrument_of(text), plan, network) for text in WALLETS] == [
        refusal
    ] * 3


@pytest.mark.parametrize(("text", "instrument"), [
    ("CARD:0A1B2C3D", Instrument.PHYSICAL), ("NFC:1234", Instrument.PHYSICAL),
    ("91" + "0" * 18, Instrument.VIRTUAL), ("90" + "0" * 18, Instrument.VIRTUAL),
    (samples.VECTOR_1, None), ("hello", None), ("FACE:x", None),
])  # fmt: skip
def test_form_tells_the_instrument_or_leaves_it_to_the_reader(
    text: str, instrument: Instrument | None
) -> None:
    assert instrument_of(text) is instrument


def test_parameters_ship_the_whole_table() -> None:
    made = read(write(parameters_of(OPEN, [], [], PURSES, bytes(32))))
    assert made.plan == plan_of(OPEN, PURSES)
    newer = FundingLine(instrument="WATCH", online=["X"], outage=[], offline=[])
    known = made.model_copy(update={"funding_plan": [newer, *made.funding_plan]})
    assert known.plan == made.plan
