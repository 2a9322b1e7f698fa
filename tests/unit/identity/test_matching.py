"""What proves a card, as one table."""

from itertools import product

import pytest

from core.identity.matching import name_form, number_form, proves_card
from core.ports.pins import PinStanding

_BY_PIN = {
    (PinStanding.SET, False), (PinStanding.SET, True), (PinStanding.DEFAULT, True),
    (PinStanding.ABSENT, True),
}  # fmt: skip
"""(How the PIN stands, whether the sign-in showed the person besides): these prove a card."""


@pytest.mark.parametrize(
    ("agrees", "pin", "pin_open", "second_proof", "owner_shown", "bound_elsewhere"),
    list(product((True, False), PinStanding, *[(True, False)] * 4)),
)
def test_every_combination_of_proofs(
    agrees: bool,
    pin: PinStanding,
    pin_open: bool,
    second_proof: bool,
    owner_shown: bool,
    bound_elsewhere: bool,
) -> None:
    proven = (pin, second_proof) in _BY_PIN if pin_open else owner_shown
    expected = agrees and proven and (owner_shown or not bound_elsewhere)
    assert expected == proves_card(
        agrees=agrees,
        pin=pin,
        pin_open=pin_open,
        second_proof=second_proof,
        owner_shown=owner_shown,
        bound_elsewhere=bound_elsewhere,
    )


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("示例甲", " 示例甲 "),
        ("买买提·示例", "买买提•示例"),
        ("Ann Example", "ＡＮＮ  example"),
    ],
)
def test_names_are_equal_in_their_form(left: str, right: str) -> None:
    assert name_form(left) == name_form(right)


def test_other_names_stay_apart() -> None:
    assert name_form("示例甲") != name_form("示例乙")


@pytest.mark.parametrize(
    ("text", "number"),
    [(" S000_1-a ", "S000_1-a"), ("", None), ("S' OR 1", None), ("S" * 33, None), ("Ｓ1", None)],
)
def test_a_number_has_the_rosters_form(text: str, number: str | None) -> None:
    assert number_form(text) == number
