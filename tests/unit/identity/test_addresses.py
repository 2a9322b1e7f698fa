"""Addresses: one form each, one index wherever they are kept, masked when shown."""

import pytest

from core.identity.addresses import Address, find_address, registered_address
from core.identity.records import AddressInvalid, PersonalFacts
from core.kit.sealed import Sealer
from core.ports.messages import AddressKind

SEALER = Sealer({1: bytes(32)}, bytes(32), bytes)


@pytest.mark.parametrize(
    ("kind", "text", "form"),
    [
        (AddressKind.EMAIL, " Ann@People.Example ", "ann@people.example"),
        (AddressKind.PHONE, "+86 138-0000-0000", "13800000000"),
        (AddressKind.PHONE, "13800000000", "13800000000"),
    ],
)
def test_an_address_has_one_form(kind: AddressKind, text: str, form: str) -> None:
    assert Address.parse(kind, text).text == form


@pytest.mark.parametrize("text", ["ann@people", "a b@people.example", "@people.example", ""])
def test_a_text_that_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(AddressInvalid):
        Address.parse(AddressKind.EMAIL, text)
    assert find_address(AddressKind.EMAIL, text) is None


def test_an_address_is_indexed_alike_by_its_form_and_apart_by_kind_and_school() -> None:
    email = Address.parse(AddressKind.EMAIL, "ann@people.example")
    shouted = Address.parse(AddressKind.EMAIL, "ANN@PEOPLE.EXAMPLE")
    assert email.index(SEALER, 1) == shouted.index(SEALER, 1)
    assert email.index(SEALER, 1) != email.index(SEALER, 2)
    phone = Address(AddressKind.PHONE, "ann@people.example")
    assert email.index(SEALER, 1) != phone.index(SEALER, 1)


def test_a_shown_address_is_masked() -> None:
    assert Address(AddressKind.PHONE, "13800001234").masked() == "*******1234"
    assert Address(AddressKind.EMAIL, "ann@people.example").masked() == "a***@people.example"


@pytest.mark.parametrize(
    ("phone", "email", "text"),
    [
        ("13800000000", "ann@people.example", "13800000000"),
        ("+99913000000", "ann@people.example", "ann@people.example"),
        (None, "ann@people.example", "ann@people.example"),
        ("+99913000000", None, None),
    ],
)
def test_the_register_reaches_a_person_by_phone_then_mail(
    phone: str | None, email: str | None, text: str | None
) -> None:
    found = registered_address(PersonalFacts(None, None, phone, email))
    assert (found and found.text) == text
