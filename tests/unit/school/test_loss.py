"""The formula of codes.md 13, and the figures that its table prints."""

from dataclasses import replace
from uuid import UUID

import pytest

from core.school.loss import Place, WhatIf, bound_minor, exposure, places_of, takes_cards
from core.school.policy import Offline, Policy, Purse
from core.school.policy_words import Instrument, PurseModel
from core.school.records import DeviceClass, Site, Terminal, TerminalState

OFFLINE = Offline(money=True, cap_class=1, accepted_loss_minor=10_000)
POLICY = Policy(offline=OFFLINE)
CAPS = (OFFLINE.cap_1, OFFLINE.cap_2, OFFLINE.cap_high)
EIGHT = [Place(number, 25, has_edge=False) for number in range(8)]


@pytest.mark.parametrize(("authorities", "yuan"), [
    (200, (10_000, 4_000, 20_000, 9_950)), (50, (2_500, 1_000, 5_000, 2_450)),
    (8, (400, 160, 800, 350)), (2, (100, 40, 200, 50)), (1, (50, 20, 100, 0)), (0, (0, 0, 0, 0)),
])  # fmt: skip
def test_bound_is_the_table(authorities: int, yuan: tuple[int, int, int, int]) -> None:
    *plain, with_reserve = yuan
    assert [bound_minor(authorities, cap, 0) for cap in CAPS] == [each * 100 for each in plain]
    reserve = OFFLINE.cap_1.total_minor
    assert bound_minor(authorities, OFFLINE.cap_1, reserve) == with_reserve * 100


@pytest.mark.parametrize(("what_if", "authorities"), [
    (WhatIf(sites=16), 200), (WhatIf(), 50), (WhatIf(sites=16, edges=True), 8),
    (WhatIf(edges=True), 2), (WhatIf(sites=1, edges=True), 1), (WhatIf(sites=0), 0),
    (WhatIf(site_count=1), 25), (WhatIf(sites=16, site_count=16, terminals=3), 48),
    (WhatIf(sites=16, site_count=16), 200), (WhatIf(terminals=0, edges=True), 0),
])  # fmt: skip
def test_authorities_are_those_that_the_mask_names(what_if: WhatIf, authorities: int) -> None:
    assert exposure(POLICY, EIGHT, what_if).authorities == authorities


def test_only_classes_that_are_issued_count() -> None:
    two = exposure(POLICY, EIGHT)
    assert [each.is_issued for each in two.classes] == [True, True, False]
    assert (two.phone_minor, two.is_accepted) == (250_000, False)
    assert exposure(POLICY, EIGHT, WhatIf(cap_class=2)).phone_minor == 100_000
    less = exposure(POLICY, EIGHT, WhatIf(cap_class=2, reserve_minor=90_000, cards=False))
    assert (less.loss_minor, less.is_accepted) == (10_000, True)
    third = replace(OFFLINE, cap_1=replace(OFFLINE.cap_1, count=1))
    assert exposure(replace(POLICY, offline=third), EIGHT).phone_minor == 100_000


@pytest.mark.parametrize(("hours", "days"), [(1, 1), (24, 1), (25, 2), (48, 2), (72, 3)])
def test_card_adds_its_cap_a_day_at_every_terminal_until_the_list_is_too_old(
    hours: int, days: int
) -> None:
    policy = replace(POLICY, offline=replace(OFFLINE, deny_age_hours=hours, sites=0))
    found = exposure(policy, EIGHT)
    assert (found.card.authorities, found.card.days, found.card.authority_minor) == (
        200, days, 2_000,
    )  # fmt: skip
    assert found.loss_minor == found.card.loss_minor == 200 * days * 2_000, "a card names no site"
    assert exposure(policy, EIGHT, WhatIf(edges=True)).loss_minor == 0, "an edge takes no card"
    reserve = exposure(policy, EIGHT, WhatIf(reserve_minor=100_000))
    assert reserve.card == found.card, "no reserve is set aside for cards"


def test_card_counts_where_terminals_take_it_alone() -> None:
    on_chips = replace(POLICY, purse=Purse(model=PurseModel.ON_CARD))
    codes = replace(OFFLINE, instruments=frozenset({Instrument.VIRTUAL}))
    for policy in (on_chips, replace(POLICY, offline=codes)):
        assert not takes_cards(policy)
        assert exposure(policy, EIGHT).card.loss_minor == 0
        assert exposure(policy, EIGHT, WhatIf(cards=True)).card.loss_minor == 400_000
    assert takes_cards(POLICY)
    assert exposure(POLICY, EIGHT).loss_minor == 250_000 + 400_000
    assert exposure(POLICY, EIGHT, WhatIf(cards=False)).loss_minor == 250_000


def test_edge_and_terminals_are_counted_where_they_stand() -> None:
    def terminal(
        number: int, site: int, state: TerminalState = TerminalState.ACTIVE,
        device_class: DeviceClass = DeviceClass.TILL,
    ) -> Terminal:  # fmt: skip
        return Terminal(number, UUID(int=1), site, state, device_class, ("MEAL",), *[None] * 3)

    sites = [Site(number, "示例", "Sample") for number in (0, 3)]
    terminals = [
        terminal(1, 0), terminal(2, 0, TerminalState.NEW), terminal(3, 0, TerminalState.RETIRED),
        terminal(4, 0, device_class=DeviceClass.GATE), terminal(5, 3), terminal(6, 3),
        terminal(7, 0, device_class=DeviceClass.VIRTUAL),
        terminal(8, 3, device_class=DeviceClass.EDGE),
        terminal(9, 0, TerminalState.LOCKED, DeviceClass.EDGE),
    ]  # fmt: skip
    found = places_of(sites, terminals)
    assert found == [Place(0, 2, has_edge=False), Place(3, 2, has_edge=True)]
    assert [place.authorities for place in found] == [2, 1]
    assert [place.card_authorities for place in found] == [2, 0]
