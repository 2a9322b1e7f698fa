"""What a school's policy and registry say to its terminals, and which bytes they take."""

from dataclasses import replace
from uuid import UUID

import pytest

from core.school.loss import takes_cards
from core.school.policy import Offline, Policy, Purse
from core.school.policy_words import Instrument, PurseModel
from core.school.records import DeviceClass, Site, Terminal, TerminalState
from terminals.funding import plan_of
from terminals.parameters import ParametersInvalid, parameters_of, read, write
from terminals.verification import CapClass

SITES = [Site(0, "一", "One"), Site(3, "三", "Three")]
OPEN = replace(Policy(), offline=Offline(money=True, challenge_above_minor=700))


def terminal(number: int, site: int) -> Terminal:
    return Terminal(
        number, UUID(int=1), site, TerminalState.ACTIVE, DeviceClass.TILL, ("MEAL",), None, None,
        None,
    )  # fmt: skip


TILLS = [terminal(9, 3), terminal(2, 3), terminal(1, 0)]


def test_parameters_survive_their_bytes_and_equal_facts_make_equal_bytes() -> None:
    made = parameters_of(OPEN, SITES, TILLS, ("SUBSIDY", "MAIN"), b"\x05" * 32)
    assert read(write(made)) == made
    assert write(parameters_of(OPEN, SITES, TILLS, ("SUBSIDY", "MAIN"), b"\x05" * 32)) == write(
        made
    )
    assert b'"denyAgeSeconds":86400' in write(made)
    assert b'"pinPublicKey":"' + b"05" * 32 in write(made)


def test_policy_decides_caps_sites_funding_and_times() -> None:
    made = parameters_of(OPEN, SITES, TILLS, ("SUBSIDY", "MAIN"), bytes(32))
    assert made.caps_by_class() == {
        1: CapClass(2_000, 3, 5_000),
        2: CapClass(1_000, 2, 2_000),
        3: CapClass(5_000, 4, 10_000, is_high=True),
    }
    assert [(site.site_no, site.terminals) for site in made.sites] == [(0, [1]), (3, [2, 9])]
    assert (made.site_of(9), made.site_of(1), made.site_of(4)) == (3, 0, None)
    assert made.plan == plan_of(OPEN, ("SUBSIDY", "MAIN"))
    assert [line.instrument for line in made.funding_plan] == [
        "PHYSICAL", "VIRTUAL", "CAMPUS", "WALLET",
    ]  # fmt: skip
    assert made.offline_instruments == ["PHYSICAL", "VIRTUAL"]
    assert made.tap_cap == CapClass(1_000, 2, 2_000)
    assert (made.challenge_above_minor, made.offline_challenge_above_minor) == (5_000, 700)
    assert (made.upload_due_seconds, made.upload_seconds) == (86_400, 864_000)
    assert made.pay_kinds == {1, 4}


def test_without_offline_money_every_cap_is_nothing() -> None:
    shut = parameters_of(Policy(), SITES, TILLS, ("MAIN",), bytes(32))
    assert not shut.offline_money
    assert shut.caps_by_class() == {}
    assert shut.tap_cap is None
    assert shut.offline_challenge_above_minor is None


def test_only_instruments_that_a_terminal_can_verify_alone_are_named() -> None:
    later = replace(Policy(), offline=Offline(instruments=frozenset({Instrument.CAMPUS})))
    made = parameters_of(later, SITES, TILLS, ("MAIN",), bytes(32))
    assert (made.offline_instruments, made.pay_kinds) == ([], frozenset())
    assert [line.offline for line in made.funding_plan] == [[], [], [], []]


@pytest.mark.parametrize(("taken", "kinds", "is_tapped"), [
    ({Instrument.PHYSICAL}, (), True), ({Instrument.VIRTUAL}, (1, 4), False),
])  # fmt: skip
def test_a_school_may_take_cards_or_codes_alone(
    taken: set[Instrument], kinds: tuple[int, ...], is_tapped: bool
) -> None:
    offline = Offline(money=True, instruments=frozenset(taken))
    made = parameters_of(replace(Policy(), offline=offline), SITES, TILLS, ("MAIN",), bytes(32))
    assert made.offline_instruments == sorted(taken)
    assert (made.pay_kinds, made.tap_cap is not None) == (frozenset(kinds), is_tapped)
    assert read(write(made)) == made


@pytest.mark.parametrize("model", PurseModel)
@pytest.mark.parametrize("taken", [(Instrument.PHYSICAL,), (Instrument.VIRTUAL,), ()])
def test_the_loss_counts_cards_exactly_where_terminals_take_them(
    model: PurseModel, taken: tuple[Instrument, ...]
) -> None:
    offline = Offline(money=True, instruments=frozenset(taken))
    policy = replace(Policy(), offline=offline, purse=Purse(model))
    made = parameters_of(policy, SITES, TILLS, ("MAIN",), bytes(32))
    assert (made.tap_cap is not None) == takes_cards(policy)


def test_parameters_of_before_physical_cards_take_none() -> None:
    content = write(parameters_of(OPEN, SITES, TILLS, ("MAIN",), bytes(32)))
    old = content[: content.index(b',"cardCap"')] + b"}"
    assert read(old).tap_cap is None


@pytest.mark.parametrize(("old", "new"), [
    (b'"offlineMoney":true', b'"offlineMoney":1'), (b'"lifeSeconds":45', b'"lifeSeconds":-1'),
    (b'"lifeSeconds":45', b'"lifeSeconds":"45"'), (b'"zone"', b'"zones"'), (b"{", b"["),
    (b'"siteNo":3', b'"siteNo":16'),
])  # fmt: skip
def test_other_bytes_are_no_parameters(old: bytes, new: bytes) -> None:
    content = write(parameters_of(OPEN, SITES, TILLS, ("MAIN",), bytes(32)))
    with pytest.raises(ParametersInvalid):
        read(content.replace(old, new, 1))


def test_a_member_that_is_not_known_is_left_to_newer_terminals() -> None:
    content = write(parameters_of(OPEN, SITES, TILLS, ("MAIN",), bytes(32)))
    assert read(content.replace(b"{", b'{"colours":[],', 1)) == read(content)
