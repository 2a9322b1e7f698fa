"""What proves a card, as one table."""

from itertools import product

import pytest

from core.identity.matching import name_form, number_form, proves_card
from core.ports.pins import PinStanding

_STRONG = {
    (PinStanding.SET, True, False), (PinStanding.SET, True, True),
    (PinStanding.DEFAULT, True, True), (PinStanding.ABSENT, True, True),
}  # fmt: skip


@pytest.mark.parametrize(
    ("agrees", "pin", "pin_open", "registered", "bound_elsewhere"),
    list(product((True, False), PinStanding, (True, False), (True, False), (True, False))),
)
def test_every_combination_of_proofs(
    agrees: bool, pin: PinStanding, pin_open: bool, registered: bool, bound_elsewhere: bool
) -> None:
    by_pin = (pin, pin_open, registered) in _STRONG
    by_address_alone = registered and not pin_open
    expected = agrees and (by_pin or by_address_alone) and (registered or not bound_elsewhere)
    assert expected == proves_card(
        agrees=agrees,
        pin=pin,
        pin_open=pin_open,
        registered=registered,
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
